"""The contenders of `benchmarks.engine`, one program for each: it trains one variant for seconds and reports in JSON."""
