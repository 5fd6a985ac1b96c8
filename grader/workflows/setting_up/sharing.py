"""Who grades what: shares of the class, made by hand, by section, by a file or by lot, and changed later.

A share says whose works a person is to grade, and for an assigned TA all that they see. Marks stand on their
own: whoever gave them, they stay where a share is changed.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from grader.errors import RefusedError, UsageError
from grader.store import History, Signature, Store, WritableHistory
from grader.store.shares import Share, ShareRecord
from grader.workflows.setting_up.meant import students_meant, whole_class
from grader.workflows.views.known import require_assignment

__all__ = [
    "Change",
    "ShareLine",
    "Sharing",
    "can_be_taken",
    "draw_shares",
    "end_share",
    "give_section",
    "give_share",
    "may_take",
    "take_share",
    "to_take",
    "who_grades_what",
]

#: So many works are taken at a time: more would keep them from others.
TAKEN = 10
_WHY = "who grades what"


@dataclass(frozen=True)
class ShareLine:
    """One grader's share.

    Attributes:
        students: Ids by name; handed_in: of how many there is work.
        waits: Works in it of which something waits for a person.
        how: How it was made.
    """

    grader: str
    students: tuple[str, ...]
    handed_in: int
    waits: int
    how: str
    by: str
    at: datetime


@dataclass(frozen=True)
class Sharing:
    """Who grades what of an assignment.

    Attributes:
        rest: Students that are in nobody's share.
        rest_waits: Of how many of them something waits.
        sections: Of the roster, each with how many students.
    """

    lines: tuple[ShareLine, ...]
    rest: tuple[str, ...]
    rest_waits: int
    sections: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Change:
    """What a change made of one share."""

    grader: str
    before: int
    after: int


def who_grades_what(store: Store, assignment: str) -> Sharing:
    """All shares of an assignment, with how far they are. Writes nothing.

    Raises:
        UsageError: No assignment is called so.
    """
    with store.reading() as history:
        require_assignment(history, assignment)
        everybody, shares = whole_class(history, assignment), history.shares(assignment)
        present = set(history.students(assignment))
        waits = {name: history.number_waiting(assignment, share.students) for name, share in shares.items()}
        rest_waits = history.counts(assignment).whole.get("waiting", 0) - sum(waits.values())
    shared = {student for share in shares.values() for student in share.students}
    rest = [student for student in everybody if student not in shared]
    sections = Counter(person.section for person in everybody.values() if person and person.section)
    return Sharing(
        lines=tuple(_line(share, present, waits[share.grader]) for share in shares.values()),
        rest=tuple(sorted(rest)),
        rest_waits=rest_waits,
        sections=tuple(sorted(sections.items())),
    )


def _line(share: Share, present: Collection[str], waits: int) -> ShareLine:
    return ShareLine(
        grader=share.grader,
        students=tuple(sorted(share.students)),
        handed_in=len(share.students.intersection(present)),
        waits=waits,
        how=share.how,
        by=share.by,
        at=share.at,
    )


def give_share(
    store: Store, assignment: str, wanted: Mapping[str, Iterable[str]], how: str, *, actor: str
) -> list[Change]:
    """Adds students to shares; who was in another's share is in that one no longer.

    Args:
        store: Where the history is.
        assignment: Which work.
        wanted: Students by grader, as a person typed them.
        how: How the shares are made, in a few words.
        actor: Who says so.

    Raises:
        UsageError: The assignment or a student is unknown, a grader has no name, or a student is given twice.
    """
    with store.writing() as history:
        require_assignment(history, assignment)
        given = {
            _grader(grader): students_meant(history, students, assignment)
            for grader, students in wanted.items()
        }
        return _give(history, assignment, given, how, Signature(actor, store.clock(), _WHY))


def give_section(store: Store, assignment: str, section: str, grader: str, *, actor: str) -> list[Change]:
    """Adds all of a section of the roster to one share.

    Raises:
        UsageError: The assignment is unknown, or nobody on the roster is in this section.
    """
    with store.writing() as history:
        require_assignment(history, assignment)
        everybody = whole_class(history, assignment)
        theirs = [student for student, person in everybody.items() if person and person.section == section]
        if not theirs:
            there = sorted({person.section for person in everybody.values() if person and person.section})
            raise UsageError(
                "nobody on the roster is in this section",
                found=section,
                expected=", ".join(there) or "a roster with sections (`grader roster FILE`)",
            )
        signature = Signature(actor, store.clock(), _WHY)
        return _give(history, assignment, {_grader(grader): theirs}, f"section {section}", signature)


def draw_shares(
    store: Store, assignment: str, graders: Sequence[str], *, anew: bool = False, actor: str
) -> list[Change]:
    """Draws lots for whoever is in no share yet, so that the graders named end with as many each as works.

    Args:
        store: Where the history is.
        assignment: Which work.
        graders: Among whom.
        anew: Whether everybody is drawn again, whosever share they are in; then the other shares end.
        actor: Who says so.

    Raises:
        UsageError: The assignment is unknown, or no grader is named.
    """
    names = list(dict.fromkeys(map(_grader, graders)))
    if not names:
        raise UsageError("a draw needs graders", expected="one or more names")
    with store.writing() as history:
        require_assignment(history, assignment)
        shares = history.shares(assignment)
        kept = {name: set(() if anew else share.students) for name, share in shares.items()}
        taken = {student for students in kept.values() for student in students}
        for student in _by_lot(history, assignment):
            if student not in taken:
                smallest = min(names, key=lambda name: (len(kept.get(name, ())), names.index(name)))
                kept.setdefault(smallest, set()).add(student)
        signature = Signature(actor, store.clock(), _WHY)
        return _write(history, assignment, shares, kept, f"drawn among {len(names)}", signature)


def end_share(store: Store, assignment: str, grader: str, *, actor: str) -> list[Change]:
    """Ends a share: its works are everybody's again.

    Raises:
        UsageError: They have none.
    """
    with store.writing() as history:
        shares = history.shares(assignment)
        if grader not in shares:
            raise UsageError(
                f"{grader} has no share of {assignment}", expected=", ".join(shares) or "a share to end"
            )
        signature = Signature(actor, store.clock(), _WHY)
        return _write(history, assignment, shares, {grader: set()}, "ended", signature)


def may_take(history: History, assignment: str) -> bool:
    """Whether people take works themselves: until somebody else hands shares out."""
    return all(share.is_taken for share in history.shares(assignment).values())


def can_be_taken(store: Store, assignment: str) -> int:
    """How many works wait that are in nobody's share, where people take works themselves; else 0."""
    with store.reading() as history:
        if assignment not in history.assignments() or not may_take(history, assignment):
            return 0
        shares = history.shares(assignment).values()
        shared = sum(history.number_waiting(assignment, share.students) for share in shares)
        return history.counts(assignment).whole.get("waiting", 0) - shared


def to_take(store: Store) -> list[str]:
    """Assignments of which there is something to take."""
    with store.reading() as history:
        assignments = history.assignments()
    return [name for name in assignments if can_be_taken(store, name)]


def take_share(store: Store, assignment: str, grader: str) -> int:
    """Takes the next works that wait and are in nobody's share.

    Returns:
        How many.

    Raises:
        UsageError: The assignment is unknown.
        RefusedError: The course hands shares out, or nothing is left to take.
    """
    with store.writing() as history:
        require_assignment(history, assignment)
        if not may_take(history, assignment):
            raise RefusedError("who grades what is fixed by the course here")
        shares = history.shares(assignment)
        shared = {student for share in shares.values() for student in share.students}
        waiting = {row.student for row in history.open_rows(assignment)} - shared
        taken = [student for student in _by_lot(history, assignment) if student in waiting][:TAKEN]
        if not taken:
            raise RefusedError("nothing waits that is not in somebody's share")
        _give(history, assignment, {grader: taken}, "taken", Signature(grader, store.clock(), _WHY))
    return len(taken)


def _grader(typed: str) -> str:
    name = typed.strip()
    if not name:
        raise UsageError("a share needs somebody whose it is", expected="the name that they sign in by")
    return name


def _by_lot(history: History, assignment: str) -> list[str]:
    """The whole class in an order by chance that nobody can foresee and everybody finds again."""
    key = history.own_key()

    def lot(student: str) -> bytes:
        return hmac.digest(key, f"{assignment}\0{student}".encode("utf-8", "surrogatepass"), "sha256")

    return sorted(whole_class(history, assignment), key=lot)


def _give(
    history: WritableHistory,
    assignment: str,
    given: Mapping[str, Sequence[str]],
    how: str,
    signature: Signature,
) -> list[Change]:
    everyone = [student for students in given.values() for student in students]
    if len(set(everyone)) < len(everyone):
        twice = next(student for student in everyone if everyone.count(student) > 1)
        raise UsageError(f"{twice} is given to two graders", todo="nothing was written")
    shares = history.shares(assignment)
    wanted = {name: set(share.students) - set(everyone) for name, share in shares.items()}
    for grader, students in given.items():
        wanted.setdefault(grader, set()).update(students)
    return _write(history, assignment, shares, wanted, how, signature)


def _write(
    history: WritableHistory,
    assignment: str,
    before: Mapping[str, Share],
    wanted: Mapping[str, set[str]],
    how: str,
    signature: Signature,
) -> list[Change]:
    """One row for each share that changes."""
    changes = []
    for grader, students in sorted(wanted.items()):
        had = before[grader].students if grader in before else frozenset()
        if students == had:
            continue
        record = ShareRecord(assignment=assignment, grader=grader, students=tuple(sorted(students)), how=how)
        history.share(record, signature)
        changes.append(Change(grader, len(had), len(students)))
    return changes
