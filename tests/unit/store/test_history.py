from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from grader.errors import RubricError, StoreError, UsageError
from grader.grading.requests import Action, Kind, State
from grader.grading.verdict import Verdict
from grader.store import Signature, Store, open_store
from grader.store.marks import MarkRecord
from grader.store.models import LedgerRow
from grader.store.records import (
    AttemptRecord,
    NewAttempt,
    RubricText,
    SubmissionRecord,
    VerdictRecord,
)
from grader.store.remarks import RemarkRecord, StepRecord
from tests import course
from tests.tampering import directly

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SIGNED = Signature("ann", NOW, "test")
FILE = SubmissionRecord(
    student="s1", assignment="mini", notebook="0a", path="s1/mini.ipynb", submitted_at=None, late=False,
    problem="",
)  # fmt: skip
RUN = NewAttempt(
    job=1, student="s1", assignment="mini", notebook="0a", outcome="COMPLETED", detail="", evidence="0b",
    plan="0c", image="", sandbox="fake", isolation="fork", seed=0, wall_time_s=1.0, cells_s=0.5,
)  # fmt: skip
RUBRIC = RubricText(
    digest="0d", handout="", assignment="mini", name="mini.yaml", text=course.RUBRIC, handout_text=""
)
VERDICT = Verdict(
    assignment="mini",
    findings=(),
    points=0.0,
    out_of=5.0,
    pending=1.0,
    rubric="0d",
    reference="0f",
    evidence="0b",
)


@pytest.fixture
def store(database: str, tmp_path: Path) -> Iterator[Store]:
    with open_store(database, evidence=tmp_path / "evidence", clock=lambda: NOW) as opened:
        yield opened


@pytest.fixture
def judged(store: Store) -> VerdictRecord:
    """Handed in, run and judged."""
    with store.writing() as history:
        history.hand_in(FILE, SIGNED)
        attempt = history.add_attempt(RUN, SIGNED)
        rubric = history.keep_rubric(RUBRIC, SIGNED)
        return history.add_verdict(VERDICT, attempt=attempt, rubric=rubric, version="1", signature=SIGNED)


def request(judged: VerdictRecord, **other: object) -> RemarkRecord:
    asked = RemarkRecord(
        student="s1", assignment="mini", criterion="why", kind=Kind.JUDGEMENT, reason="look", sentence="",
        late_because="", points_before=1.0, out_of=3.0, verdict=judged.seq,
    )  # fmt: skip
    return replace(asked, **other)


def test_what_is_written_is_read_back_as_it_was(store: Store, judged: VerdictRecord) -> None:
    with store.reading() as history:
        [result] = history.results()
        assert (result.submission, result.verdict_record) == (FILE, judged)
        assert result.attempt == AttemptRecord(**RUN.columns, seq=2, number=1)
        assert result.rubric == history.newest_rubric("mini") == history.rubric(3)
        assert {name: result.rubric.columns[name] for name in RUBRIC.columns} == RUBRIC.columns
        assert result.verdict == VERDICT
        assert (history.assignments(), history.students("mini")) == (["mini"], ["s1"])
        assert (history.rubric_numbers(), history.rubric(2), history.newest_rubric("lab2")) == (
            [3],
            None,
            None,
        )


def test_the_same_again_is_not_written_again(store: Store, judged: VerdictRecord) -> None:
    with store.writing() as history:
        history.hand_in(FILE, SIGNED)
        rubric = history.keep_rubric(RUBRIC, SIGNED)
        [result] = history.results()
        again = history.add_verdict(
            VERDICT, attempt=result.attempt, rubric=rubric, version="2", signature=SIGNED
        )
        assert again == judged
        assert len(history.timeline("s1", "mini")) == 3
        history.hand_in(replace(FILE, late=True), SIGNED)
        assert len(history.timeline("s1", "mini")) == 4


def test_attempts_are_numbered_for_each_student_and_assignment(store: Store) -> None:
    with store.writing() as history:
        numbers = [
            history.add_attempt(replace(RUN, job=job, student=student), SIGNED).number
            for job, student in enumerate(["s1", "s2", "s1"])
        ]
    assert numbers == [1, 1, 2]


def test_a_mark_counts_for_the_file_that_its_giver_had_read(store: Store, judged: VerdictRecord) -> None:
    given = MarkRecord(
        student="s1", assignment="mini", criterion="why", points=2.5, comment="so", verdict=judged.seq
    )
    with store.writing() as history:
        history.give_mark(given, SIGNED)
        history.give_mark(replace(given, points=None, verdict=None), SIGNED)
    with store.reading() as history:
        [result] = history.results()
        assert [(item.points, item.by, item.at, item.why) for item in result.decisions] == [
            (2.5, "ann", NOW, "so"),
            (None, "ann", NOW, "so"),
        ]
        first = result.decisions[0].seq
        assert history.files_marked({"mini"}) == {(first, "s1"): "0a"}
        assert history.files_marked({"lab2"}) == {}
        assert [entry.record for entry in history.timeline("s1", "mini")][3] == given


def test_each_request_has_its_own_steps(store: Store, judged: VerdictRecord) -> None:
    with store.writing() as history:
        one = history.open_remark(request(judged), SIGNED)
        other = history.open_remark(
            request(judged, kind=Kind.COUNTING_ERROR, criterion="", student="s2"), SIGNED
        )
        history.add_step(StepRecord(request=one, action=Action.REVIEW), SIGNED)
        history.add_step(StepRecord(request=other, action=Action.WITHDRAW, reason="mine"), SIGNED)
        history.add_step(StepRecord(request=one, action=Action.DECIDE, points=2.0, reason="yes"), SIGNED)
    with store.reading() as history:
        first, second = history.remarks()
        assert (first.id, first.kind, first.state) == (one, Kind.JUDGEMENT, State.RESOLVED)
        assert (second.id, second.kind, second.state) == (other, Kind.COUNTING_ERROR, State.WITHDRAWN)
        assert [step.action for step in first.steps] == [Action.REVIEW, Action.DECIDE]
        assert (first.decision.points, first.decision.by, first.decision.at) == (2.0, "ann", NOW)
        assert second.decision is None
        assert history.remarks(student="s2") == [second] == [history.remark(other)]
        assert history.remarks(assignment="lab2") == []
        assert history.remark(1) is None
        kinds = [entry.seal.kind for entry in history.timeline("s1", "mini")][3:]
        assert kinds == ["remark_requests", "remark_actions", "remark_actions"]


def test_a_broken_transaction_leaves_nothing(store: Store, judged: VerdictRecord) -> None:
    with pytest.raises(KeyboardInterrupt), store.writing() as history:
        history.open_remark(request(judged), SIGNED)
        raise KeyboardInterrupt
    with store.reading() as history:
        assert history.remarks() == []
        assert history.first_break() is None


def test_a_rubric_is_read_once_for_each_store(
    store: Store, judged: VerdictRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = store.newest_rubric("mini")
    assert (loaded.assignment, loaded.text, loaded.given_cells(())) == ("mini", course.RUBRIC, frozenset())

    def read_again(*_: object, **__: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr("grader.rubric.loader.load_rubric", read_again)
    with store.reading() as history:
        assert store.rubric(history.rubric(3)) is loaded
        other = replace(history.rubric(3), digest="another")
    with pytest.raises(AssertionError, match="read again"):
        store.rubric(other)


def test_a_rubric_that_cannot_be_read_is_named_each_time(store: Store, judged: VerdictRecord) -> None:
    with store.reading() as history:
        broken = replace(history.rubric(3), digest="0e", text="title: [", name="old.yaml")
    for _ in range(2):
        with pytest.raises(RubricError, match=r"old\.yaml"):
            store.rubric(broken)


def test_no_rubric_is_the_newest_before_the_first_verdict(store: Store) -> None:
    with pytest.raises(UsageError, match="no verdict on mini yet"):
        store.newest_rubric("mini")


def test_a_record_of_a_verdict_that_is_none_says_where_it_stands(judged: VerdictRecord) -> None:
    with pytest.raises(StoreError, match="cannot be read") as raised:
        _ = replace(judged, body="{}").verdict
    assert raised.value.where == f"row {judged.seq} of the history"


def test_every_database_has_a_key_of_its_own_that_nothing_shown_tells(store: Store, tmp_path: Path) -> None:
    with store.reading() as history:
        key = history.own_key()
        assert len(key) == 64
    with store.writing() as history:
        history.hand_in(FILE, SIGNED)
        assert history.own_key() == key, "whatever is added"
        seals = history.session.query(LedgerRow).all()
        assert key.decode() not in str([(row.previous, row.digest, row.why) for row in seals])
    with open_store(str(tmp_path / "other.db")) as other, other.writing() as history:
        history.hand_in(FILE, SIGNED)
        assert len(history.own_key()) == 64
        assert history.own_key() != key
    with open_store(store.location, evidence=tmp_path / "evidence") as again, again.reading() as history:
        assert history.own_key() == key


def test_a_key_that_was_taken_out_is_missed_in_plain_words(store: Store) -> None:
    directly(store, "DELETE FROM secrets")
    with store.reading() as history, pytest.raises(StoreError, match="key of the pseudonyms is gone"):
        history.own_key()
