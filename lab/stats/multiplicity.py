"""Many tests at once: p values that hold for all of them together."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """The p values adjusted for being looked at together, in the order given.

    Rejecting where the adjusted value is at most 0.05 makes one false rejection or more among
    all of them with a chance of 5% at most, however they depend on each other (Holm 1979, A simple
    sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6).

    holm([0.01, 0.04, 0.03])      # (0.03, 0.06, 0.06)
    """
    count = len(p_values)
    adjusted = [0.0] * count
    largest = 0.0
    for rank, index in enumerate(sorted(range(count), key=lambda i: p_values[i])):
        largest = max(largest, min((count - rank) * p_values[index], 1.0))
        adjusted[index] = largest
    return tuple(adjusted)


def benjamini_hochberg(p_values: Sequence[float]) -> tuple[float, ...]:
    """The p values adjusted to false discovery rates, in the order given.

    Listing those at most 0.10 expects one in ten of the list to be false, where the tests are
    independent or positively dependent (Benjamini and Hochberg 1995, Journal of the Royal
    Statistical Society B 57).

    benjamini_hochberg([0.01, 0.04, 0.03])      # (0.03, 0.04, 0.04)
    """
    count = len(p_values)
    adjusted = [0.0] * count
    smallest = 1.0
    falling = sorted(range(count), key=lambda i: p_values[i], reverse=True)
    for above, index in enumerate(falling):
        smallest = min(smallest, p_values[index] * count / (count - above))
        adjusted[index] = smallest
    return tuple(adjusted)
