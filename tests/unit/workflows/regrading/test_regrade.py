from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from grader.errors import EvidenceError, StoreError
from grader.evidence.codec import decode, encode, pack, unpack
from grader.facts.case import Reference
from grader.reporting import render_report
from grader.store import Store
from grader.store.audit import audit
from grader.store.models import LedgerRow, VerdictRow
from grader.workflows.desk.deciding import Alike, decide_alike, undo_last
from grader.workflows.marking.marks import MarkOrder, give_marks, list_pending
from grader.workflows.regrading import parallel
from grader.workflows.regrading.judging import Judge
from grader.workflows.regrading.parallel import judge_all
from grader.workflows.regrading.regrade import regrade
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.views.report import report_input
from grader.workflows.views.show import find_results
from tests import course
from tests.unit.workflows.conftest import Clock, grade_class, hand_in_late

KINDER = course.RUBRIC.replace("check: no_builtin_shadowing", "check: no_builtin_shadowing\n    allow: [sum]")


def judge(folder: Path, text: str) -> Judge:
    return Judge(load_rubric_file(course.write_rubric(folder, text, "again.yaml")), Reference())


def again(store: Store, by: Judge, *, dry_run: bool = False):
    return regrade(store, find_results(store, "mini"), lambda _: by, actor="ann", dry_run=dry_run)


def test_a_dry_run_and_the_real_one_tell_the_same_story(graded: Store, tmp_path: Path) -> None:
    kinder = judge(tmp_path, KINDER)
    foretold, told = again(graded, kinder, dry_run=True), again(graded, kinder)
    assert [item.changes for item in foretold] == [item.changes for item in told]
    assert [item.difference for item in told] == [0.0, 2.0]
    [change] = told[1].changes
    assert (change.criterion, change.difference) == ("builtin-shadowing", 2.0)


def refuse(*_: object, **__: object) -> None:
    raise AssertionError("judging stored evidence started a process or opened a connection")


def test_judging_again_starts_no_process_and_opens_no_connection(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with grade_class(tmp_path, clock) as store:
        kinder = judge(tmp_path, KINDER)
        for owner, name in (
            (os, "fork"),
            (os, "posix_spawn"),
            (os, "system"),
            (subprocess, "Popen"),
            (socket, "socket"),
        ):
            monkeypatch.setattr(owner, name, refuse)
        assert [item.difference for item in again(store, kinder)] == [0.0, 2.0]
        assert [item.mark.points for item in find_results(store, "mini")] == [2.0, 2.0]


def test_a_dry_run_writes_nothing(graded: Store, tmp_path: Path) -> None:
    with graded.database.reading() as session:
        before = session.query(LedgerRow).count()
    again(graded, judge(tmp_path, KINDER), dry_run=True)
    with graded.database.reading() as session:
        assert session.query(LedgerRow).count() == before


def test_judging_again_by_the_same_rubric_adds_no_verdict(graded: Store) -> None:
    same = Judge(graded.newest_rubric("mini"), Reference())
    again(graded, same)
    with graded.database.reading() as session:
        assert session.query(VerdictRow).count() == 2


def test_criteria_that_come_and_go_are_changes(graded: Store, tmp_path: Path) -> None:
    other = judge(tmp_path, course.RUBRIC.replace("id: why", "id: why-not"))
    changes = {change.criterion: change for change in again(graded, other)[0].changes}
    assert changes["why"].after is None
    assert changes["why-not"].before is None


LATE = "late: {{due: 2026-03-0{due}T12:00:00Z, per_day: 0.1, tokens: {tokens}}}\n"


def late(due: int, tokens: int = 0) -> str:
    return course.RUBRIC + LATE.format(due=due, tokens=tokens)


def test_what_lateness_takes_is_a_change_of_its_own(graded: Store, tmp_path: Path) -> None:
    hand_in_late(graded, "s1")
    on_time, other = again(graded, judge(tmp_path, late(7)))
    assert on_time.changes == ()
    assert on_time.lateness.before is None
    assert (on_time.lateness.after.days, on_time.lateness.after.points) == (2, 1.0)
    assert (on_time.difference, on_time.lateness.difference) == (-1.0, -1.0)
    assert (other.lateness, other.difference) == (None, 0.0)
    later, _ = again(graded, judge(tmp_path, late(8)), dry_run=True)
    assert (later.lateness.before.days, later.lateness.after.days, later.difference) == (2, 1, 0.5)
    assert again(graded, judge(tmp_path, late(7)))[0].lateness is None


def test_a_tas_mark_that_survives_is_no_gain(graded: Store, tmp_path: Path) -> None:
    give_marks(graded, "mini", [MarkOrder("s2", "builtin-shadowing", 1.0, "")], actor="ann")
    _, decided = again(graded, judge(tmp_path, KINDER))
    [change] = decided.changes
    assert (change.before.found_points, change.after.found_points) == (0.0, 2.0)
    assert (change.difference, change.note, decided.difference) == (0.0, "ann's mark stays", 0.0)


def test_a_tas_mark_above_what_the_criterion_is_worth_now_is_told(graded: Store, tmp_path: Path) -> None:
    give_marks(graded, "mini", [MarkOrder("s2", "builtin-shadowing", 2.0, "")], actor="ann")
    smaller = course.RUBRIC.replace("points: 2", "points: 1").replace("total: 5", "total: 4")
    _, decided = again(graded, judge(tmp_path, smaller))
    [change] = decided.changes
    assert (change.difference, change.after.pending, decided.difference) == (-2.0, 1.0, -2.0)
    assert change.note == "ann's mark was of 2: it waits to be given again"


def test_a_tas_mark_on_a_criterion_that_is_dropped_falls_away(graded: Store, tmp_path: Path) -> None:
    give_marks(graded, "mini", [MarkOrder("s1", "why", 2.0, "")], actor="ann")
    decided, other = again(graded, judge(tmp_path, course.RUBRIC.replace("id: why", "id: why-not")))
    gone = next(change for change in decided.changes if change.criterion == "why")
    assert (gone.difference, gone.note) == (-2.0, "ann's mark falls away with the criterion")
    assert [change.note for change in other.changes] == ["", ""]


def test_lost_evidence_is_told_and_stops_no_other(graded: Store, tmp_path: Path) -> None:
    first, _ = find_results(graded, "mini")
    graded.blobs.path_of(first.attempt.evidence).unlink()
    lost, kept = again(graded, judge(tmp_path, KINDER))
    assert "gone" in lost.problem
    assert (lost.difference, lost.lateness) == (0.0, None)
    assert kept.difference == 2.0


@pytest.mark.parametrize("cores", [1, 2])
def test_many_processes_come_to_the_verdicts_of_one(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, cores: int
) -> None:
    students = [f"s{number}" for number in range(6)]
    with grade_class(tmp_path, clock, course.RUBRIC, *students) as store:
        monkeypatch.setattr(parallel, "_WORTH_IT", 2)
        monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)))
        results = find_results(store, "mini")
        by = judge(tmp_path, KINDER)
        bad = results[3].attempt
        store.blobs.path_of(bad.evidence).unlink()
        work = ((by, item.attempt) for item in results)
        verdicts = list(judge_all(store, work, judges=[by], size=len(results)))
        assert isinstance(verdicts.pop(3), StoreError)
        alone = [by.verdict_on(store, item.attempt) for item in results if item.attempt is not bad]
        assert [item.model_dump_json() for item in verdicts] == [item.model_dump_json() for item in alone]


def test_evidence_of_another_version_is_no_verdict(graded: Store) -> None:
    raw = graded.blobs.get(find_results(graded, "mini")[0].attempt.evidence)
    with pytest.raises(EvidenceError, match="of a version that this program does not read"):
        decode(raw.replace(b'"schema_version":2', b'"schema_version":9'))


def as_version_1(raw: bytes) -> bytes:
    """Evidence of a notebook that trains nothing, as version 1 wrote it."""
    body, arrays = unpack(raw, limit_bytes=len(raw))
    given = json.loads(body)
    given["schema_version"] = 1
    del given["cut"], given["training"]["layer_lists"]
    for cell in given["cells"]:
        del cell["source_cut"], cell["submitted"]["cut"]
    return pack(json.dumps(given).encode(), arrays)


def test_evidence_of_version_1_is_judged_as_it_was_and_its_bytes_stay(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "grader.workflows.running.recording.encode", lambda bundle: as_version_1(encode(bundle))
    )
    with grade_class(tmp_path, clock) as store:
        before = {item.attempt.evidence: item.verdict for item in find_results(store, "mini")}
        raws = {name: store.blobs.get(name) for name in before}
        assert all(b'"schema_version": 1' in raw for raw in raws.values())
        same = Judge(store.newest_rubric("mini"), Reference())
        assert [item.changes for item in again(store, same)] == [(), ()]
        assert [item.difference for item in again(store, judge(tmp_path, KINDER))] == [0.0, 2.0]
        after = find_results(store, "mini")
        assert {item.attempt.evidence for item in after} == set(before)
        assert {name: store.blobs.get(name) for name in raws} == raws


#: The same, with the reason worth one point of the three that it was worth.
DIVIDED = course.RUBRIC.replace("total: 5", "total: 3").replace("points: 3", "points: 1")


def give(store: Store, student: str, points: float | None) -> None:
    give_marks(store, "mini", [MarkOrder(student, "why", points, "fine")], actor="ann")


def test_a_mark_of_another_total_waits_with_both_shown_instead_of_being_cut(
    graded: Store, tmp_path: Path
) -> None:
    give(graded, "s1", 2.0)
    told = again(graded, judge(tmp_path, DIVIDED))
    assert [change.note for change in told[0].changes] == ["ann's mark was of 3: it waits to be given again"]
    mark = find_results(graded, "mini", ["s1"])[0].mark
    assert (mark.points, mark.pending, mark.out_of) == (2.0, 1.0, 3.0)
    why = mark.criterion("why")
    assert (why.status, why.decision, why.earlier.points, why.earlier.out_of) == ("NEEDS_TA", None, 2.0, 3.0)
    both = (
        "A TA gave 2 when this was worth 3 points; it is worth 1 point now, so the points wait to be given"
        " again."
    )
    [item] = [each for each in list_pending(graded, "mini", students=["s1"]) if each.criterion == "why"]
    assert both in item.message
    assert both in render_report(report_input(graded, find_results(graded, "mini", ["s1"])[0]))
    assert audit(graded).sound
    give(graded, "s1", 0.5)
    mark = find_results(graded, "mini", ["s1"])[0].mark
    assert (mark.points, mark.pending) == (2.5, 0.0)
    again(graded, judge(tmp_path, course.RUBRIC))
    assert find_results(graded, "mini", ["s1"])[0].mark.pending == 3.0, "half of one is not half of three"


def test_a_mark_of_another_total_counts_again_once_the_criterion_is_worth_that(
    graded: Store, tmp_path: Path
) -> None:
    give(graded, "s1", 2.0)
    again(graded, judge(tmp_path, DIVIDED))
    again(graded, judge(tmp_path, course.RUBRIC))
    assert find_results(graded, "mini", ["s1"])[0].mark.criterion("why").points == 2.0


def test_a_mark_of_another_total_can_be_taken_back_or_undone(graded: Store, tmp_path: Path) -> None:
    give(graded, "s1", 2.0)
    give(graded, "s2", 2.0)
    again(graded, judge(tmp_path, DIVIDED))
    assert undo_last(graded, "mini", actor="ann", criterion="why").given.about[0].student == "s2"
    give(graded, "s1", None)
    marks = [result.mark.criterion("why") for result in find_results(graded, "mini")]
    assert [(mark.earlier, mark.pending) for mark in marks] == [(None, 1.0), (None, 1.0)]
    assert audit(graded).sound


def test_one_decision_about_several_of_another_total_waits_for_each(graded: Store, tmp_path: Path) -> None:
    both = [Alike(result.student, course.seen_now(result, "why")) for result in find_results(graded, "mini")]
    decide_alike(graded, "mini", "why", 1.0, "", both, actor="ann")
    again(graded, judge(tmp_path, DIVIDED))
    marks = [result.mark.criterion("why") for result in find_results(graded, "mini")]
    assert [(mark.earlier.alike, mark.points, mark.pending) for mark in marks] == [(2, 0.0, 1.0)] * 2
    assert audit(graded).sound
