"""Writes the documentation page of all checks to standard output."""

from __future__ import annotations

import sys

from grader.checks import registry
from grader.checks.page import checks_page

if __name__ == "__main__":
    sys.stdout.write(checks_page(registry()))
