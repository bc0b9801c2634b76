"""PyTorch at its best on a GPU: nothing is read back within an epoch, and Adam is one fused kernel.

The mode is how an epoch runs, and its precision, for instance 'graph-compiled:bfloat16':

- 'eager': kernel after kernel.
- 'compiled': the loss and its gradient, validation, and the choice of the best epoch through `torch.compile`.
- 'graph': the whole epoch, validation included, captured once as a CUDA graph and replayed.
- 'graph-compiled': what is captured is the compiled code.
- 'graph-autotuned': the same, by the compiler's 'max-autotune', which tries kernels of its own for matrix products, too.

With several lanes, as many networks train together: weights have a leading axis (lanes,), `torch.func.vmap` maps the
gradient over it, each lane draws its own batches and dropout masks, and the same fused Adam updates them all.

In 'float32', products are float32; in 'tensorfloat32', operands have 10 bits; in 'bfloat16', weights and rows are cast
in each step, activations stay in bfloat16, and master weights, Adam and the loss are float32. That is what autocast
does, without its bookkeeping.

It keeps the weights of each lane's best epoch on the device, as early stopping needs, and the host reads an epoch's
losses before the next one starts; it does not stop. On a CPU, where there are no graphs, 'graph' runs eagerly with all
that a graph needs: that rehearses the code and measures nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from benchmarks.peers.case import (
    BATCH_ROWS,
    DECAY_EPOCHS,
    LEARNING_RATE,
    Case,
    Clock,
    Network,
    read_case,
    versions_of,
)
from benchmarks.peers.torch_loop import KERAS_EPSILON

WARM_UP_EPOCHS = 2  # before a capture: everything compiled, libraries loaded, the optimizer's state allocated


def main() -> None:
    case = read_case()
    run, _, precision = case.mode.partition(":")
    torch.set_num_threads(case.threads)
    torch.set_float32_matmul_precision("high" if precision == "tensorfloat32" else "highest")
    torch.manual_seed(0)
    clock = Clock(case)
    training = Training(
        case,
        compile_it=COMPILERS.get(run.rpartition("-")[2], lambda function: function),
        capturable=run.startswith("graph"),
        dtype=torch.bfloat16 if precision == "bfloat16" else torch.float32,
    )
    epoch = training.captured() if run.startswith("graph") and case.device == "cuda" else training.epoch
    number, done = 0, False
    while not done:
        training.plan(number)
        epoch()
        validation_losses = training.seen[..., -1].tolist()
        number += 1
        done = clock.epoch_done()
    assert math.isfinite(sum(validation_losses) if case.lanes > 1 else validation_losses)
    clock.report(training.best_losses.min().item(), **versions_of("torch"))


class Training:
    """The weights of all lanes, and what an epoch does to them.

    Args:
        case: network, lanes and rows.
        compile_it: `torch.compile`, or what leaves a function as it is.
        capturable: whether everything that changes from epoch to epoch lies in tensors.
        dtype: of products and activations.

    Shape:
        orders: (steps, lanes, batch rows), the rows of each step; one lane has no axis for lanes, here and below.
        rates: (steps,), the learning rate of each step.
        seen: (lanes, 4), an epoch's losses with and without penalties and its accuracy, and the validation loss.
    """

    def __init__(self, case: Case, *, compile_it: Compiler, capturable: bool, dtype: torch.dtype) -> None:
        self.lanes = (case.lanes,) if case.lanes > 1 else ()
        self.capturable = capturable
        x, y, *validation = (torch.from_numpy(values).to(case.device) for values in case.arrays())
        self.validation = validation
        self.rows, self.steps = len(x), len(x) // BATCH_ROWS
        self.on = {"device": case.device}
        self.weights = initial_weights(case.network, self.lanes, case.device)
        self.best_weights = [weights.detach().clone() for weights in self.weights]
        self.best_losses = torch.full(self.lanes, math.inf, **self.on)
        self.orders = torch.empty(self.steps, *self.lanes, BATCH_ROWS, dtype=torch.int64, **self.on)
        self.rates = torch.zeros(self.steps, **self.on)
        self.seen = torch.zeros(*self.lanes, 4, **self.on)
        self.totals = torch.zeros(*self.lanes, 3, **self.on)
        self.optimizer = torch.optim.Adam(
            self.weights,
            self.rates[0] if capturable else LEARNING_RATE,
            eps=KERAS_EPSILON,
            fused=True,
            capturable=capturable and case.device == "cuda",
        )
        losses = loss_function(case.network, dtype)
        self.gradients = gradient_function(losses, x, y, together=case.lanes > 1, compile_it=compile_it)
        validate = lambda weights, x, y: losses(weights, x, y, training=False)[1]  # noqa: E731
        if case.lanes > 1:
            validate = torch.func.vmap(validate, in_dims=(0, None, None))
        self.validate = compile_it(validate)
        self.keep_best = compile_it(keep_best)

    def plan(self, epoch: int) -> None:
        """Draw the order of an epoch's rows for every lane, and set its learning rates."""
        if self.lanes:
            drawn = torch.rand(*self.lanes, self.rows, **self.on).argsort(-1)
            self.orders.copy_(drawn.view(*self.lanes, self.steps, BATCH_ROWS).transpose(0, 1))
        else:
            torch.randperm(self.rows, out=self.orders.view(-1), **self.on)
        numbers = epoch * self.steps + torch.arange(self.steps, **self.on)
        self.rates.copy_(LEARNING_RATE / (1 + numbers / (DECAY_EPOCHS * self.steps)))
        self.first_step = epoch * self.steps

    def epoch(self) -> None:
        """Train an epoch, validate, keep the best weights, and leave the losses in `seen`."""
        self.totals.zero_()
        for step in range(self.steps):
            self.optimizer.param_groups[0]["lr"] = self.rates[step] if self.capturable else self.rate(step)
            gradients, losses = self.gradients(self.weights, self.orders[step])
            for weights, gradient in zip(self.weights, gradients, strict=True):
                weights.grad = gradient
            self.optimizer.step()
            self.totals.add_(losses)
        with torch.no_grad():
            validation_losses = self.validate(self.weights, *self.validation)
            self.keep_best(self.weights, validation_losses, self.best_weights, self.best_losses)
            self.seen[..., :3] = self.totals / self.steps
            self.seen[..., 3] = validation_losses

    def rate(self, step: int) -> float:
        """Return the learning rate of a step of the planned epoch."""
        return LEARNING_RATE / (1 + (self.first_step + step) / (DECAY_EPOCHS * self.steps))

    def captured(self) -> Callable[[], None]:
        """Return the replay of an epoch, captured as PyTorch's notes on CUDA graphs prescribe."""
        self.plan(0)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP_EPOCHS):
                self.epoch()
        torch.cuda.current_stream().wait_stream(side)
        self.optimizer.zero_grad(set_to_none=True)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.epoch()
        return self.graph.replay


Compiler = Callable[[Callable], Callable]
COMPILERS: dict[str, Compiler] = {
    "compiled": partial(torch.compile, dynamic=False),
    "autotuned": partial(torch.compile, dynamic=False, mode="max-autotune-no-cudagraphs"),
}


def initial_weights(network: Network, lanes: tuple[int, ...], device: str) -> list[Tensor]:
    """Return kernels (lanes, outputs, inputs), Glorot uniform, and biases (lanes, outputs), zero, in turns."""
    weights = []
    for inputs, outputs in network.layers:
        limit = math.sqrt(6 / (inputs + outputs))
        weights += [torch.empty(*lanes, outputs, inputs, device=device).uniform_(-limit, limit)]
        weights += [torch.zeros(*lanes, outputs, device=device)]
    # Autograd differentiates with respect to single weights; `torch.func.grad` needs no marks.
    return [kernel.requires_grad_(not lanes) for kernel in weights]


def loss_function(network: Network, dtype: torch.dtype) -> Callable[..., tuple[Tensor, Tensor, Tensor]]:
    """Return (weights, x, y) of one lane -> loss with penalty, loss, accuracy."""

    def losses(
        weights: list[Tensor], x: Tensor, y: Tensor, *, training: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        hidden, kernels, biases = x.to(dtype), weights[::2], weights[1::2]
        for kernel, bias in zip(kernels[:-1], biases[:-1], strict=True):
            hidden = nn.functional.elu(nn.functional.linear(hidden, kernel.to(dtype), bias.to(dtype)))
            if network.dropout and training:
                hidden = nn.functional.dropout(hidden, network.dropout)
        logits = nn.functional.linear(hidden, kernels[-1].to(dtype), biases[-1].to(dtype))[:, 0].float()
        plain = nn.functional.binary_cross_entropy_with_logits(logits, y)
        penalty = network.l2 * sum(kernel.square().sum() for kernel in kernels[:-1]) if network.l2 else 0.0
        return plain + penalty, plain, ((logits > 0) == (y > 0.5)).float().mean()

    return losses


def gradient_function(
    losses: Callable[..., tuple[Tensor, Tensor, Tensor]],
    x: Tensor,
    y: Tensor,
    *,
    together: bool,
    compile_it: Compiler,
) -> Callable[[list[Tensor], Tensor], tuple[list[Tensor], Tensor]]:
    """Return (weights, rows of the batch) -> gradients and (losses with and without penalties, accuracy).

    Args:
        losses: as `loss_function` returns.
        x, y: all training rows.
        together: whether weights and rows have a leading axis (lanes,).
        compile_it: `torch.compile`, or what leaves a function as it is.
    """

    def batch_losses(weights: list[Tensor], rows: Tensor) -> tuple[Tensor, Tensor]:
        values = losses(weights, x[rows], y[rows], training=True)
        return values[0], torch.stack(values).detach()

    if together:
        return compile_it(
            torch.func.vmap(torch.func.grad(batch_losses, has_aux=True), randomness="different")
        )
    forward = compile_it(batch_losses)

    def gradients(weights: list[Tensor], rows: Tensor) -> tuple[list[Tensor], Tensor]:
        loss, values = forward(weights, rows)
        return list(torch.autograd.grad(loss, weights)), values

    return gradients


def keep_best(weights: list[Tensor], losses: Tensor, best_weights: list[Tensor], best_losses: Tensor) -> None:
    """Copy weights of the lanes whose validation loss is a new best one."""
    better = losses < best_losses
    for values, best in zip(weights, best_weights, strict=True):
        best.copy_(
            torch.where(better.reshape(better.shape + (1,) * (values.dim() - better.dim())), values, best)
        )
    best_losses.copy_(torch.minimum(losses, best_losses))


if __name__ == "__main__":
    main()
