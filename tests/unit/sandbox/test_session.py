from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import SimpleNamespace

import numpy as np
import pytest

from grader.errors import EvidenceError
from grader.evidence.checkpoints import Checkpoints, CheckpointSaved
from grader.evidence.codec import Bundle
from grader.evidence.frames import (
    Beat,
    CellDone,
    CellStarted,
    Cleaned,
    Collected,
    Finish,
    Frame,
    Opened,
    ProbeAnswer,
    ProbeRequest,
    Ran,
)
from grader.evidence.plan import (
    MOST_BY_THE_WALL,
    Call,
    FunctionProbe,
    Limits,
    NormalInput,
    Plan,
    Target,
    probe_id,
)
from grader.evidence.plots import Plot
from grader.evidence.record import (
    CallRecord,
    CellRecord,
    CellRun,
    Cut,
    Environment,
    Evidence,
    FileWritten,
    FunctionRecord,
    Outcome,
    ProbeResult,
    WatchedValue,
)
from grader.evidence.training import ModelIdentity, Start, TrainingHistory, TrainingRun
from grader.evidence.values import ArrayValue, IntValue
from grader.sandbox.base import Job
from grader.sandbox.frames import DeadlinePassed, StreamEnded
from grader.sandbox.session import GRACE_S, BrokenSandbox, JobSession

Answer = tuple[Frame, Sequence[np.ndarray]] | Exception
PROBE = FunctionProbe(target=Target(names=("f",)), calls=(Call(args=(NormalInput(shape=(2,)),)),))
CELLS = tuple(CellRecord(index=index, kind="code", source="x") for index in range(2))
DONE = tuple(cell.model_copy(update={"run": CellRun(status="ok", duration_s=0.5)}) for cell in CELLS)


class ScriptedStream:
    """Plays the driver: gives prepared answers, whatever is asked."""

    def __init__(self, *answers: Answer | Frame) -> None:
        self._answers = [one if isinstance(one, tuple | Exception) else (one, ()) for one in answers]
        self.sent: list[tuple[Frame, Sequence[np.ndarray]]] = []
        self.received_bytes = 0
        self.deadlines: list[float] = []

    def send(self, frame: Frame, arrays: Sequence[np.ndarray] = ()) -> None:
        self.sent.append((frame, arrays))

    def receive(self, deadline: float) -> tuple[Frame, Sequence[np.ndarray]]:
        self.deadlines.append(deadline)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        frame, arrays = answer
        self.received_bytes += len(frame.model_dump_json()) + sum(array.nbytes for array in arrays)
        return answer


def ran(outcome: Outcome = Outcome.COMPLETED, **fields: object) -> Ran:
    values = {"cells": DONE, "cells_s": 1.0, "kernel_alive": True, **fields}
    return Ran(outcome=outcome, **values)  # type: ignore[arg-type]


def session(*answers: Answer | Frame, plan: Plan | None = None) -> JobSession:
    stream = ScriptedStream(*answers)
    job = Job("a", b"{}", plan or Plan(assignment="test"))
    return JobSession(stream, job, Environment())  # type: ignore[arg-type]


def finished(*answers: Answer | Frame, plan: Plan | None = None) -> tuple[JobSession, Bundle]:
    one = session(*answers, plan=plan)
    one.run()
    return one, one.bundle()


def answered(returned: ArrayValue, *arrays: np.ndarray, **record: object) -> Answer:
    call = CallRecord(args=(IntValue(value=666),), returned=(returned,))
    fields = {"name": "f", "calls": (call,), **record}
    result = ProbeResult(status="ok", record=FunctionRecord(**fields))  # type: ignore[arg-type]
    return ProbeAnswer(id=probe_id(PROBE), result=result), arrays


def test_a_whole_job_becomes_evidence_and_the_sandbox_may_go_on() -> None:
    one, bundle = finished(
        Opened(cells=CELLS), CellStarted(index=0), CellDone(cell=DONE[0]), ran(), Cleaned()
    )
    assert one.replace == ""
    assert bundle.evidence.outcome is Outcome.COMPLETED
    assert bundle.evidence.cells == DONE


def test_every_wait_for_the_sandbox_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.sandbox.session.time", SimpleNamespace(monotonic=lambda: 1000.0))
    answers = (Opened(cells=CELLS), CellStarted(index=0), CellDone(cell=DONE[0]), ran(), Cleaned())
    one, _ = finished(*answers)
    ends = one.stream.deadlines  # type: ignore[attr-defined]
    assert len(ends) == len(answers)
    assert all(1000.0 < end < math.inf for end in ends)


def test_values_of_all_cells_share_one_list_of_arrays() -> None:
    def collected(number: int) -> Answer:
        value = ArrayValue(type="torch.Tensor", dtype="float64", shape=(1,), array=0)
        seen = Collected(values=(WatchedValue(name="x", cell=number, value=value),))
        return CellDone(cell=DONE[number], collected=seen), [np.array([float(number)])]

    _, bundle = finished(Opened(cells=CELLS), collected(0), collected(1), ran(), Cleaned())
    arrays = [bundle.array(watched.value) for watched in bundle.evidence.values]  # type: ignore[arg-type]
    assert [array.tolist() for array in arrays if array is not None] == [[0.0], [1.0]]


def test_what_was_cut_on_either_side_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.sandbox.session._MOST_KEPT", 2)
    files = tuple(FileWritten(path=str(place), cell=0, size_bytes=1) for place in range(3))

    def cut(collected: Collected) -> tuple[Cut, ...]:
        done = CellDone(cell=DONE[0], collected=collected)
        return finished(Opened(cells=CELLS), done, ran(), Cleaned())[1].evidence.cut

    assert cut(Collected(files=files[:2])) == ()
    assert cut(Collected(files=files)) == (Cut.FILES,)
    saved = tuple(CheckpointSaved(path=str(place), cell=0) for place in range(3))
    assert cut(Collected(checkpoints=Checkpoints(saved=saved))) == (Cut.CHECKPOINTS,)
    monkeypatch.setattr("grader.sandbox.session._MOST_PLOTS", 1)
    assert cut(Collected(plots=(Plot(cell=0, how="shown"), Plot(cell=0, how="saved")))) == (Cut.PLOTS,)
    assert cut(Collected(cut=(Cut.SHIMS,))) == (Cut.SHIMS,)
    assert cut(Collected(anomalies=tuple(str(place) for place in range(101)))) == (Cut.ANOMALIES,)


def test_figures_and_checkpoints_are_unknown_where_no_kernel_recorded_any() -> None:
    def recorded(collected: Collected) -> Evidence:
        done = CellDone(cell=DONE[0], collected=collected)
        return finished(Opened(cells=CELLS), done, ran(), Cleaned())[1].evidence

    silent = recorded(Collected())
    assert (silent.plots, silent.checkpoints) == (None, None)
    assert "plots" not in silent.model_dump_json()
    empty = recorded(Collected(plots=(), checkpoints=Checkpoints()))
    assert (empty.plots, empty.checkpoints) == ((), Checkpoints())


def test_the_hosts_own_inputs_are_recorded_not_what_the_kernel_claims() -> None:
    output = ArrayValue(type="torch.Tensor", dtype="float32", shape=(2,), array=0)
    plan = Plan(assignment="test", probes=(PROBE,))
    one, bundle = finished(
        Opened(cells=CELLS), ran(), answered(output, np.ones(2, np.float32)), Cleaned(), plan=plan
    )
    request, sent = one.stream.sent[1]  # type: ignore[attr-defined]
    assert isinstance(request, ProbeRequest)
    record = bundle.evidence.probes[probe_id(PROBE)].record
    assert isinstance(record, FunctionRecord)
    recorded = record.calls[0].args[0]
    assert isinstance(recorded, ArrayValue)
    np.testing.assert_array_equal(bundle.array(recorded), sent[0])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "lie",
    [
        answered(ArrayValue(type="torch.Tensor", dtype="float32", shape=(2,), array=3)),
        answered(ArrayValue(type="torch.Tensor", dtype="float32", shape=(9,), array=0), np.ones(2, "f4")),
        answered(ArrayValue(type="torch.Tensor", dtype="int64", shape=(2,), array=0), np.ones(2, "f4")),
        answered(ArrayValue(type="torch.Tensor", dtype="float32", shape=(2,)), calls=()),
    ],
)
def test_a_lying_answer_is_no_answer_and_the_sandbox_is_replaced(lie: Answer) -> None:
    plan = Plan(assignment="test", probes=(PROBE,))
    one, bundle = finished(Opened(cells=CELLS), ran(), lie, Cleaned(), plan=plan)
    assert bundle.evidence.probes[probe_id(PROBE)].status == "no_answer"
    assert bundle.evidence.outcome is Outcome.COMPLETED
    assert bundle.evidence.anomalies
    assert one.replace


def test_no_probe_is_sent_to_a_dead_kernel() -> None:
    plan = Plan(assignment="test", probes=(PROBE,))
    one, bundle = finished(
        Opened(cells=CELLS), ran(Outcome.KERNEL_DIED, kernel_alive=False), Cleaned(), plan=plan
    )
    assert bundle.evidence.probes[probe_id(PROBE)].status == "no_answer"
    assert not any(isinstance(frame, ProbeRequest) for frame, _ in one.stream.sent)  # type: ignore[attr-defined]
    assert one.replace


def test_a_sandbox_that_stops_answering_is_a_timeout_with_what_was_recorded() -> None:
    one, bundle = finished(
        Opened(cells=CELLS),
        CellStarted(index=0),
        CellDone(cell=DONE[0]),
        CellStarted(index=1),
        DeadlinePassed(),
    )
    assert bundle.evidence.outcome is Outcome.TIMEOUT
    assert [cell.run.status for cell in bundle.evidence.cells if cell.run] == ["ok", "timeout"]
    assert bundle.evidence.cells_s == 0.5
    assert one.replace


@pytest.mark.parametrize("failure", [StreamEnded("gone"), EvidenceError("nonsense"), Cleaned()])
def test_a_broken_stream_is_for_the_worker_to_explain(failure: Exception | Frame) -> None:
    one = session(Opened(cells=CELLS), CellStarted(index=0), failure)
    with pytest.raises(BrokenSandbox):
        one.run()
    assert one.outcome is None
    assert one.replace


@pytest.mark.parametrize(
    "end",
    [
        lambda: (ran(Outcome.TIMEOUT), Cleaned()),
        lambda: (ran(anomalies=("odd",)), Cleaned()),
        lambda: (ran(), Cleaned(leftovers=("process 7",))),
    ],
)
def test_anything_odd_replaces_the_sandbox(end: Callable[[], tuple[Frame, Frame]]) -> None:
    one, _ = finished(Opened(cells=CELLS), *end())
    assert one.replace


def test_a_sandbox_that_will_be_thrown_away_is_not_wiped() -> None:
    one, _ = finished(Opened(cells=CELLS), ran(Outcome.TIMEOUT))
    assert not any(isinstance(frame, Finish) for frame, _ in one.stream.sent)  # type: ignore[attr-defined]


def test_a_time_that_is_no_number_is_refused() -> None:
    one = session(Opened(cells=CELLS), ran(cells_s=float("nan")))
    with pytest.raises(BrokenSandbox, match="no number"):
        one.run()


def test_many_large_records_end_as_the_submissions_own_fault_and_not_ours() -> None:
    plan = Plan(assignment="test", limits=Limits(evidence_bytes=1000))
    large = CellDone(cell=DONE[0].model_copy(update={"source": "x" * 3000}))
    one = session(Opened(cells=CELLS), large, large, large, plan=plan)
    with pytest.raises(BrokenSandbox, match="more than one attempt may leave"):
        one.run()
    assert one.replace
    assert one.bundle().evidence.outcome is Outcome.OUTPUT_LIMIT


def trained(number: int, *runs: TrainingRun) -> CellDone:
    return CellDone(cell=DONE[number], collected=Collected(training=TrainingHistory(runs=runs)))


def training_run(index: int) -> TrainingRun:
    model = ModelIdentity(token=0, class_name="Net", parameter_count=9)
    return TrainingRun(index=index, order=index, cell=index, model=model, start=Start(determined=True))


def test_a_run_taken_out_of_the_training_history_is_kept_and_noted() -> None:
    first, second = training_run(0), training_run(1)
    one, bundle = finished(
        Opened(cells=CELLS), trained(0, first, second), trained(1, first), ran(), Cleaned()
    )
    assert bundle.evidence.training.runs == (first, second)
    assert not bundle.evidence.training.complete
    assert "run 1 of cell 1 is gone" in one.replace
    assert "run 1 of cell 1 is gone" in bundle.evidence.anomalies[0]


def test_a_cell_of_which_nothing_could_be_collected_leaves_the_history_incomplete() -> None:
    _, bundle = finished(
        Opened(cells=CELLS), trained(0, training_run(0)), CellDone(cell=DONE[1]), ran(), Cleaned()
    )
    assert len(bundle.evidence.training.runs) == 1
    assert bundle.evidence.training.notes == ("nothing could be collected after cell 1",)


def test_an_empty_cell_casts_no_doubt_on_the_history() -> None:
    empty = DONE[1].model_copy(update={"source": " "})
    _, bundle = finished(
        Opened(cells=CELLS), trained(0, training_run(0)), CellDone(cell=empty), ran(), Cleaned()
    )
    assert bundle.evidence.training.complete


def test_while_beats_come_a_slow_machine_is_waited_for_up_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("grader.sandbox.session.time", SimpleNamespace(monotonic=lambda: now[0]))
    plan = Plan(assignment="test", limits=Limits(notebook_s=100.0, cell_s=50.0))
    answers = [Opened(cells=CELLS), *[Beat(left_s=60.0)] * 3, Beat(left_s=1e9), ran(), Cleaned()]
    one = session(*answers, plan=plan)
    receive = one.stream.receive

    def later(deadline: float) -> tuple[Frame, Sequence[np.ndarray]]:
        now[0] += 90.0
        return receive(deadline)

    one.stream.receive = later  # type: ignore[method-assign]
    one.run()
    ends = one.stream.deadlines  # type: ignore[attr-defined]
    assert ends[0] == ends[1] == 1000.0 + 100.0 + GRACE_S
    assert ends[2:5] == [1180.0 + 60.0 + GRACE_S, 1270.0 + 60.0 + GRACE_S, 1360.0 + 60.0 + GRACE_S]
    assert ends[5] == 1000.0 + MOST_BY_THE_WALL * 100.0 + GRACE_S
    assert one.outcome is Outcome.COMPLETED
