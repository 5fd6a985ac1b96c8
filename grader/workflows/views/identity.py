"""Who acts, whom they mean, and names that tell nobody who a student is."""

from __future__ import annotations

import getpass
import hashlib
import hmac
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from grader.errors import UsageError
from grader.intake.identity import normalise_id
from grader.intake.roster import id_typed, keys_typed
from grader.store import History
from grader.store.roster import PersonRecord

__all__ = [
    "actor",
    "ids_of",
    "is_pseudonym",
    "names_of",
    "normalise_id",
    "pseudonym",
    "pseudonyms_in_order",
    "real_names",
    "shown_as",
]

_PSEUDONYM = re.compile("anon-[0-9a-f]+")
_NAMED = 10
_KEPT = 64
#: By database, its key and an assignment: its newest file or erasure, and its students by pseudonym.
_KNOWN: dict[tuple[str, bytes, str | None], tuple[int, Mapping[str, list[str]]]] = {}

_ORDERS: dict[tuple[str, bytes, str], tuple[int, list[tuple[str, str]]]] = {}


def actor(named: str | None) -> str:
    """Who is written into the history: as named, else the login name."""
    try:
        return named or getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def pseudonym(key: bytes, student: str) -> str:
    """A name for a student that stays the same and gives nothing away.

    Args:
        key: The history's own, so that nobody without it can try names against pseudonyms.
        student: Whose.
    """
    digest = hmac.digest(key, student.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return f"anon-{digest.hex()[:8]}"


def real_names(history: History, assignment: str | None, names: Iterable[str]) -> list[str]:
    """Ids as they are stored, from ids, pseudonyms, logins or names as a person typed them.

    An id that is stored is itself whatever else it may be. What nobody is called by is given back as an id.

    Args:
        history: To read in; it has the roster, where one was given (`grader roster`).
        assignment: Only students with work on it are meant; None for any.
        names: As typed.

    Raises:
        UsageError: A pseudonym or a name stands for several students; they are named, none is chosen.
    """
    return [_meant(history, assignment, name) for name in names]


def _meant(history: History, assignment: str | None, typed: str) -> str:
    plain = normalise_id(typed)
    if history.handed_in(plain, assignment):
        return plain
    if _PSEUDONYM.fullmatch(plain):
        students = _by_pseudonym(history, assignment).get(plain, [])
        if len(students) > 1:
            raise UsageError(
                f"'{typed}' stands for {len(students)} students", todo="name the one meant by id"
            )
        return students[0] if students else plain
    people = {person for found in history.people_by(keys_typed(typed)).values() for person in found}
    if len(people) > 1:
        raise _ambiguous(typed, [f"{person.student} ({person.name})" for person in people])
    ids = {name for person in people for name in ids_of(person) if history.handed_in(name, assignment)}
    if len(ids) > 1:
        raise _ambiguous(typed, list(ids))
    return ids.pop() if ids else plain


def ids_of(person: PersonRecord) -> list[str]:
    """What a student of the roster may be called in the history, each once."""
    given = (person.student, person.login, person.number, person.canvas_id, person.email)
    ids = (*given, person.email.partition("@")[0])
    return list(dict.fromkeys(normalise_id(each) for each in ids if each))


def names_of(history: History, students: Iterable[str]) -> Mapping[str, str]:
    """Names by the roster, by id; students of whom it knows none, or several, are left out."""
    keys = {student: id_typed(student) for student in students}
    names = history.names_by({key for key in keys.values() if key})
    alone = {key: next(iter(theirs)) for key, theirs in names.items() if len(theirs) == 1}
    return {student: alone[key] for student, key in keys.items() if key in alone}


def _ambiguous(typed: str, ids: Sequence[str]) -> UsageError:
    return UsageError(
        f"'{typed}' may be any of {len(ids)} students",
        found=", ".join(sorted(ids)[:_NAMED]),
        todo="name the one meant by id",
    )


def is_pseudonym(name: str) -> bool:
    """Whether a name is one that `pseudonym` makes."""
    return _PSEUDONYM.fullmatch(name) is not None


def _by_pseudonym(history: History, assignment: str | None) -> Mapping[str, list[str]]:
    """Students by pseudonym, worked out again only where somebody may be new."""
    work, newest = (history.place, history.own_key(), assignment), history.newest_change_of_names()
    known = _KNOWN.get(work)
    if known is None or known[0] != newest:
        meant: dict[str, list[str]] = defaultdict(list)
        works = history.assignments() if assignment is None else [assignment]
        for student in sorted({student for name in works for student in history.students(name)}):
            meant[pseudonym(work[1], student)].append(student)
        if len(_KNOWN) >= _KEPT:
            _KNOWN.clear()
        _KNOWN[work] = known = newest, meant
    return known[1]


def pseudonyms_in_order(history: History, assignment: str) -> list[tuple[str, str]]:
    """Each pseudonym on an assignment with its student, by pseudonym."""
    work, newest = (history.place, history.own_key(), assignment), history.newest_change_of_names()
    known = _ORDERS.get(work)
    if known is None or known[0] != newest:
        meant = _by_pseudonym(history, assignment)
        order = [(shown, student) for shown in sorted(meant) for student in meant[shown]]
        if len(_ORDERS) >= _KEPT:
            _ORDERS.clear()
        _ORDERS[work] = known = newest, order
    return known[1]


def shown_as(typed: str, student: str) -> str:
    """How to call a student to whoever typed a name: by pseudonym where that is what was typed."""
    return typed if is_pseudonym(normalise_id(typed)) and normalise_id(typed) != student else student
