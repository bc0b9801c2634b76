"""What the name of one series says: rows, set, metric, direction."""

from __future__ import annotations

import pytest

from justright.logs.metric_names import MetricName, direction_of, is_loss, parse_name

# Every way of writing a loss on some rows that we have met; what stays is the metric.
ROLE_WORDS = {
    "train": ("train", "training", "trn", "tr"),
    "validation": (
        "val",
        "vali",
        "valid",
        "validation",
        "dev",
        "eval",
        "evaluation",
        "holdout",
        "cv",
        "Val.",
        "hold-out",
        "out_of_fold",
    ),
    "test": ("test", "testing", "tst"),
}
SHAPES = (
    "{0}_loss",
    "{0} loss",
    "{0}/loss",
    "{0}-loss",
    "{0}.loss",
    "{0}: loss",
    "loss_{0}",
    "Loss/{0}",
    "loss ({0})",
    "avg_{0}_loss",
)
SHAPES += (
    "{0}_epoch_loss",
    "{0}_loss_epoch",
    "mean {0} loss",
    "{0}_losses",
    "metrics/{0}/loss",
    "running_{0}_loss",
    "{0} loss (%)",
)


@pytest.mark.parametrize("role", ROLE_WORDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_rows_and_metric_are_read_in_any_order_separator_and_case(role, shape):
    """Prefix or suffix, lower, upper or title case."""
    for word in ROLE_WORDS[role]:
        for written in (shape.format(word), shape.format(word).upper(), shape.format(word).title()):
            assert parse_name(written) == MetricName("loss", role), written


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("loss", MetricName("loss")),
        ("epoch_accuracy", MetricName("accuracy")),
        ("trainLoss", MetricName("loss", "train")),
        ("valAcc", MetricName("accuracy", "validation")),
        ("TestLoss", MetricName("loss", "test")),
        ("valloss", MetricName("loss", "validation")),
        ("train_RMSE", MetricName("rmse", "train")),
        ("val_mean_absolute_error", MetricName("mean_absolute_error", "validation")),
        ("mean_val_absolute_error", MetricName("mean_absolute_error", "validation")),
        ("val_CrossEntropy", MetricName("crossentropy", "validation")),
        ("val_binary_crossentropy", MetricName("binary_crossentropy", "validation")),
        ("validation_1-logloss", MetricName("logloss", "validation", "validation_1")),
        ("valid_0's binary_logloss", MetricName("binary_logloss", "validation", "valid_0")),
        ("training's auc", MetricName("auc", "train")),
        ("train-rmse", MetricName("rmse", "train")),
        ("test2_loss", MetricName("loss", "test", "test2")),
        ("val_loss/dataloader_idx_1", MetricName("loss", "validation", "dataloader_idx_1")),
        ("test-Logloss-mean", MetricName("logloss", "test")),
        ("metrics/mAP50-95(B)", MetricName("map50_95_b")),
        ("val/box_loss", MetricName("box_loss", "validation")),
        ("Test R^2", MetricName("r2", "test")),
        ("eval_train_loss", MetricName("loss", "train")),
        ("lr", MetricName("learning_rate")),
        ("lr-Adam", MetricName("learning_rate_adam")),
        ("val_auc_1", MetricName("auc_1", "validation")),
        ("average_precision", MetricName("average_precision")),
    ],
)
def test_names_that_tools_write(written, expected):
    """Keras, Lightning, XGBoost, LightGBM, CatBoost, Ultralytics, and people."""
    assert parse_name(written) == expected


LESS = "loss box_loss loss_ce cls_loss nll perplexity wer cer fid mse rmse mae mean_squared_error mean_absolute_percentage_error huber kl_divergence"
LESS += " logloss multi_logloss merror error_rate hinge log_cosh brier_score_loss class_error loss_dice policy_loss crps hd95 ece eer bits_per_byte"
MORE = "accuracy acc top_5_accuracy sparse_categorical_accuracy auc AUROC pr_auc f1 F1_score macro_f1 precision recall mAP50-95(B) bbox_mAP_50 mIoU dice"
MORE += " pseudo_dice jaccard r2 kappa matthews_correlation bleu sacrebleu rougeL ndcg@10 hits@10 mrr exact_match pearsonr spearmanr psnr ssim MulticlassF1Score"
MORE += " mean_token_accuracy cosine_similarity neg_log_loss neg_mean_squared_error elbo mean_reward ep_rew_mean c_index win_rate true_positive_rate"
NEITHER = "learning_rate lr lr/pg0 grad_norm epoch step global_step iteration time runtime samples_per_second steps_per_second memory gpu_mem total_flos"
NEITHER += " num_tokens loss_scale loss_std weight_decay momentum hp_metric best_val_loss eta data_time temperature entropy batch_size test_logloss_std"
LOSSES = "loss binary_crossentropy mse mean_absolute_error perplexity nll loss_giou dfl_loss poisson kld logloss huber"
NO_LOSSES = "wer cer error_rate class_error fid accuracy lr f1 neg_log_loss"


@pytest.mark.parametrize(("names", "direction"), [(LESS, "less"), (MORE, "more"), (NEITHER, None)])
def test_direction_is_known_by_the_words_of_the_field(names, direction):
    """Numbers that are no measure of success have none, whatever else their names hold."""
    assert {name: direction_of(parse_name(name).metric) for name in names.split()} == dict.fromkeys(
        names.split(), direction
    )


@pytest.mark.parametrize(("names", "expected"), [(LOSSES, True), (NO_LOSSES, False)])
def test_a_loss_is_told_from_a_rate_of_mistakes(names, expected):
    """A rate of mistakes ranks, as accuracy does: it may fall while the loss rises."""
    assert {name: is_loss(parse_name(name).metric) for name in names.split()} == dict.fromkeys(
        names.split(), expected
    )
