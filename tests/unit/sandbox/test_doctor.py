"""What the doctor makes of what its notebooks met, with a sandbox that answers as it is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from grader.errors import SandboxUnavailable
from grader.evidence.codec import Bundle
from grader.evidence.record import CellError, CellRecord, CellRun, Environment, Evidence, Outcome, Output
from grader.sandbox import doctor, trials
from grader.sandbox.base import Job
from grader.sandbox.fake import FakeSandbox
from grader.sandbox.trials import Finding, try_wall

WELL = {
    "no privileges": [20_000, "1", 0],
    "no network": ["lo"],
    "read-only system": [],
    "system call filter": "2",
    "process limit": 111,
    "work folder limit": trials.LIMITS.work_bytes,
    "processor limit": 0.96,
}
STOPPED = {
    "output limit": Outcome.OUTPUT_LIMIT,
    "time limit": Outcome.TIMEOUT,
    "memory limit": Outcome.OUT_OF_MEMORY,
}
CONFINED = {"landlock": "ABI 7"}


def bundle(runs: list[CellRun], outcome: Outcome, confinement: dict[str, str]) -> Bundle:
    cells = [CellRecord(index=at, kind="code", source="", run=run) for at, run in enumerate(runs)]
    return Bundle(
        Evidence(
            notebook="0" * 64,
            plan="0" * 64,
            outcome=outcome,
            wall_time_s=1.0,
            cells_s=1.0,
            environment=Environment(sandbox="docker", confinement=confinement),
            cells=tuple(cells),
        )
    )


def printing(seen: Any) -> CellRun:
    noise = Output(kind="stream", name="stderr", text="DeprecationWarning: fork")
    return CellRun(status="ok", outputs=(noise, Output(kind="stream", name="stdout", text=json.dumps(seen))))


def findings(
    seen: dict[str, Any] | None = None,
    stopped: dict[str, Outcome] | None = None,
    confinement: dict[str, str] = CONFINED,
) -> dict[str, Finding]:
    looks = [printing(each) for each in {**WELL, **(seen or {})}.values()]
    endings: Iterator[Outcome] = iter({**STOPPED, **(stopped or {})}.values())
    jobs = iter([lambda: bundle(looks, Outcome.COMPLETED, confinement)])

    def answer(job: Job) -> Bundle:
        first = next(jobs, None)
        return first() if first else bundle([CellRun(status="died")], next(endings), confinement)

    return {each.name: each for each in try_wall(FakeSandbox(answer), limits_processors=True)}


def test_where_everything_holds_nothing_is_to_be_done() -> None:
    found = findings()
    assert [each for each in found.values() if not each.ok] == []
    assert {*WELL, *STOPPED, *CONFINED} <= found.keys()


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("no privileges", [0, "1", 0]),
        ("no privileges", [20_000, "0", 0]),
        ("no privileges", [20_000, "1", 8]),
        ("no network", ["eth0", "lo"]),
        ("read-only system", ["/etc"]),
        ("system call filter", "0"),
        ("process limit", 256),
        ("work folder limit", trials.LIMITS.work_bytes + 1),
        ("processor limit", 1.9),
    ],
)
def test_what_does_not_hold_is_named_with_what_was_seen(name: str, seen: Any) -> None:
    found = findings({name: seen})
    assert [each.name for each in found.values() if not each.ok] == [name]
    assert str(seen) in found[name].message


@pytest.mark.parametrize("name", STOPPED)
def test_a_limit_that_nothing_stopped_at_is_named(name: str) -> None:
    found = findings(stopped={name: Outcome.COMPLETED})
    assert [each.name for each in found.values() if not each.ok] == [name]
    assert "COMPLETED" in found[name].message


def test_a_kernel_without_landlock_is_something_to_do() -> None:
    found = findings(confinement={"landlock": "not in this kernel", "seccomp": "71 system calls refused"})
    assert (found["landlock"].ok, found["seccomp"].ok) == (False, True)
    assert "lsm=" in found["landlock"].message


def test_memory_refused_to_the_process_itself_is_a_limit_that_holds() -> None:
    refused = CellRun(status="error", error=CellError(type="MemoryError"))
    answers = iter([Outcome.OUTPUT_LIMIT, Outcome.TIMEOUT, Outcome.CELL_ERROR])
    looks = bundle([printing(each) for each in list(WELL.values())[:-1]], Outcome.COMPLETED, CONFINED)
    jobs: list[Job] = []

    def answer(job: Job) -> Bundle:
        jobs.append(job)
        return looks if len(jobs) == 1 else bundle([refused], next(answers), CONFINED)

    found = try_wall(FakeSandbox(answer), limits_processors=False)
    assert [each for each in found if not each.ok] == []


def test_a_trial_that_could_not_be_made_does_not_pass() -> None:
    runs = [printing(each) for each in WELL.values()]
    runs[4] = CellRun(status="error", error=CellError(type="OSError", message="no /proc here"))
    answers = iter(STOPPED.values())
    jobs: list[Job] = []

    def answer(job: Job) -> Bundle:
        jobs.append(job)
        many = bundle(runs, Outcome.CELL_ERROR, CONFINED)
        return many if len(jobs) == 1 else bundle([CellRun(status="died")], next(answers), CONFINED)

    found = [each for each in try_wall(FakeSandbox(answer), limits_processors=True) if not each.ok]
    assert [each.name for each in found] == ["process limit"]
    assert "no /proc here" in found[0].message


def no_engine(**_: Any) -> None:
    raise SandboxUnavailable("no Docker engine answers", todo="start Docker")


def test_without_an_engine_bubblewrap_is_tried_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "connect", no_engine)
    monkeypatch.setattr(doctor, "BubblewrapSandbox", lambda: FakeSandbox(lambda job: SandboxUnavailable("")))
    monkeypatch.setattr(doctor, "try_wall", lambda *_, **__: [Finding("sandbox", True, "ran a notebook")])
    found = doctor.diagnose()
    assert [(each.name, each.ok) for each in found] == [("engine", True), ("sandbox", True)]
    assert "bubblewrap" in found[0].message


def test_without_any_sandbox_both_are_to_be_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise SandboxUnavailable("bwrap not found", todo="install bubblewrap")

    monkeypatch.setattr(doctor, "connect", no_engine)
    monkeypatch.setattr(doctor, "BubblewrapSandbox", missing)
    found = doctor.diagnose()
    assert [(each.name, each.ok) for each in found] == [("engine", False), ("bubblewrap", False)]
    assert "start Docker" in found[0].message
    assert "install bubblewrap" in found[1].message


def test_no_gpu_is_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "installed_gpus", dict)
    (line,) = doctor._gpus(None, {}, None)  # type: ignore[arg-type]
    assert line.ok
    assert "none found" in line.message


def test_a_gpu_that_the_engine_refuses_to_containers_is_something_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = 'could not select device driver "" with capabilities: [[gpu]]'
    monkeypatch.setattr(doctor, "installed_gpus", lambda: {"0": "GPU-aaaa"})
    monkeypatch.setattr(doctor, "refusal", lambda *_: words)
    (line,) = doctor._gpus(None, {}, type("Image", (), {"id": "x"}))  # type: ignore[arg-type]
    assert not line.ok
    assert "GPU-aaaa" in line.message
    assert "container toolkit" in line.message


@pytest.mark.parametrize(
    ("sandbox", "python", "said"),
    [
        ("docker", "3.11.2", "grader image build --python"),
        ("bubblewrap", "3.11.2", "with a newer Python"),
        ("docker", "3.12.7", "as new as Colab's"),
        ("docker", "", "did not say"),
    ],
)
def test_it_says_in_plain_words_where_notebooks_meet_an_older_python_than_in_colab(
    sandbox: str, python: str, said: str
) -> None:
    message = trials.python_said(Environment(sandbox=sandbox, python=python))
    assert said in message
    assert ("older than Colab's" in message) is python.startswith("3.11")


def test_an_older_python_is_one_of_the_lines_and_nothing_to_be_done() -> None:
    assert findings()["Python"].ok
