"""From parts of an answer, each right, wrong or not to be told, to one judgement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import JsonValue

from grader.facts.fields import Where
from grader.facts.known import Known, every
from grader.judging.exhibits import Part, Parts
from grader.judging.judgement import Judgement

__all__ = ["PartFinding", "alone", "judge_parts"]

_TOLD = 3


@dataclass(frozen=True)
class PartFinding:
    """One part judged; made by `right`, `wrong` and `waits`.

    Attributes:
        state: ``open``: for a TA.
        text: A sentence on it.
        on: What a settled part stands on.
        open: Why a person has to look, as a sentence.
        weight: Part of the points, in proportion to the other parts'.
        share: What a wrong part still earns of its weight.
        expected, found, mistake, note: As an exhibit has them.
    """

    name: str
    state: Literal["right", "wrong", "open"]
    text: str
    on: Known[object] | None = None
    open: str = ""
    weight: float = 1.0
    share: float = 0.0
    where: tuple[Where, ...] = ()
    expected: JsonValue = None
    found: JsonValue = None
    mistake: str = ""
    note: str = ""

    @classmethod
    def right(cls, name: str, text: str, *, on: Known[object], **more: Any) -> PartFinding:
        return cls(name, "right", text, on=on, **more)

    @classmethod
    def wrong(cls, name: str, text: str, *, on: Known[object], **more: Any) -> PartFinding:
        return cls(name, "wrong", text, on=on, **more)

    @classmethod
    def waits(cls, name: str, text: str, *, open: str = "", **more: Any) -> PartFinding:
        """A part that a person has to look at."""
        return cls(name, "open", text, open=open or "A program cannot settle this.", **more)


def judge_parts(parts: Sequence[PartFinding]) -> Judgement:
    """Adds up parts by weight; where one is open, the judgement waits for a TA with the rest settled."""
    total = sum(part.weight for part in parts)
    earned = sum(part.weight * (1.0 if part.state == "right" else part.share) for part in parts) / total
    waiting = [part for part in parts if part.on is None]
    more: dict[str, Any] = {
        "where": tuple(dict.fromkeys(place for part in _told(parts) for place in part.where)),
        "exhibits": (Parts(parts=tuple(map(_as_exhibit, parts))),),
    }
    message = _message(parts)
    settled = every(part.on for part in parts if part.on is not None)
    if waiting or not isinstance(settled, Known):
        why = " ".join(dict.fromkeys(part.open for part in waiting))
        share = min(earned, 1.0)
        waits = min(sum(part.weight for part in waiting) / total, 1.0 - share)
        return Judgement.needs_ta(message, open=why, share=share, open_share=waits, **more)
    return Judgement.earned(1.0 if earned >= 1.0 - 1e-9 else earned, message, on=settled, **more)


def alone(part: PartFinding) -> Judgement:
    """The judgement on an answer that has one part only."""
    return judge_parts([part]).model_copy(update={"exhibits": ()})


def _as_exhibit(part: PartFinding) -> Part:
    return Part(
        name=part.name,
        state=part.state,
        expected=part.expected,
        found=part.found,
        mistake=part.mistake,
        note=part.note,
    )


def _told(parts: Sequence[PartFinding]) -> list[PartFinding]:
    return [part for part in parts if part.state != "right"][:_TOLD] or list(parts[:_TOLD])


def _message(parts: Sequence[PartFinding]) -> str:
    right = sum(part.state == "right" for part in parts)
    head = [f"{right} of {len(parts)} right."] if len(parts) > 1 else []
    if right == len(parts) > _TOLD:
        return f"All {len(parts)} are right."
    return " ".join([*head, *(part.text for part in _told(parts))])
