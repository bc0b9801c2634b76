"""The words of the field's metrics: which are losses, of which more or less is better, which measure no success."""

from __future__ import annotations


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


# A name that holds one of these measures how well the objective itself is met.
LOSSES = word_set(
    "loss losses cost costs objective criterion nll nlll mse rmse rms mae mape smape msle rmsle rmspe msd mase wape wmape rmsd mdape rse rrse rae"
    " l1 l2 smoothl1 ce bce wce xent crossentropy logloss mlogloss multilogloss binlogloss logistic entropy_loss hinge huber logcosh poisson kld kl kldiv"
    " divergence deviance perplexity ppl bpc bpb bpw energy_distance crps pinball tweedie brier focal elbo_loss reconstruction"
    " nelbo residual"
)
# Less is better, but what falls is a count of mistakes or a distance: a ranking that may improve while the loss worsens.
MISTAKES = word_set(
    "error errors err errs merror wer cer ter mer per der eer fpr fnr fdr fid kid lpips hd hd95 hausdorff asd assd masd ece mce ace"
    " misclassification misclass mpjpe epe ade fde chamfer emd distance regret hamming violation violations mistakes zeroone"
    " fvd absrel sqrel medianerror far frr mcd failures"
)
MORE = word_set(
    "acc accuracy accuracies accs auc auroc rocauc roc aucroc prauc aucpr auprc aupr aupro ap map mmap ar mar precision prec recall rec sensitivity specificity"
    " f1 f2 fbeta fscore fmeasure f1score f dice dsc dicescore iou miou giou jaccard kappa qwk mcc matthews matthewscorrelation r2 r2score rsquared bleu"
    " sacrebleu rouge rougel rougelsum meteor cider ciderd spice chrf comet bleurt bertscore em exactmatch ndcg dcg mrr hit hits hr hitrate spearman spearmanr pearson"
    " pearsonr corr correlation concordance cindex pcc ccc ic psnr ssim msssim pesq stoi estoi sisdr sisnr snr sdr sir reward rewards return returns"
    " score scores rew success winrate win wins likelihood loglikelihood loglik elbo evidence gini lift ks nmi ari ami silhouette inception tpr tnr npv ppv"
    " pck oks mota motp idf1 hota pq sq rq aurc mauc correct top1 top3 top5 top10 similarity cosine cosinesimilarity passrate fitness nds odsf oisf wups vqa"
    " anls utility profit sharpe purity explainedvariance lddt gdt tm mutualinformation bacc balancedaccuracy uar war uas las ed2 eou mse_skill nse kge"
)
# Numbers of a log that are no measure of success, whatever else their name says.
NO_MEASURE = word_set(
    "lr learning rate_lr lrs learningrate time times runtime duration seconds secs sec ms minutes hours elapsed eta timestamp wall clock"
    " memory mem ram vram gpu cpu gpus util utilization throughput fps speed latency flops flos gflops macs tflops epoch epochs step steps"
    " iter iters iteration iterations round rounds trees params parameters norm gradnorm grad grads gradient gradients weights momentum decay wd"
    " beta temperature temp scale scaler lossscale clip tokens samples images batch batches size count counts number num patience std stdev stdv stderr sd variance var"
    " weight lambda alpha gamma epsilon eps seed fold warmup cycle mix version id idx best hp params fps support"
    " sparsity tau penalty decimal dropout ips it lrate min max gap diff difference ratio remaining passed total_time power watts"
)
# Where one of these is the last word, the name is that of the thing itself: 'gradient_loss', 'time_error'.
DECISIVE = word_set("loss losses error accuracy acc auc score nll logloss precision recall")
# Several words that mean another thing together: read as one.
PHRASES = {
    ("cross", "entropy"): "crossentropy",
    ("log", "loss"): "logloss",
    ("log", "cosh"): "logcosh",
    ("log", "likelihood"): "loglikelihood",
    ("log", "lik"): "loglik",
    ("roc", "auc"): "rocauc",
    ("auc", "roc"): "aucroc",
    ("au", "roc"): "auroc",
    ("pr", "auc"): "prauc",
    ("auc", "pr"): "aucpr",
    ("exact", "match"): "exactmatch",
    ("top", "1"): "top1",
    ("top", "3"): "top3",
    ("top", "5"): "top5",
    ("top", "10"): "top10",
    ("hit", "rate"): "hitrate",
    ("hit", "ratio"): "hitrate",
    ("win", "rate"): "winrate",
    ("pass", "rate"): "passrate",
    ("success", "rate"): "success",
    ("error", "rate"): "error",
    ("true", "positive"): "tpr",
    ("true", "negative"): "tnr",
    ("false", "positive"): "fpr",
    ("false", "negative"): "fnr",
    ("true", "positives"): "tpr",
    ("true", "negatives"): "tnr",
    ("false", "positives"): "fpr",
    ("false", "negatives"): "fnr",
    ("grad", "norm"): "gradnorm",
    ("learning", "rate"): "learningrate",
    ("loss", "scale"): "lossscale",
    ("explained", "variance"): "explainedvariance",
    ("r", "2"): "r2",
    ("r", "squared"): "r2",
    ("f", "1"): "f1",
    ("f", "score"): "fscore",
    ("f", "measure"): "fscore",
    ("f", "beta"): "fbeta",
    ("si", "sdr"): "sisdr",
    ("si", "snr"): "sisnr",
    ("ms", "ssim"): "msssim",
    ("abs", "rel"): "absrel",
    ("sq", "rel"): "sqrel",
    ("c", "index"): "cindex",
    ("io", "u"): "iou",
    ("rouge", "l"): "rougel",
    ("word", "error"): "wer",
    ("mean", "average", "precision"): "map",
    ("smooth", "l1"): "smoothl1",
    ("zero", "one"): "zeroone",
    ("bits", "per"): "bpb",
    ("batch", "cost"): "time",
    ("reader", "cost"): "time",
    ("mutual", "information"): "mutualinformation",
    ("negative", "log", "likelihood"): "nll",
    ("neg", "log", "likelihood"): "nll",
    ("neg", "elbo"): "nelbo",
    ("negative", "elbo"): "nelbo",
}
# Glued to something: 'valloss', 'multi_logloss', 'clsacc', 'sparse_categorical_crossentropy'.
ENDINGS_LESS = ("logloss", "loss", "entropy", "divergence", "perplexity")
ENDINGS_MISTAKES = ("error", "err")
ENDINGS_MORE = ("accuracy", "acc", "auc", "precision", "recall", "likelihood", "iou", "dice", "reward", "f1")
# Keras' word for what others call the same.
SYNONYMS = {
    "acc": "accuracy",
    "accs": "accuracy",
    "accuracies": "accuracy",
    "losses": "loss",
    "costs": "cost",
    "errors": "error",
    "err": "error",
    "xent": "crossentropy",
    "lr": "learning_rate",
    "lrate": "learning_rate",
    "learningrate": "learning_rate",
    "lrs": "learning_rate",
    "ppl": "perplexity",
    "prec": "precision",
    "rec": "recall",
    "rocauc": "auc",
    "aucroc": "auc",
    "auroc": "auc",
    "miou": "mean_iou",
}
# Parts of an objective, by which a loss of several is named: 'val_box_loss', and not a set of rows called 'box'.
PARTS = word_set(
    "box bbox cls class classification dfl obj objectness seg mask masks pose kobj kpt keypoint rle giou ciou iou rpn fpn frcnn roi kl kld recon"
    " reconstruction rec reg regression l1 l2 ce bce mse mae nll dice focal ctc attention att rnnt aux auxiliary main policy value critic actor entropy"
    " gen generator d g disc discriminator adv adversarial perceptual style content vgg lpips feature consistency contrastive triplet center"
    " dn enc dec encoder decoder cardinality mel duration pitch energy stop gate commit commitment vq codebook alignment align soft hard"
    " student teacher distill distillation kd router balance z sparsity smooth temporal tv total lm mlm nsp sop mtp itc itm head heads"
    " binary categorical sparse mean squared absolute percentage logarithmic log cross token per top macro micro weighted avg average balanced"
    " huber hinge pinball quantile tweedie poisson multi ranking rank pairwise train"
)
