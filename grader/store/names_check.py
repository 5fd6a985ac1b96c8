"""Where the names beside the history are not those that its tokens were made of: for `grader audit`.

Names are unsealed, since they can be erased. So each is compared with its token, which is sealed and a digest
over it: to call a student otherwise, or to let a name vanish without an erasure in the history, is found.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress

from sqlalchemy import Table, column, select
from sqlalchemy.orm import Session

from grader.store.models import (
    Base,
    BulkMarkRow,
    Entry,
    ErasureRow,
    HandInRow,
    LedgerRow,
    NameRow,
    SubmissionRow,
)
from grader.store.names import ERASED, PATH, STUDENT, is_token, token_of
from grader.store.types import StudentName, escape

__all__ = ["name_problems"]


def name_problems(session: Session) -> Iterator[str]:
    """What is wrong with the names, one line each; the history itself was found whole before."""
    erased = set(_distinct(session, _table(ErasureRow), "student"))
    names = {row.token: row for row in session.scalars(select(NameRow))}
    for token, name in sorted(names.items()):
        if problem := _problem(name, gone=name.person in erased):
            yield f"{token[:12]}...: {problem}" if is_token(token) else f"{token}: {problem}"
    for token in sorted(_tokens(session) - names.keys()):
        yield f"{token[:12]}...: rows of the history have this token, and what it stands for is gone"


def _problem(name: NameRow, *, gone: bool) -> str:
    """What is wrong with one; empty where nothing is."""
    if gone != name.erased:
        what = "the name is there" if gone else "the name is gone"
        return f"{what}, and the history says that it was {'erased' if gone else 'never erased'}"
    if name.erased:
        return "" if _is_blank(name) else "something is left of a name that was erased"
    if name.kind == STUDENT and name.token == escape(name.text) and not is_token(name.token):
        return ""  # From before there were tokens: the name itself is sealed.
    person = "" if name.kind == STUDENT else name.person
    if token_of(name.kind, person, name.salt, name.text) != name.token:
        return "the name was changed after it was written"
    return ""


def _is_blank(name: NameRow) -> bool:
    label = ERASED + name.token.partition("-")[2]
    text = (
        name.text == "" if name.kind == PATH else label.startswith(name.text) and len(name.text) > len(ERASED)
    )
    return text and not name.salt


def _tokens(session: Session) -> set[str]:
    """All that stands in the history where a token is bound, and all that looks like one where it may be."""
    found: set[str] = set()
    for mapper in Base.registry.mappers:
        if issubclass(mapper.class_, Entry):
            table = mapper.local_table
            assert isinstance(table, Table)
            for name in (each.name for each in table.columns if isinstance(each.type, StudentName)):
                found.update(each for each in _distinct(session, table, name) if each is not None)
    for about in _distinct(session, _table(BulkMarkRow), "about"):
        with suppress(ValueError, TypeError):
            found.update(escape(token) for token, *_ in json.loads(about))
    for model, name in ((SubmissionRow, "path"), (HandInRow, "file"), (LedgerRow, "actor")):
        found.update(filter(is_token, _distinct(session, _table(model), name)))
    return found


def _distinct(session: Session, table: Table, name: str) -> list[str]:
    """Values as they are stored: a column without a type."""
    return list(session.scalars(select(column(name)).select_from(table).distinct()))


def _table(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table
