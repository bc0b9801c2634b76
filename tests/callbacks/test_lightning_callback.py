"""`jr.callbacks.LightningDiagnose`: its hooks in the order in which Lightning calls them, and a real training."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
from tests.refusals import refusal

import justright as jr
from justright.callbacks.lightning_hooks import PACKAGES, LightningHooks, lightning_callback

VALIDATION = [0.5 + 0.02 * (epoch - 6) ** 2 / (1 + 0.1 * epoch) for epoch in range(30)]


class Trainer:
    """A Trainer as far as the callback looks at it."""

    def __init__(self, **settings):
        self.sanity_checking = False
        self.state = SimpleNamespace(fn="fit")
        self.callback_metrics = {}
        self.val_check_interval = 1.0
        self.check_val_every_n_epoch = 1
        self.current_epoch = self.global_step = 0
        self.is_global_zero = True
        self.should_stop = False
        self.strategy = SimpleNamespace(reduce_boolean_decision=lambda stop, **_: stop)
        vars(self).update(settings)


def fit(callback, trainer, *, validations_per_epoch=1, steps_per_epoch=12):
    """Call the hooks as `Trainer.fit` does, and return what was printed."""
    printed = []
    module = SimpleNamespace(print=printed.append)
    callback.on_fit_start(trainer, module)
    trainer.sanity_checking, trainer.callback_metrics = True, {"val_loss": 99.0}
    callback.on_validation_end(trainer, module)
    trainer.sanity_checking = False
    for number, loss in enumerate(VALIDATION):
        trainer.current_epoch = number // validations_per_epoch
        trainer.global_step = (number + 1) * steps_per_epoch // validations_per_epoch
        trainer.callback_metrics |= {"val_loss": loss}
        callback.on_validation_end(trainer, module)
        if number % validations_per_epoch == validations_per_epoch - 1:
            trainer.callback_metrics |= {"train_loss": 0.7 * 0.9**number}
            callback.on_train_epoch_end(trainer, module)
        if trainer.should_stop:
            break
    callback.on_fit_end(trainer, module)
    return printed


def curves_of(callback):
    """Return name -> (times, values)."""
    return {
        curve.written: (curve.at.tolist(), curve.values.tolist()) for curve in callback.reading.curves.curves
    }


def test_each_metric_is_taken_when_it_was_measured():
    """Validation after each epoch, training once it has ended; the check before training is left out."""
    callback = LightningHooks()
    printed = fit(callback, Trainer())
    curves = curves_of(callback)
    assert curves["val_loss"] == (list(range(30)), VALIDATION)
    assert curves["train_loss"] == (list(range(30)), [0.7 * 0.9**number for number in range(30)])
    assert callback.reading.label == "overfits"
    assert any(": overfits since epochs " in line for line in printed)


def test_several_validations_per_epoch_are_counted_in_steps():
    """An epoch would name three of them."""
    callback = LightningHooks()
    fit(callback, Trainer(val_check_interval=1 / 3), validations_per_epoch=3)
    assert callback.reading.unit == "step"
    assert curves_of(callback)["val_loss"][0] == [4.0 * (number + 1) for number in range(30)]
    assert curves_of(callback)["train_loss"][0] == [12.0 * (number + 1) for number in range(10)]


def test_it_stops_the_trainer_in_all_processes():
    """Where one process decides, all are told."""
    asked = []

    def reduce(stop, **how):
        asked.append((stop, how))
        return stop

    trainer = Trainer(strategy=SimpleNamespace(reduce_boolean_decision=reduce))
    fit(LightningHooks("overfits"), trainer)
    assert trainer.should_stop
    assert asked[-1] == (True, {"all": False})
    assert not Trainer().should_stop


def test_only_the_first_process_prints():
    """One line, not one per GPU."""
    assert fit(LightningHooks(), Trainer(is_global_zero=False)) == []


def test_validation_outside_training_is_not_part_of_the_curves():
    """`trainer.validate` calls the same hook."""
    callback = LightningHooks()
    trainer = Trainer(state=SimpleNamespace(fn="validate"), callback_metrics={"val_loss": 0.5})
    callback.on_validation_end(trainer, SimpleNamespace(print=print))
    assert callback.reading is None


def test_without_lightning_it_says_what_to_install(monkeypatch):
    """In a sentence, when it is asked for, and not when justright is imported."""
    for name in PACKAGES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr("justright.callbacks.lightning_hooks.find_spec", lambda name: None)
    assert refusal(lightning_callback) == (
        "`LightningDiagnose` needs Lightning, which is not installed. Install justright[lightning]."
    )


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore")  # what Lightning says of its own dependencies
def test_a_real_training_is_judged_and_stopped(tmp_path):
    """A network that overfits 60 rows, under Lightning itself."""
    pl = pytest.importorskip("lightning.pytorch", reason="needs Lightning: the extra `lightning`")
    import torch

    class Network(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.layers = torch.nn.Sequential(
                torch.nn.Linear(20, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1)
            )

        def loss(self, batch):
            x, y = batch
            return torch.nn.functional.binary_cross_entropy_with_logits(self.layers(x)[:, 0], y)

        def training_step(self, batch, _):
            loss = self.loss(batch)
            self.log("train_loss", loss, on_epoch=True, on_step=False)
            return loss

        def validation_step(self, batch, _):
            self.log("val_loss", self.loss(batch))

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), 0.01)

    torch.manual_seed(0)
    features = torch.randn(120, 20)
    rows = torch.utils.data.TensorDataset(features, (features[:, 0] + torch.randn(120) > 0).float())
    learn, validate = (
        torch.utils.data.DataLoader(torch.utils.data.Subset(rows, part), batch_size=60)
        for part in (range(60), range(60, 120))
    )
    callback = jr.callbacks.LightningDiagnose("overfits", verbose=0)
    trainer = pl.Trainer(
        max_epochs=60,
        callbacks=[callback],
        logger=pl.loggers.CSVLogger(tmp_path),
        accelerator="cpu",
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=1,
    )
    trainer.fit(Network(), learn, validate)
    assert callback.reading.label == "overfits"
    assert trainer.current_epoch < 60
    of_file = jr.diagnose(trainer).run
    assert [len(curve.at) for curve in of_file.curves.curves] == [trainer.current_epoch] * 2
