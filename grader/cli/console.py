"""What is printed: tables on standard output, everything passing on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

__all__ = [
    "confirmed",
    "errors",
    "number",
    "output",
    "plain",
    "print_guides",
    "print_labelled",
    "print_line",
    "print_lines",
    "print_note",
    "print_path",
    "print_table",
    "print_text",
]

#: Lines for a pipe are as long as they need to be; nothing may be cut there.
_PIPE_WIDTH = 1000


def output() -> Console:
    return _console(sys.stdout.isatty(), False)


def errors() -> Console:
    return _console(sys.stderr.isatty(), True)


@cache
def _console(terminal: bool, stderr: bool) -> Console:
    return Console(stderr=stderr, width=None if terminal else _PIPE_WIDTH, highlight=False, soft_wrap=True)


def plain(text: str) -> str:
    """Makes text that came from outside harmless on a terminal: no escapes, no control or bidi characters."""
    return "".join(
        character
        if character.isprintable() or character == "\t"
        else character.encode("unicode_escape", "surrogatepass").decode()
        for character in text
    )


def number(value: float | None) -> str:
    """Points without needless zeros."""
    return "-" if value is None else f"{value:g}"


def print_line(text: str) -> None:
    output().print(Text(plain(text)))


def confirmed(question: str) -> bool:
    """Asks on a terminal; where nobody sits before one the answer is no."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    errors().print(Text(plain(f"{question} [y/N] ")), end="")
    return input().strip().casefold() in ("y", "yes")


def print_note(text: str) -> None:
    """Says on standard error what is no part of the result."""
    errors().print(Text(plain(text)))


def print_lines(text: str) -> None:
    """Prints a message of several lines, as errors have them."""
    for line in text.splitlines():
        print_line(line)


def print_labelled(parts: Sequence[tuple[str, str]]) -> None:
    """Prints texts of several lines beside their labels."""
    width = max([11, *(cell_len(label) + 2 for label, _ in parts)])
    for label, text in parts:
        for place, line in enumerate(text.splitlines() or ["-"]):
            print_line(f"{label + ':' if place == 0 else '':<{width}}{line}")


def print_guides(guides: Mapping[str, str]) -> None:
    """Prints what earns what, by criterion, below what waits; nothing where no rubric says it."""
    said = [(criterion, guide) for criterion, guide in guides.items() if guide]
    if said:
        print_line("What earns what:")
        print_labelled(said)


def print_path(path: Path) -> None:
    """Names a file or folder that was written."""
    print_line(f"wrote {path}")


def print_text(text: str) -> None:
    """Writes text as it is, for machines."""
    sys.stdout.write(text)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """Prints a table: framed on a terminal, aligned plain lines elsewhere.

    On a terminal that is too narrow the last columns come below their row, whole; nothing is cut.

    Args:
        columns: Their headings.
        rows: One text for each column.
        right: Headings of the columns that hold numbers.
    """
    cells = [[plain(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        fitting = _fitting(columns, cells, output().width)
        if fitting == len(columns):
            output().print(_framed(columns, cells, right))
        else:
            _print_narrow(columns, cells, right, fitting)
    else:
        for line in _aligned(columns, cells, right):
            print_text(line + "\n")


def _fitting(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> int:
    """How many of the first columns stand side by side in so many places; one at least."""
    widths = [max(map(cell_len, column)) for column in zip(columns, *rows, strict=True)]
    taken = [sum(widths[:number]) + 2 * (number - 1) for number in range(1, len(widths) + 1)]
    return max(1, sum(each <= width for each in taken))


def _print_narrow(
    columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str], fitting: int
) -> None:
    """The columns that fit as a table, the others below their row, each with its heading."""
    head, *lines = _aligned(columns[:fitting], [row[:fitting] for row in rows], right)
    _print_wrapped(Text(head, style="bold"), 0)
    for line, row in zip(lines, rows, strict=True):
        _print_wrapped(Text(line), 0)
        for column, cell in zip(columns[fitting:], row[fitting:], strict=True):
            if cell:
                _print_wrapped(Text(f"{column}: {cell}"), 4)


def _print_wrapped(text: Text, indent: int) -> None:
    output().print(Padding(text, (0, 0, 0, indent), expand=False), soft_wrap=False)


def _framed(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        justify: Literal["left", "right"] = "right" if column in right else "left"
        table.add_column(column, justify=justify, overflow="fold", no_wrap=column != columns[-1])
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _aligned(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str]) -> Iterator[str]:
    lines = [columns, *rows]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        padded = (
            set_cell_size(cell, width) if name not in right else cell.rjust(width)
            for name, cell, width in zip(columns, line, widths, strict=True)
        )
        yield "  ".join(padded).rstrip()
