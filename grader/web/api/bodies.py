"""What a write sends, read word by word: nothing is guessed, converted or passed over."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from litestar.exceptions import HTTPException

__all__ = ["read_body"]

ModelT = TypeVar("ModelT")


def read_body(raw: bytes, model: type[ModelT]) -> ModelT:
    """Reads JSON.

    Raises:
        HTTPException: It is none, or does not fit the model (400).
    """
    try:
        return msgspec.json.decode(raw, type=model)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `")
        wrong = {"key": where.rstrip("`").removeprefix("$").removeprefix("."), "message": what}
        raise HTTPException("what was sent does not fit", status_code=400, extra=[wrong]) from None
    except (msgspec.DecodeError, RecursionError):
        raise HTTPException("this is no JSON", status_code=400) from None
