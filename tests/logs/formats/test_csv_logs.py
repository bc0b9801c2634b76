"""Tables as tools and people leave them: whatever their shape, the same curves come out, and what was assumed is said."""

from __future__ import annotations

import math

import pytest
from tests.refusals import refusal

from justright.errors import InputError
from justright.logs.choices import Choices
from justright.logs.formats.csv_logs import PLAIN_CSV
from justright.logs.formats.registry import read_logs
from justright.logs.log_curves import LogCurves
from justright.logs.source import Source

TRAIN = [0.7, 0.6, 0.5, 0.45]
VALIDATION = [0.72, 0.65, 0.66, 0.7]
PAIRS = list(zip(TRAIN, VALIDATION, strict=True))


def read_run(path):
    """Return the curves of the one run in a log."""
    (run,) = read_logs(path).curves
    return run


def table(header, row, *, start=0):
    """Return a header and a row per epoch."""
    rows = [row.format(e=epoch, t=t, v=v) for epoch, (t, v) in enumerate(PAIRS, start)]
    return "\n".join([header, *rows]) + "\n"


PLAIN = table("epoch,loss,val_loss", "{e},{t},{v}")
SHAPES = {
    "plain": PLAIN.encode(),
    "windows": PLAIN.replace("\n", "\r\n").encode(),
    "byte order mark": PLAIN.encode("utf-8-sig"),
    "utf-16": PLAIN.encode("utf-16"),
    "utf-16 without a mark": PLAIN.encode("utf-16-le"),
    "tabs": PLAIN.replace(",", "\t").encode(),
    "spaces": PLAIN.replace(",", " ").encode(),
    "padded": PLAIN.replace(",", ",      ").encode(),
    "padded with spaces": table("   epoch     loss   val_loss", "{e:8} {t:8} {v:10}").encode(),
    "bars": table("| epoch | loss | val_loss |\n|---|:---:|---:|", "| {e} | {t} | {v} |").encode(),
    "box": table("┃ epoch ┃ loss ┃ val_loss ┃\n┡━━━╇━━━╇━━━┩", "│ {e} │ {t} │ {v} │").encode(),
    "prose around": (
        "# Results\n\nIt was **fine**.\n\n"
        + table("| Epoch | Training Loss | Validation Loss |\n|:--|--|--|", "| {e} | {t} | {v} |")
        + "\nThe end.\n"
    ).encode(),
    "quoted": table('"epoch","loss","val_loss"', '"{e}","{t}","{v}"').encode(),
    "semicolons and decimal commas": PLAIN.replace(",", ";").replace(".", ",").encode(),
    "quoted decimal commas": table("epoch,loss,val_loss", '{e},"{t}","{v}"').replace("0.", "0,").encode(),
    "trailing separators": table("epoch,loss,val_loss", "{e},{t},{v},").encode(),
    "trailing separators in the header": table("epoch,loss,val_loss,", "{e},{t},{v},").encode(),
    "comments": ("# my run\n# lr=0.1\n" + PLAIN.replace("\n2,", "\n# resumed\n2,")).encode(),
    "commented header": table("# epoch loss val_loss", "{e} {t} {v}").encode(),
    "commented header above a comment": table(
        "#  epoch      loss    val_loss\n# If there is no reference, val_loss will be nan",
        "      {e}      {t}    {v}",
    ).encode(),
    "commented header with commas": table("# epoch, loss, val_loss", "{e}.0e+00 {t} {v}").encode(),
    "preamble": ("Loading data, please wait\n\nDevice: cuda\n" + PLAIN).encode(),
    "unnamed index": table(",loss,val_loss", "{e},{t},{v}").encode(),
    "index of pandas": table("Unnamed: 0,loss,val_loss", "{e},{t},{v}").encode(),
    "index without a column": table("loss,val_loss", "{e},{t},{v}").encode(),
    "printed data frame": table("       loss  val_loss", "{e}      {t}      {v}").encode(),
    "no epoch": table("loss,val_loss", "{t},{v}").encode(),
    "epoch of": table("epoch,loss,val_loss", "{e}/40,{t},{v}").encode(),
    "epoch in words": table("Epoch,loss,val_loss", "Epoch {e},{t},{v}").encode(),
    "percent": table("epoch,loss,val_loss", "{e},{t:%},{v:%}").encode(),
    "tensors": table("epoch,loss,val_loss", "{e},\"tensor({t}, device='cuda:0')\",tensor({v})").encode(),
    "lists": table("epoch,loss,val_loss", "{e},[{t}],np.float64({v})").encode(),
    "words": table("epoch,loss,val_loss,device,time", "{e},{t},{v},cuda:0,04:3{e}").encode(),
    "blank lines": PLAIN.replace("\n", "\n\n").encode(),
    "header again": PLAIN.replace("\n2,", "\nepoch,loss,val_loss\n2,").encode(),
    "long, of R": table("epoch,value,metric,data", "{e},{t},loss,training\n{e},{v},loss,validation").encode(),
    "long": table("step,name,value", "{e},train/loss,{t}\n{e},val/loss,{v}").encode(),
    "long, of Aim": table(
        "name,context,step,value",
        "loss,\"{{'subset': 'train'}}\",{e},{t}\nloss,\"{{'subset': 'val'}}\",{e},{v}",
    ).encode(),
    "a row per set": table("epoch,phase,loss,acc", "{e},train,{t},0.5\n{e},val,{v},0.5").encode(),
    "lightning": table("epoch,step,train_loss,val_loss", "{e},{e}9,,{v}\n{e},{e}9,{t},").encode(),
    "pasted into R Markdown": table("## epoch   loss  val_loss", "##     {e}   {t}      {v}").encode(),
    "steps of a learning rate": table(
        "epoch,lr-Adam,step,train_loss,val_loss", ",0.1,{e}0,,\n{e},,{e}9,{t},\n{e},,{e}9,,{v}"
    ).encode(),
    "step and epoch twins": table(
        "epoch,step,train_loss_step,train_loss_epoch,val_loss", "{e},{e}5,0.9,,\n{e},{e}9,,{t},{v}"
    ).encode(),
    "test rows": (
        table("epoch,step,test_loss,train_loss,val_loss", "{e},{e}9,,{t},{v}") + "4,40,0.55,,\n"
    ).encode(),
    "xgboost's cv": table(
        "train-logloss-mean,train-logloss-std,test-logloss-mean,test-logloss-std", "{t},0.01,{v},0.02"
    ).encode(),
    "second level of names": table("epoch,train,val\n,loss,loss", "{e},{t},{v}").encode(),
    "single quotes": table("'epoch','loss','val_loss'", "'{e}','{t}','{v}'").encode(),
    "units": table("Epoch (#),Train loss [nats],Val loss [nats]", "{e},{t},{v}").encode(),
    "another language": table("época,loss,val_loss", "{e},{t},{v}").encode(),
    "Chinese": table("轮次,训练集损失,验证集损失", "{e},{t},{v}").encode(),
    "German": table("Epoche,Verlust,Validierung Verlust", "{e},{t},{v}").encode(),
    "German compounds": table("Epoche,Trainingsverlust,Validierungsverlust", "{e},{t},{v}").encode(),
    "Russian": table("эпоха,потери обучения,потери валидации", "{e},{t},{v}").encode(),
    "only rows": table("epoch,train,val", "{e},{t},{v}").encode(),
    "metric first": table("iter,loss - train,loss - validation", "{e},{t},{v}").encode(),
    "thousands": table("step,train_loss,val_loss", '"{e},000",{t},{v}').replace(",000", "").encode(),
    "a comma in words": table("epoch,loss,val_loss,note", "{e},{t},{v},")
    .replace("0.65,", "0.65,so far, so good")
    .encode(),
    "a mean below": (PLAIN + "mean,0.56,0.68\n").encode(),
    "zero bytes after a crash": PLAIN.encode() + b"\0" * 100,
    "colours": table(
        "  epoch    train_loss    valid_loss\n-------  ------------  ------------",
        "{e:7d}  \x1b[36m{t:12}\x1b[0m  {v:12}",
    ).encode(),
    "not measured": (PLAIN + "4,0.4,NA\n").encode(),
}


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_gives_the_same_curves(tmp_path, name):
    """Four epochs of both losses."""
    path = tmp_path / "log.csv"
    path.write_bytes(SHAPES[name])
    curves = read_run(path)
    ((role, set_name),) = curves.evaluation_sets()
    judged = curves.losses_of(role, set_name)[0]
    train = curves.train_curve(judged.metric)
    assert judged.values.tolist() == VALIDATION
    assert judged.at.tolist() == [0, 1, 2, 3]
    assert train.values.tolist()[:4] == TRAIN
    assert train.at.tolist()[:4] == [0, 1, 2, 3]


NOTES = {
    "half-written": (PLAIN + "4,0.4", ("The last line is half-written, and was left out.",)),
    "bad cell": (
        PLAIN.replace("0.65", "oops"),
        ("1 cell of 'val_loss' holds no number, and was left out.",),
    ),
    "bad cells": (
        PLAIN.replace("0.65", "oops").replace("0.66", "###") + "4,0.4,0.7\n5,0.4,0.7\n",
        ("2 cells of 'val_loss' hold no number, and were left out.",),
    ),
    "short row": (
        PLAIN.replace("2,0.5,0.66", "2,0.5"),
        ("1 row is shorter than the header: the rest of it was taken as not measured.",),
    ),
    "long row": (
        PLAIN.replace("2,0.5,0.66", "2,0.5,0.66,7"),
        ("1 row is longer than the header: what goes beyond it was left out.",),
    ),
    "report": (PLAIN + "Best epoch was 1\n", ("1 line that is no row was left out.",)),
    "same name": (
        table("epoch,loss,loss,val_loss", "{e},{t},1,{v}"),
        ("Column 'loss' is there twice: the second is called 'loss (2)'.",),
    ),
    "test for validation": (
        table("epoch,loss,test_loss", "{e},{t},{v}"),
        ("There is no validation set: 'test_loss' was taken for validation.",),
    ),
    "all nan": (
        table("epoch,loss,val_loss", "{e},{t},nan"),
        (
            "'val_loss' holds nothing but nan: it was taken as not measured.",
            "Nothing says on which rows 'loss' was measured: training rows were assumed.",
        ),
    ),
    "nan between": (
        table("epoch,loss,val_loss", "{e}0,{t},nan\n{e}1,{t},nan\n{e}2,{t},{v}"),
        ("Most of 'val_loss' is nan between numbers: these were taken as not measured.",),
    ),
    "nan at the end": (PLAIN + "4,0.4,nan\n5,0.4,nan\n6,0.4,nan\n7,0.4,nan\n8,0.4,nan\n", ()),
    "latin-1": (
        table("epoch,loss,val_loss,note", "{e},{t},{v},é"),
        ("The text is not UTF-8 (byte 36): it was read as Latin-1.",),
    ),
    "parts of a loss": (
        table("Step   Train loss    Test loss    Test metric", "{e}    [{t}, 0.10]    [{v}, 0.20]    []"),
        (
            "Lists of numbers under 'Train loss' were averaged.",
            "Lists of numbers under 'Test loss' were averaged.",
            "There is no validation set: 'Test loss' was taken for validation.",
        ),
    ),
    "a report below": (
        table(
            "Step   Train loss    Test loss    Test metric",
            "{e}00  {t}    {v}    9.9\n{e}50  {t}    {v}    9.9",
        )
        + "\nBest model at step 150:\n  train loss: 6.00e-01\n  test loss: 6.5e-01\n  test metric: [9.9]\n'train' took 9 s\nSaving ...\n",
        (
            "6 lines that are no rows were left out.",
            "There is no validation set: 'Test loss' was taken for validation.",
        ),
    ),
    "batches": (
        table("epoch,step,train_loss,val_loss", "{e},{e}1,{t},\n{e},{e}2,{t},\n{e},{e}2,,{v}"),
        ("Several values per epoch of 'train_loss' were averaged over each epoch.",),
    ),
}


@pytest.mark.parametrize("name", NOTES)
def test_what_was_assumed_is_said(tmp_path, name):
    """One plain sentence for each assumption, and none for what the log says itself."""
    text, notes = NOTES[name]
    path = tmp_path / "log.csv"
    path.write_bytes(text.encode("latin-1"))
    assert read_run(path).notes == notes


def test_nan_at_the_end_is_kept(tmp_path):
    """The network diverged: nan was measured."""
    path = tmp_path / "log.csv"
    path.write_text(PLAIN + "4,nan,nan\n")
    (judged,) = read_run(path).losses_of("validation")
    assert math.isnan(judged.values[-1])


def test_validation_within_epochs_counts_steps(tmp_path):
    """Lightning's val_check_interval: four validations per epoch, whose epochs are remembered."""
    path = tmp_path / "metrics.csv"
    rows = [
        f"{step // 40},{step},{0.7 - step / 1000},\n{step // 40},{step},,{0.8 - step / 1000}"
        for step in range(0, 160, 10)
    ]
    path.write_text("\n".join(["epoch,step,train_loss,val_loss", *rows]))
    curves = read_run(path)
    (judged,) = curves.losses_of("validation")
    assert curves.unit == "step"
    assert judged.at.tolist() == list(range(0, 160, 10))
    assert curves.epochs[150] == 3


def test_folds_and_seeds_are_members_of_one_group(tmp_path):
    """Rows of folds one after the other, and a model of its own for each value of 'model'."""
    rows = [
        f"{m},{fold},{e},{t},{v}" for m in ("a", "b") for fold in (0, 1) for e, (t, v) in enumerate(PAIRS)
    ]
    path = tmp_path / "log.csv"
    path.write_text("\n".join(["model,fold,epoch,loss,val_loss", *rows]) + "\n")
    runs = read_logs(path).curves
    assert [(run.member, run.group) for run in runs] == [
        ("fold 0", f"{path} (model a)"),
        ("fold 1", f"{path} (model a)"),
        ("fold 0", f"{path} (model b)"),
        ("fold 1", f"{path} (model b)"),
    ]
    assert all(run.losses_of("validation")[0].values.tolist() == VALIDATION for run in runs)


@pytest.mark.parametrize("name", ["fold_{m}_{0}", "{0}_seed{m}", "run {m}/{0}"])
def test_columns_of_members_are_told_apart_by_their_names(tmp_path, name):
    """Members lie side by side: each becomes a run, with the columns they share."""
    columns = [name.format(half, m=m) for m in (1, 2) for half in ("train_loss", "val_loss")]
    path = tmp_path / "log.csv"
    path.write_text(table(",".join(["epoch", *columns]), "{e},{t},{v},{t},{v}"))
    runs = read_logs(path).curves
    word = name.replace("{0}", "").strip("_/ ").partition("{")[0].strip("_ ")
    assert [run.member for run in runs] == [f"{word} 1", f"{word} 2"]
    assert {run.group for run in runs} == {str(path)}
    assert all(run.losses_of("validation")[0].values.tolist() == VALIDATION for run in runs)
    assert all(run.train_curve("loss").values.tolist() == TRAIN for run in runs)


def test_a_member_keeps_its_own_curve_beside_the_mean_of_all(tmp_path):
    """The mean has the name that is left of the members' columns."""
    path = tmp_path / "log.csv"
    path.write_text(table("epoch,val_loss,fold_0_val_loss,fold_1_val_loss", "{e},9,{t},{v}"))
    runs = read_logs(path).curves
    assert [[one.values.tolist() for one in run.curves] for run in runs] == [[TRAIN], [VALIDATION]]


def test_a_counter_that_falls_is_left_to_be_told_apart(tmp_path):
    """A run started again in the same file: times and lines come in the order of the log."""
    path = tmp_path / "log.csv"
    path.write_text(PLAIN + PLAIN)
    (run,) = PLAIN_CSV.read(Source.of_file(path))
    one = run.series[1]
    assert one.at == [0, 1, 2, 3, 0, 1, 2, 3]
    assert one.lines == [2, 3, 4, 5, 7, 8, 9, 10]


def test_a_header_with_other_metrics_after_a_restart_keeps_both(tmp_path):
    """A callback appended to its file after a metric was added."""
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss,val_loss\n0,0.7,0.72\nepoch,acc,loss,val_loss\n1,0.9,0.6,0.65\n")
    curves = {one.written: one.values.tolist() for one in read_run(path).curves}
    assert curves == {"loss": [0.7, 0.6], "val_loss": [0.72, 0.65], "acc": [0.9]}


def test_a_chart_of_wandb_holds_several_runs(tmp_path):
    """A column per run; smallest and largest values beside it are left out."""
    path = tmp_path / "wandb_export.csv"
    rows = [f'"{e}","{t}","{t}","{t}","{v}","{v}","{v}"' for e, (t, v) in enumerate(PAIRS)]
    names = [f"{run} - val/loss{bound}" for run in ("a - 1", "b") for bound in ("", "__MIN", "__MAX")]
    path.write_text("\n".join([",".join(f'"{name}"' for name in ("Step", *names)), *rows]))
    runs = read_logs(path).curves
    assert [run.name for run in runs] == [f"{path} (a - 1)", f"{path} (b)"]
    assert [run.losses_of("validation")[0].values.tolist() for run in runs] == [TRAIN, VALIDATION]
    assert {run.unit for run in runs} == {"step"}


def test_a_curve_that_tensorboard_exported_is_named_by_its_file(tmp_path):
    """The columns say nothing but 'Value'."""
    path = tmp_path / "run-validation-tag-epoch_loss.csv"
    path.write_text(table("Wall time,Step,Value", "1700000000.5,{e},{v}"))
    curves = read_run(path)
    (judged,) = curves.losses_of("validation")
    assert (judged.metric, judged.values.tolist(), curves.unit) == ("loss", VALIDATION, "step")


def test_ultralytics_logs_three_losses_and_metrics_of_one_set(tmp_path):
    """Each part of the loss is a loss of its own; precision and recall were measured on validation rows."""
    names = [f"{half}/{part}_loss" for half in ("train", "val") for part in ("box", "cls", "dfl")]
    header = ",".join(f"{name:>24}" for name in ("epoch", *names, "metrics/mAP50-95(B)", "lr/pg0"))
    path = tmp_path / "results.csv"
    path.write_text(table(header, "{e},{t},{t},{t},{v},{v},{v},0.5,0.01"))
    curves = read_run(path)
    assert curves.format == "ultralytics-csv"
    assert curves.evaluation_sets() == (("validation", ""),)
    assert [one.metric for one in curves.losses_of("validation")] == ["box_loss", "cls_loss", "dfl_loss"]
    assert [one.metric for one in curves.of_set("validation")] == [
        "box_loss",
        "cls_loss",
        "dfl_loss",
        "map50_95_b",
    ]
    assert curves.train_curve("cls_loss").written == "train/cls_loss"
    assert curves.notes == ()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "no header",
            "0,0.7,0.72\n1,0.6,0.65\n",
            (
                "A table must begin with a line that names its columns; the first line of {path!r} holds numbers. "
                "Name them, as in `--columns epoch,loss,val_loss`, or add such a line."
            ),
        ),
        (
            "classification report",
            "      precision  recall  f1-score  support\n0  0.9  0.8  0.85  100\n1  0.8  0.9  0.85  90\n",
            (
                "A training log must hold a row per epoch or step; {path!r} is a classification report, with a row per class. "
                "Pass the log that was written during training."
            ),
        ),
        (
            "learning curve",
            "train_sizes,train_score,test_score\n50,0.9,0.6\n100,0.88,0.7\n200,0.86,0.75\n",
            (
                "A training log must hold a value per epoch or step; {path!r} is a learning curve, with a value per number of "
                "training rows. `justright run TABLE --study data` measures one, with intervals."
            ),
        ),
        (
            "results of settings",
            "dropout,lr,val_acc\n0.1,0.01,0.8\n0.2,0.01,0.81\n0.3,0.01,0.82\n",
            (
                "A training log must hold a row per epoch or step; {path!r} holds a row per run. "
                "Give the history of one run instead, such as its own CSV file or an export of its curves."
            ),
        ),
        (
            "no rows",
            "epoch,loss,val_loss\n",
            "A training log must hold a row per epoch; {path!r} has a header and no row.",
        ),
        (
            "only counts",
            "epoch,step\n0,1\n1,2\n",
            "A training log must hold numbers; no column of {path!r} but those that count holds any.",
        ),
        (
            "unknown names",
            "epoch,foo,bar\n0,1,2\n1,2,3\n",
            (
                "A training log must hold a metric of which it is known, or said, whether less or more is better; "
                "{path!r} holds 'foo', 'bar'. If one of them is such a metric, say so, as in `--validation bar --minimize bar`."
            ),
        ),
        (
            "trials of a search",
            "number,value,params_layers,params_units,state\n0,0.5,1,32,COMPLETE\n1,0.4,2,64,COMPLETE\n",
            (
                "A training log must hold a row per epoch or step; {path!r} holds a row per run. "
                "Give the history of one run instead, such as its own CSV file or an export of its curves."
            ),
        ),
        (
            "a table of runs",
            "Name,State,Created,learning_rate,val_loss\na,finished,2026-01-01,0.1,0.5\nb,finished,2026-01-02,0.2,0.4\n",
            (
                "A training log must hold a row per epoch or step; {path!r} holds a row per run. "
                "Give the history of one run instead, such as its own CSV file or an export of its curves."
            ),
        ),
    ],
)
def test_what_is_no_log_is_refused_in_one_sentence(tmp_path, name, content, message):
    """What must hold, what was found, what to do."""
    path = tmp_path / "log.csv"
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        read_logs(path)
    assert str(caught.value) == message.format(path=str(path)), name


def test_the_user_says_what_counts(tmp_path):
    """A column of any name, in any case."""
    path = tmp_path / "log.csv"
    path.write_text(table("epoch,when,loss,val_loss", "0,{e}00,{t},{v}"))
    source = Source.of_file(path, Choices(step="When"))
    (run,) = PLAIN_CSV.read(source)
    assert run.unit == "step"
    (judged,) = LogCurves.of_run(run, "csv").losses_of("validation")
    assert judged.at.tolist() == [0, 100, 200, 300]
    assert refusal(PLAIN_CSV.read, Source.of_file(path, Choices(epoch="whem"))) == (
        "--epoch must name a column; got 'whem'. Did you mean 'when'? The columns are 'epoch', 'when', 'loss', 'val_loss'."
    )


def test_the_table_of_spacy_holds_losses_of_training_and_scores_of_other_rows(tmp_path):
    """It counts steps by '#'; several rows of an epoch are evaluations of their own."""
    path = tmp_path / "train.txt"
    rows = "".join(
        f"  0  {200 * k:6d}  {t * 40:12.2f}  {v * 100:6.2f}  {v:6.2f}\n" for k, (t, v) in enumerate(PAIRS)
    )
    path.write_text(
        "ℹ Pipeline: ['ner']\nE    #       LOSS NER      ENTS_F  SCORE \n---  ------  ------------  ------  ------\n"
        + rows
        + "✔ Saved pipeline to output directory\n"
    )
    run = read_run(path)
    assert run.unit == "step"
    assert [(one.written, one.role, one.at.tolist()) for one in run.curves] == [
        ("LOSS NER", "train", [0, 200, 400, 600]),
        ("ENTS_F", "validation", [0, 200, 400, 600]),
        ("SCORE", "validation", [0, 200, 400, 600]),
    ]


def test_what_an_agent_earned_while_it_explored_is_no_evaluation(tmp_path):
    """Where evaluations are logged beside it, as by Stable-Baselines3."""
    path = tmp_path / "progress.csv"
    path.write_text(
        "rollout/ep_rew_mean,time/total_timesteps,train/loss,eval/mean_reward\n"
        + "".join(f"{k},{k * 2048},{t},{k + 1}\n" for k, (t, _) in enumerate(PAIRS))
    )
    run = read_run(path)
    assert [(one.written, one.role) for one in run.curves] == [
        ("rollout/ep_rew_mean", "train"),
        ("train/loss", "train"),
        ("eval/mean_reward", "validation"),
    ]


@pytest.mark.parametrize("separator", [",", "\t", "  ", " "])
def test_columns_without_a_header_get_the_names_that_the_user_gives(tmp_path, separator):
    """Whatever parts the cells."""
    path = tmp_path / "log.csv"
    path.write_text("".join(f"{k}/4{separator}{t}{separator}{v}\n" for k, (t, v) in enumerate(PAIRS)))
    (run,) = read_logs(path, Choices(columns=("epoch", "train loss", "val loss"))).curves
    assert run.losses_of("validation")[0].values.tolist() == VALIDATION
    assert run.train_curve("loss").values.tolist() == TRAIN
    assert refusal(read_logs, path) == (
        f"A table must begin with a line that names its columns; the first line of {str(path)!r} holds numbers. "
        "Name them, as in `--columns epoch,loss,val_loss`, or add such a line."
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "0,0.7,0.8\n1,0.6,0.7\n",
            "`columns` must name every column of {path!r}; got 2 names for rows of 3, such as '0,0.7,0.8'.",
        ),
        (
            '{{"loss": [1, 2]}}',
            "`columns` must name those of a table without a header; {path!r} is no table.",
        ),
    ],
)
def test_names_that_do_not_fit_the_columns_are_refused(tmp_path, text, message):
    """So are names of columns where there are none."""
    path = tmp_path / "log.csv"
    path.write_text(text.replace("{{", "{").replace("}}", "}"))
    assert refusal(read_logs, path, Choices(columns=("epoch", "loss"))) == message.format(path=str(path))


def test_yolo_writes_no_header_and_is_known(tmp_path):
    """Versions 5 and 7 write fifteen columns to results.txt."""
    path = tmp_path / "results.txt"
    path.write_text(
        "".join(
            f"     {k}/3     14.6G   {t}   0.02   0.03   0.12        51       640    0.5    0.4    0.4    0.2   {v}   0.02   0.03\n"
            for k, (t, v) in enumerate(PAIRS)
        )
    )
    run = read_run(path)
    assert (run.format, run.unit) == ("ultralytics-csv", "epoch")
    assert [one.written for one in run.judged_first("validation")] == [
        "val/box_loss",
        "val/obj_loss",
        "val/cls_loss",
    ]
    assert run.judged_first("validation")[0].values.tolist() == VALIDATION
