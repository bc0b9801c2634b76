"""Imported by the process from which commands are forked; see _fault_forks.py."""

from benchmarks._fault_forks import import_all

import_all()
