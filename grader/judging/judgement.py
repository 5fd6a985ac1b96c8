"""What a check says: a status, the share that is earned or open, and why."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import (
    Field,
)

from grader.facts.fields import Strict, Where
from grader.facts.known import Known
from grader.judging.exhibits import Exhibit

__all__ = ["Judgement", "Status"]


class Status(StrEnum):
    """What judging one criterion came to.

    NEEDS_TA: a manual criterion, or "could not tell". CHECK_ERROR: the check itself failed, our fault.
    """

    PASS = "PASS"  # noqa: S105 - a status, no password
    PARTIAL = "PARTIAL"
    FAIL = "FAIL"
    NEEDS_TA = "NEEDS_TA"
    MISSING_EVIDENCE = "MISSING_EVIDENCE"
    CHECK_ERROR = "CHECK_ERROR"


class Judgement(Strict):
    """What a check says, before points.

    Attributes:
        share: Part of the points earned, 0 to 1. PASS earns 1, FAIL 0.
        open_share: Part that waits for a TA; 1 for NEEDS_TA unless some of it is settled.
        message: One to three sentences for the student: expected, found.
        open: Why a person has to look, in a sentence; empty where nothing waits. No part of `message`, since
            it is no longer true once a person has decided.
        where: Places to look at.
        exhibits: What to lay beside the words, for pages and exports.
        advice: How to mend or check it oneself.
    """

    status: Status
    share: float = Field(default=0.0, ge=0, le=1)
    open_share: float = Field(default=0.0, ge=0, le=1)
    message: str
    open: str = ""
    where: tuple[Where, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()
    advice: str = ""

    @classmethod
    def passed(cls, message: str, *, on: Known[object], **more: Any) -> Judgement:
        """All points, on something that the record says: silence earns nothing.

        `on` is the fact that it stands on. It is asked for so that nothing unknown decides; it is not kept.
        """
        return cls(status=Status.PASS, share=1.0, message=message, **more)

    @classmethod
    def failed(cls, message: str, *, on: Known[object], **more: Any) -> Judgement:
        """No points, on something that the record says (`on`, see `passed`)."""
        return cls(status=Status.FAIL, share=0.0, message=message, **more)

    @classmethod
    def partial(cls, share: float, message: str, *, on: Known[object], **more: Any) -> Judgement:
        """Some of the points, on something that the record says (`on`, see `passed`)."""
        return cls(status=Status.PARTIAL, share=share, message=message, **more)

    @classmethod
    def needs_ta(cls, message: str, *, open: str | None = None, share: float = 0.0, **more: Any) -> Judgement:
        """For what a check cannot establish; `share` is what is settled already.

        `open` is empty where the message is a question to a person from the first.
        """
        why = "A program cannot settle this." if open is None else open
        return cls(
            status=Status.NEEDS_TA, share=share, open_share=1.0 - share, message=message, open=why, **more
        )

    @classmethod
    def missing(cls, message: str, **more: Any) -> Judgement:
        return cls(status=Status.MISSING_EVIDENCE, open_share=1.0, message=message, **more)
