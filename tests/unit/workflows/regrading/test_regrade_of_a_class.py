"""Of a class that is judged again or exported a few works are in memory, however many there are."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from grader.facts.case import Reference
from grader.store import Result, Signature, Store
from grader.workflows.regrading import parallel, regrade
from grader.workflows.regrading.judging import Judge
from grader.workflows.regrading.regrade import Regraded, judged_again, to_judge
from grader.workflows.views.export import as_csv, as_json, as_plain
from grader.workflows.views.show import each_result, find_results
from tests import course
from tests.unit.workflows.conftest import Clock, grade_class
from tests.unit.workflows.regrading.test_regrade import KINDER, again, judge

STUDENTS = [f"s{number:02}" for number in range(12)]
# More than the few whom the store holds as long as nobody writes.
AT_ONCE = 3


@pytest.fixture
def of_class(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(regrade, "_READ_AT_ONCE", AT_ONCE)
    with grade_class(tmp_path, clock, course.RUBRIC, *STUDENTS) as store:
        yield store


@pytest.fixture(autouse=True)
def older_objects_left_out() -> Iterator[None]:
    """A process that has run thousands of tests holds millions: to count among them takes a minute."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def alive() -> int:
    gc.collect()
    return sum(type(each) is Result for each in gc.get_objects())


def test_each_work_is_read_when_its_turn_comes(of_class: Store, tmp_path: Path) -> None:
    by = judge(tmp_path, KINDER)
    works = to_judge(each_result(of_class, "mini"), lambda _: by)
    most = max(alive() for _ in judged_again(of_class, works))
    assert most <= 2 * AT_ONCE, most


def test_what_is_told_holds_nothing_of_what_was_found(of_class: Store, tmp_path: Path) -> None:
    told = again(of_class, judge(tmp_path, KINDER))
    assert len(told) == len(STUDENTS) and alive() == 0
    changes = [change for item in told for change in item.changes]
    assert len(changes) > 2
    assert len(set(map(id, changes))) == len(set(changes)), "what is equal is the same object"
    assert all(isinstance(item, Regraded) and not hasattr(item, "__dict__") for item in told)


def test_processes_get_no_more_than_is_on_the_way(
    of_class: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "_WORTH_IT", 2)
    monkeypatch.setattr(parallel, "_CHUNK", 1)
    monkeypatch.setattr(parallel, "_AHEAD", 1)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    by = judge(tmp_path, KINDER)
    works = to_judge(each_result(of_class, "mini"), lambda _: by)
    verdicts, most = [], 0
    for item in judged_again(of_class, works):
        most = max(most, alive())
        verdicts.append((item.regraded.student, item.verdict))
    assert most <= 3 * AT_ONCE, most
    assert [student for student, _ in verdicts] == STUDENTS
    for item, (_, verdict) in zip(find_results(of_class, "mini"), verdicts, strict=True):
        assert verdict == by.verdict_on(of_class, item.attempt)


def test_a_file_that_comes_meanwhile_is_left_to_its_run(of_class: Store, tmp_path: Path) -> None:
    by = judge(tmp_path, KINDER)
    works = to_judge(each_result(of_class, "mini"), lambda _: by)
    judging = judged_again(of_class, works)
    next(judging)
    last = STUDENTS[-1]
    with of_class.writing() as history:
        newer = replace(history.submission(last, "mini"), notebook="f" * 64)
        history.hand_in(newer, Signature("ann", of_class.clock(), "grader run"))
    assert [item.regraded.student for item in judging] == STUDENTS[1:-1]


def test_an_export_goes_through_a_class_once(of_class: Store) -> None:
    results = find_results(of_class, "mini")
    whole = json.dumps([as_plain(result) for result in results], indent=2) + "\n"
    table = as_csv(results)
    del results
    counts: list[int] = []

    def one_by_one() -> Iterator[Result]:
        for result in each_result(of_class, "mini"):
            counts.append(alive())
            yield result

    assert "".join(as_json(one_by_one())) == whole
    assert as_csv(one_by_one()) == table
    # The store reads 25 at a time, of rows; results are made one by one.
    assert max(counts) <= 2, counts


def test_nothing_is_an_empty_array() -> None:
    assert "".join(as_json([])) == json.dumps([], indent=2) + "\n"


def test_both_judges_of_an_assignment_get_their_works_in_processes(
    of_class: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "_WORTH_IT", 2)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    same, kinder = Judge(of_class.newest_rubric("mini"), Reference()), judge(tmp_path, KINDER)
    works = to_judge(
        each_result(of_class, "mini"), lambda item: kinder if item.student in STUDENTS[::2] else same
    )
    for item in judged_again(of_class, works):
        expected = kinder if item.regraded.student in STUDENTS[::2] else same
        assert item.judge is expected and item.verdict.rubric == expected.rubric.rubric.digest
