"""PyTorch at its best on a CPU: tensors loaded once, fused Adam, nothing read back within an epoch.

Modes: 'f32' and 'bf16' (autocast) run eagerly, 'compiled' and 'compiled-bf16' through torch.compile.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks.peers.case import (
    BATCH_ROWS,
    DECAY_EPOCHS,
    FEATURES,
    LEARNING_RATE,
    Clock,
    Network,
    read_case,
    versions_of,
)

KERAS_EPSILON = 1e-7


def main() -> None:
    case = read_case()
    torch.set_num_threads(case.threads)
    torch.manual_seed(0)
    x, y, x_validation, y_validation = (torch.from_numpy(values) for values in case.arrays())
    model = build(case.network)
    losses = loss_function(model, case.network, bf16=case.mode.endswith("bf16"))
    if case.mode.startswith("compiled"):
        losses = torch.compile(losses)
    optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE, eps=KERAS_EPSILON, fused=True)
    clock = Clock(case)
    best, step, done = float("inf"), 0, False
    while not done:
        step = train_epoch(model, losses, optimizer, x, y, step)
        model.eval()
        with torch.no_grad():
            _, validation, _ = losses(x_validation, y_validation)
        best = min(best, validation.item())
        done = clock.epoch_done()
    clock.report(best, **versions_of("torch"))


def build(network: Network) -> nn.Sequential:
    """Return the network with the tutorial's initial weights: Glorot uniform kernels, zero biases."""
    layers: list[nn.Module] = []
    width = FEATURES
    for units in network.units:
        layers += [nn.Linear(width, units), nn.ELU()]
        if network.dropout:
            layers.append(nn.Dropout(network.dropout))
        width = units
    layers.append(nn.Linear(width, 1))
    for layer in layers:
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers)


def loss_function(
    model: nn.Sequential, network: Network, *, bf16: bool
) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]:
    """Return (features, targets) -> loss with penalty, loss, accuracy."""
    hidden = [layer.weight for layer in model if isinstance(layer, nn.Linear)][:-1]

    def losses(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            logits = model(x)[:, 0]
        logits = logits.float()
        plain = nn.functional.binary_cross_entropy_with_logits(logits, y)
        penalty = network.l2 * sum(weight.square().sum() for weight in hidden) if network.l2 else 0.0
        return plain + penalty, plain, ((logits > 0) == (y > 0.5)).float().mean()

    return losses


def train_epoch(
    model: nn.Sequential,
    losses: Callable[[Tensor, Tensor], tuple[Tensor, Tensor, Tensor]],
    optimizer: torch.optim.Optimizer,
    x: Tensor,
    y: Tensor,
    step: int,
) -> int:
    """Train one epoch, metrics and learning-rate schedule included; return the number of steps so far."""
    model.train()
    decay_steps = DECAY_EPOCHS * (len(x) // BATCH_ROWS)
    totals = torch.zeros(3)
    for rows in torch.randperm(len(x)).split(BATCH_ROWS):
        optimizer.param_groups[0]["lr"] = LEARNING_RATE / (1 + step / decay_steps)
        values = losses(x[rows], y[rows])
        optimizer.zero_grad(set_to_none=True)
        values[0].backward()
        optimizer.step()
        totals += torch.stack([value.detach() for value in values]) * len(rows)
        step += 1
    (totals / len(x)).tolist()
    return step


if __name__ == "__main__":
    main()
