"""The folder in which a class's photos lie: as handed in, with what was measured, and who handed them in.

It holds names and hands, so only its owner may read it, and it can be thrown away when the term is over:
marks and what they stand on are in the history, the data set in a folder of its own.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from grader.errors import UsageError
from grader.evidence.photos import LeftOut
from grader.files.named import read_bytes
from grader.files.whole import write_whole

__all__ = ["Collection", "Folder", "Kept", "PhotosOf"]

_FORM = 1
_FILE = "collection.json"


class _Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Kept(_Plain):
    """A photo as it was handed in.

    Attributes:
        name: Path within what the student handed in.
        sha256: Of its bytes, by which it lies in the folder; empty where it was not taken.
        why: Why it was not taken.
    """

    name: str
    sha256: str = ""
    size_bytes: int = 0
    why: str = ""


class PhotosOf(_Plain):
    """All that one student handed in.

    Attributes:
        name: The student's, where it is told.
        path: Where it lay, for messages.
        left_out: Files that are no photos, and archives that could not be opened.
        cut: Not all of it could be looked at.
        handed_in: Digest of the zip that the student handed in at the server; empty for what came otherwise.
    """

    student: str
    name: str = ""
    path: str
    submitted_at: datetime | None = None
    late: bool = False
    photos: tuple[Kept, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    cut: bool = False
    handed_in: str = ""


class Collection(_Plain):
    """Whose photos these are, ordered by student.

    Attributes:
        layout: In which they came.
        problems: Files that belong to nobody, one line each.
    """

    form: int = _FORM
    layout: str
    students: tuple[PhotosOf, ...]
    problems: tuple[str, ...] = ()


class Folder:
    """Where what lies in the folder of a collection."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sheets = root / "sheets"
        self.consolidated = root / "consolidated"
        self.decisions = root / "decisions.csv"

    def make(self) -> None:
        """Makes the folder, for its owner only."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)

    def photo(self, sha256: str) -> Path:
        return self.root / "as-handed-in" / sha256[:2] / sha256

    def measured(self, sha256: str) -> Path:
        return self.root / "measured" / sha256[:2] / sha256

    def write(self, collection: Collection) -> None:
        write_whole(self.root / _FILE, collection.model_dump_json(indent=1).encode() + b"\n")

    def is_there(self) -> bool:
        return (self.root / _FILE).is_file()

    def read(self) -> Collection:
        """The collection.

        Raises:
            UsageError: The folder holds none.
        """
        path = self.root / _FILE
        if not self.is_there():
            raise UsageError(
                "this folder holds no collected photos",
                where=str(self.root),
                expected=_FILE,
                todo=f"grader photos collect SUBMISSIONS --into {self.root}",
            )
        try:
            return Collection.model_validate_json(read_bytes(path))
        except ValidationError as error:
            raise UsageError(
                "this is no list of collected photos", where=str(path), found=str(error).splitlines()[0]
            ) from error
