"""Whether words name the settings that a network was trained with, or say which of several are chosen."""

from __future__ import annotations

import re
from collections.abc import Sequence

from grader.evidence.text import shortened
from grader.evidence.training import TrainingRun
from grader.facts.case import Case
from grader.facts.known import Fact, Known, Unknown
from grader.facts.training.readings import Readings, batch_sizes_of, rates_of
from grader.facts.words.answers import Answer
from grader.facts.words.labelled import labelled
from grader.facts.words.numbers import denies, is_denied, numbers_in, states

__all__ = ["sentence_saying", "settings_in_words"]

#: Parts of names that every network has.
_TOLD = 120
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_USUAL = frozenset({"net", "model", "network", "my", "the", "self"})


def settings_in_words(run: TrainingRun, answer: Answer, case: Case) -> Fact[dict[str, str]]:
    """Network, learning rate and batch size of a run, where an answer has all: in words, or set in code."""
    stated = (*numbers_in(answer.words), *answer.constants)
    found = {
        "network": next((part for part in _parts(run) if part in _words_in(answer.words)), ""),
        "learning rate": _stated(rates_of(run, case), stated),
        "batch size": _stated(batch_sizes_of(run, case), stated),
    }
    lacking = [name for name, value in found.items() if not value]
    denied = [] if lacking else _denied(found, answer)
    if denied:
        return Unknown(f"the words may deny its {' and '.join(denied)}")
    return Unknown(f"the words do not name its {' or '.join(lacking)}") if lacking else Known(found)


def sentence_saying(answer: Answer, says: Sequence[str], unless: Sequence[str]) -> Fact[str]:
    """The sentence, and no question, that fits one of `says`, where none fits one of `unless`."""
    parts = (part.strip(" \t*_#>") for part in _SENTENCE.split(answer.words))
    sentences = [part for part in parts if part and not part.endswith("?")]
    against = next((part for part in sentences if any(re.search(each, part) for each in unless)), None)
    if against is not None:
        return Unknown(f"'{shortened(against, _TOLD)}' may say the opposite")
    found = next((part for part in sentences if any(re.search(each, part) for each in says)), None)
    return Unknown("it may be said in other words") if found is None else Known(shortened(found, _TOLD))


def _stated(readings: Readings, numbers: tuple[float, ...]) -> str:
    return next((f"{value:g}" for value in readings.values if states(numbers, value)), "")


def _denied(found: dict[str, str], answer: Answer) -> list[str]:
    """What is named in words alone, which deny it or say it of another setting."""
    rate, batch = (float(found[name]) for name in ("learning rate", "batch size"))
    said = labelled(answer.words, ("learning rate", "batch size"))
    exchanged = batch != rate and said["learning rate"] == {batch} and said["batch size"] == {rate}
    numbers = {"learning rate": rate, "batch size": batch}
    coded = [name for name, value in numbers.items() if states(answer.constants, value)]
    denied = [
        name
        for name, value in numbers.items()
        if name not in coded and (exchanged or is_denied(answer.words, value))
    ]
    network = re.finditer(rf"(?i){re.escape(found['network'])}", answer.words)
    if all(denies(answer.words[max(0, match.start() - _TOLD) : match.start()]) for match in network):
        denied.insert(0, "network")
    return denied


def _parts(run: TrainingRun) -> list[str]:
    """What tells a network's name from others': ``large`` of ``large_net`` and ``LargeNet``."""
    names = (*run.model.names, run.model.class_name or "")
    words = (word for name in names for word in _words_in(name))
    return [word for word in dict.fromkeys(words) if word not in _USUAL and len(word) > 2]


def _words_in(text: str) -> list[str]:
    """Its words, those of names too: ``large`` and ``net`` of ``LargeNet``."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", text)]
