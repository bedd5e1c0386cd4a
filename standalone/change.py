"""When did the share change? The most likely moment, given what was answered before and after."""

import math


def moment(hits, before, after):
    """`hits` is a list of booleans in order; the share of True was `before` and became `after`.

    Returns the index of the first answer that most likely came from the new share."""
    gain_hit = math.log(before / after)
    gain_miss = math.log((1 - before) / (1 - after))
    best, best_index, gain = 0.0, 0, 0.0
    for index, hit in enumerate(hits, 1):
        gain += gain_hit if hit else gain_miss
        if gain > best:
            best, best_index = gain, index
    return best_index
