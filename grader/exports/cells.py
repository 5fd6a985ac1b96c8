"""CSV cells: text that no spreadsheet takes for a formula, numbers that stay numbers.

Source: OWASP, "CSV Injection", for the characters that begin a formula.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

__all__ = ["Cell", "csv_bytes", "csv_line", "neutralise", "number_text", "utc_text"]

Cell = str | float | int

#: The last four are the full-width forms, which some locales read as the plain ones.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def neutralise(cell: object) -> object:
    """Keeps a spreadsheet from running text as a formula; numbers stay numbers."""
    if not isinstance(cell, str):
        return cell
    storable = cell.encode("utf-8", "replace").decode()
    return f"'{storable}" if storable.lstrip(" ").startswith(_FORMULA_STARTS) else storable


def number_text(points: float) -> str:
    """Points as course systems read them: at most two decimals, a point, no exponent, no needless zeros."""
    text = f"{points:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def utc_text(moment: datetime | None) -> str:
    """A time in UTC without its zone, as nbgrader writes it; empty for None."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if moment else ""


def csv_line(cells: Sequence[object]) -> str:
    """One line of a CSV file, ended by a newline; the cells are written as they are."""
    text = io.StringIO()
    # The writer quotes only those line ends that it writes itself, and a lone CR would part a row.
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n") + "\n"


def csv_bytes(rows: Iterable[Sequence[Cell]]) -> bytes:
    """A CSV file in UTF-8; text is neutralised, numbers are written short."""
    return "".join(csv_line([_written(cell) for cell in row]) for row in rows).encode()


def _written(cell: Cell) -> object:
    return neutralise(cell) if isinstance(cell, str) else number_text(cell)
