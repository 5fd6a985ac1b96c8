"""Loss functions by one name each, be they classes or functions."""

from __future__ import annotations

__all__ = ["loss_name"]

_ALIASES = {
    "binarycrossentropy": "bce",
    "binarycrossentropywithlogits": "bcewithlogits",
}


def loss_name(function: str) -> str:
    """``crossentropy`` for ``CrossEntropyLoss`` and ``F.cross_entropy`` alike."""
    name = function.rsplit(".", 1)[-1].replace("_", "").lower().removesuffix("loss")
    return _ALIASES.get(name, name)
