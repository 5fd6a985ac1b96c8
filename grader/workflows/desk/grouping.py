"""One criterion of a whole class, alike beside alike, kept in memory from request to request.

Sorting a class of ten thousand takes a second; following what was marked since takes a query.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from grader.errors import RubricError
from grader.rubric.model import Criterion
from grader.store import History, Store
from grader.store.answers import AnswerRecord
from grader.store.class_rows import ClassRow
from grader.workflows.desk.clusters import WHYS, Cluster, Clusters, Key, digest_of, key_of
from grader.workflows.desk.learning import answers_of
from grader.workflows.desk.likeness import part_of
from grader.workflows.desk.waiting import require_known
from grader.workflows.views.following import Following, following
from grader.workflows.views.show import name_of

__all__ = ["Grouping", "Sorted", "grouping"]

#: So much of an answer says where it stands among those that are like no other.
_PLACE_CHARACTERS = 60
_BATCH = 200

#: Where a waiting answer stands: the largest cluster first, then those that are like no other.
_Place = tuple[bool, int, str, int, str, str, str]


@dataclass(frozen=True)
class Sorted:
    """One submission that waits or that a person has decided.

    Attributes:
        shown: What to call the student.
        key: What it shares with those alike; None where nothing can be said to be.
        written: The beginning of what its answer calls and says, by which like stands beside like.
        text: A digest of the answer's words and code.
        outputs: A digest of the outputs that the answer shows; empty for none.
    """

    row: ClassRow
    shown: str
    key: Key | None
    written: tuple[str, str]
    text: str
    outputs: str

    def reads_as(self, other: Sorted) -> bool:
        """Whether both answers have the same words, code and outputs."""
        return (self.text, self.outputs) == (other.text, other.outputs)


class Grouping(Following):
    """Who is alike.

    Args:
        assignment: Which work.
        criterion: Which of its criteria.
        name: What to call a student; the order goes by it, so that it gives nothing else away.
    """

    def __init__(self, assignment: str, criterion: str, name: Callable[[str], str]) -> None:
        super().__init__(assignment)
        self.criterion = criterion
        self._name = name
        self.forget()

    def forget(self) -> None:
        self._known: dict[str, Sorted] = {}
        self._plain: dict[str, float] = {}
        self._by_name: dict[str, str] = {}
        self._waiting: dict[Key, dict[str, None]] = defaultdict(dict)
        self._decided: dict[Key, dict[str, None]] = defaultdict(dict)
        self._clusters = Clusters()
        self._order: list[tuple[_Place, str]] = []
        self._places: dict[str, _Place] = {}
        self._lines: dict[int, tuple[Criterion, str] | None] = {}
        self._made: dict[int, AnswerRecord] = {}

    @property
    def of(self) -> int:
        """Submissions with a verdict."""
        return len(self._known) + len(self._plain)

    @property
    def waits(self) -> int:
        return len(self._order)

    @property
    def line(self) -> Criterion | None:
        """The criterion by the newest rubric; None where that has none, or cannot be read."""
        newest = self._lines[max(self._lines)] if self._lines else None
        return newest[0] if newest else None

    @property
    def out_of(self) -> float:
        if self.line is not None:
            return self.line.points
        each = [*self._plain.values(), *(known.row.out_of for known in self._known.values())]
        return max(each, default=0.0)

    def order(self) -> Iterator[Sorted]:
        """All that wait, like beside like."""
        return (self._known[student] for _, student in self._order)

    def beside(self, shown: str) -> tuple[Sorted | None, Sorted | None]:
        """Who waits before and after somebody, round the end.

        None where nobody else waits. After somebody who does not wait comes the first who does.
        """
        student = self._by_name.get(shown, "")
        place = self._places.get(student)
        if place is None:
            return None, next(self.order(), None)
        at = bisect_left(self._order, (place, student))
        before = self._at(at - 1) if at else None
        after = self._at((at + 1) % len(self._order)) if len(self._order) > 1 else None
        return before, after

    def _at(self, place: int) -> Sorted:
        return self._known[self._order[place][1]]

    def waits_still(self, shown: str) -> bool:
        return self._by_name.get(shown, "") in self._places

    def find(self, shown: str) -> Sorted | None:
        """Somebody who waits or was decided on, by what they are called."""
        return self._known.get(self._by_name.get(shown, ""))

    def cluster_of(self, key: Key) -> Cluster:
        return self._clusters.of(key)

    def cluster_with(self, digest: str) -> Cluster | None:
        """The cluster with a key of this digest."""
        keys = ((why, digest) for why in WHYS)
        return next((self._clusters.of(key) for key in keys if key in self._clusters), None)

    def clusters(self) -> list[Cluster]:
        """All in which somebody waits, in the order of grading."""
        found: dict[int, Cluster] = {}
        for each in self.order():
            if each.key is not None:
                cluster = self._clusters.of(each.key)
                found.setdefault(id(cluster), cluster)
        return list(found.values())

    def waits_with(self, key: Key) -> int:
        return len(self._waiting.get(key, ()))

    def waiting_with(self, key: Key) -> list[Sorted]:
        """Those that wait with this key, by name."""
        return sorted((self._known[each] for each in self._waiting.get(key, ())), key=lambda each: each.shown)

    def decided_with(self, key: Key) -> list[Sorted]:
        """Those of this key that a person has decided."""
        return [self._known[each] for each in self._decided.get(key, ())]

    def answers(self, history: History, known: Collection[Sorted]) -> dict[str, AnswerRecord]:
        """What their answers look like, by student."""
        kept = self._kept(history, [each.row for each in known])
        return {each.row.student: kept[each.row.attempt] for each in known if each.row.attempt in kept}

    def read(self, store: Store, history: History, changed: Collection[str] | None) -> None:
        if changed is None:
            require_known(history, self.assignment, self.criterion)
        rows = history.class_rows(self.assignment, self.criterion, changed)
        rows = [row for row in rows if row.state != "held"]
        self._read_lines(store, history, rows)
        relevant = [row for row in rows if row.waits or row.mark is not None]
        kept = self._kept(history, relevant)
        kept |= self._worked_out(store, [row for row in relevant if row.attempt not in kept])
        self._put_in_place(changed, rows, kept)

    def _read_lines(self, store: Store, history: History, rows: Iterable[ClassRow]) -> None:
        """The criterion by each rubric that a verdict stands on, with the digest of where its answer is."""
        for number in {row.rubric for row in rows} - self._lines.keys():
            self._lines[number] = None
            record = history.rubric(number)
            if record is None:
                continue
            with suppress(RubricError):
                loaded = store.rubric(record)
                line = next((item for item in loaded.rubric.criteria if item.id == self.criterion), None)
                self._lines[number] = None if line is None else (line, part_of(loaded, line))

    def _kept(self, history: History, rows: Iterable[ClassRow]) -> dict[int, AnswerRecord]:
        """What answers look like as far as that is kept, by attempt."""
        by_part: dict[str, list[int]] = defaultdict(list)
        for row in rows:
            line = self._lines.get(row.rubric)
            if line is not None:
                by_part[line[1]].append(row.attempt)
        found: dict[int, AnswerRecord] = {}
        for part, attempts in by_part.items():
            found |= {each: self._made[each] for each in attempts if each in self._made}
            found |= history.answers_to(self.criterion, part, attempts)
        return found

    def _worked_out(self, store: Store, rows: list[ClassRow]) -> dict[int, AnswerRecord]:
        """What answers look like of which it is not kept, from the evidence, by attempt."""
        found: dict[int, AnswerRecord] = {}
        for start in range(0, len(rows), _BATCH):
            students = [row.student for row in rows[start : start + _BATCH]]
            with store.reading() as history:
                results = list(history.results(assignment=self.assignment, students=students))
            made = (answer for result in results for answer in answers_of(store, result))
            found |= {answer.attempt: answer for answer in made if answer.criterion == self.criterion}
        self._made |= found
        return found

    def _put_in_place(
        self, changed: Collection[str] | None, rows: list[ClassRow], answers: Mapping[int, AnswerRecord]
    ) -> None:
        """Puts rows in place of all of those that changed, or of everything."""
        sizes: dict[int, tuple[Cluster, int]] = {}
        for student in changed or ():
            cluster = self._cluster_of(student)
            if cluster is not None:
                sizes.setdefault(id(cluster), (cluster, cluster.size))
                cluster.size -= 1
            self._take_out(student)
        self._take_in(rows, answers)
        for row in rows:
            cluster = self._cluster_of(row.student)
            if cluster is not None:
                sizes.setdefault(id(cluster), (cluster, cluster.size))
                cluster.size += 1
        if changed is None:
            waiting = (known for known in self._known.values() if known.row.waits)
            self._places = {known.row.student: self._place(known) for known in waiting}
            self._order = sorted((place, student) for student, place in self._places.items())
            return
        moved = set(changed)
        for cluster, size in sizes.values():
            if cluster.size != size:
                moved.update(student for key in cluster.keys for student in self._waiting[key])
        self._move(moved)

    def _take_out(self, student: str) -> None:
        self._plain.pop(student, None)
        known = self._known.pop(student, None)
        if known is not None and known.key is not None:
            self._waiting[known.key].pop(student, None)
            self._decided[known.key].pop(student, None)

    def _take_in(self, rows: list[ClassRow], answers: Mapping[int, AnswerRecord]) -> None:
        new: dict[Key, AnswerRecord | None] = {}
        for row in rows:
            if not row.waits and row.mark is None:
                self._plain[row.student] = row.out_of
                continue
            answer = answers.get(row.attempt)
            key = self._remember(row, answer).key
            if key is not None and key not in self._clusters:
                new.setdefault(key, answer)
        self._clusters.add_all(new, {key: len(self._waiting[key]) + len(self._decided[key]) for key in new})

    def _remember(self, row: ClassRow, answer: AnswerRecord | None) -> Sorted:
        line = self._lines.get(row.rubric)
        key = key_of(row, answer, question=bool(line and line[0].check.by_a_person))
        written, text, outputs = ("", ""), "", ""
        if answer is not None:
            written = answer.calls[:_PLACE_CHARACTERS], answer.prose[:_PLACE_CHARACTERS]
            text, outputs = digest_of(answer.prose, answer.code), answer.shown
        known = Sorted(row, self._name(row.student), key, written, text, outputs)
        self._known[row.student] = known
        self._by_name[known.shown] = row.student
        if key is not None:
            (self._waiting if row.waits else self._decided)[key][row.student] = None
        return known

    def _cluster_of(self, student: str) -> Cluster | None:
        known = self._known.get(student)
        return None if known is None or known.key is None else self._clusters.of(known.key)

    def _place(self, known: Sorted) -> _Place:
        cluster = None if known.key is None else self._clusters.of(known.key)
        if cluster is None or known.key is None or cluster.size < 2:
            return True, 0, known.row.alike, 0, *known.written, known.shown
        first = next(iter(cluster.keys))
        return False, -cluster.size, first[1], cluster.keys[known.key], "", "", known.shown

    def _move(self, students: Iterable[str]) -> None:
        """Puts those who wait where they stand now, and takes out those who wait no longer."""
        for student in students:
            old, known = self._places.pop(student, None), self._known.get(student)
            if old is not None:
                del self._order[bisect_left(self._order, (old, student))]
            if known is not None and known.row.waits:
                place = self._places[student] = self._place(known)
                insort(self._order, (place, student))


@contextmanager
def grouping(store: Store, assignment: str, criterion: str, *, anonymous: bool = False) -> Iterator[Grouping]:
    """One criterion of a class as it stands now, while nobody else reads or follows it.

    Raises:
        UsageError: The assignment or the criterion is unknown.
    """

    def make() -> Grouping:
        return Grouping(assignment, criterion, name_of(store, anonymous))

    with following(store, make, "grouping", assignment, criterion, anonymous) as found:
        yield found
