"""scikit-learn estimators: `fit` runs a small study, and what it found predicts."""
