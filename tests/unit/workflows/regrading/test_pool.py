"""A program with threads judges in processes, and comes to the verdicts of one thread."""

from __future__ import annotations

import builtins
import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from grader.errors import RubricError, ServiceError, StoreError, UsageError
from grader.facts.case import Reference
from grader.grading import tampering
from grader.grading.verdict import Verdict
from grader.store import Store
from grader.store.records import AttemptRecord
from grader.workflows.regrading import parallel, pool
from grader.workflows.regrading.judging import Judge
from grader.workflows.regrading.own_checks import digest_of
from grader.workflows.regrading.parallel import judge_all
from grader.workflows.regrading.pool import JudgePool, can_travel, shared_pool
from grader.workflows.regrading.reference import bundled, load_reference
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.views.show import find_results
from tests import course
from tests.unit.workflows.conftest import Clock, grade_class

Work = list[tuple[Judge, AttemptRecord]]


def judged(store: Store, work: Work):
    return judge_all(store, work, judges=[judge for judge, _ in work], size=len(work))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("class")
    with grade_class(folder, Clock(), course.RUBRIC, *(f"s{number}" for number in range(5))) as opened:
        yield opened


@pytest.fixture(scope="module")
def processes() -> Iterator[JudgePool]:
    made = JudgePool(2)
    yield made
    made.close()


@pytest.fixture
def work(store: Store, tmp_path: Path) -> Work:
    by = Judge(
        load_rubric_file(course.write_rubric(tmp_path, course.KINDER)), load_reference(bundled("reference"))
    )
    return [(by, item.attempt) for item in find_results(store, "mini") if item.attempt]


def said(verdicts: object) -> list[str]:
    return [each.model_dump_json() if isinstance(each, Verdict) else type(each).__name__ for each in verdicts]


def alone(store: Store, work: Work) -> list[str]:
    return said(judge.verdict_on(store, attempt) for judge, attempt in work)


def test_several_threads_share_the_processes(store: Store, processes: JudgePool, work: Work) -> None:
    expected = alone(store, work)
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(lambda _: said(processes.judge(store, work)), range(3)))
    assert found == [expected] * 3
    assert '"points":2.0' in expected[1]
    assert 1 <= len(processes.pids()) <= 2


def test_a_program_with_threads_judges_elsewhere(
    store: Store, processes: JudgePool, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = alone(store, work)
    monkeypatch.setattr(parallel, "_WORTH_IT", 2)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(pool, "_shared", processes)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("judged in this process")

    monkeypatch.setattr("grader.workflows.regrading.judging.grade", never)
    stop = threading.Event()
    other = threading.Thread(target=stop.wait)
    other.start()
    try:
        assert said(judged(store, work)) == expected
    finally:
        stop.set()
        other.join()


def test_a_process_that_dies_is_replaced(store: Store, processes: JudgePool, work: Work) -> None:
    expected = alone(store, work)
    said(processes.judge(store, work[:1]))
    before = processes.pids()
    assert before
    for process in before:
        os.kill(process, signal.SIGKILL)
    assert said(processes.judge(store, work)) == expected
    assert not before & processes.pids()


def test_what_kills_each_process_is_told_and_stops_no_other(
    store: Store, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying, bad, judge = JudgePool(1), work[2][1].evidence, pool._Child.judge

    def judge_or_die(child: pool._Child, order: pool._Order):
        if order.name == bad:
            os.kill(child.process.pid, signal.SIGKILL)
        return judge(child, order)

    monkeypatch.setattr(pool._Child, "judge", judge_or_die)
    verdicts = list(dying.judge(store, work))
    dying.close()
    lost = verdicts.pop(2)
    assert isinstance(lost, ServiceError)
    assert f"evidence {bad}" in str(lost)
    assert "no mark was changed" in str(lost)
    assert said(verdicts) == alone(store, work[:2] + work[3:])


def test_a_process_is_sent_each_rubric_once(
    store: Store, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, written_out = [], pool.asdict
    monkeypatch.setattr(pool, "asdict", lambda text: sent.append(text.key) or written_out(text))
    mine, [key] = JudgePool(1), {judge.rubric.kept.key for judge, _ in work}
    try:
        assert said(mine.judge(store, work)) == alone(store, work)
        assert sent == [key]
        for process in mine.pids():
            os.kill(process, signal.SIGKILL)
        # The one that comes in its place knows none.
        assert said(mine.judge(store, work)) == alone(store, work)
        assert sent == [key] * 2
    finally:
        mine.close()


def test_a_process_that_does_not_answer_in_time_is_ended(
    store: Store, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = JudgePool(1)
    try:
        said(slow.judge(store, work[:1]))
        [process] = slow.pids()
        os.kill(process, signal.SIGSTOP)
        monkeypatch.setattr(pool, "_LIMIT_S", 0.01)
        [answer] = slow.judge(store, work[:1])
        assert isinstance(answer, ServiceError)
        assert "died twice" in str(answer)
        assert not Path(f"/proc/{process}").exists()
    finally:
        slow.close()


def test_lost_evidence_is_told_in_its_place(tmp_path: Path, clock: Clock, processes: JudgePool) -> None:
    with grade_class(tmp_path, clock, course.RUBRIC, "s1", "s2", "s3") as store:
        by = Judge(store.newest_rubric("mini"), Reference())
        mine = [(by, item.attempt) for item in find_results(store, "mini")]
        store.blobs.path_of(mine[1][1].evidence).unlink()
        verdicts = list(processes.judge(store, mine))
        assert isinstance(verdicts[1], StoreError)
        assert said(verdicts[::2]) == alone(store, mine[::2])


def test_answers_that_changed_meanwhile_judge_nobody(
    store: Store, processes: JudgePool, work: Work, tmp_path: Path
) -> None:
    folder = tmp_path / "reference"
    folder.mkdir()
    (folder / "__init__.py").write_text("FUNCTIONS = {}\nARCHITECTURES = {}\n")
    by = Judge(work[0][0].rubric, load_reference(folder))
    (folder / "__init__.py").write_text("FUNCTIONS = {'f': abs}\nARCHITECTURES = {}\n")
    [answer] = processes.judge(store, [(by, work[0][1])])
    assert isinstance(answer, UsageError)
    assert "changed while the program runs" in str(answer)


def test_answers_put_together_in_this_program_stay_in_it(work: Work) -> None:
    rubric = work[0][0].rubric
    assert can_travel(Judge(rubric, Reference()))
    assert can_travel(work[0][0])
    assert not can_travel(Judge(rubric, Reference(functions={"f": abs}, digest="x")))


def test_the_pool_of_a_program_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_shared", None)
    assert shared_pool() is shared_pool()


def test_signs_are_looked_for_once_in_the_same_code(
    store: Store, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []

    def look(cells: object, allowed: object) -> tuple[()]:
        looked.append(cells)
        return ()

    monkeypatch.setattr(tampering, "signs_of_tampering", look)
    monkeypatch.setattr(tampering, "_memory", tampering._Memory())
    for _ in range(2):
        alone(store, work)
    assert len(looked) == len(work), "five notebooks, ten verdicts"


def test_the_oldest_signs_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tampering, "_REMEMBERED", 2)
    memory = tampering._Memory()
    for name in (b"a", b"b", b"c"):
        memory.keep(name, ())
    assert [memory.get(name) for name in (b"a", b"b", b"c")] == [None, (), ()]


def course_of(folder: Path, name: str, source: str) -> Reference:
    """A course whose answers are Python that this program never runs."""
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(source)
    return Reference(digest=digest_of(folder / name), folder=str(folder / name))


TRIES = """\
import json, os, signal, socket

def outcome(what):
    try:
        return str(what())
    except Exception as error:
        return type(error).__name__

raise ValueError(json.dumps({{
    "environment": sorted(os.environ),
    "own files": outcome(lambda: len(os.listdir(os.path.dirname(__file__)))),
    "reads": outcome(lambda: open({outside!r}).read()),
    "writes": outcome(lambda: open({target!r}, "w").write("x")),
    "writes here": outcome(lambda: open(os.path.join(os.path.dirname(__file__), "x"), "w")),
    "parent's environment": outcome(lambda: open(f"/proc/{{os.getppid()}}/environ").read()),
    "signals": outcome(lambda: os.kill({parent}, 0)),
    "connects": outcome(lambda: socket.create_connection(("127.0.0.1", {port}), 2)),
}}))
"""


def test_a_course_s_python_sees_its_own_folder_and_nothing_of_ours(
    store: Store, work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADER_DB", "postgresql://grader:secret@db/marks")
    (tmp_path / "grader.db").write_text("marks")
    with socket.create_server(("127.0.0.1", 0)) as server:
        source = TRIES.format(
            outside=str(tmp_path / "grader.db"),
            target=str(tmp_path / "new"),
            parent=os.getpid(),
            port=server.getsockname()[1],
        )
        reference = course_of(tmp_path, "reference", source)
        mine = JudgePool(1)
        try:
            [answer] = mine.judge(store, [(Judge(work[0][0].rubric, reference), work[0][1])])
            [held] = [child.held for _, child in mine._idle]
        finally:
            mine.close()
    assert isinstance(answer, UsageError), answer
    tried = json.loads(str(answer.found).partition(": ")[2])
    ours = {"LANG", "LC_CTYPE", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PATH"}
    assert set(tried["environment"]) <= ours
    assert tried["writes"] != "1"
    if "files" not in held:
        pytest.skip("this kernel has no Landlock")
    assert not (tmp_path / "new").exists()
    assert tried["own files"] == "1"
    refused = ("reads", "writes", "writes here", "parent's environment")
    assert {tried[what] for what in refused} == {"PermissionError"}
    assert tried["connects"] in ("PermissionError", "ConnectionRefusedError", "OSError")
    if "processes" in held:
        assert tried["signals"] == "PermissionError"


def test_a_process_judges_for_one_course_and_never_for_another(
    store: Store, work: Work, tmp_path: Path
) -> None:
    source = """\
import builtins
assert not hasattr(builtins, "left_by_a_course"), "another course was here"
builtins.left_by_a_course = True
FUNCTIONS = {}
ARCHITECTURES = {}
"""
    judges = [Judge(work[0][0].rubric, course_of(tmp_path, name, source)) for name in ("one", "two")]
    small = JudgePool(1)
    try:
        for _ in range(2):
            answers = list(small.judge(store, [(judge, work[0][1]) for judge in judges]))
            assert all(isinstance(each, Verdict) for each in answers), answers
            assert len(small.pids()) == 1
    finally:
        small.close()
    assert not hasattr(builtins, "left_by_a_course")


def test_a_server_judges_even_one_submission_apart_where_the_answers_are_a_course_s_own(
    store: Store, processes: JudgePool, work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = course_of(tmp_path, "reference", "FUNCTIONS = {}\nARCHITECTURES = {}\n")
    mine = [(Judge(work[0][0].rubric, own), work[0][1])]
    expected = alone(store, mine)
    asked = []
    monkeypatch.setattr(pool, "_shared", processes)
    monkeypatch.setattr(processes, "_order", lambda *of: asked.append(of) or JudgePool._order(processes, *of))
    assert said(judged(store, work[:1])) == alone(store, work[:1])
    stop = threading.Event()
    other = threading.Thread(target=stop.wait)
    other.start()
    try:
        assert said(judged(store, work[:1])) == alone(store, work[:1])
        assert asked == [], "our own answers"
        assert said(judged(store, mine)) == expected
    finally:
        stop.set()
        other.join()
    assert len(asked) == 1


def test_a_failure_of_the_judge_is_told_by_its_own_kind(store: Store, work: Work) -> None:
    damaged = replace(work[0][0].rubric, text="criteria: 1")
    mine = JudgePool(1)
    [answer] = mine.judge(store, [(Judge(damaged, Reference()), work[0][1])])
    mine.close()
    assert isinstance(answer, RubricError)
    assert answer.problems
