"""The verdict on one attempt: every criterion's finding, and the total."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from grader.facts.fields import Where
from grader.judging.earlier import exhibits_from
from grader.judging.exhibits import Exhibit
from grader.judging.judgement import Status
from grader.rubric.model import LatePolicy

__all__ = ["Finding", "Verdict"]


class Finding(BaseModel):
    """One criterion judged. ``points + pending <= out_of`` always.

    Attributes:
        message: Expected and found, true whoever decides.
        open: Why a person has to look, while nobody has.
        exhibits: What the check laid beside its words.
        earlier: It was written before there were exhibits; its plain data were read as such.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")

    criterion: str
    title: str
    status: Status
    points: float
    out_of: float
    pending: float = 0.0
    message: str
    # Left out where nothing waits, so that verdicts written before it was kept apart stay the same bytes.
    open: str = Field(default="", exclude_if=lambda text: not text)
    where: tuple[Where, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()
    advice: str = ""
    # Never written: told of a finding that was read, not of one that was made.
    earlier: bool = Field(default=False, exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _read_earlier(cls, given: Any) -> Any:
        if not isinstance(given, Mapping) or "data" not in given:
            return given
        rest = {key: value for key, value in given.items() if key != "data"}
        return {**rest, "exhibits": exhibits_from(given["data"]), "earlier": True}

    @property
    def told(self) -> str:
        """The message, and while no person has decided, why one has to."""
        return f"{self.message} {self.open} A TA looks at it." if self.open else self.message


class Verdict(BaseModel):
    """All findings on one attempt; equal evidence, rubric and reference give equal bytes.

    Attributes:
        pending: Points that wait for a TA or for evidence.
        evidence, rubric, reference: Digests of what it stands on.
        late: The rubric's policy on lateness, which the mark follows; the verdict itself does not know when
            the work was handed in.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")

    assignment: str
    findings: tuple[Finding, ...]
    points: float
    out_of: float
    pending: float
    evidence: str = ""
    rubric: str = ""
    reference: str = ""
    # Left out where there is none, so that verdicts written before there was a policy stay the same bytes.
    late: LatePolicy | None = Field(default=None, exclude_if=lambda policy: policy is None)
