"""What Hugging Face's Trainer leaves in its output folder, and keeps in memory."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

import justright as jr

pytestmark = pytest.mark.torch
EPOCHS = 6


@pytest.fixture(scope="module")
def trained(rows, tmp_path_factory):
    """A Trainer after training, and the folder with its checkpoints."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other packages' versions
        pytest.importorskip(
            "accelerate", reason="accelerate is not installed: pip install --group log-writers"
        )
        transformers = pytest.importorskip(
            "transformers", reason="transformers is not installed: pip install --group log-writers"
        )

        class Linear(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = torch.nn.Linear(5, 1)

            def forward(self, x, labels):
                logits = self.layer(x)[:, 0]
                return {
                    "loss": torch.nn.functional.binary_cross_entropy_with_logits(logits, labels),
                    "logits": logits,
                }

        def examples(part):
            x, y = part
            return [
                {"x": torch.tensor(a, dtype=torch.float32), "labels": torch.tensor(float(b))}
                for a, b in zip(x, y, strict=True)
            ]

        folder = tmp_path_factory.mktemp("hugging_face")
        arguments = transformers.TrainingArguments(
            output_dir=str(folder),
            num_train_epochs=EPOCHS,
            per_device_train_batch_size=50,
            eval_strategy="epoch",
            save_strategy="epoch",
            logging_strategy="epoch",
            learning_rate=0.01,
            report_to="none",
            use_cpu=True,
            disable_tqdm=True,
        )
        parts = {"train_dataset": examples(rows.train), "eval_dataset": examples(rows.validation)}
        trainer = transformers.Trainer(Linear(), arguments, **parts)
        trainer.train()
    return trainer, folder


def evaluations(trainer):
    """The loss of each evaluation, as the Trainer says itself."""
    return [entry["eval_loss"] for entry in trainer.state.log_history if "eval_loss" in entry]


def test_the_output_folder_is_read(trained, read_curve):
    """The last of its checkpoints knows the whole history."""
    trainer, folder = trained
    assert len(evaluations(trainer)) == EPOCHS
    np.testing.assert_allclose(read_curve(folder, "validation"), evaluations(trainer))
    assert [
        one.name
        for one in folder.iterdir()
        if one.name in jr.diagnose(folder).run.curves.checkpoints.values()
    ]


def test_the_trainer_itself_is_read(trained, read_curve):
    """Without anything on disk."""
    trainer, _ = trained
    np.testing.assert_allclose(read_curve(trainer, "validation"), evaluations(trainer))


def test_training_loss_is_that_of_the_log(trained, read_curve):
    """Not the mean over the whole run, which stands under the name train_loss at the end."""
    _, folder = trained
    path = max(
        folder.glob("checkpoint-*/trainer_state.json"), key=lambda one: int(one.parent.name.split("-")[1])
    )
    said = [entry["loss"] for entry in json.loads(path.read_text())["log_history"] if "loss" in entry]
    np.testing.assert_allclose(read_curve(folder, "train"), said)
