"""From parts of an answer, each right, wrong or not to be told, to one judgement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from grader.facts.fields import Where
from grader.judging.judgement import Judgement

__all__ = ["PartFinding", "judge_parts"]

_TOLD = 3


@dataclass(frozen=True)
class PartFinding:
    """One part judged.

    Attributes:
        weight: Part of the points, in proportion to the other parts'.
        state: ``open``: for a TA.
        text: A sentence on it.
        share: What a wrong part still earns of its weight.
    """

    name: str
    weight: float
    state: Literal["right", "wrong", "open"]
    text: str
    share: float = 0.0
    where: tuple[Where, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)


def judge_parts(parts: Sequence[PartFinding], data: dict[str, Any] | None = None) -> Judgement:
    """Adds up parts by weight; where one is open, the judgement waits for a TA with the rest settled."""
    total = sum(part.weight for part in parts)
    earned = sum(part.weight * (1.0 if part.state == "right" else part.share) for part in parts) / total
    waiting = sum(part.weight for part in parts if part.state == "open") / total
    more: dict[str, Any] = {
        "where": tuple(dict.fromkeys(place for part in _told(parts) for place in part.where)),
        "data": {
            "parts": [{"name": part.name, "state": part.state, **part.data} for part in parts],
            **(data or {}),
        },
    }
    message = _message(parts)
    if waiting > 0:
        judgement = Judgement.needs_ta(message, share=min(earned, 1.0), **more)
        return judgement.model_copy(update={"open_share": min(waiting, 1.0 - judgement.share)})
    if earned >= 1.0 - 1e-9:
        return Judgement.passed(message, **more)
    return Judgement.partial(earned, message, **more) if earned > 0 else Judgement.failed(message, **more)


def _told(parts: Sequence[PartFinding]) -> list[PartFinding]:
    return [part for part in parts if part.state != "right"][:_TOLD] or list(parts[:_TOLD])


def _message(parts: Sequence[PartFinding]) -> str:
    right = sum(part.state == "right" for part in parts)
    head = [f"{right} of {len(parts)} right."] if len(parts) > 1 else []
    if right == len(parts) > _TOLD:
        return f"All {len(parts)} are right."
    return " ".join([*head, *(part.text for part in _told(parts))])
