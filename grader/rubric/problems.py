"""What is wrong in a rubric, in the words of someone who writes rubrics."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

__all__ = ["nearest", "nearest_of", "put_plainly"]

_SHOWN_CHARACTERS = 60

#: As many as there are kinds of checks, and some more.
_MOST_LISTED = 60


#: What other libraries call a layer, for those who know these better.
_ELSEWHERE = {
    "Dense": "Linear",
    "FullyConnected": "Linear",
    "BatchNormalization": "BatchNorm2d",
    "GlobalAveragePooling2D": "AdaptiveAvgPool2d",
    "ZeroPadding2D": "ZeroPad2d",
}


def nearest(word: str, right: Iterable[str]) -> str:
    """What was meant, as the end of a sentence: ``"; did you mean 'x'?"``.

    Where no right word is near, a list of them, unless it would be too long to be read.
    """
    known = sorted(right)
    if _ELSEWHERE.get(word) in known:
        return f"; in torch it is '{_ELSEWHERE[word]}'"
    close = nearest_of(word, known)
    if close:
        return f"; did you mean '{close}'?"
    return f"; known: {', '.join(known)}" if 0 < len(known) <= _MOST_LISTED else ""


def nearest_of(word: str, right: Iterable[str]) -> str:
    """The nearest right word, whatever its capitals; of layers in one to three dimensions the flat one."""
    by_plain = {each.casefold(): each for each in sorted(right, reverse=True)}
    close = difflib.get_close_matches(word.casefold(), by_plain, n=3, cutoff=0.6)
    if close and close[0] == word.casefold():
        return by_plain[close[0]]
    flat = [each for each in close if each[-2:] == "2d" and each[:-2] == close[0][:-2]]
    return by_plain[(flat or close)[0]] if close else ""


def put_plainly(detail: ErrorDetails, model: type[BaseModel], where: tuple[int | str, ...]) -> str:
    """One of pydantic's complaints as a sentence.

    Args:
        detail: From ``ValidationError.errors()``.
        model: What was validated.
        where: The place within it.
    """
    key = str(where[-1]) if where else ""
    name = ".".join(str(part) for part in where)
    if detail["type"] == "extra_forbidden":
        return f"unknown key '{key}'{nearest(key, _keys_at(model, where[:-1]))}"
    if detail["type"] == "missing":
        return f"key '{name}' is missing"
    if detail["type"] in ("literal_error", "enum"):
        given = detail["input"]
        right = detail["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        return f"'{name}' is {given!r}{nearest(str(given), right)}"
    if detail["type"] == "timezone_aware":
        again = "write its offset, as 2026-10-02T23:59:00-04:00, or name the course's zone once"
        return f"'{name}' names no time zone; {again}: grader db zone Europe/Berlin"
    message = str(detail["msg"]).removeprefix("Value error, ")
    lead = f"'{name}': " if name else ""
    return f"{lead}{message[:1].lower()}{message[1:]}{_found(detail['input'])}"


def _found(given: Any) -> str:
    if isinstance(given, (dict, BaseModel)):
        return ""
    text = repr(given)
    return f"; found {text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 3] + '...'}"


def _keys_at(model: type[BaseModel], where: tuple[int | str, ...]) -> list[str]:
    """Field names that fit at a place inside a model."""
    models = [model]
    for part in where:
        fields = [inner.model_fields[part] for inner in models if part in inner.model_fields]
        # An index, a mapping's key or a union's tag stays within the models at hand.
        models = [found for field in fields for found in _models_in(field.annotation)] or models
    return [key for found in models for key in found.model_fields]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [found for part in typing.get_args(annotation) for found in _models_in(part)]
