"""Who is new gets a token in the transaction of the row that names them; others read what was changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import ScalarSelect, bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from grader.store.group_tables import GroupFileRow, GroupRow
from grader.store.models import (
    Base,
    BulkMarkRow,
    HandInRow,
    NameRow,
    RemarkActionRow,
    RemarkRow,
    SubmissionRow,
)
from grader.store.names import PATH, STUDENT, Book, Name, book_of, new_salt, token_of
from grader.store.setup_tables import ShareRow
from grader.store.types import unescape
from grader.store.unchanged import of_change

__all__ = [
    "book_in",
    "catch_up",
    "forget_changes",
    "names_at_once",
    "replace_actor",
    "replace_names",
    "rewrite",
]

#: Under which a session keeps the book with what its changes replaced there.
_CHANGES = "names"
#: Under which it gathers rows of new names that go into one statement.
_GATHERED = "new names"
_NAMES = NameRow.__table__
#: Raw, as each transaction asks for it before anything else.
_NEWER = "SELECT token, kind, text, erased, changed FROM names WHERE changed > "


def book_in(session: Session) -> Book:
    """The book of the database that a session reads."""
    return book_of(session.connection().dialect)


def catch_up(session: Session) -> None:
    """Reads the names that were changed since the book was read last, as each transaction begins."""
    of_change(session, "names", lambda: _read_newer(session))


def _read_newer(session: Session) -> None:
    connection = session.connection()
    book = book_of(connection.dialect)
    newer = connection.exec_driver_sql(f"{_NEWER}{book.seen:d}").all()
    if newer:
        book.learn(
            Name(token, kind, unescape(text), bool(erased), changed)
            for token, kind, text, erased, changed in newer
        )


def forget_changes(session: Session) -> None:
    """Takes back what a transaction changed in the book: it was not kept."""
    # Not by way of the session: its connection may be the reason.
    book, changes = session.info.pop(_CHANGES, (None, {}))
    if book is not None:
        book.take_back(changes)


@contextmanager
def names_at_once(session: Session) -> Iterator[None]:
    """Lets all names that are new meanwhile be written by one statement at the end."""
    rows: list[dict[str, object]] = []
    session.info[_GATHERED] = rows
    try:
        yield
    finally:
        del session.info[_GATHERED]
    if rows:
        session.connection().execute(_ADD_NUMBERED, rows)


def replace_names(session: Session, row: Base) -> None:
    """Makes sure that all whom a new row names have tokens; the path of a file is replaced by its own."""
    if isinstance(row, BulkMarkRow):
        _enrol(session, (student for student, *_ in row.about))
    elif isinstance(row, ShareRow):
        _enrol(session, row.students)
    elif isinstance(row, (GroupRow, GroupFileRow)):
        _enrol(session, row.members)
    elif (student := getattr(row, "student", None)) is not None:
        _enrol(session, [student])
    if isinstance(row, SubmissionRow) and row.path:
        row.path = _add_path(session, row.path, row.student)
    elif isinstance(row, HandInRow) and row.file:
        row.file = _add_path(session, row.file, row.student)


def replace_actor(session: Session, row: Base, actor: str) -> str:
    """What to seal as the author of a row: a token where it is the student whom the row is about."""
    match row:
        case RemarkActionRow():
            student = session.get_one(RemarkRow, row.request).student
        case SubmissionRow() | HandInRow() | RemarkRow():
            student = row.student
        case GroupFileRow() if actor in row.members:
            student = actor
        case _:
            return actor
    return (book_in(session).token(student) or actor) if actor == student else actor


def _enrol(session: Session, students: Iterable[str]) -> None:
    book = book_in(session)
    for student in students:
        if book.token(student) is None:
            _add(session, STUDENT, student)


def _add_path(session: Session, path: str, student: str) -> str:
    return _add(session, PATH, path, person=book_in(session).token(student) or "")


def _add(session: Session, kind: str, text: str, person: str = "") -> str:
    """Gives a text a token of its own."""
    salt = new_salt()
    token = token_of(kind, person, salt, text)
    columns = {"token": token, "kind": kind, "person": person or token, "salt": salt, "text": text}
    if _GATHERED in session.info:
        rows = session.info[_GATHERED]
        first = rows[0]["changed"] if rows else session.connection().execute(_NEXT).scalar_one()
        changed = first + len(rows)
        rows.append({**columns, "erased": False, "changed": changed})
    else:
        changed = session.connection().execute(_ADD, columns).scalar_one()
    _note(session, Name(token, kind, text, False, changed))
    return token


def rewrite(session: Session, token: str, kind: str, text: str) -> None:
    """Puts a text in place of one that is erased; nothing is left by which the token could be worked out."""
    changing = update(NameRow).where(_NAMES.c.token == token)
    changing = changing.values(salt="", text=text, erased=True, changed=_next())
    changed = session.connection().execute(changing.returning(_NAMES.c.changed)).scalar_one()
    _note(session, Name(token, kind, text, True, changed))


def _next() -> ScalarSelect[int]:
    """One more than any change before: there is one writer at a time."""
    return select(func.coalesce(func.max(_NAMES.c.changed), 0) + 1).scalar_subquery()


_NEXT = select(func.coalesce(func.max(_NAMES.c.changed), 0) + 1)
_ADD_NUMBERED = insert(NameRow)
#: One statement for all: to put it together takes longer than to run it.
_ADD = (
    insert(NameRow)
    .values(
        {name: bindparam(name) for name in ("token", "kind", "person", "salt", "text")}
        | {"erased": False, "changed": _next()}
    )
    .returning(_NAMES.c.changed)
)


def _note(session: Session, name: Name) -> None:
    book = book_in(session)
    before = book.change(name)
    session.info.setdefault(_CHANGES, (book, {}))[1].setdefault(name.token, before)
