"""scikit-learn's MLPClassifier, which has ReLU in place of ELU, no dropout and no learning-rate schedule for Adam.

So it trains the plain and the L2 variants only, and does less work than the others there.
"""

from __future__ import annotations

import numpy as np

from benchmarks.peers.case import BATCH_ROWS, LEARNING_RATE, Clock, read_case, versions_of

EPSILON = 1e-7


def main() -> None:
    case = read_case()
    from sklearn.neural_network import MLPClassifier

    if case.network.dropout:
        raise SystemExit("MLPClassifier has no dropout")
    x, y, x_validation, y_validation = case.arrays()
    model = MLPClassifier(
        case.network.units,
        alpha=2 * case.network.l2 * BATCH_ROWS,  # its penalty is alpha / 2 / batch rows * sum of squares
        batch_size=BATCH_ROWS,
        learning_rate_init=LEARNING_RATE,
    )
    clock = Clock(case)
    best, done = float("inf"), False
    while not done:
        model.partial_fit(x, y, classes=[0.0, 1.0])  # one epoch
        chances = np.clip(model.predict_proba(x_validation)[:, 1], EPSILON, 1 - EPSILON)
        best = min(best, float(-np.log(np.where(y_validation > 0, chances, 1 - chances)).mean()))
        done = clock.epoch_done()
    clock.report(best, **versions_of("scikit-learn"))


if __name__ == "__main__":
    main()
