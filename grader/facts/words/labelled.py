"""Numbers in running text by what they are said to count."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from grader.facts.words.numbers import numbers_in, spelled_out, states, thousands_in

__all__ = ["exchanged", "labelled", "said_of", "stems"]

_STEM = 5
_SHORTEST = 3
#: A number as people write them, or a word.
_TOKEN = re.compile(r"(?P<number>(?<![\w.,'])\d+(?:[,.']\d+| \d{3}(?!\d))*(?: ?k\b)?(?!\w))|[a-z]+")
#: "And" in the languages that people answer in; Chinese sets no space between words.
_PARTS = re.compile(r"[,;|，；、。](?!\d{3}\b)|\b(?:and|und|et|e|y|en|и|а)\b|\. |和|而")
_LONGEST_TEXT = 20_000
_TIME = re.compile(
    r"(?<![\d.:])\d[\d.:]*\s*(?:%|s\b|ms\b|sec|min|hour)|(?:part|question|section)\s*\d+|^\s*\d+[.)]\s"
)


def stems(name: str) -> frozenset[str]:
    """The beginnings of the words of a name, by which it is known in a text."""
    return frozenset(word[:_STEM] for word in re.findall(r"[a-z]+", name.lower()) if len(word) > 2)


def labelled(text: str, names: Collection[str]) -> dict[str, frozenset[float]]:
    """What a text says of each name: numbers alone with it, and with no other, in a part of a line.

    Names are known by what none of the others has: ``training set`` and ``test set`` by ``train``, ``test``.
    """
    own = {name: stems(name) - _of_others(name, names) for name in names}
    found: dict[str, frozenset[float]] = dict.fromkeys(names, frozenset())
    for line in spelled_out(text[:_LONGEST_TEXT]).lower().splitlines():
        in_order = _in_order(line, own)
        for name, number in in_order:
            found[name] |= {number}
        for part in () if in_order else (*_PARTS.split(line), line):
            said = [name for name, words in own.items() if any(word in part for word in words)]
            numbers = frozenset(_numbers(part))
            if len(said) == 1 and len(numbers) == 1:
                found[said[0]] |= numbers
    return found


def _in_order(line: str, own: Mapping[str, frozenset[str]]) -> list[tuple[str, float]]:
    """Names and numbers of a line that are told one by one: by turns, or all of the ones after the others.

    As ``train 8000 val 2000``, ``8k train 2k val``, ``train/val = 8000/2000``. Where they do not go together
    so there are none.
    """
    marks: list[tuple[str, float | None]] = []
    for token in _TOKEN.finditer(line):
        numbers = _numbers(token[0]) if token["number"] else ()
        named = [name for name, words in own.items() if any(_means(token[0], word) for word in words)]
        if len(numbers) == 1:
            marks.append(("", numbers[0]))
        elif len(named) == 1 and (not marks or marks[-1][0] != named[0]):
            marks.append((named[0], None))
    names = [name for name, _ in marks if name]
    numbers_told = [number for _, number in marks if number is not None]
    turns = [bool(name) for name, _ in marks]
    half = len(names)
    one_by_one = turns in ([True, False] * half, [False, True] * half)
    one_after_other = turns in ([True] * half + [False] * half, [False] * half + [True] * half)
    if half < 2 or len(set(names)) < half or not (one_by_one or one_after_other):
        return []
    return list(zip(names, numbers_told, strict=True))


def _means(word: str, stem: str) -> bool:
    """Whether a word of a text is a name's, cut short perhaps: ``val`` of ``validation``."""
    return word.startswith(stem) or (len(word) >= _SHORTEST and stem.startswith(word))


def exchanged(text: str, numbers: Mapping[str, float], tolerance: float) -> dict[str, float]:
    """Names that a text gives another one's number, and nowhere their own, with that number; two or more."""
    wrong = {
        name: min(said)
        for name, said in labelled(text, numbers).items()
        if said and not states(said, numbers[name], tolerance)
    }
    others = [value for name, value in numbers.items() if name in wrong]
    both_there = len(wrong) > 1 and all(states(others, number, tolerance) for number in wrong.values())
    return wrong if both_there else {}


def said_of(text: str, names: Collection[str]) -> list[float]:
    """Numbers of any size, but for times and shares, in lines that speak of what was to be counted."""
    known = frozenset[str]().union(*map(stems, names))
    lines = (line.lower() for line in text.splitlines())
    speaking = (_TIME.sub(" ", line) for line in lines if any(stem in line for stem in known))
    return [number for line in speaking for number in numbers_in(line)]


def _of_others(name: str, names: Collection[str]) -> frozenset[str]:
    return frozenset().union(*(stems(other) for other in names if other != name))


def _numbers(part: str) -> tuple[float, ...]:
    grouped = thousands_in(part)
    if grouped:
        return grouped
    numbers = numbers_in(part)
    # ``8,000`` is read as a list as well; here it is one number.
    return numbers[:1] if re.fullmatch(r"\D*\d{1,3}(?:,\d{3})+\D*", part) else numbers
