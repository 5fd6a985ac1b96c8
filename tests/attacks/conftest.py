"""Sandboxes for the attack tests, opened once and shared; and canaries that nobody may touch."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import docker
import pytest

from grader.sandbox.base import Sandbox, Worker
from grader.sandbox.select import choose_sandbox
from tests.attacks.arena import Arena
from tests.attacks.bench import (
    HONEST,
    LIMITS,
    Fight,
    TwinRun,
    Twins,
    fight,
    honest_evidence,
    plan_for,
    run_cells,
    run_twins,
)
from tests.attacks.forger import ForgedVerdicts, Forgery, forge, forging_plan
from tests.attacks.model import Attack

Open = Callable[..., Sandbox]
_Case = TypeVar("_Case", Attack, Forgery, Twins)

#: Of this process alone: others may test beside it.
RUN_ID = f"attacks-{os.getpid()}"
_LANES = 2


@pytest.fixture(scope="session")
def canaries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder that sandboxes get, with a file whose change would show."""
    folder = tmp_path_factory.mktemp("data")
    folder.chmod(0o755)
    (folder / "canary").write_text("canary")
    return folder


@pytest.fixture(scope="session")
def open_sandbox(canaries: Path) -> Open:
    def open_one(kind: str, run_id: str = RUN_ID) -> Sandbox:
        name, isolation = ("bubblewrap", "container") if kind == "bubblewrap" else ("docker", kind)
        return choose_sandbox(
            name, isolation=isolation, gpus="none", data_dir=canaries, run_id=run_id, notify=print
        )

    return open_one


def _chosen(request: pytest.FixtureRequest, kind: type[_Case], sandbox: str = "fork") -> list[_Case]:
    """The cases of a kind that this run of pytest selected for a sandbox, in order, each once."""
    found: dict[str, _Case] = {}
    for item in request.session.items:
        params = getattr(getattr(item, "callspec", None), "params", {})
        for value in params.values():
            if isinstance(value, kind) and params.get("arena", "fork") == sandbox:
                found[value.id] = value
    return list(found.values())


@contextmanager
def _attack_arena(
    request: pytest.FixtureRequest, kind: str, open_sandbox: Open
) -> Iterator[Arena[Attack | Twins, Fight | TwinRun]]:
    def run(case: Attack | Twins, worker: Worker) -> Fight | TwinRun:
        return (
            run_twins(case, worker) if isinstance(case, Twins) else fight(case, worker, shared=kind == "fork")
        )

    run_id = f"{RUN_ID}-{kind}"
    arena = Arena(lambda: open_sandbox(kind, run_id), plan_for(LIMITS), run, lanes=_LANES)
    arena.begin([*_chosen(request, Attack, kind), *_chosen(request, Twins, kind)])
    yield arena
    arena.close()
    assert containers_of(run_id) == []


def containers_of(run_id: str) -> list[str]:
    """Names of a run's containers that are still there, ended ones included."""
    with closing(docker.from_env()) as client:
        found = client.containers.list(
            all=True, filters={"label": f"grader.run={run_id}"}, ignore_removed=True
        )
        return [container.name for container in found]


@pytest.fixture(scope="session")
def fork_arena(request: pytest.FixtureRequest, open_sandbox: Open) -> Iterator[Arena[Attack, Fight]]:
    with _attack_arena(request, "fork", open_sandbox) as arena:
        yield arena


@pytest.fixture(scope="session")
def container_arena(request: pytest.FixtureRequest, open_sandbox: Open) -> Iterator[Arena[Attack, Fight]]:
    with _attack_arena(request, "container", open_sandbox) as arena:
        yield arena


@pytest.fixture(scope="session")
def bubblewrap_arena(request: pytest.FixtureRequest, open_sandbox: Open) -> Iterator[Arena[Attack, Fight]]:
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed here")
    with _attack_arena(request, "bubblewrap", open_sandbox) as arena:
        yield arena


@pytest.fixture(scope="session")
def alone(open_sandbox: Open) -> dict[str, Any]:
    """What the honest submission leaves in a sandbox that has served nobody."""
    sandbox = open_sandbox("fork")
    try:
        return honest_evidence(run_cells(sandbox.open(plan_for(LIMITS)), HONEST, LIMITS))
    finally:
        sandbox.close()


@pytest.fixture(scope="session")
def forging_arena(
    request: pytest.FixtureRequest, open_sandbox: Open
) -> Iterator[Arena[Forgery, ForgedVerdicts]]:
    arena = Arena(lambda: open_sandbox("fork"), forging_plan(), forge, lanes=_LANES)
    arena.begin(_chosen(request, Forgery))
    yield arena
    arena.close()
