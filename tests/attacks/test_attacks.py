"""Every hostile submission ends safely, in every sandbox, and leaves the next one's marks alone."""

from __future__ import annotations

import os
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from grader.evidence.codec import encode
from grader.evidence.record import CellRecord, Outcome
from tests.attacks.arena import Arena
from tests.attacks.bench import (
    LIMITS,
    Fight,
    TwinRun,
    Twins,
    honest_evidence,
    printed,
    twins_by_group,
)
from tests.attacks.memory import DRIVER_BYTES, HOST_BYTES
from tests.attacks.model import Attack, attacks

pytestmark = pytest.mark.docker

ATTACKS = attacks()
A_DAY_S = 24 * 3600.0


#: Kinds of sandbox; GRADER_ATTACKS names fewer.
ARENAS = os.environ.get("GRADER_ATTACKS", "fork,container,bubblewrap").split(",")
#: With GRADER_SOAK each attack runs in each kind, which takes three times as long.
SOAKED = "GRADER_SOAK" in os.environ


def able(kind: str) -> list[Attack]:
    """The attacks for a kind of sandbox.

    The warm container of many submissions meets all. Where each submission gets a sandbox of its own, to
    start it takes ten times as long as an attack: it meets the first of each group, and those that end
    differently there.
    """
    name = "bubblewrap" if kind == "bubblewrap" else "docker"
    suited = [attack for attack in ATTACKS if name in attack.sandboxes]
    if kind == "fork" or SOAKED:
        return suited
    firsts = [next(of_group) for _, of_group in groupby(suited, lambda attack: attack.group)]
    return [
        attack for attack in suited if attack in firsts or (kind == "bubblewrap" and attack.in_bubblewrap)
    ]


def in_each_sandbox(check: str | None = None) -> list[Any]:
    """Pairs of arena and attack; those that ask for a measurement, if `check` names it."""
    return [
        pytest.param(kind, attack, id=f"{kind}-{attack.id}")
        for kind in ARENAS
        for attack in able(kind)
        if check in (None, attack.check)
    ]


def in_shared_sandboxes() -> list[Any]:
    return [pytest.param("fork", attack, id=attack.id) for attack in ATTACKS if "fork" in ARENAS]


def twins_alone() -> list[Any]:
    """Pairs of arena and twins, where each submission gets a sandbox of its own; of few, all are one."""
    return [
        pytest.param(kind, twins, id=f"{kind}-{twins.group}")
        for kind in ARENAS
        if kind != "fork"
        for twins in (twins_by_group(able(kind)) if SOAKED else [Twins("all", tuple(able(kind)))])
    ]


@pytest.fixture
def arena(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(f"{request.param}_arena")


@pytest.fixture
def fight(arena: Arena[Attack, Fight], attack: Attack) -> Fight:
    return arena.result(attack)


def code_cells(fight: Fight) -> list[CellRecord]:
    """Cells of the attack proper: the first one is the prelude."""
    return list(fight.attack.evidence.cells[1:])


def safe_outcomes(attack: Attack, fight: Fight) -> tuple[Outcome, ...]:
    in_bubblewrap = fight.attack.evidence.environment.sandbox == "bubblewrap"
    return (*attack.outcomes, *attack.in_bubblewrap) if in_bubblewrap else attack.outcomes


def expected_statuses(attack: Attack, fight: Fight) -> dict[int, str]:
    """Of single cells; what ends otherwise in bubblewrap still keeps its first cell."""
    usual = fight.attack.evidence.outcome in attack.outcomes
    return {index: status for index, status in attack.status.items() if usual or index == 0}


@pytest.mark.parametrize(("arena", "attack"), in_each_sandbox(), indirect=["arena"])
def test_a_hostile_submission_ends_safely(attack: Attack, fight: Fight, canaries: Path) -> None:
    text = printed(fight.attack)
    assert "ESCAPED" not in text
    assert fight.attack.evidence.outcome in safe_outcomes(attack, fight), text[-2000:]
    assert text.count("refused") >= attack.refuses, text[-2000:]
    for index, status in expected_statuses(attack, fight).items():
        run = code_cells(fight)[index].run
        assert run is not None
        assert run.status == status
    assert len(encode(fight.attack)) < LIMITS.evidence_bytes
    assert sorted(path.name for path in canaries.iterdir()) == ["canary"]
    assert (canaries / "canary").read_text() == "canary"


@pytest.mark.parametrize(("arena", "attack"), in_shared_sandboxes(), indirect=["arena"])
def test_the_next_honest_submission_is_as_if_alone(
    attack: Attack, fight: Fight, alone: dict[str, Any]
) -> None:
    assert fight.honest is not None
    assert honest_evidence(fight.honest) == alone


@pytest.mark.skipif(os.getuid() != 0, reason="looks into another user's processes")
@pytest.mark.parametrize(("arena", "attack"), in_shared_sandboxes(), indirect=["arena"])
def test_the_host_sees_no_process_of_it_when_it_is_over(attack: Attack, fight: Fight) -> None:
    assert fight.survivors == frozenset()


@pytest.mark.parametrize(("arena", "attack"), in_each_sandbox("flat_memory"), indirect=["arena"])
def test_endless_output_grows_neither_the_host_nor_the_driver(attack: Attack, fight: Fight) -> None:
    assert fight.grew.host_bytes is not None
    assert fight.grew.host_bytes < HOST_BYTES
    assert fight.grew.driver_bytes is not None
    assert 0 < fight.grew.driver_bytes < DRIVER_BYTES


@pytest.mark.parametrize(("arena", "attack"), in_each_sandbox("host_clock"), indirect=["arena"])
def test_times_are_by_the_hosts_clock(attack: Attack, fight: Fight) -> None:
    # The notebook's own clock is off by 30,000 years.
    assert 0 < fight.attack.evidence.cells_s < fight.attack.evidence.wall_time_s < A_DAY_S


@pytest.mark.parametrize(("arena", "attack"), in_shared_sandboxes(), indirect=["arena"])
def test_the_harmless_twin_runs_as_it_should(attack: Attack, fight: Fight) -> None:
    twin = fight.twin
    assert twin is not None
    assert twin.evidence.outcome is Outcome.COMPLETED, printed(twin)[-2000:]
    assert attack.twin.shows in printed(twin)
    assert twin.evidence.anomalies == ()


@pytest.mark.parametrize(("arena", "twins"), twins_alone(), indirect=["arena"])
def test_harmless_twins_run_as_they_should_in_a_sandbox_of_their_own(
    arena: Arena[Twins, TwinRun], twins: Twins
) -> None:
    came = arena.result(twins)
    assert came.bundle.evidence.outcome is Outcome.COMPLETED, printed(came.bundle)[-2000:]
    assert came.bundle.evidence.anomalies == ()
    for attack in twins.attacks:
        assert attack.twin.shows in came.printed[attack.id], attack.id
