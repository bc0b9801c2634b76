"""A table of your own, networks of growing size, and the verdicts as a data frame.

Run it: python examples/your_own_table.py
"""

import numpy as np

import justright as jr


def make_table(rows: int = 3_000) -> tuple[np.ndarray, np.ndarray]:
    """Return features and a 0/1 target that depends on two of them, with noise."""
    random = np.random.default_rng(0)
    features = random.normal(size=(rows, 8)).astype(np.float32)
    signal = features[:, 0] * features[:, 1] + 0.5 * features[:, 2]
    return features, (signal + random.normal(size=rows) > 0).astype(int)


if __name__ == "__main__":
    table = jr.read_table(make_table())
    split = table.split(validation=0.2, train=None, test=0.3, order="stratified")
    study = jr.Study(
        split,
        {"Linear": jr.mlp(), "Small": jr.mlp(16), "Large": jr.mlp(256, 256)},
        jr.Recipe(batch_size=100, max_epochs=60, patience=20),
        seeds=3,
    )
    result = study.run("runs/your-own-table")
    for name, label, reasons in result.verdicts.select("variant", "label", "reasons").rows():
        print(f"{name}: {label}\n    " + "\n    ".join(reasons))
    print(result.summary["conclusion"])
