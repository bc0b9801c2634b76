"""The same two curves as people keep them: whatever wrote them down, they are read with their numbers, and overfit."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import justright as jr

EPOCHS = 40
TURN = 11
JITTER = np.random.default_rng(3).normal(size=(3, EPOCHS))
TRAIN = [round(0.3 + 0.4 * math.exp(-i / 12) + 0.004 * JITTER[0, i], 4) for i in range(EPOCHS)]
HELD = [
    round(0.5 + 0.2 * math.exp(-i / 4) + max(0, i - TURN) * 0.0055 + 0.005 * JITTER[1, i], 4)
    for i in range(EPOCHS)
]
ACCURACY = [
    round(0.6 + 0.15 * (1 - math.exp(-i / 5)) - max(0, i - TURN) * 0.002 + 0.002 * JITTER[2, i], 4)
    for i in range(EPOCHS)
]


def lines(template, head=""):
    """A line for each epoch: `i` from 0, `n` from 1, losses `t` and `v`, accuracy `a`."""
    rows = zip(TRAIN, HELD, ACCURACY, strict=True)
    return head + "".join(
        template.format(i=i, n=i + 1, t=t, v=v, a=a, step=100 * (i + 1), second=i % 60)
        for i, (t, v, a) in enumerate(rows)
    )


EACH = [{"epoch": i, "loss": t, "val_loss": v} for i, (t, v) in enumerate(zip(TRAIN, HELD, strict=True))]
NESTED = [
    {"epoch": one["epoch"], "train": {"loss": one["loss"]}, "val": {"loss": one["val_loss"]}} for one in EACH
]
BAR = "32/32 [==============================] - 1s 12ms/step - "
COLOURED_BAR = "\x1b[1m32/32\x1b[0m \x1b[32m━━━━━━━━\x1b[0m\x1b[37m\x1b[0m \x1b[1m0s\x1b[0m 4ms/step - "

# File name -> what is in it.
LOGS = {
    "keras_output.log": lines(
        "Epoch {n}/40\n\r 1/32 [......] - ETA: 0s - loss: 0.9911\r" + BAR + "loss: {t} - val_loss: {v}\n"
    ),
    "keras_3_output.txt": lines(
        "Epoch {n}/40\n" + COLOURED_BAR + "accuracy: {a} - loss: {t} - val_loss: {v}\n"
    ),
    "pytorch_print.txt": lines(
        "Epoch: {n:03d} | Train Loss: {t} | Train Acc: {a}%\n\t Val. Loss: {v} |  Val. Acc: {a}%\n"
    ),
    "python_logging.log": lines(
        "2023-01-02 10:11:{second:02d},123 - INFO - [Epoch {n}/40] train_loss={t}, val_loss={v}, lr=1.0e-03, time=12.3s\n"
    ),
    "words.txt": lines("epoch {n} training loss: {t} validation loss: {v}\n"),
    "ignite.log": lines(
        "Training Results - Epoch: {n}  Avg accuracy: {a} Avg loss: {t}\n"
        "Validation Results - Epoch: {n}  Avg accuracy: {a} Avg loss: {v}\n"
    ),
    "lightning_bar.txt": lines(
        "Epoch {i}: 100%|████| 32/32 [00:01<00:00, 20.1it/s, v_num=0, train_loss={t}, val_loss={v}]\n"
    ),
    "nnunet.txt": lines(
        "2023-05-01 10:00:{second:02d}.1: \n2023-05-01 10:00:{second:02d}.1: Epoch {i}\n"
        "2023-05-01 10:00:{second:02d}.2: train_loss {t}\n2023-05-01 10:00:{second:02d}.3: val_loss {v}\n"
        "2023-05-01 10:00:{second:02d}.4: Epoch time: 120.1 s\n"
    ),
    "xgboost_output.txt": lines("[{i}]\ttrain-logloss:{t}\teval-logloss:{v}\n"),
    "catboost_output.txt": lines(
        "{i}:\tlearn: {t}\ttest: {v}\tbest: 0.5 (11)\ttotal: 3ms\tremaining: 1.2s\n"
    ),
    "trainer_output.log": lines(
        "{{'loss': {t}, 'grad_norm': 1.23, 'learning_rate': 5e-05, 'epoch': {n}.0}}\n"
        "{{'eval_loss': {v}, 'eval_runtime': 1.2, 'eval_samples_per_second': 100.1, 'epoch': {n}.0}}\n"
    ),
    "fairseq.log": lines(
        '2021-01-01 10:00:00 | INFO | train | {{"epoch": {n}, "train_loss": "{t}", "train_num_updates": "{step}"}}\n'
        '2021-01-01 10:00:01 | INFO | valid | {{"epoch": {n}, "valid_loss": "{v}", "valid_num_updates": "{step}"}}\n'
    ),
    "metrics.json": lines(
        '{{"iteration": {step}, "total_loss": {t}, "lr": 0.001, "data_time": 0.01}}\n{{"iteration": {step}, "validation_loss": {v}}}\n'
    ),
    "scalars.json": lines(
        '{{"lr": 0.01, "loss": {t}, "epoch": {n}, "iter": {step}, "step": {step}}}\n{{"val_loss": {v}, "step": {n}}}\n'
    ),
    "summary.csv": lines("{i},{t},{v},{a},0.001\n", "epoch,train_loss,eval_loss,eval_top1,lr\n"),
    "history.csv": lines("{i},{t},{v},{a},00:{second:02d}\n", "epoch,train_loss,valid_loss,accuracy,time\n"),
    "results.csv": lines(
        "                   {n},            {t},   {a},  {v},   0.01\n",
        "               epoch,      train/box_loss,   metrics/precision,   val/box_loss,   x/lr0\n",
    ),
    "no_epochs.csv": lines("{t},{v}\n", "loss,val_loss\n"),
    "capitals.csv": lines("{n},{t},{v},{a},1e-3,12.1\n", "Epoch,Train_Loss,Val_Loss,Val_Acc,LR,Time\n"),
    "pandas.csv": lines("{i},{t},{a},{v}\n", ",loss,accuracy,val_loss\n"),
    "long.csv": lines("{n},{t},loss,training\n{n},{v},loss,validation\n", "epoch,value,metric,data\n"),
    "tabs.tsv": lines("{i}\t{t}\t{v}\n", "epoch\ttrain_loss\tval_loss\n"),
    "notebook.txt": lines("{n}\t{t}\t{v}\t{a}\n", "Epoch\tTraining Loss\tValidation Loss\tAccuracy\n"),
    "model_card.md": lines(
        "| {n} | {t} | {v} | {a} |\n",
        "| Epoch | Training Loss | Validation Loss | Accuracy |\n|---|---|---|---|\n",
    ),
    "history_with_configuration.json": json.dumps(
        {
            "params": {"epochs": EPOCHS, "batch_size": 32},
            "history": {"loss": TRAIN, "val_loss": HELD},
            "test_loss": 0.6,
        }
    ),
    "flat.json": json.dumps(
        {"train_loss": TRAIN, "valid_loss": HELD, "best_epoch": TURN, "args": {"lr": 0.001}}
    ),
    "rows.json": json.dumps(EACH),
    "rows_inside.json": json.dumps({"epochs": NESTED}),
    "by_epoch.json": json.dumps(
        {f"epoch_{one['epoch']}": {"train": one["train"], "val": one["val"]} for one in NESTED}
    ),
    "strings.json": json.dumps({"loss": [str(one) for one in TRAIN], "val_loss": [str(one) for one in HELD]}),
    "pandas.json": json.dumps(
        {
            "loss": {str(i): t for i, t in enumerate(TRAIN)},
            "val_loss": {str(i): v for i, v in enumerate(HELD)},
        }
    ),
    "python.txt": str({"loss": TRAIN, "val_loss": HELD}),
}


@pytest.fixture(params=LOGS)
def log(request, tmp_path):
    """One of the logs, on disk."""
    path = tmp_path / request.param
    path.write_text(LOGS[request.param], encoding="utf-8")
    return path


def test_every_log_is_read_with_its_numbers_and_judged(log):
    """One run, both curves as they are written, and one verdict."""
    reading = jr.diagnose(log)
    (run,) = reading.runs
    judged = run.sets[0].judged
    (held,) = (
        one for one in run.curves.of_set(run.sets[0].role, run.sets[0].set) if one.written == judged.written
    )
    np.testing.assert_allclose(held.values, HELD)
    train = next(one for one in run.curves.curves if one.role == "train" and one.written == judged.train)
    np.testing.assert_allclose(train.values, TRAIN)
    assert reading.label == "overfits"
