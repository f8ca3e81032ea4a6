"""The compact letter display: groups of means that were not told apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from string import ascii_lowercase


def letters(names: Sequence[str], apart: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Letters per name: two share one exactly if they are not among the pairs told `apart`.

    `names` stand best first, so that "a" is the group of the best. Insert and absorb of Piepho
    (2004, An algorithm for a letter-based representation of all-pairwise comparisons).

    letters(["x", "y", "z"], [("x", "z")])      # {"x": "a", "y": "ab", "z": "b"}
    """
    groups: list[frozenset[str]] = [frozenset(names)]
    for one, other in apart:
        split: list[frozenset[str]] = []
        for group in groups:
            both = one in group and other in group
            split += [group - {one}, group - {other}] if both else [group]
        distinct = dict.fromkeys(split)
        groups = [group for group in distinct if not any(group < wider for wider in distinct)]
    place = {name: i for i, name in enumerate(names)}
    groups.sort(key=lambda group: sorted(place[name] for name in group))
    return {
        name: "".join(_letter(i) for i, group in enumerate(groups) if name in group)
        for name in names
    }


def _letter(index: int) -> str:
    rounds, index = divmod(index, len(ascii_lowercase))
    return ascii_lowercase[index] + "'" * rounds
