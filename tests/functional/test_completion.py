"""The shell completes commands and options."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = str(Path(sys.executable).with_name("grader"))


@pytest.mark.parametrize(
    ("words", "offered"),
    [("grader re", "regrade"), ("grader remark de", "decide"), ("grader run --iso", "--isolation")],
)
def test_the_shell_completes_what_was_begun(words: str, offered: str) -> None:
    asked = {"_GRADER_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    done = subprocess.run(
        [PROGRAM], env={**os.environ, **asked}, capture_output=True, text=True, check=False, timeout=120
    )
    assert offered in done.stdout.split()
