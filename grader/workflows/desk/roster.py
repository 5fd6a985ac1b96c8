"""`grader roster`: who is who, kept once, so that every command takes a name, a login or an id."""

from __future__ import annotations

from dataclasses import dataclass

from grader.intake.roster import Roster, RosterEntry, keys_of, roster_from
from grader.store import Store
from grader.store.roster import PersonRecord
from grader.workflows.views.identity import ids_of

__all__ = ["Kept", "keep_roster", "kept_roster", "roster_of"]


@dataclass(frozen=True)
class Kept:
    """What a roster that was kept comes to.

    Attributes:
        people: Students on it.
        unknown: Who handed in something and is not on it.
        absent: Who is on it and handed in nothing.
    """

    people: tuple[PersonRecord, ...]
    unknown: tuple[str, ...]
    absent: tuple[PersonRecord, ...]


def keep_roster(store: Store, roster: Roster) -> Kept:
    """Keeps a roster in place of the one before."""
    people = [(_record(entry), keys_of(entry)) for entry in roster.entries]
    with store.writing() as history:
        history.replace_roster(people)
    return kept_roster(store)


def _record(entry: RosterEntry) -> PersonRecord:
    return PersonRecord(**{name: getattr(entry, name) for name in PersonRecord.__dataclass_fields__})


def kept_roster(store: Store) -> Kept:
    """The roster that is kept, laid beside what was handed in."""
    with store.reading() as history:
        people = history.people()
        students = {student for work in history.assignments() for student in history.students(work)}
    ids = {name: person for person in people for name in ids_of(person)}
    present = {person for student in students if (person := ids.get(student)) is not None}
    return Kept(
        people=tuple(people),
        unknown=tuple(sorted(student for student in students if student not in ids)),
        absent=tuple(person for person in people if person not in present),
    )


def roster_of(store: Store) -> Roster | None:
    """The roster that is kept, as a file would give it; None where there is none."""
    with store.reading() as history:
        people = history.people()
    entries = [RosterEntry(**person.columns, line=line) for line, person in enumerate(people, start=1)]
    return roster_from(entries) if entries else None
