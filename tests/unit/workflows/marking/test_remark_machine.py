"""Property test of remark requests: no sequence of commands loses a decision or takes a mark out of range."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from grader.errors import RefusedError, UsageError
from grader.facts.case import Reference
from grader.grading.requests import Action, Kind, State
from grader.store import ledger
from grader.store.models import LedgerRow, MarkRow, RemarkActionRow
from grader.workflows.marking.marks import MarkOrder, give_marks
from grader.workflows.marking.remark import Request, act, decide, find, open_request
from grader.workflows.marking.remark_import import import_requests
from grader.workflows.marking.remark_list import list_requests
from grader.workflows.regrading.judging import Judge
from grader.workflows.regrading.regrade import regrade
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.views.show import find_result, find_results
from tests import course
from tests.unit.workflows.conftest import Clock, grade_class, with_policy

#: What a course does to its rubric: nothing, less to be had, a criterion dropped, a criterion made kinder.
CHANGES: dict[str, Callable[[str], str]] = {
    "none": lambda text: text,
    "smaller": lambda text: text.replace("points: 2", "points: 1").replace("total: 5", "total: 4"),
    "dropped": lambda text: text.replace("id: builtin-shadowing", "id: other"),
    "kinder": lambda text: text.replace(
        "check: no_builtin_shadowing", "check: no_builtin_shadowing\n    allow: [sum]"
    ),
}

students = st.sampled_from(["s1", "s2"])
criteria = st.sampled_from(["builtin-shadowing", "why"])
some_points = st.sampled_from([1.0, 2.0, 0.0, 3.0, -1.0])
ids = st.integers(0, 20)
people = st.sampled_from(["ann", "bob"])
excuses = st.sampled_from(["", "was ill"])


class RemarkMachine(RuleBasedStateMachine):
    """TAs and students do whatever they like, in any order, while rubric and clock move on."""

    def __init__(self, database: str) -> None:
        super().__init__()
        self.database = database
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.rows = 0
        self.decided: dict[tuple[str, str], float] = {}
        self.answers: dict[tuple[str, str], float] = {}
        self.authors: dict[tuple[str, str], set[str]] = defaultdict(set)

    @initialize(fall=st.booleans(), another=st.booleans())
    def begin(self, fall: bool, another: bool) -> None:
        self.fall, self.another = fall, another
        self.text = with_policy(fall=fall, another=another)
        self.store = grade_class(
            Path(self.folder.name), self.clock, self.text, "s1", "s2", database=self.database
        )

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def count(self) -> int:
        with self.store.database.reading() as session:
            return session.query(LedgerRow).count()

    def try_(self, call: Callable[[], object]) -> bool:
        """A refused step changes nothing and says why."""
        before = self.count()
        try:
            call()
        except (RefusedError, UsageError) as error:
            assert error.what
            assert self.count() == before
            return False
        return True

    def mark_of(self, student: str, criterion: str):
        return find_result(self.store, student, "mini").mark.criterion(criterion)

    @rule(
        student=students,
        criterion=criteria,
        points=st.none() | some_points,
        actor=people,
        looked=st.booleans(),
    )
    def mark(self, student: str, criterion: str, points: float | None, actor: str, looked: bool) -> None:
        result = find_result(self.store, student, "mini")
        stands = self.mark_of(student, criterion)
        others = stands is not None and stands.decision is not None and stands.decision.by != actor
        seen = course.seen_now(result, criterion) if looked else None
        order = MarkOrder(student, criterion, points, "", seen=seen)
        if self.try_(lambda: give_marks(self.store, "mini", [order], actor=actor)):
            assert looked or not others
            self.note(student, criterion, points)
            self.authors[student, criterion].add(actor)

    @rule(
        student=students,
        criterion=st.just("") | criteria,
        kind=st.sampled_from(list(Kind)),
        late_because=excuses,
    )
    def open(self, student: str, criterion: str, kind: Kind, late_because: str) -> None:
        settled = self.is_settled(student, criterion)
        request = Request(student, "mini", criterion, kind, "because", True, late_because)
        if self.try_(lambda: open_request(self.store, [request], actor="ann")):
            self.check_opened(settled, late_because)

    @rule(student=students, criterion=criteria, actor=people)
    def ask_about_a_mark(self, student: str, criterion: str, actor: str) -> None:
        """What requests are for; two steps in one, so that decisions are reached often."""
        self.mark(student, criterion, 1.0, actor, looked=True)
        self.open(student, criterion, Kind.JUDGEMENT, "was ill")

    @rule(student=students, criterion=st.just("") | criteria, late_because=excuses)
    def import_(self, student: str, criterion: str, late_because: str) -> None:
        """Twice over, as when a form's export is taken again: the second time opens nothing."""
        table = Path(self.folder.name) / "form.csv"
        kind = Kind.JUDGEMENT if criterion else Kind.COUNTING_ERROR
        table.write_text(
            "student,criterion,reason,accepted,kind,late_because\n"
            f"{student},{criterion},by the form,yes,{kind},{late_because}\n"
        )
        before, settled = self.count(), self.is_settled(student, criterion)
        first = import_requests(self.store, table, assignment="mini", actor="ann")
        assert len(first.opened) + len(first.known) + len(first.problems) == 1
        assert self.count() == before + len(first.opened)
        if first.opened:
            self.check_opened(settled, late_because)
        second = import_requests(self.store, table, assignment="mini", actor="ann")
        assert second.opened == []
        assert self.count() == before + len(first.opened)

    def is_settled(self, student: str, criterion: str) -> bool:
        """Whether the mark that counts answers a request that is final."""
        mark = self.mark_of(student, criterion)
        request = mark.decision.request if mark and mark.decision else None
        return request is not None and find(self.store, request).state is State.FINAL

    def check_opened(self, settled: bool, late_because: str) -> None:
        assert not settled
        assert late_because or self.clock.now.day <= 20

    @rule(
        which=ids, action=st.sampled_from([item for item in Action if item is not Action.DECIDE]), by=people
    )
    def act(self, which: int, action: Action, by: str) -> None:
        id = self.pick(which)
        done = self.try_(lambda: act(self.store, id, action, actor=by, reason="because"))
        if done and action is Action.REJECT:
            self.check_decider(id, by)

    @rule(which=ids)
    def escalate(self, which: int) -> None:
        found = list_requests(self.store, state=State.RESOLVED)
        if found:
            id = found[which % len(found)].id
            if self.try_(lambda: act(self.store, id, Action.ESCALATE, actor="ann", reason="still")):
                assert find(self.store, id).state is State.ESCALATED

    @rule(which=ids, points=some_points | st.none(), by=people)
    def decide(self, which: int, points: float | None, by: str) -> None:
        id = self.pick(which)
        asked = find(self.store, id) if id != NOBODYS else None
        before = self.mark_of(asked.student, asked.criterion) if asked and asked.criterion else None
        if self.try_(lambda: decide(self.store, id, points=points, reason="because", actor=by)):
            assert asked is not None
            if asked.criterion:
                assert before is not None
                assert self.fall or points >= before.points
                self.check_decider(id, by)
                self.answers[asked.student, asked.criterion] = points
                self.decided[asked.student, asked.criterion] = points
                self.authors[asked.student, asked.criterion].add(by)

    def check_decider(self, id: int, by: str) -> None:
        asked = find(self.store, id)
        if self.another and asked.kind is Kind.JUDGEMENT:
            assert by not in self.authors[asked.student, asked.criterion]

    @rule(change=st.sampled_from(sorted(CHANGES)))
    def judge_again(self, change: str) -> None:
        path = course.write_rubric(Path(self.folder.name), CHANGES[change](self.text), "again.yaml")
        by = Judge(load_rubric_file(path), Reference())
        results = find_results(self.store, "mini")
        foretold = regrade(self.store, results, lambda _: by, actor="ann", dry_run=True)
        told = regrade(self.store, results, lambda _: by, actor="ann")
        now = [item.mark.points for item in find_results(self.store, "mini")]
        assert now == [item.after.points for item in foretold] == [item.after.points for item in told]

    @rule(days=st.sampled_from([1, 4]))
    def time_passes(self, days: int) -> None:
        if self.clock.now.day + days <= 30:
            self.clock.pass_days(days)

    def note(self, student: str, criterion: str, points: float | None) -> None:
        key = (student, criterion)
        if points is not None:
            self.decided[key] = points
        elif key in self.answers:
            self.decided[key] = self.answers[key]
        else:
            self.decided.pop(key, None)

    def pick(self, which: int) -> int:
        """A request's number: mostly one that waits, so that long stories are told too."""
        found = [*list_requests(self.store, only_open=True) * 3, *list_requests(self.store)]
        return found[which % len(found)].id if found else NOBODYS

    @invariant()
    def every_decision_stands_and_every_mark_is_in_range(self) -> None:
        for student in ("s1", "s2"):
            mark = find_result(self.store, student, "mini").mark
            assert mark.points + mark.pending <= mark.out_of
            for item in mark.criteria:
                expected = self.decided.get((student, item.criterion))
                # One that was given on another total waits, with its points beside it.
                assert item.decision is None or item.earlier is None
                stands = item.decision or item.earlier
                assert (stands.points if stands else None) == expected
                assert item.earlier is None or item.pending == item.out_of
                assert 0 <= item.points <= item.out_of

    @invariant()
    def nothing_that_was_written_is_lost(self) -> None:
        with self.store.database.reading() as session:
            rows = session.query(LedgerRow).count()
            assert rows >= self.rows
            self.rows = rows
            assert ledger.examine(session) is None
            for row in session.query(RemarkActionRow).where(RemarkActionRow.action == "decide"):
                answered = session.query(MarkRow).where(MarkRow.request == row.request).count()
                asked = find(self.store, row.request)
                decisions = [step for step in asked.steps if step.action is Action.DECIDE]
                assert answered == (0 if asked.kind is Kind.COUNTING_ERROR else len(decisions))

    @invariant()
    def at_most_one_request_is_open_for_each_criterion(self) -> None:
        still_open = [(item.student, item.criterion) for item in list_requests(self.store, only_open=True)]
        assert len(still_open) == len(set(still_open))


#: A number that no request has.
NOBODYS = 10_000


def test_no_sequence_of_commands_breaks_a_mark(new_database: Callable[[], str]) -> None:
    location = new_database()
    # Every statement to a server is a round trip, so it is asked fewer of them.
    examples = 4 if location.startswith("postgresql") else 25
    run_state_machine_as_test(
        lambda: RemarkMachine(new_database()),
        settings=settings(max_examples=examples, stateful_step_count=40, deadline=None),
    )
