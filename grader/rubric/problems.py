"""What is wrong in a rubric, in the words of someone who writes rubrics."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

__all__ = ["nearest", "put_plainly"]

_SHOWN_CHARACTERS = 60


def nearest(word: str, right: Iterable[str]) -> str:
    """``"; did you mean 'x'?"`` where one of the right words is near, else the list of them."""
    known = sorted(right)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; known: {', '.join(known)}" if known else ""


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
