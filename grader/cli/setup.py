"""Puts together what a command needs: settings, database, references, who acts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from grader.workflows.settings import Settings, read_settings

if TYPE_CHECKING:
    from grader.rubric.case import Reference
    from grader.store import Store

__all__ = ["actor", "places", "reference", "settings", "store"]


def places(submissions: Path | None = None) -> list[Path]:
    """Where a course's own files may lie: here, in the folder of submissions, beside it."""
    here = [Path()]
    return here if submissions is None else [*here, submissions, submissions.absolute().parent]


def settings(submissions: Path | None = None, **given: object) -> Settings:
    """All options, with those of the command line given as keywords (None where not given)."""
    texts = {key: str(value) if isinstance(value, Path) else value for key, value in given.items()}
    return read_settings(texts, places=places(submissions))


def store(options: Settings, *, create: bool = False) -> Store:
    from grader.store import open_store

    return open_store(
        options.db,
        evidence=options.evidence,
        create=create,
        busy_timeout_s=options.busy_timeout_s,
    )


def reference(options: Settings, submissions: Path | None = None) -> Reference:
    from grader.workflows.reference import find_reference, load_reference

    return load_reference(options.reference or find_reference(places(submissions)))


def actor(options: Settings) -> str:
    """Who is written into the history."""
    from grader.workflows.identity import actor

    return actor(options.user)
