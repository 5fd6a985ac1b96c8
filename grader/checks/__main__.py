"""Writes the documentation page of all checks to standard output, in a checkout of the project."""

from __future__ import annotations

import sys
from pathlib import Path

from ruamel.yaml import YAML

from grader.checks import registry
from grader.rubric.page import checks_page

_SNIPPETS = Path(__file__).parents[2] / "docs" / "snippets"

if __name__ == "__main__":
    snippets = {path.stem: YAML(typ="safe").load(path) for path in _SNIPPETS.iterdir()}
    sys.stdout.write(checks_page(registry(), snippets))
