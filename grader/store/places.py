"""Where the evidence of a database lies: as the database says, so that all who use it find the same place."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from sqlalchemy import select
from sqlalchemy.orm import Session

from grader.errors import StoreError
from grader.store.blobs import BlobFolder, BlobStore, Stored
from grader.store.engine import Database, is_url, shown
from grader.store.kept import named_blobs
from grader.store.models import SettingRow, SubmissionRow
from grader.store.packing import LIMIT_BYTES

if TYPE_CHECKING:
    from grader.store.objects import BlobBucket

__all__ = ["NoPlace", "absolute", "find_place", "move_place"]

_PLACE, _MARK = "evidence_place", "evidence_mark"
#: So many of the newest files are looked for in a place that is said to be the one: some may be lost.
_LOOKED_FOR = 20


class NoPlace:
    """A `BlobStore` that nobody has named yet: marks can be read, evidence cannot be read or written."""

    def __init__(self, location: str) -> None:
        self.place = ""
        self._location = location

    def check(self) -> NoReturn:
        raise StoreError(
            "nobody has said yet where the evidence of this database lies",
            where=shown(self._location),
            expected="a place that every machine can reach which uses this database",
            todo="name it once with --evidence, as --evidence /srv/grader/evidence or --evidence"
            " s3://BUCKET/PREFIX: the database keeps it",
        )

    def __contains__(self, digest: str) -> bool:
        self.check()

    def put(self, content: bytes) -> str:
        self.check()

    def get(self, digest: str, *, limit_bytes: int = LIMIT_BYTES) -> bytes:
        self.check()

    def remove(self, digest: str) -> None:
        self.check()

    def size(self, digest: str) -> int:
        self.check()

    def stored(self) -> Iterator[Stored]:
        self.check()


def find_place(database: Database, given: str | None, *, keep: bool) -> BlobStore:
    """The place that the database names; else the one given; else, for a file, the folder beside it.

    Args:
        database: Whose evidence.
        given: What the user says; what the database says goes before it.
        keep: Whether the database is to keep what is given, as the first run does.

    Raises:
        UsageError: The place cannot be used.
        StoreError: The history has evidence, and none of it lies in the place given.
    """
    with database.reading() as session:
        kept = _kept(session)
    if kept is not None:
        return kept
    beside = None if is_url(database.location) else Path(f"{database.location}.evidence")
    if given is None or (beside is not None and absolute(given) == absolute(str(beside))):
        return NoPlace(database.location) if beside is None else BlobFolder(Path(absolute(str(beside))))
    if not keep:
        return _open(absolute(given))
    return move_place(database, given, first=True)


def move_place(database: Database, given: str, *, first: bool = False, anyway: bool = False) -> BlobStore:
    """Makes the database name this place.

    Args:
        database: Whose evidence.
        given: A folder or URL.
        first: Whether a place that is named already stays.
        anyway: Whether the place may lack what the history has.

    Raises:
        UsageError: The place cannot be used.
        StoreError: It cannot be written, or lacks the evidence of the history.
    """
    place = _open(absolute(given))
    with database.reading() as session:
        newest = _newest(session)
    if newest and not anyway and not any(digest in place for digest in newest):
        raise StoreError(
            "the evidence of this database does not lie there",
            where=place.place,
            expected=f"the files that were handed in last, as {newest[0][:12]}...",
            found="none of them",
            todo="name the place where it lies; if it is lost for good, `grader db evidence PLACE --anyway`"
            " begins anew there",
        )
    with database.writing() as session:
        # Looked at again under the lock: of two first runs, the second takes what the first one named.
        earlier = _kept(session)
        if earlier is not None and first:
            return earlier
        # Under the lock too: of two marks, the place would keep one and the database the other.
        mark = place.read_mark()
        if mark is None:
            mark = uuid.uuid4().hex
            place.write_mark(mark)
        for name, value in ((_PLACE, place.place), (_MARK, mark)):
            session.merge(SettingRow(name=name, value=value))
    return _open(place.place, mark=mark)


def _kept(session: Session) -> BlobFolder | BlobBucket | None:
    rows = session.scalars(select(SettingRow).where(SettingRow.name.in_((_PLACE, _MARK))))
    values = {row.name: row.value for row in rows}
    return _open(values[_PLACE], mark=values.get(_MARK, "")) if _PLACE in values else None


def _open(place: str, *, mark: str = "") -> BlobFolder | BlobBucket:
    if not is_url(place):
        return BlobFolder(Path(place), mark=mark)
    from grader.store.objects import BlobBucket

    return BlobBucket(place, mark=mark)


def absolute(place: str) -> str:
    """One name for a place, from whatever folder it is named."""
    if not is_url(place):
        return str(Path(place).expanduser().absolute())
    scheme, rest = place.split("://", 1)
    return f"{scheme}://{rest.rstrip('/')}"


def _newest(session: Session) -> list[str]:
    """Files that were handed in last; what was let go of, or was an erased person's alone, lies nowhere."""
    named = named_blobs(session)
    query = select(SubmissionRow.notebook).order_by(SubmissionRow.seq.desc())
    return list(islice((digest for digest in session.scalars(query) if digest in named), _LOOKED_FOR))
