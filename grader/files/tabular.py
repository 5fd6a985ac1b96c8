"""Tables that people make: CSV files with a header line, read by name."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from grader.errors import UsageError
from grader.rubric.problems import nearest

__all__ = ["read_table"]


def read_table(
    path: Path, *, required: Sequence[str], optional: Sequence[str] = ()
) -> Iterator[tuple[int, dict[str, str]]]:
    """Gives each row with its line; white space around cells is dropped, absent columns are empty.

    Args:
        path: The file, UTF-8 with or without a byte order mark.
        required: Columns that must be there, whatever their case and order.
        optional: Columns that may be.

    Raises:
        UsageError: The file cannot be read, or lacks a column.
    """
    rows = _rows(path)
    _, first = next(rows, (1, []))
    header = [name.strip().lower() for name in first]
    for name in required:
        if name not in header:
            raise UsageError(
                f"the column '{name}' is missing{nearest(name, header)}",
                where=f"{path}:1",
                expected=",".join((*required, *optional)),
            )
    for line, row in rows:
        cells = dict(zip(header, (cell.strip() for cell in row), strict=False))
        if any(cells.values()):
            yield line, {name: cells.get(name, "") for name in (*required, *optional)}


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Each row with its line; what the module refuses, as a cell without an end, is said in our words."""
    reader = csv.reader(io.StringIO(_text(path), newline=""))
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise UsageError(
            "this table cannot be read", where=f"{path}:{reader.line_num}", found=str(error)
        ) from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "this table cannot be read",
            where=str(path),
            expected="a CSV file in UTF-8",
            found=error.strerror if isinstance(error, OSError) else str(error),
        ) from error
