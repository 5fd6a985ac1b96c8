"""A good and a bad snippet for each kind of check: run, recorded and judged as `grader check` would.

They are data in ``docs/snippets/``, one file for each kind, and stand in docs/checks.md as examples::

    keys: {classes: 3}              # of the check, as a rubric has them
    section: Part 2                 # heading of the part that it looks at; the whole notebook if left out
    handout: |                      # what students were given, in percent format; nothing if left out
    good:                           # and bad
      status: PASS
      says: in the message
      facts: in one of the facts that `grader check` prints
      code: |                       # in percent format
      photos: |                     # or photos, as the record has them, of which the rest is right
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import matplotlib
import pytest
from ruamel.yaml import YAML

from grader.checks import registry
from grader.evidence.codec import Bundle
from grader.evidence.photos import PhotoSet
from grader.facts.handout import Handout, fingerprint
from grader.samples.percent import notebook_bytes, read_percent
from grader.sandbox.base import Sandbox
from grader.workflows.regrading.reference import load_reference
from grader.workflows.trying.try_check import trial_rubric, tried, try_check
from tests import factories

matplotlib.use("agg")

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "snippets"
KINDS = sorted(registry())
EARNS = ("PASS", "NEEDS_TA")


@pytest.fixture(scope="module")
def sandbox(torchvision: ModuleType) -> Sandbox:
    from tests.in_process import InProcess

    return InProcess()


def snippets(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(FOLDER / f"{kind}.yaml")
    return found


def notebook(text: str) -> bytes:
    return notebook_bytes(read_percent(text))


def handout_of(about: dict[str, Any]) -> Handout | None:
    return fingerprint(json.loads(notebook(about["handout"]))) if "handout" in about else None


def photos_of(expected: dict[str, Any]) -> Bundle:
    rows = YAML(typ="safe").load(expected["photos"])
    photos = tuple(factories.photo(row.pop("name"), **row) for row in rows)
    return Bundle(factories.evidence(photos=PhotoSet(photos=photos)))


def test_a_thread_of_another_test_is_not_the_notebooks(sandbox: Sandbox) -> None:
    ended = threading.Event()
    other = threading.Thread(target=lambda: ended.wait(60))
    other.start()
    try:
        about = snippets("forbids_call")
        code = notebook(about["good"]["code"])
        trial = try_check(
            code,
            trial_rubric("forbids_call", about["keys"], None),
            load_reference(ROOT / "reference"),
            sandbox,
        )
    finally:
        ended.set()
        other.join()
    assert trial.finding.status == "PASS", str(trial.finding)


def test_each_kind_has_snippets_and_each_file_of_snippets_a_kind() -> None:
    assert sorted(path.stem for path in FOLDER.iterdir()) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_the_bad_snippet_of_a_kind_does_not_come_to_what_the_good_one_does(kind: str) -> None:
    about = snippets(kind)
    assert about["good"]["status"] in EARNS
    assert about["bad"]["status"] != "PASS"
    assert about["good"]["status"] != about["bad"]["status"]


@pytest.mark.parametrize("which", ["good", "bad"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_snippet_comes_to_what_stands_beside_it(kind: str, which: str, sandbox: Sandbox) -> None:
    about = snippets(kind)
    rubric = trial_rubric(kind, about["keys"], about.get("section"))
    expected = about[which]
    reference = load_reference(ROOT / "reference")
    if "photos" in expected:
        trial = tried(photos_of(expected), rubric, reference)
    else:
        trial = try_check(notebook(expected["code"]), rubric, reference, sandbox, handout_of(about))
    facts = [f"{what}: {said}" for what, said in trial.facts]
    assert trial.finding.status == expected["status"], str(trial.finding)
    assert expected["says"] in trial.finding.message
    assert any(expected["facts"] in fact for fact in facts), "\n".join(facts)
