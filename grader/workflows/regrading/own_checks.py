"""A course's own checks: each call in a process of its own, so that a mistake in one stops no class."""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.errors import CourseCodeError

__all__ = ["OwnCheck", "digest_of"]

_CHILD = Path(__file__).with_name("own_check_child.py")
_MEMORY_BYTES = 4 * 1024**3
#: Starting Python and importing NumPy, on a machine that has much else to do.
_TO_START_S = 30.0
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "PATH": "/usr/bin:/bin",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}


@dataclass(frozen=True)
class OwnCheck:
    """One function of the course's `CHECKS`.

    Attributes:
        folder: The reference package that defines it.
        digest: Of the package as it was read, which verdicts name.
    """

    folder: Path
    digest: str
    name: str

    def __call__(self, attempt: Mapping[str, Any], limit_s: float) -> Any:
        """What the function returns for an attempt, as plain data.

        The process has no environment, may write no file, and reaches no network where the kernel lets it be
        kept from it.

        Args:
            attempt: Plain data (`grader.facts.own_checks.attempt_of`).
            limit_s: Seconds of a processor; as long again, and the time to start, by the wall.

        Raises:
            CourseCodeError: It raised, took too long, or returned what is no plain data.
        """
        if digest_of(self.folder) != self.digest:
            raise self._failed("the folder was changed since it was read; start again")
        asked = json.dumps({"attempt": attempt, "limit_s": math.ceil(limit_s), "memory_bytes": _MEMORY_BYTES})
        command = [sys.executable, "-I", "-B", str(_CHILD), str(self.folder), self.name]
        try:
            ended = subprocess.run(  # noqa: S603 - our own interpreter and script
                command,
                input=asked.encode(),
                capture_output=True,
                timeout=2 * limit_s + _TO_START_S,
                env=_ENVIRONMENT,
                cwd="/",
                start_new_session=True,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise self._failed(f"it did not come back within its {limit_s:g} s") from error
        try:
            said = json.loads(ended.stdout)
        except ValueError as error:
            raise self._failed(_how_it_ended(ended.returncode, limit_s)) from error
        if "error" in said:
            raise self._failed(str(said["error"])[:300])
        return said["answer"]

    def _failed(self, why: str) -> CourseCodeError:
        return CourseCodeError(
            f"the course's own check '{self.name}' failed: {why}",
            todo=f"mend it in {self.folder}, then `grader regrade` judges again",
        )


def digest_of(folder: Path) -> str:
    """SHA-256 over the names and contents of all Python files, in order."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder).as_posix()
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{name}\n{content}\n".encode())
    return total.hexdigest()


def _how_it_ended(code: int, limit_s: float) -> str:
    """A process that said nothing: ended by a limit, or by itself."""
    if code in (-24, -9):
        return f"it took more than {limit_s:g} s"
    return f"its process ended with {code} and said nothing"
