"""Plain text logs, as scripts and libraries print them, read to the curves that a person reads in them."""

from __future__ import annotations

import pytest
from tests.refusals import refusal

from justright.logs.formats.registry import read_logs
from justright.logs.formats.text_lines import read_line

TRAIN = [0.7, 0.6, 0.5, 0.45]
VALIDATION = [0.72, 0.65, 0.66, 0.7]
PAIRS = list(zip(TRAIN, VALIDATION, strict=True))


def read_run(path):
    """Return the curves of the one run in a log."""
    (run,) = read_logs(path).curves
    return run


def lines_of(pattern):
    """Return a line per epoch, counted from 1."""
    return "\n".join(
        pattern.format(e=epoch, t=train, v=validation) for epoch, (train, validation) in enumerate(PAIRS, 1)
    )


def keras_progress():
    """Return what Keras prints with verbose=1 into a file: bars written over with backspaces, then by carriage returns."""
    text = ""
    for epoch, (train, validation) in enumerate(PAIRS, 1):
        text += f"Epoch {epoch}/4\n 1/10 [==>......] - ETA: 3s - loss: 9.1234" + "\x08" * 40
        text += f"10/10 [==========] - 1s 3ms/step - loss: {train} - val_loss: {validation}\n"
        text += f"Epoch {epoch:05d}: val_loss improved from 0.9 to {validation}, saving model to a.h5\n"
    return text


def keras_three():
    """Return what Keras 3 prints, with colours."""
    text = ""
    for epoch, (train, validation) in enumerate(PAIRS, 1):
        text += f"Epoch {epoch}/4\n\x1b[1m 1/10\x1b[0m \x1b[32m━━\x1b[0m\x1b[37m━━━━━━━━\x1b[0m \x1b[1m5s\x1b[0m 3ms/step - loss: 9.1\r"
        text += f"\x1b[1m10/10\x1b[0m \x1b[32m━━━━━━━━━━\x1b[0m\x1b[37m\x1b[0m \x1b[1m1s\x1b[0m 3ms/step - loss: {train} - val_loss: {validation}\n"
    return text


def nnunet():
    """Return what nnU-Net writes to training_log.txt: a line per number."""
    text = "#######################\nPlease cite the following paper when using nnU-Net:\nIsensee, F. (2021), 203-211.\n"
    for epoch, (train, validation) in enumerate(PAIRS):
        stamp = "2026-01-31 12:00:00.123456: "
        text += (
            f"{stamp}\n{stamp}Epoch {epoch}\n{stamp}Current learning rate: 0.01\n{stamp}train_loss {train}\n"
        )
        text += f"{stamp}val_loss {validation}\n{stamp}Pseudo dice [0.8, np.float32(0.7)]\n{stamp}Epoch time: 50.1 s\n"
    return text


def pytorch_example():
    """Return what PyTorch's MNIST example prints: lines per batch, then the test set."""
    text = ""
    for epoch, (train, validation) in enumerate(PAIRS, 1):
        for batch, offset in ((0, 0.01), (640, -0.01)):
            text += f"Train Epoch: {epoch} [{batch}/60000 ({batch // 600}%)]\tLoss: {train + offset:.6f}\n"
        text += f"\nTest set: Average loss: {validation}, Accuracy: 9805/10000 (98%)\n\n"
    return text


def printed_dicts():
    """Return what Hugging Face's Trainer prints, between its bars."""
    text = ""
    for epoch, (train, validation) in enumerate(PAIRS, 1):
        text += f" {epoch * 20}%|██        | 50/500 [00:05<00:40, 10.1it/s]\n"
        text += f"{{'loss': {train}, 'grad_norm': 1.5, 'learning_rate': 5e-05, 'epoch': {epoch}.0}}\n"
        text += f"{{'eval_loss': '{validation}', 'eval_runtime': 1.2, 'epoch': {epoch}.0}}\n\n"
    return text + "{'train_runtime': 30.1, 'train_loss': 0.56, 'epoch': 4.0}\n"


def catboost():
    """Return what CatBoost prints."""
    text = "Learning rate set to 0.03\n"
    for tree, (train, validation) in enumerate(PAIRS):
        text += (
            f"{tree}:\tlearn: {train}\ttest: {validation}\tbest: 0.65 (1)\ttotal: 1.2s\tremaining: 3m 4s\n"
        )
    return text + "\nbestTest = 0.65\nbestIteration = 1\n\nShrink model to first 2 iterations.\n"


LOGS = {
    "one line": lines_of("epoch {e} ... loss: {t} val_loss: {v}"),
    "bars": lines_of("Epoch: {e:02}/40 | Train Loss: {t} | Val. Loss: {v} | Val. Acc: 70.12%"),
    "brackets": lines_of("[Epoch {e}/40] train_loss={t}, valid_loss={v}, lr=1e-3"),
    "logger": lines_of(
        "2026-01-31 12:00:00,123 - INFO - Epoch [{e}/4] - Train Loss: {t}, Valid Loss: {v}, LR: [0.001]"
    ),
    "key=value": lines_of("INFO:root:epoch={e} loss/train={t} loss/val={v}"),
    "roles apart": lines_of("Epoch {e} train: loss {t} acc 0.9 val: loss {v} acc 0.8"),
    "acc after loss": lines_of("Epoch {e} | Train Loss: {t} Acc: 0.83 | Dev Loss: {v} Acc: 0.87"),
    "metric first": lines_of("epoch {e}, loss: train={t}, val={v}"),
    "parentheses": lines_of("epoch {e}: loss (train): {t}  loss (val): {v}"),
    "two lines": lines_of(
        "Epoch {e}\n  Training loss: {t}\n  Validation loss: {v}\nBest epoch: 2 with val_loss 0.65"
    ),
    "sections": lines_of("Epoch {e}\nTraining\nloss: {t}\nValidation\nloss: {v}"),
    "tensors": lines_of(
        "Epoch {e}, loss tensor({t}, device='cuda:0', grad_fn=<NllLossBackward0>), val_loss: tensor({v})"
    ),
    "tqdm": lines_of(
        "Epoch {e}:  50%|##  | 5/10 [00:01<00:01, loss=9.9]\rEpoch {e}: 100%|####| 10/10 [00:01<00:00, 5.2it/s, loss={t}, val_loss={v}]"
    ),
    "sentences": lines_of("After epoch {e} the training loss is {t} and the validation loss was {v}."),
    "counts in brackets": lines_of("Epoch {e}\n[ 1/10] loss: {t} | val: {v} | 12.3s"),
    "gluonts": lines_of(
        "INFO:gluonts.trainer:Epoch[{e}] Evaluation metric 'epoch_loss'={t}\n"
        "INFO:gluonts.trainer:Epoch[{e}] Evaluation metric 'validation_epoch_loss'={v}"
    ),
    "logger of a test module": lines_of(
        "[01/31 12:00:00 evaluation.testing]: results:\nepoch {e} train_loss {t} val_loss {v}"
    ),
    "one bar": lines_of("Epoch {e}:  5{e}%|#   | 5/40 [00:10<02:00, 5.00it/s, loss={t}, val_loss={v}]"),
    "fairseq": lines_of(
        "2026-01-31 12:00:00 | INFO | train | epoch {e:03d} | loss {t} | ppl 3 | wps 100\n"
        "2026-01-31 12:00:01 | INFO | valid | epoch {e:03d} | valid on 'valid' subset | loss {v} | ppl 4 | best_loss 0.65"
    ),
    "averages": lines_of(
        "Epoch: [{e}][ 10/5005]\tTime  0.3 ( 0.5)\tLoss 9.9e+00 ({t})\tValidation Loss: {v}"
    ),
    "Chinese": lines_of("Epoch {e}/4\n  训练损失: {t} | 训练准确率: 0.8\n  验证损失: {v} | 验证准确率: 0.7"),
    "Spanish": lines_of("Época {e}/4 - Pérdida entrenamiento: {t} - Pérdida validación: {v}"),
    "AllenNLP": lines_of(
        "2026-01-31 12:00:00,000 - INFO - allennlp.training.trainer - Epoch {e}/4\n"
        "2026-01-31 12:00:00,000 - INFO - allennlp.training.trainer - Training\n"
        "batch_loss: 9.9, loss: {t} ||: 100%|##########| 50/50 [00:10<00:00,  5.0it/s]\n"
        "2026-01-31 12:00:00,000 - INFO - allennlp.training.trainer - Validating\n"
        "batch_loss: 9.9, loss: {v} ||: 100%|##########| 10/10 [00:01<00:00,  5.0it/s]\n"
        "2026-01-31 12:00:00,000 - INFO - allennlp.training.callbacks -                        Training |  Validation\n"
        "2026-01-31 12:00:00,000 - INFO - allennlp.training.callbacks - loss               |     9.900  |     9.900"
    ),
    "ESPnet": lines_of(
        "[node1] 2026-01-31 12:00:00,123 (trainer:732) INFO: {e}epoch:train:1-500batch: iter_time=1.2e-04, loss={t}\n"
        "[node1] 2026-01-31 12:00:40,123 (trainer:338) INFO: {e}epoch results: [train] loss={t}, time=33 minutes and 13.69 seconds, "
        "total_count=500, [valid] loss={v}, time=23.14 seconds, total_count=30"
    ),
    "slashes": lines_of("Epoch {e}/4: train/val loss: {t}/{v}, train/val acc 0.8 / 0.7"),
    "sets by name": lines_of("loss on train set at epoch {e}: {t}\nloss on validation set at epoch {e}: {v}"),
    "rows, then the epoch": lines_of("Train\t{e}\tloss:{t}\tacc:0.8\nValid\t{e}\tloss:{v}\tacc:0.7"),
    "bold": lines_of("- Epoch {e}: train loss **{t}**, val loss **{v}**"),
    "bars between": lines_of(
        "Epoch {e}\n  0%|          | 0/10 [00:00<?, ?it/s]\r100%|##########| 10/10 [00:02<00:00]\nTrain loss {t}\nVal   loss {v}\n"
    ),
    "keras": keras_progress(),
    "keras 3": keras_three(),
    "keras verbose=2": lines_of(
        "Epoch {e}/4\n10/10 - 1s - loss: {t} - accuracy: 0.9 - val_loss: {v} - 12ms/epoch - 1ms/step"
    ),
    "nnunet": nnunet(),
    "pytorch": pytorch_example(),
    "hugging face": printed_dicts(),
    "windows": lines_of("epoch {e} loss: {t} val_loss: {v}").replace("\n", "\r\n"),
    "xgboost": lines_of("[{e}]\ttrain-loss:{t}\teval-loss:{v}"),
    "lightgbm": lines_of("[{e}]\ttraining's loss: {t}\tvalid_1's loss: {v}")
    + "\nEarly stopping, best iteration is:\n[2]\ttraining's loss: 0.6\tvalid_1's loss: 0.65\n",
    "catboost": catboost(),
}
BOOSTERS = ("xgboost", "lightgbm", "catboost")


@pytest.mark.parametrize("name", LOGS)
def test_a_text_log_is_read_as_a_person_reads_it(tmp_path, name):
    """Four epochs of both losses, whatever prints them; partial bars, reports about the best epoch and settings are no values."""
    path = tmp_path / "train.log"
    path.write_bytes(LOGS[name].encode())
    curves = read_run(path)
    assert curves.format == "text"
    assert curves.tool == ("trees" if name in BOOSTERS else "")
    assert curves.unit == ("iteration" if name in BOOSTERS else "epoch")
    ((role, set_name),) = curves.evaluation_sets()
    assert role == ("test" if name == "pytorch" else "validation")
    (judged,) = [one for one in curves.losses_of(role, set_name) if one.metric == "loss"]
    train = curves.train_curve("loss")
    start = 0 if name in ("nnunet", "catboost") else 1
    assert judged.values.tolist() == VALIDATION
    assert judged.at.tolist() == [start, start + 1, start + 2, start + 3]
    assert train.values.tolist() == pytest.approx(TRAIN)
    assert train.at.tolist() == judged.at.tolist()


def test_numbers_of_a_list_are_averaged_and_this_is_said(tmp_path):
    """nnU-Net logs the dice of every class: their mean is one curve."""
    path = tmp_path / "training_log.txt"
    path.write_text(nnunet())
    curves = read_run(path)
    (dice,) = [one for one in curves.curves if one.metric == "pseudo_dice"]
    assert dice.values.tolist() == [0.75] * 4
    assert (dice.role, dice.direction) == ("validation", "more")
    assert "Lists of numbers under 'Pseudo dice' were averaged." in curves.notes


def test_steps_are_steps(tmp_path):
    """As nanoGPT does, which evaluates at steps and logs the loss of batches between them."""
    path = tmp_path / "out.txt"
    path.write_text(
        "\n".join(
            f"step {250 * k}: train loss {t}, val loss {v}\niter {250 * k}: loss {t + 0.1}, time 100.1ms, mfu 3.1%"
            for k, (t, v) in enumerate(PAIRS)
        )
    )
    curves = read_run(path)
    assert curves.unit == "step"
    (judged,) = curves.losses_of("validation")
    assert judged.at.tolist() == [0, 250, 500, 750]
    assert judged.values.tolist() == VALIDATION


def test_several_evaluation_sets_keep_their_names(tmp_path):
    """XGBoost's watchlist, and the note on which set was taken for training."""
    path = tmp_path / "xgb.log"
    path.write_text(
        "\n".join(
            f"[{k}]\tvalidation_0-logloss:{t}\tvalidation_1-logloss:{v}" for k, (t, v) in enumerate(PAIRS)
        )
    )
    curves = read_run(path)
    assert [(one.role, one.set, one.values.tolist()) for one in curves.curves] == [
        ("train", "", TRAIN),
        ("validation", "", VALIDATION),
    ]
    assert curves.notes == (
        "No evaluation set is named 'train': 'validation_0', whose logloss ends lowest, was taken for it.",
    )


@pytest.mark.parametrize(
    ("line", "epoch", "step", "numbers"),
    [
        ("Epoch 00003: val_loss improved from 0.51 to 0.45, saving model to x.h5", 3, None, {}),
        ("Epoch 12 finished in 3.2s with training loss 0.5", 12, None, {"training loss": 0.5}),
        ("Best val_loss: 0.3 at epoch 4", None, None, {}),
        ("Early stopping at epoch 12, restoring weights of epoch 4", None, None, {}),
        ("[1,  2000] loss: 2.173", 1, 2000, {"loss": 2.173}),
        ("Iteration 10, loss = 0.4512", None, 10, {"loss": 0.4512}),
        (
            "Epoch: 001, Loss: 1.9, Train: 0.3, Val: 0.4",
            1,
            None,
            {"Loss": 1.9, "Train": 0.3, "Val": 0.4},
        ),
        ("Epoch(val) [1][100]\tbbox_mAP: 0.31", 1, None, {"validation bbox_mAP": 0.31}),
        (
            "[01/02 10:00:00 d2.utils.events]:  eta: 0:10:00  iter: 19  total_loss: 1.2  loss_cls: 0.5  time: 0.3  max_mem: 2000M",
            None,
            19,
            {"total_loss": 1.2, "loss_cls": 0.5},
        ),
        (
            "Epoch 3 loss: nan val_loss: inf",
            3,
            None,
            {"loss": pytest.approx(float("nan"), nan_ok=True), "val_loss": float("inf")},
        ),
        ("{'loss': 1" + "0" * 400 + ", 'epoch': 2}", 2, None, {"loss": float("inf")}),
        ("batch_size: 64, dropout=0.5, val_split: 0.2", None, None, {}),
        (
            "Epoch 3 Test Error Rate: 0.12, Mean rms=1.6%",
            3,
            None,
            {"Test Error Rate": 0.12, "test Mean rms": 0.016},
        ),
        (
            "DEV : loss 0.3 - f1-score (micro avg)  0.8",
            None,
            None,
            {"validation loss": 0.3, "validation f1-score": 0.8},
        ),
        ("Average global foreground Dice: [0.62]", None, None, {"Average global foreground Dice": 0.62}),
        ("Stopped at 6 with best_epoch of 5 and best_valid_loss = 0.68", None, None, {}),
        (
            "Epoch 1, Smoothed Validation Loss: 0.2, Validation Loss: 0.3",
            1,
            None,
            {"Smoothed Validation Loss": 0.2, "Validation Loss": 0.3},
        ),
    ],
)
def test_what_a_line_says(line, epoch, step, numbers):
    """What counts, which numbers are measures, and by what name."""
    found = read_line(line)
    assert (found.epoch, found.step, found.numbers) == (epoch, step, numbers)


def test_folds_in_one_text_are_members(tmp_path):
    """A line such as 'Fold 1' holds until the next one; a seed that is said once tells nothing apart."""
    path = tmp_path / "cv.log"
    path.write_text(
        "seed: 42\n"
        + "\n".join(f"Fold {fold}\n" + lines_of("Epoch {e}: loss={t} val_loss={v}") for fold in (1, 2))
    )
    runs = read_logs(path).curves
    assert [run.member for run in runs] == ["fold 1", "fold 2"]
    assert all(run.losses_of("validation")[0].values.tolist() == VALIDATION for run in runs)


@pytest.mark.parametrize("rises", [False, True])
def test_numbers_without_a_metric_are_losses_if_they_fall(tmp_path, rises):
    """CatBoost prints 'learn' and 'test' whatever it measures; what was assumed is said."""
    path = tmp_path / "cb.log"
    path.write_text(
        "\n".join(
            f"{k}:\tlearn: {1 - t if rises else t}\ttest: {1 - v if rises else v}"
            for k, (t, v) in enumerate(PAIRS)
        )
    )
    curves = read_run(path)
    metric = "score" if rises else "loss"
    assert [(one.metric, one.role) for one in curves.curves] == [(metric, "train"), (metric, "validation")]
    assert curves.notes == (f"Nothing says what 'learn' and 'test' measured: a {metric} was assumed.",)


def test_a_bar_that_is_drawn_again_is_of_the_epoch_it_names(tmp_path):
    """Lightning writes validation into the full bar of an epoch, and shows it in that of the next one, until it knows better."""
    lines = []
    for epoch, (train, validation) in enumerate(PAIRS):
        bar = f"Epoch {epoch}: 100%|██████| 6/6 [00:00<00:00, 53.2it/s, "
        old = f"val_loss={PAIRS[epoch - 1][1]}]\n\n" if epoch else "v_num=0]\n\n"
        lines.append(f"\rEpoch {epoch}:  50%|███   | 3/6 [00:00<00:00, 9.1it/s, {old[:-3]}]\r{bar}{old}")
        lines.append(
            f"\rValidation DataLoader 0: 100%|██████| 2/2 [00:00<00:00]\n\r{bar}val_loss={validation}]"
        )
        lines.append(f"\r{bar}val_loss={validation}, train_loss={train}]")
    path = tmp_path / "lightning.out"
    path.write_text("".join(lines) + "\n")
    curves = read_run(path)
    assert {one.written: one.values.tolist() for one in curves.curves} == {
        "val_loss": VALIDATION,
        "train_loss": TRAIN,
    }
    assert all(one.at.tolist() == [0, 1, 2, 3] for one in curves.curves)


def test_text_without_numbers_by_name_is_refused_in_one_sentence(tmp_path):
    """The sentence says what such a log looks like."""
    path = tmp_path / "notes.txt"
    path.write_text("We trained for a while.\nIt went well.\n")
    assert refusal(read_logs, path) == (
        "A text log must hold numbers by name, as in 'epoch 3 loss: 0.52 val_loss: 0.61'; "
        f"{str(path)!r} holds none."
    )


AUTOGLUON = """Fitting model: LightGBM ...
[1]\tvalid_set's binary_error: 0.4
[2]\tvalid_set's binary_error: 0.3
[3]\tvalid_set's binary_error: 0.35
\t0.7\t = Validation score   (accuracy)
Fitting model: NeuralNetTorch ...
Epoch 1 (Update 10).\tTrain loss: 1.3485, Val log_loss: -1.3041, Best Epoch: 1
Epoch 2 (Update 20).\tTrain loss: 1.1644, Val log_loss: -0.9660, Best Epoch: 2
Epoch 3 (Update 30).\tTrain loss: 1.0043, Val log_loss: -0.9818, Best Epoch: 2
"""


def test_models_that_autogluon_fits_one_after_the_other_are_runs_of_their_own(tmp_path):
    """Rounds of trees and epochs of a network are never merged; losses have the sign that losses have."""
    path = tmp_path / "out.txt"
    path.write_text(AUTOGLUON)
    runs = read_logs(path).curves
    assert [(run.name, run.unit) for run in runs] == [
        (f"{path} (LightGBM)", "iteration"),
        (f"{path} (NeuralNetTorch)", "epoch"),
    ]
    assert [float(value) for value in runs[1].named("Val log_loss", "validation").values] == [
        1.3041,
        0.966,
        0.9818,
    ]
    assert runs[1].notes == (
        "The sign of 'Val log_loss' was turned: it is negative throughout, as tools write losses of which more is to be better.",
    )
