"""From which size on something counts: the numbers by which logs are judged, and which the pages of findings quote.

Plain Python, so that a page is printed quickly.
"""

from __future__ import annotations

# A change below this share of the level is within what another seed changes, however smooth the curve: best losses of
# single seeds of the tutorial's networks differ by about 1 %. (The margin of a study is a share of what can be learned,
# which no log shows.)
MATERIAL_SHARE = 0.01
# A curve is flat where neither a rise nor a gain beyond this share of its level is left open. Short or noisy curves cannot exclude
# less: a quarter of 40 epochs with a jitter of 2 % leaves 3 % open.
FLAT_SHARE = 0.05
# Of the loss, by which training lies below validation at most where both are called high and flat.
CLOSE_SHARE = 0.05
# Where training loss rose by at least this share of validation's rise, the network did not learn the rows by heart.
SHARED_RISE = 0.5
TRAIN_FALL = 1 / 3  # of training loss, since validation was best: learning that should show
# A curve with more than this share of spikes, and no other verdict, is unstable.
MANY_SPIKES = 0.1
FEW_SPIKES = 2  # so many are no habit
# How near the best cross-entropy lies to that of guessing, and accuracy to one in so many classes; and the most classes.
CHANCE_SHARE, CHANCE_POINTS, MOST_CLASSES = 0.01, 0.02, 1_000
# Where nearly all training rows are right, errors cost about this much each at most: a probability of 1 in 20,000 for the truth.
SATURATED, DEAREST_ERROR, LEAST_PENALTY = 0.98, 10.0, 0.1
# In public logs all runs whose training loss fell by this share since validation was best had overfit, as careful readers say. Where
# the noise is this share of the loss or more, too much for its course to be seen, and there are so many values, a rise is
# then taken for one although noise would do as much more often: by this much, as a logarithm.
LEARNED_BY_HEART, NOISY, FEWEST_ASSISTED, ALLOWANCE = 0.3, 0.05, 8, 4.5


def per_cent(share: float) -> str:
    """Return a share in words.

    Example:
        >>> per_cent(0.05)
        '5 %'
    """
    return f"{100 * share:g} %"
