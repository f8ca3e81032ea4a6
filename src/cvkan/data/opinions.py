"""Opinions from a small grammar in which what counts depends on the order of words.

A clause says something of a noun; a negation turns its adjective round. In "A but B" and
"although A , B" the clauses disagree and B counts, in "A although B" it is A. The same words in
another order are therefore of the other class: counting words cannot be right on all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import numpy as np

Sentence = tuple[str, ...]

N_SPLITS = 3
NEGATED = 0.3  # share of clauses with a negation: an adjective alone is wrong that often
# each as often as it stands here
FORMS = (*("plain",) * 3, *("and",) * 3, "but", "but", "although_first", "although_last")


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ADJECTIVES = (
    _words(  # negative
        """
        awful bad bland boring bleak cheap clumsy confusing crude dated dire dismal dreary
        dull empty flat forced forgettable grating hollow horrible incoherent inept lame lazy
        lifeless mediocre messy muddled painful pathetic pointless poor predictable
        pretentious ridiculous rotten shallow silly sloppy stale stupid tedious terrible tired
        tiresome trite ugly uneven unfunny vapid weak wooden
        """
    ),
    _words(  # positive
        """
        amazing beautiful brave bright brilliant charming clever compelling convincing daring
        dazzling deep delightful elegant engaging excellent exciting fascinating fine fresh
        funny gentle good graceful great gripping haunting honest inspired inventive lively
        lovely memorable moving original perfect playful poetic polished powerful rich sharp
        smart solid stunning subtle superb sweet thrilling touching warm wise witty wonderful
        """
    ),
)
_NOUNS = _words(
    """
    acting action animation atmosphere beginning camera cast character chemistry climax comedy
    costume dialogue direction drama editing ending film finale hero humour idea joke lighting
    melody message mood movie music mystery narration opening pace performance picture plot
    premise production romance scene score script sequel set singing song sound story style
    subplot suspense tale theme tone twist villain voice writing
    """
)
_OWNERS = _words("the this their his her its our")
_DESCRIBED = _words("first second last main whole long short new old famous little other")
_VERBS = _words("is was seems feels looks remains stays becomes sounds")
_NEGATIONS = _words("not never hardly no-longer")
_DEGREES = _words(
    """
    very really quite truly rather fairly deeply utterly extremely remarkably surprisingly
    particularly especially wholly so
    """
)
_OPENERS = (
    *_words("frankly honestly overall again sadly happily admittedly still today here"),
    *("in the end", "to my mind", "as usual", "all in all", "on balance", "after a while"),
)
_TAILS = (
    *("from start to finish", "on a second viewing", "for a change", "most of the time"),
    *("in every scene", "at times", "by any measure", "in places", "for two hours"),
    *("even for a fan", "to this critic", "as a rule", "throughout", "until the credits"),
)


def draw_opinions(
    size: int, purpose: int, rng: np.random.Generator
) -> tuple[list[Sentence], list[int]]:
    """`size` different sentences of split `purpose` and their labels, in turn 0 and 1.

    The checksum of a sentence says which split may have it, so that no two splits share one,
    whatever their sizes.
    """
    sentences: dict[Sentence, int] = {}
    while len(sentences) < size:
        label = len(sentences) % 2
        sentence = compose(label, rng)
        if crc32(" ".join(sentence).encode()) % N_SPLITS == purpose:
            sentences.setdefault(sentence, label)
    return list(sentences), list(sentences.values())


def compose(label: int, rng: np.random.Generator) -> Sentence:
    """One sentence of the class `label`, 0 negative or 1 positive."""
    form = _pick(FORMS, rng)
    agreeing, other = _clause(label, rng), _clause(1 - label, rng)
    words = {
        "plain": agreeing,
        "and": (*agreeing, "and", *_clause(label, rng)),
        "but": (*other, "but", *agreeing),
        "although_first": ("although", *other, ",", *agreeing),
        "although_last": (*agreeing, "although", *other),
    }[form]
    opener = _pick(_OPENERS, rng).split() if rng.random() < 0.4 else ()
    return (*opener, *words)


def _clause(polarity: int, rng: np.random.Generator) -> Sentence:
    """owner [which] noun verb [negation] [degree] adjective [tail]"""
    negated = int(rng.random() < NEGATED)
    words = [_pick(_OWNERS, rng)]
    if rng.random() < 0.3:
        words.append(_pick(_DESCRIBED, rng))
    words += [_pick(_NOUNS, rng), _pick(_VERBS, rng)]
    if negated:
        words.append(_pick(_NEGATIONS, rng))
    if rng.random() < 0.4:
        words.append(_pick(_DEGREES, rng))
    words.append(_pick(ADJECTIVES[polarity ^ negated], rng))
    if rng.random() < 0.3:
        words += _pick(_TAILS, rng).split()
    return tuple(words)


def _pick(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.random() * len(choices))]
