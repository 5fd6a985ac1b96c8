"""Writes docs/api.md to standard output, in a checkout of the project."""

from __future__ import annotations

import sys
from pathlib import Path

from grader.web.api.document import document
from grader.web.api.reference import reference_page

_EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "marks_to_csv.py"

if __name__ == "__main__":
    sys.stdout.write(reference_page(document(), _EXAMPLE.read_text(encoding="utf-8")))
