"""Hostile submissions that aim at the GPU: the card serves the next one as if nothing had been."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.evidence.record import Outcome
from grader.sandbox.base import Worker
from tests.attacks.bench import (
    HONEST,
    Fight,
    attack_limits,
    fight,
    honest_evidence,
    plan_for,
    printed,
    run_cells,
)
from tests.attacks.conftest import RUN_ID
from tests.attacks.model import Attack, attacks
from tests.gpus import opened_on_gpus

pytestmark = pytest.mark.docker

ATTACKS = attacks(needs="gpu")
LIMITS = attack_limits(ATTACKS[0])


@pytest.fixture(scope="module")
def worker(canaries: Path) -> Iterator[Worker]:
    with opened_on_gpus("fork", f"{RUN_ID}-gpu", canaries) as sandbox:
        yield sandbox.open(plan_for(LIMITS, cuda=True))


@pytest.fixture(scope="module")
def alone(worker: Worker) -> dict[str, Any]:
    """What the honest submission leaves before any attack."""
    return honest_evidence(run_cells(worker, HONEST, LIMITS, cuda=True))


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_on_the_gpu_ends_safely_and_spares_the_next(
    attack: Attack, alone: dict[str, Any], worker: Worker
) -> None:
    came: Fight = fight(attack, worker, shared=True)
    text = printed(came.attack)
    assert "ESCAPED" not in text
    assert came.attack.evidence.outcome in attack.outcomes, text[-2000:]
    statuses = [cell.run.status for cell in came.attack.evidence.cells[1:] if cell.run is not None]
    assert {index: statuses[index] for index in attack.status} == dict(attack.status)
    assert came.honest is not None
    assert came.twin is not None
    assert honest_evidence(came.honest) == alone
    assert came.twin.evidence.outcome is Outcome.COMPLETED, printed(came.twin)[-2000:]
    assert attack.twin.shows in printed(came.twin)
    assert came.twin.evidence.anomalies == ()
