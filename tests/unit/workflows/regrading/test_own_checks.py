"""A course's own checks: in processes of their own, with limits; what goes wrong there is the course's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from grader.errors import CourseCodeError
from grader.facts.case import Reference
from grader.workflows.regrading.reference import load_reference

PACKAGE = """\
from . import own

FUNCTIONS = {}
ARCHITECTURES = {}
CHECKS = {name: getattr(own, name) for name in vars(own) if not name.startswith("_")}
"""
OWN = """\
import os as _os


def counts(attempt):
    print("this is no answer")
    return len(attempt["cells"]) / 4, f"It has {len(attempt['cells'])} cells."


def raises(attempt):
    return attempt["nothing"]


def for_ever(attempt):
    while True:
        pass


def takes_all(attempt):
    return len(bytearray(attempt["cells"] and 10**11))


def writes(attempt):
    with open(attempt["values"]["path"], "w") as file:
        file.write("x" * 10)


def environment(attempt):
    return None, ",".join(sorted(_os.environ))


def remembers(attempt, _seen=[]):
    _seen.append(1)
    return len(_seen) == 1


def leaves(attempt):
    _os._exit(3)


def no_data(attempt):
    return object()
"""


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    folder = tmp_path_factory.mktemp("course") / "reference"
    folder.mkdir()
    (folder / "__init__.py").write_text(PACKAGE)
    (folder / "own.py").write_text(OWN)
    return load_reference(folder)


def attempt(**more: Any) -> dict[str, Any]:
    return {"cells": [{}, {}], "section": [], "values": {}, "measured": None, **more}


def test_it_gets_the_attempt_and_gives_plain_data(reference: Reference) -> None:
    assert reference.checks["counts"](attempt(), 5) == [0.5, "It has 2 cells."]


def test_one_student_s_call_leaves_nothing_for_the_next(reference: Reference) -> None:
    assert [reference.checks["remembers"](attempt(), 5) for _ in range(2)] == [True, True]


def test_nothing_of_ours_is_in_its_environment(reference: Reference, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADER_DB", "postgresql://grader:secret@host/marks")
    _, names = reference.checks["environment"](attempt(), 5)
    assert "GRADER_DB" not in names.split(",")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("raises", "KeyError: 'nothing' (own.py, line 10)"),
        ("for_ever", "more than 1 s"),
        ("takes_all", "MemoryError"),
        ("leaves", "its process ended with 3 and said nothing"),
        ("no_data", "Object of type object is not JSON serializable"),
    ],
)
def test_what_goes_wrong_says_what_and_where(reference: Reference, name: str, said: str) -> None:
    with pytest.raises(CourseCodeError) as raised:
        reference.checks[name](attempt(), 1)
    assert said in str(raised.value)
    assert f"the course's own check '{name}' failed" in str(raised.value)


def test_it_writes_no_file(reference: Reference, tmp_path: Path) -> None:
    path = tmp_path / "written"
    with pytest.raises(CourseCodeError):
        reference.checks["writes"](attempt(values={"path": str(path)}), 5)
    assert not path.exists() or not path.read_text()


def test_a_folder_that_changed_since_it_was_read_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").write_text(PACKAGE)
    (tmp_path / "own.py").write_text("def one(attempt):\n    return True\n")
    checks = load_reference(tmp_path).checks
    assert checks["one"](attempt(), 5) is True
    (tmp_path / "own.py").write_text("def one(attempt):\n    return False\n")
    with pytest.raises(CourseCodeError, match="changed since it was read"):
        checks["one"](attempt(), 5)


def test_a_reference_need_not_have_any(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").write_text("FUNCTIONS = {}\nARCHITECTURES = {}\n")
    assert load_reference(tmp_path).checks == {}
