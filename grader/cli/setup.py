"""Puts together what a command needs: settings, database, references, who acts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from grader.cli.console import print_note
from grader.workflows.upkeep.course_folder import CONTENT, course_folders
from grader.workflows.upkeep.settings import Settings, read_settings

if TYPE_CHECKING:
    from grader.facts.case import Reference
    from grader.sandbox.base import Sandbox
    from grader.store import Store

__all__ = ["actor", "places", "reference", "sandbox", "settings", "store"]


def places(submissions: Path | None = None) -> list[Path]:
    """Where a course's own files may lie: here, and beside what is graded; never where a student's do."""
    return course_folders(submissions).places


def settings(submissions: Path | None = None, **given: object) -> Settings:
    """All options, with those of the command line given as keywords (None where not given)."""
    folders = course_folders(submissions)
    for place in folders.refused:
        print_note(
            f"not used: what is called {', '.join(CONTENT)} in {place}, since it could be a student's; "
            "start in the course's folder, or name --rubric FILE"
        )
    texts = {key: str(value) if isinstance(value, Path) else value for key, value in given.items()}
    no_code = () if folders.beside is None else (folders.beside,)
    return read_settings(texts, places=folders.places, no_code_from=no_code)


def store(options: Settings, *, create: bool = False) -> Store:
    from grader.store import open_store

    return open_store(
        options.db,
        evidence=options.evidence,
        create=create,
        busy_timeout_s=options.busy_timeout_s,
    )


def reference(options: Settings, submissions: Path | None = None) -> Reference:
    from grader.workflows.regrading.reference import bundled, load_reference

    own = options.reference or course_folders(submissions).reference()
    return load_reference(own or bundled("reference"))


def sandbox(options: Settings) -> Sandbox:
    """One to try a notebook in, outside any run of a class; whoever asks closes it."""
    import uuid

    from grader.sandbox.select import choose_sandbox

    return choose_sandbox(
        options.sandbox,
        isolation=options.isolation,
        gpus=options.gpus,
        runtime=options.runtime,
        data_dir=options.data,
        run_id=uuid.uuid4().hex,
        notify=print_note,
    )


def actor(options: Settings) -> str:
    """Who is written into the history."""
    from grader.workflows.views.identity import actor

    return actor(options.user)
