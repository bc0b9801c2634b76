"""Every code that a reading can give, with the page that explains it. Codes are stable: one that goes is never given again.

JR1xx overfitting, JR2xx how the run ended, JR3xx training that broke, JR4xx what keeps a verdict from being given, JR5xx how the log
was read.
"""

from __future__ import annotations

from dataclasses import dataclass

from justright.errors import InputError, one_of
from justright.logs.thresholds import (
    CHANCE_POINTS,
    CHANCE_SHARE,
    CLOSE_SHARE,
    DEAREST_ERROR,
    FEWEST_ASSISTED,
    FLAT_SHARE,
    LEARNED_BY_HEART,
    LEAST_PENALTY,
    MATERIAL_SHARE,
    MOST_CLASSES,
    NOISY,
    SATURATED,
    per_cent,
)


@dataclass(frozen=True, slots=True)
class Page:
    """What a code means.

    Args:
        code: such as 'JR101'.
        title: what was found, in a few words.
        meaning: what it says about the network.
        decided: how it is decided, with its thresholds.
        remedy: what to do about it.
    """

    code: str
    title: str
    meaning: str
    decided: str
    remedy: str


OVERFITS = Page(
    "JR101",
    "Overfits",
    "Validation loss rose after its lowest stretch, by more than its noise explains and by more than matters, while training "
    "loss did not rise with it. From the given interval of epochs on, the network learned what holds for the training rows alone.",
    "The trend's rise from its lowest stretch to the end has a 95 % interval that accounts for correlated noise and for the fact that "
    f"the lowest stretch was selected. The label is given if the whole interval lies above 0, if the rise is more than {per_cent(MATERIAL_SHARE)} of the best "
    "value, and if training loss did not rise by half as much. Single spikes decide nothing.",
    "Keep the state with the best validation loss (early stopping does). To gain more than that, hold the network back: dropout, "
    "weight decay, data augmentation, fewer parameters; or train on more rows. `justright run` measures which of them helps, and by how much.",
)
OVERFITS_BY_LOSS = Page(
    "JR102",
    "Overfits by loss only",
    "Validation loss rose, but accuracy (or AUC, F1 and the like) on the same rows still improved: the network grows too sure of "
    "the answers it gets wrong, while it gets more of them right. Stopping at the lowest loss would give away accuracy.",
    f"As for JR101, and the other metric surely improved after the loss was best, by more than {per_cent(MATERIAL_SHARE)} of its value, and did not surely fall back.",
    "Choose the state by the metric that counts. If probabilities count, calibrate them on validation rows (temperature scaling), or train with label "
    "smoothing or weight decay, which hold confidence back.",
)
STILL_IMPROVING = Page(
    "JR201",
    "Still improving",
    "The judged loss was still falling when the run ended, and reached its best there: the network may be far from done, and nothing can be said about "
    "overfitting that has not happened yet.",
    f"The loss ended lower than ever before the last quarter of the run, by more than {per_cent(MATERIAL_SHARE)} of its best value, and it surely fell: the 95 % interval of its fall over "
    "the last quarter, or over the second half, lies above 0.",
    "Train longer. Where the learning rate has decayed to almost nothing, a longer run needs a longer schedule.",
)
FLAT = Page(
    "JR202",
    "Flat at the end",
    "Validation loss neither rises nor falls any more: training has converged, and more of the same changes nothing. Whether "
    "a larger or a smaller network would be better cannot be seen from one run.",
    f"Both the rise since the best and the gain over the last quarter have intervals that end below {per_cent(FLAT_SHARE)} of the best value.",
    "The run could have been shorter. To learn whether the network underfits, train a larger one beside it: `justright run` does that.",
)
HIGH_AND_FLAT = Page(
    "JR203",
    "Training and validation are close, and both flat",
    "Training loss is as high as validation loss, or nearly, and neither improves: this is what a network looks like that is too small or held back too much, but also one that has "
    "reached the noise of the data. One run cannot tell them apart, so this is a description and no verdict.",
    f"Validation is flat (JR202), training improved by less than {per_cent(FLAT_SHARE)} over the last quarter, and training loss lies at most {per_cent(CLOSE_SHARE)} below "
    "validation loss.",
    "Train a larger network, or the same with less regularization, on the same rows: only if it is better, this one underfits.",
)
CHANCE = Page(
    "JR204",
    "No better than guessing",
    "The loss is that of a network that gives every class the same probability: it has learned nothing.",
    f"The best cross-entropy lies within {per_cent(CHANCE_SHARE)} of ln k for a number k of classes from 2 to {MOST_CLASSES:,}, and accuracy within {100 * CHANCE_POINTS:g} points of "
    "1 / k. Where accuracy was not logged: only for two classes, and a flat curve (JR202).",
    "Look for a learning rate that is far too high or too low, labels that do not belong to their rows, inputs that were not scaled, or an activation that does not fit "
    "the loss.",
)
NOTHING_GAINED = Page(
    "JR205",
    "Nothing gained while training went on",
    "Training loss fell a long way after validation was best, and validation gained nothing from it: what was learned since then holds for the training rows alone, or its use "
    "is hidden by noise. Whether validation became worse is open, so this is a description and no verdict.",
    "The label is undecided or flat, validation was best in the first half of the run, and training loss fell by more than a third since.",
    "Stop near the best; more validation rows, or the mean of several seeds, would show whether the rest did harm.",
)
PENALTY = Page(
    "JR206",
    "The loss holds more than errors",
    "Training loss is higher than the few errors on training rows can cost, so it holds a penalty (L2 and the like) or the price of smoothed labels. Its fall says little "
    "about the answers, and accuracy was judged instead.",
    f"The loss alone would be called still improving; at least {per_cent(SATURATED)} of training rows are right; and training loss exceeds {DEAREST_ERROR:g} times the share of wrong "
    f"ones by {LEAST_PENALTY:g}.",
    'Log the cross-entropy without penalties beside the loss (in Keras: `metrics=["binary_crossentropy"]`).',
)
DIVERGED = Page(
    "JR301",
    "Diverged",
    "Training broke: the loss was not a finite number when the run ended, or it ended farther above its start than it had ever fallen below it.",
    "The last training loss (without it, the last validation loss) is NaN or infinite; or the middle one of the last three values lies above that of the first three by more "
    "than that value and by more than the loss ever fell, in training and in validation.",
    "Lower the learning rate (by 3 to 10 times), clip gradients, and look for NaN among the inputs; in 16-bit training check the loss scale.",
)
UNSTABLE = Page(
    "JR302",
    "Unstable",
    "The curve jumps, or training and validation became worse together: that is the work of the optimizer, not overfitting.",
    "Validation rose as for JR101, but training loss rose by at least half as much; or, without any other verdict, more than two values, and more than a tenth of them, lie far from "
    "their neighbours.",
    "Lower the learning rate or let it decay, use larger batches, clip gradients, or average the weights.",
)
NOT_FINITE = Page(
    "JR303",
    "Validation is not a finite number",
    "Validation metrics are NaN or infinite while training went on: the evaluation broke, rather than the network.",
    "The last validation values are not finite numbers; the last training values are.",
    "Look at the evaluation: an empty set or batch, a division by zero, an overflow in 16-bit numbers.",
)
SPIKES = Page(
    "JR304",
    "Spikes",
    "Single values lie far from their neighbours. They decide nothing: neither the best state, nor whether the curve rises.",
    "A value farther from the trend than noise of the size of its neighbours' explains.",
    "Nothing, if they are rare. Otherwise see JR302.",
)
TOO_SHORT = Page(
    "JR401",
    "Too short",
    "There are too few evaluations for any verdict: with four values every order of them is likely by chance.",
    "Fewer than five finite values.",
    "Evaluate more often (for instance four times per epoch), or train longer.",
)
UNDECIDED = Page(
    "JR402",
    "Undecided",
    "The curve is too noisy, or too short for its noise, to say whether it rises, falls or is flat.",
    "None of the other labels holds.",
    "More validation rows make the curve less noisy; several seeds, or folds, show what is common to them.",
)
NO_VALIDATION = Page(
    "JR403",
    "No validation curve",
    "Only training was logged. Whether a network overfits shows on rows that it was not trained on.",
    "No metric of validation or test rows was logged as a number.",
    "Log a validation loss: `validation_data=` in Keras, `eval_set=` of boosted trees, `eval_strategy` of the Hugging Face Trainer.",
)
NO_TRAINING = Page(
    "JR404",
    "No training curve",
    "Validation became worse, but training loss was not logged: instability would look the same as overfitting.",
    "JR101 or JR102 without the same metric on training rows.",
    "Log the loss on training rows as well.",
)
SETS_DIFFER = Page(
    "JR405",
    "Evaluation sets differ",
    "What holds for one evaluation set does not hold for another, as where rows come from other sources.",
    "The labels of evaluation sets of the same kind differ.",
    "Decide by the set that is like the rows that the network will be used on.",
)
PARTS_DIFFER = Page(
    "JR406",
    "Parts of the loss differ",
    "Only the parts of a loss were logged, such as those for boxes and classes, and they do not end alike: the network learns one task by heart while it still "
    "gets better at another.",
    "Each part is judged like a loss of its own, with intervals that hold together; the label of the set is the most urgent of theirs.",
    "Decide by the part, or the metric, that counts; weigh the parts of the loss anew.",
)
ASSISTED = Page(
    "JR407",
    "Decided with the help of training",
    "By its own noise the rise of validation would be open. Training loss fell a long way meanwhile, and in public logs all such runs had overfit, so it was taken for a rise. Be less "
    "sure of it than of others.",
    f"Only where the noise of a single value is {per_cent(NOISY)} of the loss or more, training loss fell by {per_cent(LEARNED_BY_HEART)} or more since validation was best, and there "
    f"are {FEWEST_ASSISTED} values or more. "
    "Noise alone passes for a rise several times as often then as for other curves.",
    "More validation rows, or the mean of several seeds, make it sure.",
)
TEST_AS_VALIDATION = Page(
    "JR501",
    "Test rows were read as validation",
    "Only test rows were logged beside training. If the state is chosen by them, their loss is too good: they no longer test anything.",
    "A test metric, and no validation metric.",
    "Hold out validation rows, and look at test rows once.",
)
EARLIER = Page(
    "JR502",
    "Earlier attempts in the same log",
    "The log holds more than one attempt; the last one is judged, earlier ones are listed beside it.",
    "A counter that steps back to its start, with values that start afresh.",
    "Write each run to a log of its own.",
)
POOLED = Page(
    "JR503",
    "Folds or seeds, pooled",
    "The curve that was judged is the mean of several runs of one experiment.",
    "The log says which fold or seed each value belongs to.",
    "Single members can be read beside the mean: one fold alone may overfit.",
)

PAGES: tuple[Page, ...] = (
    *(OVERFITS, OVERFITS_BY_LOSS, STILL_IMPROVING, FLAT, HIGH_AND_FLAT, CHANCE, NOTHING_GAINED, PENALTY),
    *(DIVERGED, UNSTABLE, NOT_FINITE, SPIKES),
    *(TOO_SHORT, UNDECIDED, NO_VALIDATION, NO_TRAINING, SETS_DIFFER, PARTS_DIFFER, ASSISTED),
    *(TEST_AS_VALIDATION, EARLIER, POOLED),
)


def page_of(code: str) -> Page:
    """Return the page of a code.

    Raises:
        InputError: there is none.

    Example:
        >>> page_of("jr101").title
        'Overfits'
    """
    for page in PAGES:
        if page.code == code.upper():
            return page
    raise InputError(one_of("code", code, [page.code for page in PAGES]))
