"""One study from start to end: prepare, extend, run, judge, and its result."""
