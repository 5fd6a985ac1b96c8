"""Every hostile submission ends safely, in every sandbox, and leaves the next one's marks alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from grader.evidence.codec import encode
from grader.evidence.record import CellRecord, Outcome
from tests.attacks.arena import Arena
from tests.attacks.bench import LIMITS, Fight, honest_evidence, printed
from tests.attacks.model import Attack, attacks

pytestmark = pytest.mark.docker

ATTACKS = attacks()
_MIB = 1024 * 1024


#: `make test` attacks warm containers, where one submission could reach the next; `make attacks` all kinds.
ARENAS = os.environ.get("GRADER_ATTACKS", "fork").split(",")

#: Where there is no engine, the groups that depend on what the sandbox is made of.
BUBBLEWRAP_GROUPS = ("disk", "host", "network", "privilege")


def in_each_sandbox(*, bubblewrap: bool = True) -> list[Any]:
    """Pairs of arena and attack."""
    pairs = [(kind, attack) for kind in ("fork", "container") for attack in ATTACKS]
    if bubblewrap:
        able = [attack for attack in ATTACKS if attack.group in BUBBLEWRAP_GROUPS]
        pairs += [("bubblewrap", attack) for attack in able if "bubblewrap" in attack.sandboxes]
    return [pytest.param(kind, attack, id=f"{kind}-{attack.id}") for kind, attack in pairs if kind in ARENAS]


def checked(name: str) -> list[Any]:
    """As `in_each_sandbox`, for the attacks that ask for a measurement."""
    pairs = in_each_sandbox(bubblewrap=False)
    return [pair for pair in pairs if pair.values[1].check == name]


@pytest.fixture
def arena(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(f"{request.param}_arena")


@pytest.fixture
def fight(arena: Arena[Attack, Fight], attack: Attack) -> Fight:
    if attack.needs == "gpu":
        pytest.skip("needs a sandbox with a GPU: not run here")
    return arena.result(attack)


def code_cells(fight: Fight) -> list[CellRecord]:
    """Cells of the attack proper: the first one is the prelude."""
    return list(fight.attack.evidence.cells[1:])


@pytest.mark.parametrize(("arena", "attack"), in_each_sandbox(), indirect=["arena"])
def test_a_hostile_submission_ends_safely(attack: Attack, fight: Fight, canaries: Path) -> None:
    text = printed(fight.attack)
    assert "ESCAPED" not in text
    assert fight.attack.evidence.outcome in attack.outcomes, text[-2000:]
    assert text.count("refused") >= attack.refuses, text[-2000:]
    for index, status in attack.status.items():
        run = code_cells(fight)[index].run
        assert run is not None
        assert run.status == status
    assert len(encode(fight.attack)) < LIMITS.evidence_bytes
    assert sorted(path.name for path in canaries.iterdir()) == ["canary"]
    assert (canaries / "canary").read_text() == "canary"


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.id)
def test_the_next_honest_submission_is_as_if_alone(
    attack: Attack, fork_arena: Arena[Attack, Fight], alone: dict[str, Any]
) -> None:
    if attack.needs == "gpu":
        pytest.skip("needs a sandbox with a GPU: not run here")
    honest = fork_arena.result(attack).honest
    assert honest is not None
    assert honest_evidence(honest) == alone


@pytest.mark.parametrize(("arena", "attack"), checked("flat_memory"), indirect=["arena"])
def test_endless_output_does_not_grow_the_host(attack: Attack, fight: Fight) -> None:
    assert fight.host_grew_bytes < 150 * _MIB


@pytest.mark.parametrize(("arena", "attack"), checked("host_clock"), indirect=["arena"])
def test_times_are_by_the_hosts_clock(attack: Attack, fight: Fight) -> None:
    assert 0 < fight.attack.evidence.cells_s < fight.attack.evidence.wall_time_s < 60


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.id)
def test_the_harmless_twin_runs_as_it_should(attack: Attack, fork_arena: Arena[Attack, Fight]) -> None:
    if attack.needs == "gpu":
        pytest.skip("needs a sandbox with a GPU: not run here")
    twin = fork_arena.result(attack).twin
    assert twin is not None
    assert twin.evidence.outcome is Outcome.COMPLETED, printed(twin)[-2000:]
    assert attack.twin.shows in printed(twin)
    assert twin.evidence.anomalies == ()
