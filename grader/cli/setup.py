"""Puts together what a command needs: settings, database, references, who acts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from grader.cli.console import print_note
from grader.workflows.upkeep.course_folder import CONTENT, course_folders
from grader.workflows.upkeep.settings import Settings, read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

    from grader.facts.case import Reference
    from grader.intake.roster import Roster
    from grader.sandbox.base import Sandbox
    from grader.store import Store
    from grader.store.rubrics import LoadedRubric

__all__ = ["actor", "people", "places", "reference", "sandbox", "settings", "store", "zone"]


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

    opened = open_store(
        options.db,
        evidence=options.evidence,
        create=create,
        busy_timeout_s=options.busy_timeout_s,
    )
    opened.own_rubrics = _own_rubrics
    if options.evidence is not None and not opened.keeps_evidence_in(options.evidence):
        print_note(
            f"evidence is kept in {opened.blobs.place}, as the database says, and not in {options.evidence};"
            " `grader db evidence PLACE` says that it was moved"
        )
    return opened


def _own_rubrics(zone: tzinfo | None) -> Mapping[str, LoadedRubric]:
    from grader.workflows.regrading.own_rubrics import own_rubrics

    return own_rubrics(places(), zone)


def reference(options: Settings, submissions: Path | None = None) -> Reference:
    from grader.workflows.regrading.reference import bundled, load_reference

    own = options.reference or course_folders(submissions).reference()
    return load_reference(own or bundled("reference"))


def zone(options: Settings) -> tzinfo | None:
    """The course's time zone, for commands that need no database: None where there is none to ask."""
    from contextlib import suppress

    from grader.errors import GraderError

    with suppress(GraderError), store(options) as opened:
        return opened.zone
    return None


def people(store: Store, file: Path | None) -> Roster | None:
    """Who is who: by the file, else by the roster that is kept; None where there is none."""
    from grader.intake.roster import read_roster
    from grader.workflows.desk.roster import roster_of

    return roster_of(store) if file is None else read_roster(file)


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
