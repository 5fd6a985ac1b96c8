"""A CSV file that is filled in place: what is not filled in stays as it was, byte for byte.

The standard library's reader forgets how a cell was written (quotes, line ends, byte order mark), so cells
are found here with their places in the file.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from grader.errors import UsageError

__all__ = ["Cell", "Row", "Worksheet", "read_worksheet"]

_DELIMITERS = (b",", b";", b"\t")


@dataclass(frozen=True)
class Cell:
    """One cell; the bytes from `start` to `end` hold it with its quotes."""

    start: int
    end: int
    text: str
    quoted: bool


@dataclass(frozen=True)
class Row:
    """One row, with its line end up to `end`; `line` counts from 1."""

    cells: tuple[Cell, ...]
    start: int
    end: int
    line: int

    def text(self, column: int | None) -> str:
        """What a cell says without white space around it; empty where the row is too short."""
        if column is None or column >= len(self.cells):
            return ""
        return self.cells[column].text.strip()


@dataclass(frozen=True)
class Worksheet:
    """A CSV file with the places of its cells; the first row is the header."""

    raw: bytes
    rows: tuple[Row, ...]
    delimiter: bytes
    encoding: str
    where: str

    @property
    def header(self) -> tuple[str, ...]:
        return tuple(cell.text.strip() for cell in self.rows[0].cells)

    def column(self, *names: str) -> int | None:
        """The first column that has one of these names, whatever its case; None where there is none."""
        header = [name.casefold() for name in self.header]
        return next((header.index(name) for name in map(str.casefold, names) if name in header), None)

    def require(self, *names: str) -> int:
        """Like `column`.

        Raises:
            UsageError: There is no such column.
        """
        found = self.column(*names)
        if found is None:
            raise UsageError(
                f"the column '{names[0]}' is missing",
                where=f"{self.where}:1",
                found=", ".join(self.header)[:300],
                todo="give the file as the course system exported it",
            )
        return found

    def filled(self, values: Mapping[tuple[int, int], str], *, without: Collection[int] = ()) -> bytes:
        """The file with some cells filled in.

        Args:
            values: Text of cells, by row and column counted from 0.
            without: Rows to leave away.
        """
        by_row: dict[int, dict[int, str]] = {}
        for (place, column), text in values.items():
            by_row.setdefault(place, {})[column] = text
        kept = (
            self._written(row, by_row.get(place, {}))
            for place, row in enumerate(self.rows)
            if place not in without
        )
        return self.raw[: self.rows[0].start] + b"".join(kept)

    def _written(self, row: Row, values: Mapping[int, str]) -> bytes:
        pieces, at = [], row.start
        for column, text in sorted(values.items()):
            if column < len(row.cells):
                cell = row.cells[column]
                pieces += [self.raw[at : cell.start], self._quoted(text, cell.quoted)]
                at = cell.end
            else:
                last = row.cells[-1].end
                missing = column - len(row.cells) + 1
                pieces += [self.raw[at:last], self.delimiter * missing, self._quoted(text, quoted=False)]
                at = last
        return b"".join([*pieces, self.raw[at : row.end]])

    def _quoted(self, text: str, quoted: bool) -> bytes:
        raw = text.encode(self.encoding, "replace")
        if quoted or any(mark in raw for mark in (self.delimiter, b'"', b"\r", b"\n")):
            return b'"' + raw.replace(b'"', b'""') + b'"'
        return raw


def read_worksheet(raw: bytes, *, where: str) -> Worksheet:
    """Reads a CSV file: commas, semicolons or tabs, UTF-8 or Windows-1252, with or without quotes.

    Raises:
        UsageError: It is no such file.
    """
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in raw:
        raise UsageError(
            "this is no CSV file in UTF-8",
            where=where,
            expected="the CSV file that the course system exported",
            todo="export it again, or save it as `CSV UTF-8`",
        )
    start = len(codecs.BOM_UTF8) if raw.startswith(codecs.BOM_UTF8) else 0
    if not raw[start:].strip():
        raise UsageError(
            "the file is empty", where=where, expected="a header line and a row for each student"
        )
    encoding = _encoding(raw)
    delimiter = _delimiter(raw[start:])
    return Worksheet(raw, tuple(_rows(raw, start, delimiter, encoding)), delimiter, encoding, where)


def _encoding(raw: bytes) -> str:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _delimiter(raw: bytes) -> bytes:
    """The one that parts most cells of the first line, quoted text apart."""
    first = re.sub(rb'"[^"]*+"', b"", raw.lstrip(b"\r\n").splitlines()[0])
    return max(_DELIMITERS, key=first.count)


def _rows(raw: bytes, start: int, delimiter: bytes, encoding: str) -> list[Row]:
    # Possessive, so that a quote which is never closed costs one look and no search.
    mark = re.escape(delimiter)
    cell = re.compile(
        rb'(?P<cell>"(?:[^"]|"")*+"|[^' + mark + rb"\r\n]*+)(?P<after>" + mark + rb"|\r\n|\r|\n|\Z)"
    )
    loose = re.compile(rb"(?P<cell>[^" + mark + rb"\r\n]*+)(?P<after>" + mark + rb"|\r\n|\r|\n|\Z)")
    rows: list[Row] = []
    cells: list[Cell] = []
    at = begin = start
    line = 1
    while at < len(raw) or cells:
        match = cell.match(raw, at) or loose.match(raw, at)
        assert match is not None
        cells.append(_cell(match, encoding))
        at = match.end()
        if match["after"] != delimiter:
            rows.append(Row(tuple(cells), begin, at, line))
            line += len(re.findall(rb"\r\n|\r|\n", raw[begin:at]))
            begin, cells = at, []
    return rows


def _cell(match: re.Match[bytes], encoding: str) -> Cell:
    text = match["cell"].decode(encoding, "replace")
    quoted = len(text) > 1 and text.startswith('"') and text.endswith('"')
    return Cell(
        match.start("cell"), match.end("cell"), text[1:-1].replace('""', '"') if quoted else text, quoted
    )
