"""Logs of PyTorch programs: Lightning's loggers, and the event files of SummaryWriter and tensorboardX."""

from __future__ import annotations

import csv
import warnings

import numpy as np
import pytest

import justright as jr

pytestmark = pytest.mark.torch
EPOCHS = 8


@pytest.fixture(scope="module")
def lightning_folder(rows, tmp_path_factory):
    """A folder in which Lightning logged to CSV and TensorBoard, with its monitor of the learning rate."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other packages' versions, on import
        lightning = pytest.importorskip("pytorch_lightning", reason="Lightning is not installed")
    from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger

    class Linear(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(5, 1)

        def loss(self, batch):
            x, y = batch
            return torch.nn.functional.binary_cross_entropy_with_logits(self.layer(x)[:, 0], y)

        def training_step(self, batch, _):
            loss = self.loss(batch)
            self.log("train_loss", loss, on_step=True, on_epoch=True)
            return loss

        def validation_step(self, batch, _):
            self.log("val_loss", self.loss(batch))

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), 0.01)

    folder = tmp_path_factory.mktemp("lightning")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it recommends workers, and warns of its dependencies' deprecations
        trainer = lightning.Trainer(
            max_epochs=EPOCHS,
            logger=[CSVLogger(folder), TensorBoardLogger(folder, name="board")],
            accelerator="cpu",
            callbacks=[lightning.callbacks.LearningRateMonitor()],
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=False,
            log_every_n_steps=2,
        )
        trainer.fit(Linear(), *(loader(torch, part) for part in (rows.train, rows.validation)))
    return folder


def loader(torch, part):
    """The rows as Lightning takes them."""
    x, y = (torch.tensor(values, dtype=torch.float32) for values in part)
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=50)


def csv_values(path, column):
    """What a column of a CSV file holds where it holds something."""
    with path.open() as file:
        return [float(row[column]) for row in csv.DictReader(file) if row[column]]


@pytest.mark.parametrize(
    "log", ["lightning_logs", "lightning_logs/version_0", "lightning_logs/version_0/metrics.csv"]
)
def test_lightnings_csv_is_read(lightning_folder, read_curve, log):
    """The file, its folder, or the folder of all versions; rows of the learning rate hold no loss."""
    said = csv_values(lightning_folder / "lightning_logs/version_0/metrics.csv", "val_loss")
    assert len(said) == EPOCHS
    np.testing.assert_allclose(read_curve(lightning_folder / log, "validation"), said)


def test_lightnings_event_files_hold_what_its_csv_holds(lightning_folder, read_curve):
    """In single precision."""
    said = csv_values(lightning_folder / "lightning_logs/version_0/metrics.csv", "val_loss")
    np.testing.assert_allclose(read_curve(lightning_folder / "board", "validation"), said, rtol=1e-6)


def write_curves(writer, tags):
    """Write two curves of ten points; return that of validation."""
    for step in range(10):
        writer.add_scalar(tags[0], 1 / (step + 1), step)
        writer.add_scalar(tags[1], 0.5 + 1 / (step + 1), step)
    writer.close()
    return [0.5 + 1 / (step + 1) for step in range(10)]


@pytest.mark.parametrize(
    "tags", [("Loss/train", "Loss/val"), ("train/loss", "valid/loss"), ("loss_train", "loss_test")]
)
def test_a_summary_writers_tags_are_read(tmp_path, read_curve, tags):
    """Whichever way round people write them."""
    tensorboard = pytest.importorskip("torch.utils.tensorboard", reason="PyTorch is not installed")
    said = write_curves(tensorboard.SummaryWriter(str(tmp_path)), tags)
    role = "test" if "test" in tags[1] else "validation"
    np.testing.assert_allclose(read_curve(tmp_path, role), said, rtol=1e-6)


def test_add_scalars_is_read(tmp_path, read_curve):
    """It writes a folder for each curve, with the same tag in both."""
    tensorboard = pytest.importorskip("torch.utils.tensorboard", reason="PyTorch is not installed")
    writer = tensorboard.SummaryWriter(str(tmp_path))
    for step in range(10):
        writer.add_scalars("loss", {"train": 1 / (step + 1), "val": 0.5 + 1 / (step + 1)}, step)
    writer.close()
    np.testing.assert_allclose(
        read_curve(tmp_path, "validation"), [0.5 + 1 / (step + 1) for step in range(10)], rtol=1e-6
    )
    assert len(jr.diagnose(tmp_path).runs) == 1


def test_tensorboardx_is_read(tmp_path, read_curve):
    """A writer without PyTorch and TensorFlow."""
    tensorboardx = pytest.importorskip(
        "tensorboardX", reason="tensorboardX is not installed: pip install --group log-writers"
    )
    said = write_curves(tensorboardx.SummaryWriter(str(tmp_path)), ("Loss/train", "Loss/val"))
    np.testing.assert_allclose(read_curve(tmp_path, "validation"), said, rtol=1e-6)
