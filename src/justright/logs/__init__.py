"""Other tools' training logs read as the same curves, and what curves alone can tell. No JAX, no Keras."""

from justright.logs.curves import LogCurves
from justright.logs.formats import FORMATS, read_log, read_logs
from justright.logs.reading import CurveReading, diagnose, diagnose_curves

__all__ = ["FORMATS", "CurveReading", "LogCurves", "diagnose", "diagnose_curves", "read_log", "read_logs"]
