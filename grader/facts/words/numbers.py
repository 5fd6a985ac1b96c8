"""Numbers in running text, and whether one is among them."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable

from grader.facts.known import Fact, Known, Unknown

__all__ = [
    "GROUPED",
    "alike",
    "denies",
    "is_denied",
    "numbers_after",
    "numbers_in",
    "spelled_out",
    "states",
    "thousands_in",
]


_FAR = 10.0
_MINUS = "\u2212"
_NUMBER = re.compile(r"(?<![\w.])(?:\d+(?:,\d+)*(?:\.\d+)?|(?<!:)\.\d+)(?:[eE][-+]?\d+)?(?!\w|\.\d)")
_COMMA_FOR_DOT = re.compile(r"0,\d+")


#: What word processors and keyboards write for an apostrophe.
_APOSTROPHE = re.compile(r"(?<=\d)[\u2018\u2019\u02bc\u00b4\u2032](?=\d{3}(?!\d))")
_WIDE_COMMA = re.compile(r"(?<=\d)\uff0c(?=\d{3}(?!\d))")
_LATEX_COMMA = re.compile(r"(?<=\d)(?:\{,\}|\\[,;: ]|~)(?=\d{3}(?!\d))")
#: Between a number and a sign of Chinese, Japanese or Korean, which set no spaces; "8千" is no 8.
_CJK = "\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af"
_BESIDE = re.compile(rf"(?<=\d)(?=[{_CJK}])(?![千万百亿억만천])|(?<=[{_CJK}])(?=\d)")
_POWER = re.compile(
    r"(?<![\w.])(?:(?P<factor>\d{1,15}(?:\.\d{1,15})?)\s{0,3}(?:\\?\*|[xX×·]|\\times|\\cdot)\s{0,3})?"
    r"10\s?(?:\^|\*\*)\s?\{?(?P<exponent>[-\u2212]?\d{1,2})(?!\d)\}?"
)
_SUPERSCRIPT = re.compile("10(⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,2})")
_DIGITS_ABOVE = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_DOTTED = re.compile(r"(?<![\w.,])[1-9]\d{0,2}(?:\.\d{3})+(?!\w|[.,]\d)")
_WITH_DOT = re.compile(r"(?<![\w.])\d+(?:\.\d+)+")
_NAMED = re.compile(r"(?<![\w.,])(\d{1,6}(?:\.\d{1,3})?) ?(?:[kK]|thousand)\b")
_DECIMAL = re.compile(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?")


#: A word that denies, and at most three others up to what is denied.
_DENIAL = re.compile(
    r"(?:\b(?:not(?! only\b)|never|instead of|rather than|thought|assumed|nicht(?! nur\b)|statt)\b|n't\b)"
    r"(?:[\s*_`$]+(?!but\b|sondern\b|mais\b)[^\W\d]+){0,3}[\s*_`$:=]*$",
    re.IGNORECASE,
)
_CLOSE = 80
#: Thousands set apart by a space or an apostrophe.
GROUPED = re.compile(r"(?<![\w.,'])\d{1,3}(?:[ \u00a0\u2007-\u2009\u202f\u205f']\d{3})+(?!\w|[.,']\d)")


def states(numbers: Iterable[float], wanted: float, tolerance: float = 0.0) -> bool:
    """Whether a number is among those stated; NaN never is."""
    margin = max(tolerance, 1e-9 * abs(wanted))
    return any(abs(number - wanted) <= margin for number in numbers)


def alike(number: float, wanted: float) -> bool:
    """Whether a number may be meant for the one asked for, and is not far smaller or larger."""
    return abs(wanted) / _FAR <= abs(number) <= abs(wanted) * _FAR


def spelled_out(text: str) -> str:
    """A text with its numbers in plain digits, apart from words: ``8{,}000``, ``8 x 10^3``, ``8×10³``."""
    text = _APOSTROPHE.sub("'", html.unescape(text) if "&" in text else text)
    text = _WIDE_COMMA.sub(",", text)
    plain = _SUPERSCRIPT.sub(lambda match: f"10^{match[1].translate(_DIGITS_ABOVE)}", _BESIDE.sub(" ", text))
    plain = _POWER.sub(_power, plain)
    return _LATEX_COMMA.sub(",", plain)


def _power(match: re.Match[str]) -> str:
    # As decimal text: 5 times 0.01 in floats need not be the 0.05 that was written.
    value = float(f"{match['factor'] or 1}e{match['exponent'].replace(_MINUS, '-')}")
    return f"{value:.0f}" if value == int(value) else repr(value)


def thousands_in(text: str) -> tuple[float, ...]:
    """Numbers whose thousands are set apart by a space, an apostrophe, or named; by a dot where all dots do.

    ``8.000`` among ``0.5`` is eight, and beside ``2.000`` alone it may be eight thousand.
    """
    plain = spelled_out(text)
    found = [float(re.sub(r"\D", "", each)) for each in GROUPED.findall(plain)]
    found += [1000 * float(each) for each in _NAMED.findall(plain)]
    dotted = _DOTTED.findall(plain)
    if len(dotted) == len(_WITH_DOT.findall(plain)):
        found += [float(each.replace(".", "")) for each in dotted]
    return tuple(found)


def numbers_in(text: str) -> tuple[float, ...]:
    """Numbers in running text; ``8,000`` is eight thousand and also, as a list may look, 8 and 0.

    ``0,05`` is also a twentieth, as many languages write it.
    """
    found: list[float] = []
    for token in _NUMBER.findall(spelled_out(text)):
        found.append(float(token.replace(",", "")))
        if "," in token:
            found.extend(float(part) for part in token.split(","))
        if _COMMA_FOR_DOT.fullmatch(token):
            found.append(float(token.replace(",", ".")))
    return tuple(number for number in found if math.isfinite(number))


def is_denied(text: str, value: float) -> bool:
    """Whether a number stands in a text only behind words that deny it: ``not 8000``, ``instead of 8000``."""
    plain = spelled_out(text)
    places = [
        match.start()
        for match in _NUMBER.finditer(plain)
        if states([float(match[0].replace(",", ""))], value)
    ]
    return bool(places) and all(denies(plain[max(0, at - _CLOSE) : at]) for at in places)


def denies(before: str) -> bool:
    """Whether the end of a text denies what comes next."""
    return _DENIAL.search(before) is not None


def numbers_after(pattern: str, texts: Iterable[str]) -> Fact[tuple[float, ...]]:
    """The numbers that stand in the one group of a pattern, in order."""
    tokens = [token.rstrip(".") for text in texts for token in re.findall(pattern, text)]
    found = tuple(float(token) for token in tokens if _DECIMAL.fullmatch(token))
    return Known(found) if found else Unknown("no such number was printed")
