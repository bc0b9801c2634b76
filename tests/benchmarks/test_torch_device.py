"""PyTorch's fast ways to train do the same as its plain loop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers.case import BATCH_ROWS, Case, Network

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch", reason="needs torch, which `make test` installs")

NETWORK = Network((8, 4), l2=0.01)
STEPS = 3
EPOCHS = 2


@pytest.fixture(scope="module")
def rows(tmp_path_factory) -> Path:
    """Rows for three steps, and some that validate."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", STEPS * BATCH_ROWS), ("validation", 100)):
        arrays[f"x_{part}"] = rng.normal(size=(count, 28)).astype(np.float32)
        arrays[f"y_{part}"] = rng.integers(0, 2, count).astype(np.float32)
    path = tmp_path_factory.mktemp("rows") / "rows.npz"
    np.savez(path, **arrays)
    return path


def training(rows: Path, lanes: int, network: Network = NETWORK, *, capturable: bool = False):
    """Return the training of some lanes, before its first epoch."""
    from benchmarks.peers.torch_device import Training

    case = Case("Tiny", network, "", rows, 1.0, 1, 0.0, lanes=lanes)
    torch.manual_seed(1)
    return Training(case, compile_it=lambda function: function, capturable=capturable, dtype=torch.float32)


@pytest.mark.parametrize("capturable", [False, True])
def test_one_lane_trains_as_the_plain_loop_does(rows, capturable):
    """Weights, orders, penalties, learning rates and the validation loss; in the form for a graph, too."""
    from benchmarks.peers import torch_loop

    ours = training(rows, 1, capturable=capturable)
    model = torch_loop.build(NETWORK)
    with torch.no_grad():
        for parameter, weights in zip(model.parameters(), ours.weights, strict=True):
            parameter.copy_(weights)
    losses = torch_loop.loss_function(model, NETWORK, bf16=False)
    optimizer = torch.optim.Adam(
        model.parameters(), torch_loop.LEARNING_RATE, eps=torch_loop.KERAS_EPSILON, fused=True
    )
    with np.load(rows) as read:
        x, y, *validation = (
            torch.from_numpy(read[name]) for name in ("x_train", "y_train", "x_validation", "y_validation")
        )
    step = 0
    for epoch in range(EPOCHS):
        torch.manual_seed(epoch)
        step = torch_loop.train_epoch(model, losses, optimizer, x, y, step)
        torch.manual_seed(epoch)
        ours.plan(epoch)
        ours.epoch()
    for parameter, weights in zip(model.parameters(), ours.weights, strict=True):
        torch.testing.assert_close(weights, parameter)
    torch.testing.assert_close(ours.seen[3], losses(*validation)[1].detach())


def test_lanes_train_as_each_would_alone(rows):
    """From the same weights and in the same orders, each with its own best epoch."""
    together = training(rows, 2)
    alone = []
    for lane in range(2):
        one = training(rows, 1)
        with torch.no_grad():
            for weights, stacked in zip(one.weights, together.weights, strict=True):
                weights.copy_(stacked[lane])
        alone.append(one)
    for epoch in range(EPOCHS):
        together.plan(epoch)
        together.epoch()
        for lane, one in enumerate(alone):
            one.plan(epoch)
            one.orders.copy_(together.orders[:, lane])
            one.epoch()
            torch.testing.assert_close(one.seen, together.seen[lane])
    for lane, one in enumerate(alone):
        torch.testing.assert_close(one.best_losses, together.best_losses[lane])
        for single, stacked in ((one.weights, together.weights), (one.best_weights, together.best_weights)):
            for weights, lanes in zip(single, stacked, strict=True):
                torch.testing.assert_close(weights, lanes[lane])


def test_each_lane_sees_every_row_once_in_an_order_of_its_own(rows):
    """And its own dropout: equal lanes do not stay equal."""
    ours = training(rows, 2, Network((8,), dropout=0.5))
    with torch.no_grad():
        for weights in ours.weights:
            weights[1] = weights[0]
    ours.plan(0)
    orders = ours.orders.transpose(0, 1).reshape(2, -1)
    assert (orders.sort(-1).values == torch.arange(STEPS * BATCH_ROWS)).all()
    assert not torch.equal(*orders)
    ours.orders[:, 1] = ours.orders[:, 0]
    ours.epoch()
    assert not torch.equal(*ours.weights[0])


def test_only_better_lanes_are_kept():
    """Weights of one lane's new best epoch replace that lane's alone."""
    from benchmarks.peers.torch_device import keep_best

    best, best_losses = [torch.zeros(2, 3)], torch.tensor([0.5, 0.5])
    keep_best([torch.ones(2, 3)], torch.tensor([0.6, 0.4]), best, best_losses)
    assert best[0].tolist() == [[0.0] * 3, [1.0] * 3]
    assert best_losses.tolist() == pytest.approx([0.5, 0.4])
