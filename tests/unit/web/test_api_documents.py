"""What the API says of itself: true, whole, and the same in the documents."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from grader.errors import (
    DamagedRow,
    EvidenceError,
    GraderError,
    OvertakenError,
    RefusedError,
    RubricError,
    StoreUnavailable,
    SubmissionError,
    UsageError,
)
from grader.web.api import problems
from grader.web.api.document import document
from grader.web.api.problems import KINDS
from grader.web.api.reference import reference_page
from grader.web.app import create_app
from grader.web.site import AnyRequest, Site
from grader.workflows.accounts.tokens import Scope
from tests.api_client import Program

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_of_the_documents_is_made_from_the_code() -> None:
    example = (DOCS / "examples" / "marks_to_csv.py").read_text(encoding="utf-8")
    page = (DOCS / "api.md").read_text(encoding="utf-8")
    assert page == reference_page(document(), example), "python -m grader.web.api > docs/api.md"
    assert all(f"| `{scope}` |" in page for scope in Scope)


def test_a_server_describes_itself_to_everybody(site: Site) -> None:
    answer = Program(create_app(site)).get("/openapi.json")
    assert answer.status == 200 and json.loads(answer.text) == json.loads(json.dumps(document()))
    assert document()["openapi"].startswith("3.1.")


def test_every_reference_leads_somewhere_and_every_name_is_used_once() -> None:
    text = json.dumps(document())
    for reference in set(re.findall(r'"#/([^"]+)"', text)):
        found = document()
        for part in reference.split("/"):
            found = found[part]
        assert found
    operations = [each for item in document()["paths"].values() for each in item.values()]
    ids = [each["operationId"] for each in operations]
    assert len(ids) == len(set(ids))
    assert all(each["summary"] and each["description"] and each["tags"] for each in operations)


@pytest.mark.parametrize(
    ("error", "read", "write"),
    [
        (UsageError("x"), "not-found", "invalid"),
        (RubricError(["x"]), "not-found", "invalid"),
        (RefusedError("x"), "refused", "refused"),
        (OvertakenError("x", seen="a", stands="b", now="1"), "changed", "changed"),
        (SubmissionError("x"), "invalid", "invalid"),
        (StoreUnavailable("x"), "away", "away"),
        (EvidenceError("x"), "failed", "failed"),
        (GraderError("x"), "failed", "failed"),
        (DamagedRow("row of Jane Doe"), "away", "away"),
    ],
)
def test_every_error_of_the_tree_is_a_kind_of_problem(error: GraderError, read: str, write: str) -> None:
    for method, name in (("GET", read), ("POST", write)):
        scope = {"type": "http", "method": method, "headers": [], "state": {}, "path": "/api/v1/x"}
        answer = problems.told(AnyRequest(scope), error)  # type: ignore[arg-type]
        told = json.loads(answer.content)
        assert (told["type"], told["status"]) == (KINDS[name].type, answer.status_code)
        assert "Jane" not in json.dumps(told)
        assert ("retry-after" in answer.headers) == isinstance(error, StoreUnavailable)
