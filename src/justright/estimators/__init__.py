"""scikit-learn estimators: `fit` runs a small study, and what it found predicts.

Estimators of other makers that keep their curves are judged by `justright.diagnose`; `diagnose_estimator` is another name of it.
"""

from __future__ import annotations

from justright.session.reading import diagnose as diagnose_estimator

__all__ = ["diagnose_estimator"]
