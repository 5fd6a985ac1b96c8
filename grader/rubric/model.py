"""The rubric as typed data: sections of the notebook, criteria, and what each criterion's check is."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SerializeAsAny,
    model_validator,
)

from grader.evidence.plan import Limits, Probe, Training

if TYPE_CHECKING:
    from grader.rubric.case import Case

__all__ = [
    "Check",
    "Criterion",
    "Judgement",
    "LatePolicy",
    "Policy",
    "Regex",
    "Rubric",
    "Section",
    "Status",
    "Where",
]


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return pattern


Regex = Annotated[str, AfterValidator(_compiles)]


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


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Where(Strict):
    """A place in the submitted file: cell from 0 over all cells, line from 1 within the cell."""

    cell: int
    line: int | None = None


class Judgement(Strict):
    """What a check says, before points.

    Attributes:
        share: Part of the points earned, 0 to 1. PASS earns 1, FAIL 0.
        open_share: Part that waits for a TA; 1 for NEEDS_TA unless some of it is settled.
        message: One to three sentences for the student: expected, found.
        where: Places to look at.
        data: Plain data of the check's own (numbers, lists, text), for exports and pictures.
        advice: How to mend or check it oneself.
    """

    status: Status
    share: float = Field(default=0.0, ge=0, le=1)
    open_share: float = Field(default=0.0, ge=0, le=1)
    message: str
    where: tuple[Where, ...] = ()
    data: dict[str, Any] = Field(default_factory=dict)
    advice: str = ""

    @classmethod
    def passed(cls, message: str, **more: Any) -> Judgement:
        return cls(status=Status.PASS, share=1.0, message=message, **more)

    @classmethod
    def failed(cls, message: str, **more: Any) -> Judgement:
        return cls(status=Status.FAIL, share=0.0, message=message, **more)

    @classmethod
    def partial(cls, share: float, message: str, **more: Any) -> Judgement:
        return cls(status=Status.PARTIAL, share=share, message=message, **more)

    @classmethod
    def needs_ta(cls, message: str, *, share: float = 0.0, **more: Any) -> Judgement:
        """For what a check cannot establish; `share` is what is settled already."""
        return cls(status=Status.NEEDS_TA, share=share, open_share=1.0 - share, message=message, **more)

    @classmethod
    def missing(cls, message: str, **more: Any) -> Judgement:
        return cls(status=Status.MISSING_EVIDENCE, open_share=1.0, message=message, **more)


class Check(Strict):
    """One kind of check: its YAML fields, the evidence it needs, and how it judges.

    A subclass sets `check` to a one-word literal and lives in a file of its own in `grader/checks/`. Its
    docstring is the documentation page; `example` is YAML that the page shows and a test loads.
    """

    example: ClassVar[str] = ""

    check: str

    def probes(self) -> tuple[Probe, ...]:
        """What must be measured in the sandbox after the notebook ran."""
        return ()

    def watches(self) -> tuple[str, ...]:
        """Names whose values must be kept as cells change them."""
        return ()

    def section_names(self) -> tuple[str, ...]:
        """Sections that the check's own fields mention, so that the loader can tell unknown ones."""
        return ()

    @property
    def needs_full_training(self) -> bool:
        """True where a training budget makes the question meaningless."""
        return False

    @abstractmethod
    def judge(self, case: Case) -> Judgement:
        """Judges recorded evidence. Pure: no clock, chance, file, process, network or database."""


class Section(Strict):
    """A stretch of the notebook, from its heading to the next section's.

    Attributes:
        ids: Colab ids of handout cells that open it, tried first; the first one present counts.
        heading: Regular expression for a Markdown heading line, tried next.
        within: Section after whose heading `heading` is looked for (headings such as "Part (a)" repeat).
        title: What to call it in messages.
    """

    title: str
    ids: tuple[str, ...] = ()
    heading: Regex | None = None
    within: str | None = None


class Criterion(Strict):
    """One line of the marking scheme.

    Attributes:
        asks: What was asked of the student, Markdown.
        section: Where in the notebook the answer is expected.
        hint: How a student can check it without the grader, Markdown.
        release: When details (expected values) may be shown: with the report, or after remarks.
    """

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    title: str
    points: float = Field(ge=0)
    section: str | None = None
    asks: str = ""
    hint: str = ""
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
        digest: SHA-256 of the file's text, set by the loader.
    """

    assignment: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    title: str
    total: float = Field(ge=0)
    handout: str | None = None
    limits: Limits = Limits()
    training: Training = Training()
    data: tuple[str, ...] = ()
    sections: Mapping[str, Section] = Field(default_factory=dict)
    criteria: tuple[Criterion, ...]
    remarks: Policy = Policy()
    late: LatePolicy | None = None
    digest: str = ""
