"""A container shared by many and one for each give real notebooks the same verdicts, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from grader.samples.datasets import write_stand_in
from grader.sandbox.select import choose_sandbox
from grader.store import open_store
from grader.workflows.running.run import run
from grader.workflows.running.stopping import StopSignal
from tests.acceptance.test_corpus import ROOT, judges, works

pytestmark = [pytest.mark.docker, pytest.mark.corpus]


def verdicts(corpus: Path, data: Path, database: Path, isolation: str) -> dict[str, str]:
    """Verdicts of all notebooks as JSON, without the digest of evidence, which holds times."""
    by = judges(ROOT / "rubrics")
    with open_store(str(database)) as store:
        run(
            list(works(corpus, by)),
            store=store,
            reference=next(iter(by.values())).reference,
            open_sandbox=lambda: choose_sandbox(
                "docker", isolation=isolation, gpus="none", data_dir=data, run_id=f"corpus-{isolation}",
                notify=lambda line: None,
            ),
            notify=lambda event: None,
            stop=StopSignal(),
            actor="test",
            data=data,
        )  # fmt: skip
        with store.reading() as history:
            return {
                f"{result.assignment}/{result.student}": result.verdict.model_dump_json(exclude={"evidence"})
                for result in history.results()
                if result.verdict is not None
            }


@pytest.fixture
def same_hidden_inputs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hidden inputs are drawn afresh for each attempt, and wrong answers are reported with them."""
    monkeypatch.setattr("grader.sandbox.session.fresh_generator", lambda: np.random.default_rng(2026))
    yield


def test_verdicts_do_not_depend_on_the_isolation(
    corpus: Path, tmp_path: Path, same_hidden_inputs: None
) -> None:
    data = tmp_path / "data"
    for name in sorted(
        {name for judge in judges(ROOT / "rubrics").values() for name in judge.rubric.rubric.data}
    ):
        write_stand_in(name, data)
    shared, alone = (
        verdicts(corpus, data, tmp_path / f"{isolation}.db", isolation) for isolation in ("fork", "container")
    )
    assert sorted(shared) == sorted(alone) != []
    assert {name: shared[name] for name in shared if shared[name] != alone[name]} == {}
