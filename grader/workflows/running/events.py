"""What a workflow tells whoever watches it; the command line draws these, tests collect them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from grader.evidence.record import Outcome

__all__ = [
    "Away",
    "Back",
    "CellRunning",
    "Event",
    "Finished",
    "Notice",
    "Notify",
    "Planned",
    "Recorded",
    "Retrying",
    "Started",
    "Stopping",
    "Waiting",
]


@dataclass(frozen=True)
class Planned:
    """What there is to do: `to_run` in a sandbox, the rest stands already."""

    submissions: int
    to_run: int


@dataclass(frozen=True)
class Started:
    """A submission was claimed by this run."""

    student: str
    assignment: str


@dataclass(frozen=True)
class CellRunning:
    student: str
    cell: int


@dataclass(frozen=True)
class Recorded:
    """The evidence is on disk; attempt and verdict are about to be written."""

    student: str
    assignment: str


@dataclass(frozen=True)
class Finished:
    """An attempt and its verdict are in the history. Points are None where judging failed."""

    student: str
    assignment: str
    outcome: Outcome
    points: float | None
    out_of: float | None
    pending: float | None
    wall_time_s: float


@dataclass(frozen=True)
class Retrying:
    """The sandbox failed us on a submission; it is run again."""

    student: str
    tries: int
    error: str


@dataclass(frozen=True)
class Waiting:
    """Another run is working on what is left."""

    jobs: int


@dataclass(frozen=True)
class Away:
    """What the run stands on does not answer, and is waited for, `at_most_s` seconds."""

    name: str
    why: str
    at_most_s: float


@dataclass(frozen=True)
class Back:
    """It answers again."""

    name: str


@dataclass(frozen=True)
class Stopping:
    """No new submission is begun; `now` where running ones are broken off."""

    now: bool


@dataclass(frozen=True)
class Notice:
    """One line for the person who watches."""

    text: str


Event = (
    Planned
    | Started
    | CellRunning
    | Recorded
    | Finished
    | Retrying
    | Waiting
    | Away
    | Back
    | Stopping
    | Notice
)
Notify = Callable[[Event], None]
