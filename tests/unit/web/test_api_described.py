"""Requests made from the API's own description, for every role: no mistake of ours, nothing undescribed.

Parts of a path are real ones or made up, as the draw has it; bodies and parameters fit, or do not.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import checks
from schemathesis.generation import GenerationMode

from grader.facts.case import Reference
from grader.store import Store
from grader.web import bearers
from grader.web.api.document import document
from grader.web.limits import Limit
from grader.web.roles import Role, grades_blind
from grader.web.serve import Opened, listen
from grader.workflows.accounts.people import add_account
from grader.workflows.accounts.tokens import Scope, make_token
from grader.workflows.views.show import name_of
from tests.large_class import ASSIGNMENT, MANUAL, fill, student_of

#: Requests of each kind, for each route and role.
EXAMPLES = 100 if os.environ.get("GRADER_SOAK") else 2
WHAT_HOLDS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


@dataclass
class Served:
    """A course behind a server that listens."""

    store: Store
    address: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with fill(tmp_path_factory.mktemp("class"), 20) as store, pytest.MonkeyPatch.context() as patch:
        patch.setattr(bearers, "ASKED", Limit(10**9, bearers.ASKED.within))
        with listen("127.0.0.1", 0) as listening:
            desk = Opened(store, Reference(), listening)
            serving = threading.Thread(target=desk.run)
            serving.start()
            try:
                yield Served(store, desk.place.origins[0])
            finally:
                desk.stop()
                serving.join()


@pytest.mark.parametrize("role", list(Role))
def test_what_is_described_is_what_is_answered(served: Served, role: Role) -> None:
    store = served.store
    add_account(store, role.value, role)
    secret = make_token(store, "all", role.value, list(Scope)).secret
    student = name_of(store, grades_blind(role))(student_of(1))
    real = {
        "course": store.course.name,
        "assignment": ASSIGNMENT,
        "student": student,
        "criterion": MANUAL[0],
        "format": "csv",
        "id": 1,
    }
    asked = 0
    for mode in GenerationMode.POSITIVE, GenerationMode.NEGATIVE:
        schema = schemathesis.openapi.from_dict(document())
        schema.config.update(base_url=served.address)
        for result in schema.get_all_operations():
            asked += _ask(result.ok(), mode, real, secret)
    assert asked >= 10 * EXAMPLES


def _ask(operation: Any, mode: GenerationMode, real: dict[str, Any], secret: str) -> int:
    asked = 0

    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        database=None,
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), is_real=st.booleans())
    def ask(case: Any, is_real: bool) -> None:
        nonlocal asked
        asked += 1
        if is_real:
            case.path_parameters = {name: real[name] for name in case.path_parameters or {}}
        case.call_and_validate(headers={"authorization": f"Bearer {secret}"}, checks=WHAT_HOLDS, timeout=60)

    # A route that takes nothing cannot be asked wrongly.
    with suppress(Unsatisfiable):
        ask()
    return asked
