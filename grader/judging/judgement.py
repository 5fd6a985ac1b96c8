"""What a check says: a status, the share that is earned or open, and why."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import (
    Field,
)

from grader.errors import RubricError
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
    def earned(cls, share: float, message: str, *, on: Known[object], **more: Any) -> Judgement:
        """All, some or none of the points, as the share says, on something that the record says."""
        if share >= 1.0:
            return cls.passed(message, on=on, **more)
        return cls.partial(share, message, on=on, **more) if share > 0 else cls.failed(message, on=on, **more)

    @classmethod
    def needs_ta(
        cls,
        message: str,
        *,
        open: str | None = None,
        share: float = 0.0,
        open_share: float | None = None,
        **more: Any,
    ) -> Judgement:
        """For what a check cannot establish.

        Args:
            message: What was expected and found.
            open: Why a person has to look; empty where the message is a question to a person from the first.
            share: What is settled already.
            open_share: What waits; all of the rest if left out.
            more: As `where` and `exhibits`.
        """
        waits = 1.0 - share if open_share is None else open_share
        why = "A program cannot settle this." if open is None else open
        return cls(status=Status.NEEDS_TA, share=share, open_share=waits, message=message, open=why, **more)

    @classmethod
    def check_failed(cls, check: str, error: Exception) -> Judgement:
        """For a check that raised: our fault, for course staff to read."""
        problems = error.problems if isinstance(error, RubricError) else str(error).splitlines()
        reason = next(iter(problems), "")
        said = f"The check '{check}' itself failed: {type(error).__name__}: {reason}"
        return cls(status=Status.CHECK_ERROR, open_share=1.0, message=said[:300])

    @classmethod
    def missing(cls, message: str, **more: Any) -> Judgement:
        return cls(status=Status.MISSING_EVIDENCE, open_share=1.0, message=message, **more)
