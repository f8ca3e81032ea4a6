"""How numbers are said: accuracies as percent, differences in points, the rest in 3 digits."""

from __future__ import annotations

import math
import re

from lab.provenance import decimals, told

MISSING = "–"
_POINTS = "percentage points, 1 decimal"
_DIGITS = 3  # of a value that is no fraction
_MORE = 12  # digits, at most, to tell two values apart

_UNITS = {
    "auc": "AUC",
    "auroc": "AUROC",
    "bleu": "BLEU",
    "f1": "F1",
    "mae": "MAE",
    "mape": "MAPE",
    "mse": "MSE",
    "rmse": "RMSE",
}
_SPLITS = {"val": "validation", "valid": "validation"}


def is_fraction(metric: str) -> bool:
    """Whether a metric is kept as a fraction 0..1 and shown as percent.

    That of one class is, too: `val/accuracy/cat`.
    """
    words = re.split("[-_/]", _name_of(metric).lower())
    return "accuracy" in words or "acc" in words


def unit(metric: str) -> str:
    """The words for what a metric counts: "accuracy", "MSE", "loss", "accuracy cat"."""
    name = _name_of(metric)
    return _UNITS.get(name.lower(), name.replace("_", " ").replace("/", " "))


def spoken(metric: str) -> str:
    """A metric as a reader says it: "val/accuracy" is "validation accuracy"."""
    split = metric.removesuffix(_name_of(metric)).rstrip("/")
    return f"{_SPLITS.get(split, split)} {unit(metric)}".strip()


def _name_of(metric: str) -> str:
    """A metric without its split."""
    return metric.partition("/")[2] or metric


def heading(metric: str) -> str:
    """A metric as a reader says it, at the beginning of a line: "Test MSE"."""
    return capital(spoken(metric))


def capital(text: str) -> str:
    """`text` as a sentence or line begins, its other letters as they are."""
    return text[:1].upper() + text[1:]


def titled(name: str) -> str:
    """A parameter's name where a title or a column begins with it.

    titled("pooling")       # "Pooling"
    titled("d_complex")     # "d_complex": no word, so as it is written in the notebook
    titled("suite.arm")     # "Arm"
    """
    last = name.rpartition(".")[2]
    is_word = last.isalpha() and last.islower() and len(last) > 2
    return last.capitalize() if is_word else last


def figure(value: float | None, *, digits: int = _DIGITS) -> str:
    """A number with `digits` significant digits; missing and non-finite ones stay readable.

    figure(0.92)      # "0.920"
    figure(1234.5)    # "1230"
    figure(2.5e-7)    # "2.50e-07"
    figure(None)      # "–"
    """
    return told(value, _figure(value, digits), f"{digits} significant digits")


def percent(value: float | None, *, places: int = 1) -> str:
    """A fraction as percent: 0.4821 is "48.2%"."""
    if value is None or not math.isfinite(value):
        return figure(value)
    return told(value, f"{100 * float(value):.{places}f}%", f"percent, {decimals(places)}")


def points(value: float | None, *, plus: bool = True) -> str:
    """A difference of fractions in percentage points, with its sign: "+1.4 points"."""
    if value is None or not math.isfinite(value):
        return figure(value)
    return f"{told(value, _signed(f'{100 * float(value):.1f}', plus), _POINTS)} points"


def amount(
    metric: str, value: float | None, *, with_unit: bool = True, more_digits: int = 0
) -> str:
    """A value of `metric`: "48.2%", "0.920 MSE"; with `more_digits` than is usual."""
    if is_fraction(metric):
        return percent(value, places=1 + more_digits)
    text = figure(value, digits=_DIGITS + more_digits)
    return f"{text} {unit(metric)}" if with_unit and text != MISSING else text


def against(metric: str, one: float | None, other: float | None) -> str:
    """Two values of `metric` in as many digits as show how they differ.

    against("val/accuracy", 0.76, 0.71)     # "76.0% against 71.0%"
    against("test/mse", 0.3681, 0.3679)     # "0.3681 MSE against 0.3679 MSE"
    """
    more = digits_apart(metric, one, other)
    said = (amount(metric, value, more_digits=more) for value in (one, other))
    return " against ".join(said)


def digits_apart(metric: str, one: float | None, other: float | None) -> int:
    """How many digits more than usual two values of `metric` need, to show how they differ.

    None where they read differently, and not by far more than they are apart.
    """
    if one is None or other is None or one == other or not math.isfinite(one - other):
        return 0
    pair = [100 * float(v) if is_fraction(metric) else float(v) for v in (one, other)]
    for more in range(_MORE):
        if is_fraction(metric):
            said, last = [f"{v:.{1 + more}f}" for v in pair], 10.0 ** -(1 + more)
        else:
            said = [_figure(v, _DIGITS + more) for v in pair]
            last = 10.0 ** (_exponent(max(pair, key=abs), _DIGITS) - _DIGITS + 1 - more)
        if said[0] != said[1] and abs(pair[0] - pair[1]) >= last / 2:
            return more
    return _MORE


def spread(metric: str, value: float | None, *, like: float | None = None) -> str:
    """A standard deviation beside a value of the size of `like`, and as precise as that.

    "0.6" beside 48.2%, "0.012" beside 0.920
    """
    if value is None or not math.isfinite(value):
        return figure(value)
    if is_fraction(metric):
        return told(value, f"{100 * float(value):.1f}", _POINTS)
    return _precise(value, _as_precise(value, like))


def delta(metric: str, value: float | None, *, like: float | None = None, plus: bool = True) -> str:
    """A difference of two values of `metric`, signed, as precise as a value the size of `like`.

    Without `plus` only negative ones have a sign.
    """
    if is_fraction(metric):
        return points(value, plus=plus)
    if value is None or not math.isfinite(value):
        return figure(value)
    return _precise(value, _signed(_as_precise(value, like), plus))


def size(metric: str, value: float | None, *, like: float | None = None) -> str:
    """A difference without its sign, for "better by ...": "1.4 points", "0.012 MSE"."""
    if value is None or not math.isfinite(value):
        return figure(value)
    if is_fraction(metric):
        text = f"{abs(100 * float(value)):.1f}"
        if value and not float(text):  # one digit is left of a difference that would vanish
            text = _figure(abs(100 * float(value)), 1)
            return f"{told(value, text, 'percentage points, 1 significant digit')} points"
        return f"{told(value, text, _POINTS)} points"
    return f"{_precise(value, _as_precise(abs(value), like))} {unit(metric)}"


def between(metric: str, low: float, high: float, *, like: float | None = None) -> str:
    """An interval of differences: "0.3 to 2.5 points", "-0.021 to -0.003 MSE"."""
    if is_fraction(metric):
        ends = [told(end, _zero(f"{100 * float(end):.1f}"), _POINTS) for end in (low, high)]
        return f"{ends[0]} to {ends[1]} points"
    ends = [_precise(end, _zero(_as_precise(end, like))) for end in (low, high)]
    return f"{ends[0]} to {ends[1]} {unit(metric)}"


def size_text(size: int) -> str:
    """Bytes as people say them: "812 B", "1.4 MB"."""
    amount = float(size)
    for unit in ("B", "kB", "MB"):
        if amount < 999.5:
            return f"{amount:.0f} B" if unit == "B" else f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.3g} GB"


def counted(n: int, noun: str, plural: str | None = None) -> str:
    """A count with its noun: "one seed", "3 seeds", "no run"."""
    if n == 1:
        return f"one {noun}"
    if not n:
        return f"no {noun}"
    return f"{told(n, str(int(n)), 'whole number')} {plural or plural_of(noun)}"


def plural_of(noun: str) -> str:
    """ "rows" of "row"; what ends like a plural stays."""
    return noun if noun.endswith("s") else f"{noun}s"


def _figure(value: float | None, digits: int) -> str:
    if value is None:
        return MISSING
    value = float(value)
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if value == 0:
        return "0"
    exponent = _exponent(value, digits)
    if not -4 <= exponent < 7:
        return f"{value:.{digits - 1}e}"
    return f"{round(value, digits - 1 - exponent):.{max(digits - 1 - exponent, 0)}f}"


def _exponent(value: float, digits: int) -> int:
    """The power of ten of the first digit of a value that is rounded to so many."""
    return int(f"{value:.{digits - 1}e}".rpartition("e")[2])


def _precise(value: float, text: str) -> str:
    """`text`, which says `value` with as many decimals as it has."""
    mantissa, _, exponent = text.partition("e")
    places = len(mantissa.partition(".")[2])
    rounding = f"{places + 1} significant digits" if exponent else decimals(places)
    return told(value, text, rounding)


def _as_precise(value: float, like: float | None) -> str:
    value = float(value)
    # A difference carries the decimals of the values it was taken from, so that columns agree;
    # one that would vanish there keeps one significant digit.
    shown = _figure(like, 3) if like is not None else ""
    if "e" in shown or "." not in shown:
        return _figure(value, 3)
    decimals = len(shown.rpartition(".")[2])
    text = f"{value:.{decimals}f}"
    return text if float(text) or not value else _figure(value, 1)


def _signed(text: str, plus: bool = True) -> str:
    text = _zero(text)
    return text if not plus or text.startswith("-") or not float(text) else f"+{text}"


def _zero(text: str) -> str:
    return text.removeprefix("-") if not float(text) else text
