"""What is pinned can be installed by every Python that the project says it takes, Debian's older 3.11 too."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[2]
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)$", re.MULTILINE)


def test_every_pinned_package_takes_the_oldest_python_that_the_project_takes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    oldest = project["requires-python"].removeprefix(">=") + ".0"
    refusing = {}
    for name, version in PINNED.findall((ROOT / "constraints.txt").read_text()):
        try:
            found = metadata(name)
        except PackageNotFoundError:
            continue
        asked = found.get("Requires-Python", "")
        if found["Version"] == version and not SpecifierSet(asked).contains(oldest):
            refusing[name] = asked
    assert refusing == {}
