"""`grader retention`: how long a course keeps what, what would go now and what stays, letting go of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from grader.errors import StoreError, StoreUnavailable, UsageError
from grader.store import History, Signature, Store
from grader.store.retention import KINDS, Kind, LetGoRecord, Retention, Rule
from grader.workflows.setting_up.dates import dates_view
from grader.workflows.views.known import require_assignment

__all__ = [
    "KINDS",
    "Course",
    "Ended",
    "Going",
    "Released",
    "Work",
    "apply",
    "course_view",
    "keep",
    "work_view",
]

_WHY = "grader retention apply"
#: States of works in which somebody or something has yet to look at the file.
_UNFINISHED = {
    "waiting": "points wait for a TA",
    "held": "the file is held for a TA",
    "not_judged": "not judged yet",
    "not_run": "not run yet",
}
_IN_WORDS: Mapping[Kind, str] = {"uploads": "files as handed in", "evidence": "recordings of runs"}
_MOST_DAYS = 36_500


@dataclass(frozen=True)
class Ended:
    """When an assignment ended: the last of its dates and files.

    Attributes:
        by: What was last, in words.
    """

    at: datetime
    by: str


@dataclass(frozen=True)
class Going:
    """One kind of file of one assignment.

    Attributes:
        days: For how long it is kept after the end; None for good.
        until: That date; None where there is none yet.
        digests: What would go now.
        size: Bytes that they take where they lie.
        stays: Students whose files stay all the same, by the reason.
    """

    what: Kind
    days: int | None
    until: datetime | None
    digests: tuple[str, ...] = ()
    size: int = 0
    stays: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def in_words(self) -> str:
        return _IN_WORDS[self.what]


@dataclass(frozen=True)
class Work:
    """What is kept of one assignment."""

    assignment: str
    ended: Ended | None
    own_rule: bool
    kinds: tuple[Going, ...]


@dataclass(frozen=True)
class Course:
    """What a course keeps.

    Attributes:
        mails: For how many days text and address of a mail are kept; None for good.
        old_mails: How many mails would be emptied now.
        still_there: Files that were let go of before, and could not be removed then.
        strays: Files that no row names, and the bytes that they take.
    """

    works: tuple[Work, ...]
    mails: int | None
    old_mails: int
    still_there: int
    strays: tuple[int, int] = (0, 0)

    @property
    def size(self) -> int:
        """Bytes that would be free."""
        return sum(kind.size for work in self.works for kind in work.kinds)


@dataclass(frozen=True)
class Released:
    """What was let go of.

    Attributes:
        files: How many are gone, let go of now or before.
        size: Bytes of those that were let go of now.
        mails: How many mails were emptied.
        strays: How many files are gone that no row named.
    """

    files: int
    size: int
    mails: int
    strays: int = 0


def keep(store: Store, changed: Mapping[str, int | None], assignment: str | None = None) -> Retention:
    """Says how long a course keeps what, from now on; nothing goes by that alone.

    Args:
        store: Where it says so.
        changed: ``uploads`` and ``evidence`` for so many days after an assignment has ended, ``mails``, which
            are the whole course's, after one was written; None for good. What is not named stays as it is.
        assignment: Whose rule; of all that have none of their own where it is None.

    Raises:
        UsageError: There is no such assignment, or a number of days is none.
    """
    for name, days in changed.items():
        if days is not None and not 0 <= days <= _MOST_DAYS:
            raise UsageError(
                "this is no number of days", where=name, expected=f"0 to {_MOST_DAYS}", found=str(days)
            )
    with store.writing() as history:
        if assignment is not None:
            require_assignment(history, assignment)
        now = history.retention()
        rule = now.general if assignment is None else now.rule(assignment)
        own = {what: changed[what] for what in KINDS if what in changed}
        wanted = now.with_rule(assignment, replace(rule, **own)) if own else now
        wanted = replace(wanted, mails=changed.get("mails", now.mails))
        history.keep_for(wanted)
    return wanted


def course_view(store: Store, *, sizes: bool = True) -> Course:
    """All that would go now, and what stays. Writes nothing."""
    with store.reading() as history:
        assignments, rules = history.known_assignments(), history.retention()
        before = _mails_before(rules, store.clock())
        old = 0 if before is None else history.old_mails(before)
    works = tuple(work_view(store, each, sizes=sizes) for each in assignments)
    strays = store.strays()
    return Course(
        works, rules.mails, old, store.still_there(), (len(strays), sum(each.size for each in strays))
    )


def work_view(store: Store, assignment: str, *, sizes: bool = True) -> Work:
    """What would go now of one assignment, and what stays. Writes nothing.

    Args:
        store: Where it is.
        assignment: Which.
        sizes: Whether each file is asked how large it is.

    Raises:
        UsageError: There is no such assignment.
    """
    dates = _dates(store, assignment)
    with store.reading() as history:
        ended, rules = _ended(history, assignment, dates), history.retention()
        kinds = [
            _going(history, assignment, what, rules.rule(assignment), ended, store.clock()) for what in KINDS
        ]
    if sizes:
        kinds = [replace(each, size=sum(_size(store, digest) for digest in each.digests)) for each in kinds]
    return Work(assignment, ended, assignment in rules.of, tuple(kinds))


def _dates(store: Store, assignment: str) -> list[tuple[datetime, str]]:
    now = dates_view(store, assignment).now
    named = (
        (now.due, "when it was due"),
        (now.until, "when nothing counted any more"),
        (now.remarks_until, "the last day for remark requests"),
    )
    return [(at, by) for at, by in named if at is not None]


def _ended(history: History, assignment: str, dates: Sequence[tuple[datetime, str]]) -> Ended | None:
    found = list(dates)
    found += [(each.until, "the last extension") for each in history.extensions(assignment).values()]
    newest = history.newest_file_at(assignment)
    if newest is not None:
        found.append((newest, "the last file"))
    return Ended(*max(found)) if found else None


def _going(
    history: History, assignment: str, what: Kind, rule: Rule, ended: Ended | None, now: datetime
) -> Going:
    days = rule.days(what)
    if days is None or ended is None:
        return Going(what, days, None)
    until = ended.at + timedelta(days=days)
    if now < until:
        return Going(what, days, until)
    held = history.files_held(assignment, what)
    why = _needed(history, assignment, {each.student for each in held})
    stays: dict[str, set[str]] = {}
    kept: set[str] = set()
    for each in held:
        reason = why.get(each.student) or _wanted_elsewhere(history, each.also, what, now)
        if reason:
            kept.add(each.digest)
            stays.setdefault(reason, set()).add(each.student)
    return Going(
        what,
        days,
        until,
        tuple(sorted({each.digest for each in held} - kept)),
        stays={reason: tuple(sorted(students)) for reason, students in sorted(stays.items())},
    )


def _needed(history: History, assignment: str, students: set[str]) -> dict[str, str]:
    """Whose files are needed yet, and what for."""
    found = {each.student: _UNFINISHED[each.state] for each in history.standings(assignment, students)
             if each.state in _UNFINISHED}  # fmt: skip
    found |= dict.fromkeys(history.works_in_queue(assignment), "it is being run, or waits to be")
    open_ = [each for each in history.remarks(assignment=assignment) if each.state.is_open]
    return found | {each.student: f"remark request {each.id} is open" for each in open_}


def _wanted_elsewhere(history: History, also: frozenset[str], what: Kind, now: datetime) -> str:
    """Why another assignment still keeps the same file; empty where none does.

    Its own dates are not asked: that its rule lets go of such files at some time is not enough.
    """
    rules = history.retention()
    for other in sorted(also):
        days = rules.rule(other).days(what)
        newest = history.newest_file_at(other)
        if days is None or newest is None or now < newest + timedelta(days=days):
            return f"{other} has the same file"
    return ""


def _size(store: Store, digest: str) -> int:
    try:
        return store.blobs.size(digest)
    except StoreUnavailable:
        raise
    except StoreError:
        return 0


def apply(store: Store, *, assignment: str | None = None, strays: bool = False, actor: str) -> Released:
    """Lets go of all whose time is over. What was let go of is sealed before the first file is removed.

    Args:
        store: Where it is.
        assignment: Of this one alone; mails are left as they are then.
        strays: Whether files go as well that no row names. Whoever says so knows that no other database has
            its evidence in the same place.
        actor: Who does it.

    Raises:
        UsageError: There is no such assignment.
        StoreError: A file cannot be removed: the same command goes on.
    """
    with store.reading() as history:
        if assignment is not None:
            require_assignment(history, assignment)
        names = history.assignments() if assignment is None else [assignment]
    size = 0
    for name in names:
        size += sum(kind.size for kind in work_view(store, name).kinds)
        _seal(store, name, actor)
    mails = 0
    if assignment is None:
        with store.writing() as history:
            before = _mails_before(history.retention(), store.clock())
            mails = 0 if before is None else history.empty_mails(before)
    removed = store.remove_let_go()
    return Released(removed, size, mails, store.remove_strays() if strays else 0)


def _seal(store: Store, assignment: str, actor: str) -> None:
    """Looks once more under the lock: a request may have been opened meanwhile."""
    dates, now = _dates(store, assignment), store.clock()
    with store.writing() as history:
        ended, rule = _ended(history, assignment, dates), history.retention().rule(assignment)
        for what in KINDS:
            going = _going(history, assignment, what, rule, ended, now)
            if not going.digests or ended is None:
                continue
            reason = (
                f"{going.in_words} of {assignment} are kept for {going.days} days after {ended.by}"
                f" ({ended.at:%d %B %Y})"
            )
            record = LetGoRecord(assignment=assignment, what=what, digests=going.digests, reason=reason)
            history.let_go(record, Signature(actor, now, _WHY))


def _mails_before(rules: Retention, now: datetime) -> datetime | None:
    return None if rules.mails is None else now - timedelta(days=rules.mails)
