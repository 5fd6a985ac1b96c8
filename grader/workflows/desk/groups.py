"""Groups of alike answers and findings: decided together, with the exemplar and the odd ones in sight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from grader.grading.seen import Seen
from grader.store import History, Store
from grader.store.answers import AnswerRecord
from grader.workflows.desk.clusters import Cluster, Key, Why
from grader.workflows.desk.grouping import Grouping, Sorted, grouping
from grader.workflows.desk.likeness import differences

__all__ = [
    "Glance",
    "Group",
    "Groups",
    "Heading",
    "Member",
    "Offer",
    "Place",
    "group_of",
    "groups_of",
    "place_of",
]

#: So many members of a group are laid beside its exemplar.
_COMPARED = 50


@dataclass(frozen=True)
class Member:
    """One submission of a group.

    Attributes:
        student: As the history calls them.
        shown: What to call them.
        seen: To be handed on with a decision.
        pending: Points that wait.
        counts: Points of a mark on an earlier file, which count until it is given again; None for none.
        differs: In what the answer differs from the exemplar's; empty where it does not or where that is not
            known, and beyond the first fifty of a group.
    """

    student: str
    shown: str
    seen: Seen
    pending: float
    counts: float | None
    differs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Offer:
    """What was decided for others of the group, for those that came later; never given by itself.

    Attributes:
        decided: Of how many.
    """

    points: float
    comment: str
    by: str
    decided: int


@dataclass(frozen=True)
class Glance:
    """A group without its members.

    Attributes:
        key: Stays the same as long as the exemplar's answer does.
        size: Those that wait.
        offer: What was decided for all others of the group that a person has decided; None where nobody has,
            or where the decisions differ.
        decided: How many of the group got how many points from a person, the most frequent first.
    """

    key: str
    why: Why
    size: int
    offer: Offer | None
    decided: tuple[tuple[float, int], ...]


@dataclass(frozen=True)
class Group(Glance):
    """Submissions whose answers or findings are alike.

    Attributes:
        exemplar: One of those that wait, to be looked at for all.
        members: Those that wait, by name; the first of them where only so many were asked for.
        near: Others that wait and are nearly alike; looked at one by one, in no decision unless chosen.
    """

    exemplar: Member
    members: tuple[Member, ...]
    near: tuple[Member, ...]


@dataclass(frozen=True)
class Heading:
    """What one criterion of a class is, and how much of it waits: so many of all with a verdict."""

    assignment: str
    criterion: str
    title: str
    out_of: float
    waits: int
    of: int


@dataclass(frozen=True)
class Place:
    """Where one submission stands.

    Attributes:
        shown: Whose; empty where nobody was meant and nobody waits.
        seen: What stands for it where it waits; None where it does not.
        before, after: Who waits beside them; empty where nobody does.
        group: What their answer is alike or near to.
    """

    heading: Heading
    shown: str
    seen: Seen | None
    before: str
    after: str
    group: Glance | None


@dataclass(frozen=True)
class Groups(Heading):
    """One criterion of a class, like beside like.

    Attributes:
        groups: The largest first, counting those that were decided, so that none moves while it is marked:
            two or more alike, or one that is like others decided, or near to some.
        single: The others that wait.
        order: All that wait, like beside like, for whoever goes through them one by one.
    """

    groups: tuple[Group, ...]
    single: tuple[Member, ...]
    order: tuple[Member, ...]

    def group(self, key: str) -> Group | None:
        return next((group for group in self.groups if group.key == key), None)

    def group_of(self, student: str) -> Group | None:
        """The group among whose members a student is, by id; None for whoever is like no other."""
        return next(
            (group for group in self.groups if student in {member.student for member in group.members}), None
        )


def groups_of(store: Store, assignment: str, criterion: str, *, anonymous: bool = False) -> Groups:
    """Groups what waits of one criterion. Writes nothing.

    What answers look like is kept (`desk.learning`); of those of which it is not, the evidence is read.

    Raises:
        UsageError: The assignment or the criterion is unknown.
    """
    with grouping(store, assignment, criterion, anonymous=anonymous) as found, store.reading() as history:
        reader = _Reader(found, history)
        grouped = [group for cluster in found.clusters() if (group := reader.group(cluster)) is not None]
        members = {each.student for group in grouped for each in (*group.members, *group.near)}
        order = tuple(_member(each) for each in found.order())
        return Groups(
            **vars(_heading(found)),
            groups=tuple(grouped),
            single=tuple(each for each in order if each.student not in members),
            order=order,
        )


def place_of(
    store: Store,
    assignment: str,
    criterion: str,
    student: str = "",
    *,
    prefer: str = "",
    anonymous: bool = False,
) -> Place:
    """Where one submission stands among those that wait; it costs the same in any class.

    Args:
        store: Where the history is.
        assignment: Which work.
        criterion: Which of its criteria.
        student: As they are shown; where it is empty, `prefer` if they still wait, else the first who waits.
        prefer: As they are shown.
        anonymous: Whether students go by pseudonyms.

    Raises:
        UsageError: The assignment or the criterion is unknown.
    """
    with grouping(store, assignment, criterion, anonymous=anonymous) as found:
        shown = student or (prefer if found.waits_still(prefer) else "")
        if not shown:
            first = next(found.order(), None)
            shown = first.shown if first else ""
        before, after = found.beside(shown)
        own, group = found.find(shown), None
        if own is not None and own.key is not None:
            with store.reading() as history:
                group = _Reader(found, history).glance(found.cluster_of(own.key))
        return Place(
            heading=_heading(found),
            shown=shown,
            seen=Seen(own.row.verdict, own.row.mark) if own is not None and own.row.waits else None,
            before=before.shown if before else "",
            after=after.shown if after else "",
            group=group,
        )


def group_of(
    store: Store,
    assignment: str,
    criterion: str,
    key: str,
    *,
    most: int | None = None,
    anonymous: bool = False,
) -> tuple[Heading, Group | None]:
    """One group, with so many members at most; None where it is none, or nothing of it waits any more.

    Raises:
        UsageError: The assignment or the criterion is unknown.
    """
    with grouping(store, assignment, criterion, anonymous=anonymous) as found:
        cluster, group = found.cluster_with(key), None
        if cluster is not None:
            with store.reading() as history:
                group = _Reader(found, history).group(cluster, most)
        return _heading(found), group if group and group.key == key else None


def _heading(found: Grouping) -> Heading:
    title = found.line.title if found.line else found.criterion
    return Heading(found.assignment, found.criterion, title, found.out_of, found.waits, found.of)


def _member(
    known: Sorted, exemplar: AnswerRecord | None = None, answer: AnswerRecord | None = None
) -> Member:
    row = known.row
    return Member(
        student=row.student,
        shown=known.shown,
        seen=Seen(row.verdict, row.mark),
        pending=row.pending,
        counts=None if row.mark is None else row.points,
        differs=differences(exemplar, answer) if exemplar is not None and answer is not None else (),
    )


class _Reader:
    """Makes groups of what is sorted, with what only the history knows."""

    def __init__(self, found: Grouping, history: History) -> None:
        self._class = found
        self._history = history

    def glance(self, cluster: Cluster) -> Glance | None:
        """None where it is no group: only one waits, near to none and like none that was decided."""
        keys = [key for key in cluster.keys if self._class.waits_with(key)]
        if not keys:
            return None
        key, size = keys[0], self._class.waits_with(keys[0])
        decided = self._class.decided_with(key)
        if size == 1 and len(keys) == 1 and not decided:
            return None
        points = Counter(each.row.points for each in decided)
        offer = self._offer(decided) if len(points) == 1 else None
        return Glance(key[1], key[0], size, offer, tuple(points.most_common()))

    def group(self, cluster: Cluster, most: int | None = None) -> Group | None:
        glance = self.glance(cluster)
        if glance is None:
            return None
        first: Key = (glance.why, glance.key)
        waiting = self._class.waiting_with(first)
        exemplar = _exemplar(waiting)
        near = [each for key in cluster.keys if key != first for each in self._class.waiting_with(key)][:most]
        compared = [*waiting[: min(_COMPARED, most or _COMPARED)], *near]
        others = [each for each in compared if not each.reads_as(exemplar)]
        answers = self._class.answers(self._history, [exemplar, *others]) if others else {}
        own = answers.get(exemplar.row.student)

        def laid_beside(known: Sorted) -> Member:
            return _member(known, own, answers.get(known.row.student))

        return Group(
            **vars(glance),
            exemplar=_member(exemplar),
            members=tuple(laid_beside(each) for each in waiting[:most]),
            near=tuple(laid_beside(each) for each in sorted(near, key=lambda each: each.shown)),
        )

    def _offer(self, decided: Sequence[Sorted]) -> Offer | None:
        """What the newest of marks that agree came with."""
        newest = max(decided, key=lambda each: each.row.mark or 0).row
        given = self._history.given_with([newest.mark or 0]).get(newest.mark or 0)
        return None if given is None else Offer(newest.points, given.comment, given.by, len(decided))


def _exemplar(waiting: Sequence[Sorted]) -> Sorted:
    """One whose answer most of them have, the first by name."""
    counts = Counter(each.text for each in waiting)
    return min(waiting, key=lambda each: (-counts[each.text], each.shown))
