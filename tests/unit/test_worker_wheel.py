"""The wheel for machines that run notebooks: it knows no answer, and its few packages are enough for it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
WHEEL = ROOT / "docker" / "worker"
KNOWS_A_COURSE = {
    *("cli", "web", "samples", "workflows", "store", "reporting", "exports", "intake", "photos", "files"),
    *("grading", "checks", "rubric", "judging", "facts"),
}

#: Imports modules where some packages cannot be imported; prints which rooms were loaded.
IMPORTER = """
import importlib, json, sys


class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in refused:
            raise ImportError(f"{name} is not on this machine")


refused, modules = json.loads(sys.stdin.read())
sys.meta_path.insert(0, Refuse())
for module in modules:
    importlib.import_module(module)
print(json.dumps(sorted(name.split(".")[1] for name in sys.modules if name.startswith("grader."))))
"""


def told() -> dict[str, Any]:
    return tomllib.loads((WHEEL / "pyproject.toml").read_text())


def installed(folder: Path) -> Path:
    """What the wheel holds, laid out as pip does."""
    files = told()["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    for source, target in files.items():
        here, there = (WHEEL / source).resolve(), folder / target
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(here, there) if here.is_dir() else shutil.copy(here, there)
    return folder / "grader"


def packages_of(*names: str) -> set[str]:
    """They and what they need, as far as it is installed."""
    found: set[str] = set()
    waiting = [canonicalize_name(name) for name in names]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        try:
            asked = map(Requirement, requires(name) or ())
        except PackageNotFoundError:
            continue
        waiting += [
            canonicalize_name(each.name)
            for each in asked
            if not each.marker or each.marker.evaluate({"extra": ""})
        ]
    return found


def test_it_holds_nothing_that_knows_a_course(tmp_path: Path) -> None:
    package = installed(tmp_path)
    there = {path.name for path in package.iterdir()}
    assert {"evidence", "sandbox", "collector", "worker", "errors.py"} <= there
    assert not there & KNOWS_A_COURSE
    assert {path.name for path in (package / "bundled").iterdir()} == {"docker"}


@pytest.mark.parametrize("extra", ["", "dask"])
def test_its_packages_are_enough_for_all_of_it(tmp_path: Path, extra: str) -> None:
    package, project = installed(tmp_path), told()["project"]
    asked = [*project["dependencies"], *(project["optional-dependencies"][extra] if extra else ())]
    given = packages_of(*(Requirement(each).name for each in asked))
    of_module = packages_distributions()
    refused = [
        name
        for name, of in of_module.items()
        if name != "grader" and not {canonicalize_name(each) for each in of} & given
    ]
    modules = sorted(
        ".".join(path.relative_to(tmp_path).with_suffix("").parts).removesuffix(".__init__")
        for room in ("evidence", "sandbox", "worker")
        for path in (package / room).rglob("*.py")
    )
    ran = subprocess.run(
        [sys.executable, "-P", "-c", IMPORTER],
        input=json.dumps([refused, modules + (["distributed"] if extra else [])]),
        env={"PYTHONPATH": str(tmp_path), "PATH": os.environ["PATH"]},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert {"sqlalchemy", "litestar", "nbconvert", "alembic"} <= set(refused)
    assert set(json.loads(ran.stdout)) == {"errors", "evidence", "own_time", "sandbox", "worker"}


def test_its_versions_are_those_of_the_grader() -> None:
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    theirs = told()["project"]
    known = {Requirement(each).name: each for each in ours["dependencies"]}
    known |= {Requirement(each).name: each for each in ours["optional-dependencies"]["web"]}
    assert theirs["dependencies"] == [known[Requirement(each).name] for each in theirs["dependencies"]]
    assert theirs["version"] == ours["version"]
    for name in ("dask", "slurm"):
        renamed = [each.replace("grader-worker", "grader") for each in theirs["optional-dependencies"][name]]
        assert renamed == ours["optional-dependencies"][name]
