"""Groups of an assignment: who hands in together, set by name or by a table, and seen as they stand."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.errors import UsageError
from grader.files.named import write_text
from grader.files.tabular import read_table
from grader.store import Signature, Store, WritableHistory
from grader.store.groups import Group, GroupRecord
from grader.workflows.setting_up.meant import require_why, students_meant, whole_class
from grader.workflows.views.known import require_assignment

__all__ = [
    "GroupChange",
    "Groups",
    "as_csv",
    "end_group",
    "read_groups",
    "set_groups",
    "show_names",
    "who_hands_in_together",
    "write_groups",
]

_COLUMNS = ("student", "group")
_LONGEST = 60
_WHY = "groups"


@dataclass(frozen=True)
class Groups:
    """Who hands in together, for a page or a list.

    Attributes:
        groups: By name.
        alone: Who is in none.
        shows_names: Whether members read whom they hand in with.
    """

    groups: tuple[Group, ...]
    alone: tuple[str, ...]
    shows_names: bool


@dataclass(frozen=True)
class GroupChange:
    """A group that changed, with how many were and are in it."""

    name: str
    before: int
    after: int


def who_hands_in_together(store: Store, assignment: str) -> Groups:
    """Reads the groups of an assignment, which nobody need have handed in to yet.

    Raises:
        UsageError: No assignment is called so.
    """
    with store.reading() as history:
        require_assignment(history, assignment)
        groups = tuple(history.groups(assignment).values())
        grouped = {student for group in groups for student in group.members}
        everybody = set(whole_class(history, assignment))
        return Groups(groups, tuple(sorted(everybody - grouped)), history.shows_group_names())


def set_groups(
    store: Store, assignment: str, wanted: Mapping[str, Iterable[str]], reason: str, *, actor: str
) -> list[GroupChange]:
    """Says who is in each group named, from the next file on; who was in another is in that one no longer.

    What was handed in stays as it is, with all for whom it counted.

    Args:
        store: Where the history is.
        assignment: Which work.
        wanted: All members by group, as a person typed them.
        reason: Why, for the history.
        actor: Who says so.

    Raises:
        UsageError: The assignment or a student is unknown, a student is in two groups, a group has no
            name, or there is no reason.
    """
    why = require_why(reason)
    with store.writing() as history:
        require_assignment(history, assignment)
        given = {_name(name): students_meant(history, typed, assignment) for name, typed in wanted.items()}
        everyone = [student for students in given.values() for student in students]
        if len(set(everyone)) < len(everyone):
            twice = next(student for student in everyone if everyone.count(student) > 1)
            raise UsageError(
                f"{twice} is in two groups",
                found=", ".join(name for name, students in given.items() if twice in students),
                todo="nothing was written: a student hands an assignment in with one group",
            )
        groups = history.groups(assignment)
        after = {name: set(group.members) - set(everyone) for name, group in groups.items()}
        after |= {name: set(students) for name, students in given.items()}
        return _write(history, assignment, after, why, Signature(actor, store.clock(), _WHY))


def end_group(store: Store, assignment: str, name: str, reason: str, *, actor: str) -> list[GroupChange]:
    """Ends a group: from now on its members hand in by themselves.

    Raises:
        UsageError: There is none of this name, or no reason.
    """
    why = require_why(reason)
    with store.writing() as history:
        groups = history.groups(assignment)
        if name not in groups:
            raise UsageError(
                f"{assignment} has no group '{name}'", expected=", ".join(groups) or "a group to end"
            )
        return _write(history, assignment, {name: set()}, why, Signature(actor, store.clock(), _WHY))


def show_names(store: Store, shown: bool) -> None:
    """Says whether members of a group read whom they hand in with, in every assignment of the course."""
    with store.writing() as history:
        history.show_group_names(shown)


def as_csv(found: Groups) -> str:
    """Each student with their group; empty for none."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows((student, group.name) for group in found.groups for student in group.members)
    writer.writerows((student, "") for student in found.alone)
    return text.getvalue()


def write_groups(path: Path, found: Groups) -> None:
    """Writes the table.

    Raises:
        UsageError: It cannot be written.
    """
    write_text(path, as_csv(found))


def read_groups(path: Path) -> dict[str, list[str]]:
    """Students by group; rows without a group say nothing.

    Raises:
        UsageError: It is no such table, or names no student in a row.
    """
    wanted: dict[str, list[str]] = defaultdict(list)
    for line, row in read_table(path, required=_COLUMNS):
        if not row["student"]:
            raise UsageError("a row names no student", where=f"{path}:{line}")
        if row["group"]:
            wanted[row["group"]].append(row["student"])
    return dict(wanted)


def _name(typed: str) -> str:
    name = " ".join(typed.split())
    if not name or len(name) > _LONGEST or not name.isprintable():
        raise UsageError(
            "a group needs a name", expected=f"up to {_LONGEST} characters, as g07", found=name[:_LONGEST]
        )
    return name


def _write(
    history: WritableHistory,
    assignment: str,
    after: Mapping[str, set[str]],
    reason: str,
    signature: Signature,
) -> list[GroupChange]:
    """One row for each group that changes."""
    before = history.groups(assignment)
    changes = []
    for name, members in sorted(after.items()):
        had = set(before[name].members) if name in before else set()
        if members != had:
            record = GroupRecord(
                assignment=assignment, name=name, members=tuple(sorted(members)), reason=reason
            )
            history.set_group(record, signature)
            changes.append(GroupChange(name, len(had), len(members)))
    return changes
