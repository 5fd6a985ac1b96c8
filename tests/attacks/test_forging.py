"""No forgery earns more than the undone work in it, and none spoils the marks of who comes next."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from grader.grading.tampering import signs_of_tampering
from grader.grading.verdict import Verdict
from grader.judging.judgement import Status
from grader.sandbox.base import Sandbox
from tests.attacks.arena import Arena
from tests.attacks.forger import ForgedVerdicts, Forgery, forgeries, forging_plan, judged, run, work

pytestmark = pytest.mark.docker

#: Kinds that unit tests try in one process, in many ways: a sandbox meets all of them in `make soak` only.
ALSO_IN_PROCESS = ("by_hand", "carried", "silence")
SOAKED = "GRADER_SOAK" in os.environ


def chosen() -> list[Forgery]:
    """All forgeries, but of the kinds that are tried in one process as well the first."""
    found = forgeries()
    firsts = [next(each for each in found if each.group == group) for group in ALSO_IN_PROCESS]
    return [each for each in found if SOAKED or each.group not in ALSO_IN_PROCESS or each in firsts]


FORGERIES = chosen()
FULL = 10.0


@pytest.fixture(scope="session")
def unforged(open_sandbox: Callable[[str], Sandbox]) -> dict[str, Verdict]:
    """What the undone work earns without any attack."""
    sandbox = open_sandbox("fork")
    try:
        worker = sandbox.open(forging_plan())
        return {kind: judged(run(worker, work(kind))) for kind in ("undone", "until_the_second_run")}
    finally:
        sandbox.close()


def by_criterion(verdict: Verdict) -> dict[str, Any]:
    return {finding.criterion: finding.points for finding in verdict.findings}


def told(verdict: Verdict) -> str:
    return "\n".join(
        f"{each.criterion}: {each.status} {each.points} {each.message}" for each in verdict.findings
    )


def test_the_undone_work_earns_nothing_but_for_its_first_training_run(unforged: dict[str, Verdict]) -> None:
    assert unforged["undone"].points == 0
    assert by_criterion(unforged["until_the_second_run"])["fresh-weights"] == 2


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.id)
def test_a_forgery_earns_no_more_than_the_work_in_it(
    forgery: Forgery, forging_arena: Arena[Forgery, ForgedVerdicts], unforged: dict[str, Verdict]
) -> None:
    came = forging_arena.result(forgery)
    assert came.evidence.evidence.outcome in forgery.outcomes
    assert came.forged.points <= unforged["undone"].points, told(came.forged)


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.id)
def test_the_next_submission_has_full_marks_with_the_harmless_twin_in_it(
    forgery: Forgery, forging_arena: Arena[Forgery, ForgedVerdicts]
) -> None:
    twin = forging_arena.result(forgery).twin
    assert twin.points == FULL, told(twin)


@pytest.mark.parametrize(
    "forgery", [each for each in FORGERIES if each.reaches_in], ids=lambda forgery: forgery.id
)
def test_nothing_passes_that_reaches_into_our_own_code(
    forgery: Forgery, forging_arena: Arena[Forgery, ForgedVerdicts]
) -> None:
    came = forging_arena.result(forgery)
    assert all(finding.status is not Status.PASS for finding in came.forged.findings)


@pytest.mark.parametrize(
    "forgery", [each for each in FORGERIES if each.reaches_in], ids=lambda forgery: forgery.id
)
def test_what_reaches_into_our_own_code_is_flagged(
    forgery: Forgery, forging_arena: Arena[Forgery, ForgedVerdicts]
) -> None:
    evidence = forging_arena.result(forgery).evidence.evidence
    assert signs_of_tampering(evidence.cells) or evidence.anomalies or not evidence.training.complete
