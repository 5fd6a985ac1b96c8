"""The rubric as typed data: sections of the notebook, criteria, and what each criterion's check is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import (
    AwareDatetime,
    Field,
    SerializeAsAny,
    model_validator,
)

from grader.evidence.plan import Limits, Picture, Training
from grader.facts.fields import Strict
from grader.facts.sections import Section
from grader.judging.check import Check

__all__ = ["Criterion", "LatePolicy", "Policy", "Rubric"]


class Criterion(Strict):
    """One line of the marking scheme.

    Attributes:
        asks: What was asked of the student, Markdown.
        section: Where in the notebook the answer is expected.
        beside: Sections that a person sees with the answer, as plots that it describes; no part of it.
        hint: How a student can check it without the grader, Markdown.
        guide: What earns what where a person decides, Markdown: for TAs, and on no page of a student.
        public: Whether students may see how it would come out before they hand in (`grader precheck`).
        release: When details (expected values) may be shown: with the report, or after remarks.
    """

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    title: str
    points: float = Field(ge=0)
    section: str | None = None
    beside: tuple[str, ...] = ()
    asks: str = ""
    hint: str = ""
    guide: str = ""
    public: bool = False
    release: Literal["with_report", "after_remarks"] = "with_report"
    check: SerializeAsAny[Check]


class Policy(Strict):
    """What the course says about remark requests; dates in ISO 8601 with a time zone."""

    remarks_open_from: AwareDatetime | None = None
    remarks_open_until: AwareDatetime | None = None
    marks_may_fall: bool = True
    decided_by_another: bool = False
    sentence: str = "I know that after a remark my mark can go up or down."

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Policy:
        opens, closes = self.remarks_open_from, self.remarks_open_until
        if opens is not None and closes is not None and opens >= closes:
            raise ValueError("remarks_open_until must be later than remarks_open_from")
        return self


class LatePolicy(Strict):
    """What it costs to hand in late; dates in ISO 8601 with a time zone.

    Attributes:
        grace_minutes: Who is later than `due` by no more than this is in time; who is later than that is
            late from `due` on.
        per_day: Share of the points taken for each day of 24 hours begun after `due`; 0 takes none.
        share_of: Whether it is a share of what could be had or of what was earned.
        tokens: Late days that each student has for nothing, over all assignments of the course.
        until: Hard stop: who hands in later earns nothing.
        days: Days late that a person settled for a student, by id, in place of what the times say; 0 for
            an extension or an excuse.
    """

    due: AwareDatetime
    grace_minutes: float = Field(default=0.0, ge=0)
    per_day: float = Field(default=0.0, ge=0, le=1)
    share_of: Literal["out_of", "earned"] = "out_of"
    tokens: int = Field(default=0, ge=0)
    until: AwareDatetime | None = None
    days: Mapping[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _stops_after_due(self) -> LatePolicy:
        if self.until is not None and self.until < self.due:
            raise ValueError("until must not be earlier than due")
        return self


class Rubric(Strict):
    """A whole marking scheme.

    Attributes:
        total: The sum that the criteria's points must give.
        handout: File beside the rubric that describes the handout (see `rubric.handout`).
        data: Data sets that the labs' code reads.
        picture: Size and channels of the picture that the handout reads from the web; one of this size stands
            in for it.
        cells_to_run: When reports show cells by which students can see again what went wrong, with the inputs
            that their attempt was given: with the report, after remarks, or never.
        may_import: Modules that the lab asks for and that are a sign of tampering elsewhere.
        digest: SHA-256 of the file's text, set by the loader.
    """

    assignment: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    title: str
    total: float = Field(ge=0)
    handout: str | None = None
    limits: Limits = Limits()
    training: Training = Training()
    data: tuple[str, ...] = ()
    picture: Picture | None = None
    cells_to_run: Literal["with_report", "after_remarks", "never"] = "with_report"
    may_import: tuple[Literal["cffi", "ctypes"], ...] = ()
    sections: Mapping[str, Section] = Field(default_factory=dict)
    criteria: tuple[Criterion, ...]
    remarks: Policy = Policy()
    late: LatePolicy | None = None
    digest: str = ""
