"""`grader doctor`: what grading needs, on the side of the database and of the sandbox."""

from __future__ import annotations

import shutil
from pathlib import Path

from grader.errors import GraderError
from grader.store import open_store
from grader.store.engine import is_url, place_of
from grader.workflows.views.identity import actor

__all__ = ["diagnose"]

_ENOUGH_BYTES = 2 * 1024**3

#: Part, whether it is well, and what is known or to be done about it.
Line = tuple[str, bool, str]


def diagnose(location: str, evidence: str | None) -> list[Line]:
    """Tests the disk, the database and the sandbox."""
    from grader.sandbox.doctor import diagnose as diagnose_sandbox

    location = place_of(location)
    folder = Path() if is_url(location) else Path(location).absolute().parent
    lines = [
        _disk(folder),
        _database(location, evidence),
        ("you", True, f"marks are written as {actor(None)}"),
    ]
    return [*lines, *((finding[0], finding[1], finding[2]) for finding in diagnose_sandbox())]


def _disk(folder: Path) -> Line:
    if not folder.is_dir():
        return "disk", False, f"{folder} is not there: make it, or give another --db"
    free = shutil.disk_usage(folder).free
    if free < _ENOUGH_BYTES:
        return "disk", False, f"{free / 1e9:.1f} GB are free: images and evidence want at least 2 GB"
    return "disk", True, f"{free / 1e9:.1f} GB free"


def _database(location: str, evidence: str | None) -> Line:
    if not is_url(location) and not Path(location).exists():
        return "database", True, f"{location} is made by the first `grader run`"
    try:
        with open_store(location, evidence=evidence, create=False) as store, store.reading() as history:
            broken = history.first_break()
            store.blobs.check()
    except GraderError as error:
        return "database", False, " ".join(str(error).split())
    if broken:
        return "database", False, f"row {broken.seq} is not as it was written: see `grader audit`"
    return "database", True, "the history is unbroken"
