"""Contact sheets: all photos of a student at a glance, letter by letter, with what was noticed on each."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from grader.reporting.pages import page_with_keys

__all__ = ["Sheet", "SheetLine", "Shot", "render_contact_sheet", "render_sheets_index"]


@dataclass(frozen=True)
class Shot:
    """One photo on a sheet.

    Attributes:
        tag: What a person calls it, ``A2``: the second of the letter.
        name: Within what was handed in.
        small: A JPEG; empty where the photo could not be opened.
        about: Size, kind of file and the like, in few words.
        certain, hints: What is so, and what may be so.
        decision: What a person said of it; empty where nobody has.
    """

    tag: str
    name: str
    small: bytes
    about: str
    certain: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    decision: Literal["accept", "doubt", ""] = ""

    @property
    def picture(self) -> Markup:
        """As the source of an image element."""
        return Markup("data:image/jpeg;base64,{}").format(base64.b64encode(self.small).decode())


@dataclass(frozen=True)
class SheetLine:
    """One criterion as it stands; what earns what and how to mark it where it waits."""

    title: str
    standing: str
    message: str
    command: str = ""
    guide: str = ""


@dataclass(frozen=True)
class Sheet:
    """All that one sheet shows.

    Attributes:
        rows: Photos of each letter, with its heading.
        left_out: Files that were not taken as photos, and why.
        command: Says what was decided, but for the photos: ``grader photos decide photos/ s101``.
    """

    student: str
    name: str
    title: str
    points: str
    lines: tuple[SheetLine, ...]
    rows: tuple[tuple[str, tuple[Shot, ...]], ...]
    left_out: tuple[tuple[str, str], ...]
    command: str

    @property
    def open(self) -> int:
        """Photos with hints on which nobody has decided."""
        return sum(bool(shot.hints) and not shot.decision for _, shots in self.rows for shot in shots)


def render_contact_sheet(sheet: Sheet) -> str:
    """The sheet as HTML that needs nothing else; everything of the student's escaped. Pure."""
    return page_with_keys(
        "contact_sheet.html.j2", styles="contact_sheet.css", script="contact_sheet.js", sheet=sheet
    )


def render_sheets_index(title: str, sheets: Sequence[tuple[str, Sheet]]) -> str:
    """A page that leads to each sheet, those first on which most waits; each sheet with its file's name."""
    ordered = sorted(sheets, key=lambda pair: (-pair[1].open, pair[1].student))
    return page_with_keys(
        "contact_sheets.html.j2",
        styles="contact_sheet.css",
        script="contact_sheet.js",
        title=title,
        sheets=ordered,
    )
