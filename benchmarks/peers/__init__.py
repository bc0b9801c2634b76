"""One program a contender of `benchmarks.engine`; each trains one variant for a few seconds and reports in JSON."""
