"""Whatever goes wrong while a class is graded: each is graded once, as without it, and the audit is green."""

from __future__ import annotations

import ast
import os
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests import postgresql
from tests.functional.faults.lab import Lab
from tests.functional.faults.table import FAULTS, SEEDS, Fault
from tests.postgresql import Cluster

SOAKED = "GRADER_SOAK" in os.environ
TESTS = Path(__file__).parents[2]
#: What the tests of faults end with, by itself or within a helper of this name.
CHECKS = {"check", "check_that_each_is_graded_once"}
HERE = [fault for fault in FAULTS if fault.act is not None and (SOAKED or not fault.soaked)]
ELSEWHERE = [fault for fault in FAULTS if fault.act is None]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with postgresql.cluster() as made:
        yield made


@pytest.fixture
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    fault: Fault = request.node.callspec.params["fault"]
    if fault.on == "cluster":
        server = request.getfixturevalue("cluster")
        made = Lab(tmp_path, postgresql.migrated_database(server.folder), server)
    elif fault.on == "server":
        made = Lab(tmp_path, postgresql.migrated_database(request.getfixturevalue("postgresql_server")))
    else:
        made = Lab(tmp_path, str(tmp_path / "grader.db"))
    yield made
    made.end()


@pytest.mark.parametrize("fault", HERE, ids=lambda fault: fault.name)
def test_each_submission_is_graded_exactly_once(fault: Fault, lab: Lab) -> None:
    assert fault.act is not None
    fault.act(lab)
    if lab.is_there:
        lab.check()


def test_there_are_forty_different_faults() -> None:
    daily = [fault for fault in FAULTS if not fault.soaked]
    assert len(daily) - len(SEEDS) + 1 >= 40, "moments drawn by chance count as one"
    assert max(Counter(fault.name for fault in FAULTS).values()) == 1
    assert all((fault.act is None) == bool(fault.test) and fault.done for fault in FAULTS)


@pytest.mark.parametrize("fault", ELSEWHERE, ids=lambda fault: fault.name)
def test_the_test_of_each_other_fault_is_there_and_ends_with_the_same_check(fault: Fault) -> None:
    path, _, named = fault.test.partition("::")
    name, _, case = named.rstrip("]").partition("[")
    function = functions(path)[name]
    if case:
        event, count = case.split("-")
        assert f"({event!r}, {count})" in ast.unparse(function.decorator_list[0])
    called = {node.func for node in ast.walk(function) if isinstance(node, ast.Call)}
    names = {node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "") for node in called}
    assert names & CHECKS, fault.test


@cache
def functions(path: str) -> dict[str, ast.FunctionDef]:
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
