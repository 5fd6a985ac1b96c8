"""An open store: the history in its database, and the place of large things beside it."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from grader.errors import LetGoError, StoreError, StoreUnavailable, UsageError
from grader.store import schema
from grader.store.account_tables import create_account_tables
from grader.store.accounts import Accounts
from grader.store.api_answers import ApiAnswers
from grader.store.api_tokens import ApiTokens
from grader.store.arrivals import Arrivals
from grader.store.blobs import BlobFolder, BlobStore, Stored
from grader.store.course import Course, desk_url, keep_desk_url, name_course, read_course, take_along
from grader.store.damage import GARBAGE, damages, in_plain_words
from grader.store.engine import (
    ERASED,
    Database,
    is_url,
    place_of,
    plain_errors,
    rewrite_file,
    shown,
    use_write_ahead_log,
)
from grader.store.enrolling import catch_up, forget_changes
from grader.store.health import Health, health_of
from grader.store.history import History
from grader.store.kept import erased_blobs, known_digests, let_go_blobs
from grader.store.names import book_of
from grader.store.outbox import Outbox
from grader.store.places import absolute, find_place, move_place
from grader.store.platforms import Platforms
from grader.store.prechecks import PreChecks
from grader.store.records import NewAttempt, RubricRecord
from grader.store.regrades import Regrades
from grader.store.retention import let_go_of
from grader.store.rubrics import LoadedRubric, RubricMemory
from grader.store.signed_in import SignedIn
from grader.store.standing import project, reproject
from grader.store.together import AtOnce, ResultT, Together
from grader.store.workers import Workers
from grader.store.writable_history import WritableHistory
from grader.store.zone import keep_zone, kept_zone

if TYPE_CHECKING:
    from grader.evidence.codec import Bundle
    from grader.evidence.record import CellText

__all__ = ["Store", "open_store", "utc_now"]


#: What is put into the place of evidence is named by a row far sooner.
_STRAY = timedelta(days=1)


def _no_rubrics(_: tzinfo | None) -> Mapping[str, LoadedRubric]:
    return MappingProxyType({})


def utc_now() -> datetime:
    return datetime.now(UTC)


class Store:
    """A history of marks with its evidence. Safe to share between threads.

    Attributes:
        database: For this package only.
        blobs: Notebooks, plans and evidence by digest.
        clock: Where the time comes from.
        together: Writes of several threads in one transaction.
        own_rubrics: What the course's own rubric files hold just now, by assignment, for a zone in which
            dates are read. Whoever opens a course's history knows where they lie; else there are none.
    """

    def __init__(self, database: Database, blobs: BlobStore, clock: Callable[[], datetime]) -> None:
        self.database = database
        self.blobs = blobs
        self.clock = clock
        self.together = Together(self.writing)
        self._rubrics = RubricMemory()
        self.own_rubrics: Callable[[tzinfo | None], Mapping[str, LoadedRubric]] = _no_rubrics

    @property
    def read_only(self) -> bool:
        """Whether it is a file that cannot be written where it lies."""
        return self.database.read_only

    @property
    def location(self) -> str:
        """As the user gave it, for messages."""
        return self.database.location

    @property
    def course(self) -> Course:
        """Which course this history is of."""
        with self.database.reading() as session:
            return read_course(session)

    def name_course(self, name: str, title: str = "") -> None:
        """Says which course this history is of; no mark changes by it.

        Raises:
            UsageError: The name would not stand well in an address.
        """
        with self.database.writing() as session:
            name_course(session, name, title)

    def rename_course(self, before: str, name: str) -> int:
        """Takes along whom this home course's database knows to be in another course, which is renamed.

        Returns:
            How many enrolments there were.

        Raises:
            UsageError: The name would not stand well in an address, or the course here has that very name,
                so that nobody could tell who is in which.
        """
        with self.database.writing() as session:
            if read_course(session).name == before:
                raise UsageError(
                    f"the course of {self.location} is called {before} itself",
                    todo="name that one first, or leave --home out where both are one database",
                )
            return take_along(session, before, name)

    @property
    def desk_url(self) -> str:
        """Where browsers found the server when it was last started, for links to it."""
        with self.database.reading() as session:
            return desk_url(session)

    def keep_desk_url(self, url: str) -> None:
        """Says where browsers find the server; left out where the database cannot be written."""
        if not self.database.read_only and url != self.desk_url:
            with self.database.queueing() as session:
                keep_desk_url(session, url)

    @property
    def accounts(self) -> Accounts:
        """Who may come in, where this is the home course of a server."""
        return Accounts(self.database, self.clock)

    @property
    def workers(self) -> Workers:
        """Hosts that run notebooks for the server, where this is its home course."""
        return Workers(self.database, self.clock)

    @property
    def api_tokens(self) -> ApiTokens:
        """By what programs come in, where this is the home course of a server."""
        return ApiTokens(self.database, self.clock)

    @property
    def api_answers(self) -> ApiAnswers:
        """What programs were answered lately, where this is the home course of a server."""
        return ApiAnswers(self.database, self.clock)

    @property
    def regrades(self) -> Regrades:
        """Who is judging a class again."""
        return Regrades(self.database, self.clock)

    @property
    def outbox(self) -> Outbox:
        """Mails of the course, for whoever sends them."""
        return Outbox(self.database, self.clock)

    @property
    def pre_checks(self) -> PreChecks:
        """Looks at notebooks before they are handed in."""
        return PreChecks(self.database, self.clock)

    @property
    def signed_in(self) -> SignedIn:
        """Who is signed in, where this is the home course of a server."""
        return SignedIn(self._for_sessions, self.clock)

    @property
    def platforms(self) -> Platforms:
        """Course systems that bring people by LTI, where this is the home course of a server."""
        return Platforms(self.database, self.clock)

    @property
    def arrivals(self) -> Arrivals:
        """Who is on the way here from one."""
        return Arrivals(self.database, self.clock)

    @cached_property
    def _for_sessions(self) -> Database:
        """Beside a file that cannot be written: it is shown to whoever has a link of this process."""
        return _beside() if self.database.read_only else self.database

    @contextmanager
    def reading(self) -> Iterator[History]:
        """A consistent view.

        Raises:
            StoreError: The database is locked, damaged or out of reach.
        """
        with self.database.reading() as session:
            yield History(session, self.own_rubrics)

    def moment(self) -> AbstractContextManager[None]:
        """Lets all that this thread reads until the end be of one moment, and cost one transaction.

        What the thread writes meanwhile ends it: whoever reads then finds that as well.

        Raises:
            StoreError: The database is locked, damaged or out of reach.
        """
        return self.database.moment()

    @property
    def erased(self) -> int:
        """Up to which change this thread's moment sees erased what was erased; for `when_erased`."""
        with self.database.reading() as session:
            seen: int = session.info[ERASED]
            return seen

    def when_erased(self, forget: Callable[[int], None]) -> None:
        """Has a method told where somebody is erased, by whatever process, as soon as anything is read.

        Args:
            forget: Lets go of what was made of the database before the change that it is given; is told for
                as long as its object lives.
        """
        book_of(self.database.engine.dialect).when_erased(forget)

    def renew_moment(self) -> None:
        """Lets whoever reads next in this thread's moment find what was written since it began."""
        self.database.renew_moment()

    @contextmanager
    def writing(self) -> Iterator[WritableHistory]:
        """A transaction that keeps all others from writing until its end: all of it happens, or nothing.

        Raises:
            StoreError: The database is locked, damaged or out of reach.
        """
        with self.database.writing() as session:
            yield WritableHistory(session, self.own_rubrics)

    def add(
        self, action: Callable[[WritableHistory], ResultT], at_once: AtOnce[ResultT] | None = None
    ) -> ResultT:
        """Adds to the history as `writing` does, in one transaction with what other threads have to add.

        Args:
            action: Adds; may be run again, where the first transaction had to be given up.
            at_once: Adds what it can of several such actions together; gives None for the others.

        Raises:
            StoreError: The database failed; nothing was written.
        """
        return self.together.write(action, at_once)

    def add_all(
        self,
        actions: Sequence[Callable[[WritableHistory], ResultT]],
        at_once: AtOnce[ResultT] | None = None,
    ) -> list[ResultT | Exception]:
        """Adds several as `add` does each of them, in one transaction where none fails.

        Args:
            actions: As of `add`.
            at_once: As of `add`, for all of them.

        Returns:
            What came of each, in their order: its result, or what `add` would have raised.
        """
        return self.together.write_all(actions, at_once)

    def keeps_evidence_in(self, place: str) -> bool:
        """Whether this place, as a user may write it, is the one in use."""
        return absolute(place) == self.blobs.place

    def move_evidence(self, place: str, *, anyway: bool = False) -> None:
        """Makes the database name another place; what lies in the old one has to be there already.

        Args:
            place: A folder, or the URL of an object store.
            anyway: Whether the place may lack what the history has.

        Raises:
            UsageError: The place cannot be used.
            StoreError: It cannot be written, or lacks the evidence of the history.
        """
        self.blobs = move_place(self.database, place, anyway=anyway)

    @property
    def zone(self) -> tzinfo | None:
        """In which the course tells times; None where it has named none.

        Raises:
            StoreError: What the database names is no zone that this machine knows.
        """
        with self.database.reading() as session:
            return kept_zone(session)

    def keep_zone(self, name: str | None) -> None:
        """Makes the database name the course's time zone, by its IANA name; None names none.

        Raises:
            UsageError: There is no such zone.
        """
        with self.database.writing() as session:
            keep_zone(session, name)

    def evidence(self, attempt: NewAttempt) -> Bundle:
        """What an attempt left.

        Raises:
            LetGoError: The course let go of it.
            StoreError: It is gone or was changed.
            EvidenceError: It does not fit this version's schema.
        """
        from grader.evidence.codec import decode

        raw = self.file(attempt.evidence)
        return decode(raw, limit_bytes=len(raw))

    def cell_texts(self, attempt: NewAttempt) -> Sequence[CellText]:
        """What was written into the cells of the file that was run; to read it takes less than `evidence`.

        Raises:
            LetGoError: The course let go of it.
            StoreError: It is gone or was changed.
            EvidenceError: It does not fit this version's schema.
        """
        from grader.evidence.codec import decode_texts

        raw = self.file(attempt.evidence)
        return decode_texts(raw, limit_bytes=len(raw))

    def require_kept(self, digest: str) -> None:
        """Says so where a file that the history names is there no longer; reads nothing of it.

        Raises:
            LetGoError: The course let go of it.
            StoreError: It is gone.
        """
        if digest not in self.blobs:
            self.file(digest)

    def file(self, digest: str) -> bytes:
        """A notebook or a recording that the history names.

        Raises:
            LetGoError: The course let go of it.
            StoreError: It is gone or was changed.
        """
        try:
            return self.blobs.get(digest)
        except StoreUnavailable:
            raise
        except StoreError as error:
            told = self._let_go_of(digest)
            if told is None:
                raise
            raise told from error

    def _let_go_of(self, digest: str) -> LetGoError | None:
        with self.database.reading() as session:
            found = let_go_of(session, digest) if digest in let_go_blobs(session) else None
        if found is None:
            return None
        return LetGoError(
            f"this was let go of on {found.at:%d %B %Y}, since {found.reason}",
            at=found.at,
            where=f"{digest[:12]}..., row {found.row}",
            todo="marks stand as they are; what it showed can be shown no longer",
        )

    def rubric(self, record: RubricRecord) -> LoadedRubric:
        """A rubric of the history, read once.

        Raises:
            RubricError: This version of the grader no longer knows a check or a key of it.
        """
        return self._rubrics.recall(record)

    def newest_rubric(self, assignment: str) -> LoadedRubric:
        """The rubric that the assignment's newest verdict stands on.

        Raises:
            UsageError: Nothing of this assignment was judged yet.
            RubricError: As `rubric`.
        """
        with self.reading() as history:
            newest = history.newest_rubric(assignment)
        if newest is None:
            raise UsageError(
                f"no verdict on {assignment} yet, so there is no rubric to take",
                todo="name one with --rubric",
            )
        return self.rubric(newest)

    def rubric_at_hand(self, assignment: str) -> LoadedRubric:
        """The newest verdict's rubric; before the first verdict the course's own file.

        Raises:
            UsageError: There is neither.
            RubricError: As `rubric`.
        """
        with self.reading() as history:
            own = None if history.newest_rubric(assignment) else history.own_rubrics().get(assignment)
        return own if own is not None else self.newest_rubric(assignment)

    def reproject(self) -> int:
        """Writes the standing again from the history, while nobody else can add to it.

        Returns:
            For how many students' works.
        """
        with self.database.writing() as session:
            return reproject(session)

    def remove_erased(self) -> int:
        """Removes notebooks and recordings that nobody handed in who is not erased.

        Who hands in the very same file in the same moment may lose its stored copy, which the next run
        brings back.

        Returns:
            How many there were.

        Raises:
            StoreError: One of them cannot be removed.
        """
        with self.database.reading() as session:
            found = [digest for digest in erased_blobs(session) if digest in self.blobs]
        for digest in found:
            self.blobs.remove(digest)
        return len(found)

    def still_there(self) -> int:
        """How many files are still there that the course let go of."""
        with self.database.reading() as session:
            return sum(digest in self.blobs for digest in let_go_blobs(session))

    def remove_let_go(self) -> int:
        """Removes files that the course let go of, unless somebody handed in the same since.

        Returns:
            How many there were.

        Raises:
            StoreError: One of them cannot be removed.
        """
        with self.database.reading() as session:
            found = [digest for digest in let_go_blobs(session) if digest in self.blobs]
        for digest in found:
            self.blobs.remove(digest)
        return len(found)

    def strays(self) -> list[Stored]:
        """Files that no row of this database names, and that lie there for a day or longer.

        A worker that was cut off leaves them, or a run whose result came too late. Another database may keep
        its evidence in the same place: then they may be that one's.

        Raises:
            StoreError: The place cannot be listed.
        """
        settled = self.clock() - _STRAY
        found = [each for each in self.blobs.stored() if each.since < settled]
        with self.database.reading() as session:
            known = known_digests(session)
        return [each for each in found if each.digest not in known]

    def remove_strays(self) -> int:
        """Removes them; gives how many there were.

        Raises:
            StoreError: One of them cannot be removed.
        """
        found = self.strays()
        for each in found:
            self.blobs.remove(each.digest)
        return len(found)

    def scrub(self) -> bool:
        """Takes what was erased out of the free space of a file, where nobody else is at work in it.

        Returns:
            Whether that was done; of a server's database, its own tools do it.
        """
        return rewrite_file(self.database.engine)

    def health(self) -> Health:
        """What of it answers just now."""
        return health_of(self.database, self.blobs)

    def remove_leftovers(self) -> None:
        """Removes what killed processes left beside the evidence."""
        if isinstance(self.blobs, BlobFolder):
            self.blobs.remove_leftovers()

    def disconnect(self) -> None:
        """Closes what is open, as before a fork; the next transaction connects anew."""
        self.database.disconnect()

    def close(self) -> None:
        self.disconnect()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Closes it; an error that a damaged row is to blame for is told as that.

        Raises:
            StoreError: It names the row.
        """
        told = self.explain(error) if isinstance(error, GARBAGE) else None
        self.close()
        if told is not None:
            raise told from error

    def explain(self, error: Exception) -> StoreError | None:
        """What to say of an error that nobody expected: which row is to blame; None where none is."""
        return _blame(self.database, error)


def open_store(
    location: str,
    *,
    evidence: Path | str | None = None,
    create: bool = True,
    busy_timeout_s: float = 30.0,
    clock: Callable[[], datetime] = utc_now,
) -> Store:
    """Opens a database, making a new one where there is none.

    Args:
        location: A file, or an SQLAlchemy URL.
        evidence: Folder or URL of large things, for a database that names none yet; by default
            ``<file>.evidence``. A server's database has none until one is given.
        create: Whether a new database may be made, and the place of evidence be kept in it.
        busy_timeout_s: How long to wait for another writer.
        clock: Gives the time in UTC.

    Raises:
        UsageError: The folder or the file is not there, or the URL cannot be used.
        StoreError: The database is locked, another program's, or of another version; or its evidence lies
            elsewhere than given.
    """
    location = place_of(location)
    if not is_url(location):
        _require_place(Path(location), create)
    database = Database(location, busy_timeout_s=busy_timeout_s)
    database.at_end = project
    database.explain = partial(_blame, database)
    try:
        _require_schema(database, create, busy_timeout_s)
        database.at_start, database.at_failure = catch_up, forget_changes
        blobs = find_place(database, None if evidence is None else str(evidence), keep=create)
    except BaseException:
        database.disconnect()
        raise
    return Store(database, blobs, clock)


def _beside() -> Database:
    """A database for sessions alone, which goes with this process."""
    folder = tempfile.mkdtemp(prefix="grader-sessions-")
    database = Database(str(Path(folder) / "sessions.db"), busy_timeout_s=30.0)
    # Goes with this object, whoever holds it.
    weakref.finalize(database, shutil.rmtree, folder, ignore_errors=True)
    with database.queueing() as session:
        create_account_tables(session.connection())
    return database


def _blame(database: Database, error: Exception) -> StoreError | None:
    """The row that an error came from, looked for in all of them."""
    if not isinstance(error, (*GARBAGE, StoreError)):
        return None
    with plain_errors(database.location), Session(database.engine) as session:
        return in_plain_words(damages(session))


def _require_schema(database: Database, create: bool, busy_timeout_s: float) -> None:
    """Looks before it writes anything: what is not ours stays as it is, byte for byte."""
    with database.reading() as session:
        new = schema.revision_of(session.connection()) is None
        if not new:
            schema.require_newest(session.connection())
    if new and not create:
        raise _nothing_there(database.location)
    if database.read_only:
        return
    with plain_errors(database.location):
        use_write_ahead_log(database.engine, busy_timeout_s=busy_timeout_s)
    if new:
        with database.writing() as session:
            # Looked at again under the lock: another process may have made it meanwhile.
            if schema.revision_of(session.connection()) is None:
                schema.migrate(session.connection())
    with database.reading() as session:
        schema.require_newest(session.connection())


def _require_place(path: Path, create: bool) -> None:
    if path.is_dir():
        raise UsageError("the database is a folder", where=str(path), expected="a file, as grader.db")
    if not path.absolute().parent.is_dir():
        raise UsageError(
            "the folder of the database is not there",
            where=str(path.parent),
            todo="make it, or give another --db",
        )
    if not create and not path.exists():
        raise _nothing_there(str(path))


def _nothing_there(location: str) -> UsageError:
    return UsageError(
        "there is no database with marks here",
        where=shown(location),
        todo="run `grader run SUBMISSIONS` first (`grader roster FILE` before anybody hands in), or give the"
        " database with --db",
    )
