"""Marks of an assignment as the file that people or a course system take, without a folder to write it to."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

from grader.errors import UsageError
from grader.exports import FORMATS
from grader.store import Store
from grader.workflows.desk.roster import roster_of
from grader.workflows.views.course_formats import class_marks, course_of, make_export
from grader.workflows.views.export import as_csv, as_json
from grader.workflows.views.report import file_name
from grader.workflows.views.show import each_result

__all__ = ["EXPORT_FORMATS", "ExportedFile", "export_file"]

EXPORT_FORMATS = ("json", "csv", *FORMATS)
#: Formats with the findings in words, which lie in the evidence.
_WITH_MESSAGES = ("gradescope",)


@dataclass(frozen=True)
class ExportedFile:
    """A file as `grader export` writes it; of a format with a file for each student, all of them in a zip."""

    name: str
    raw: bytes


def export_file(store: Store, form: str, assignment: str, *, include_pending: bool = False) -> ExportedFile:
    """Makes the file.

    Args:
        store: Where the history is.
        form: One of `EXPORT_FORMATS`.
        assignment: Which work.
        include_pending: Whether a course system gets marks of which points still wait.

    Raises:
        UsageError: No format or assignment is called so, or nothing was judged yet.
    """
    if form not in EXPORT_FORMATS:
        raise UsageError("there is no such format", expected=", ".join(EXPORT_FORMATS), found=form)
    # Gone through once, as all of a large class are more than a machine should hold.
    found = each_result(store, assignment, with_dropped=True)
    if form in ("json", "csv"):
        counting = (each for each in found if not each.dropped)
        parts = as_json(counting) if form == "json" else (as_csv(counting),)
        return ExportedFile(f"marks.{form}", b"".join(part.encode() for part in parts))
    people = roster_of(store)
    told = store if form in _WITH_MESSAGES else None
    of_class = class_marks(found, people, messages_from=told)
    made = make_export(form, course_of(store, assignment), of_class.marks, include_pending=include_pending)
    if people is not None:
        made = made.joined(of_class.handed_in_nothing, people.problems)
    if "" in made.files:
        return ExportedFile(f"{form}.csv", made.files[""])
    return ExportedFile(f"{form}.zip", _zipped(made.files))


def _zipped(files: Mapping[str, bytes]) -> bytes:
    taken: set[str] = set()
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for student, raw in files.items():
            # Of one date, so that the same marks are the same bytes.
            archive.writestr(zipfile.ZipInfo(file_name(student, taken, ".json")), raw)
    return whole.getvalue()
