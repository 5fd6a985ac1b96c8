"""Numbers of parameters that an answer states, and the code that counts them."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from grader.facts.case import Case
from grader.facts.code.source import ParsedCell, nodes_of, parsed_cells
from grader.facts.fields import Where
from grader.facts.words.answers import Answer
from grader.facts.words.numbers import numbers_in

__all__ = ["StatedCount", "lines_that_count", "place_among", "stated_counts"]

#: Smaller whole numbers in an answer are sizes of layers or of shapes, not counts.
_SMALLEST_COUNT = 10
_SHAPE = re.compile(r"torch\.Size\(\[[^\]]*\]\)|\[[\d,\s]*\]|\([\d,\s]*\)")
_MOST_LINES = 6


@dataclass(frozen=True)
class StatedCount:
    """A whole number, and the line of the answer that it stands in."""

    number: float
    line: str

    def speaks_of(self, names: Collection[str], networks: Sequence[Collection[str]]) -> bool:
        """Whether the line is about the network with these names, and about no other one."""
        mentioned = {name for name in names if self._mentions(name)}
        others = {name for other in networks if set(other) != set(names) for name in other}
        return bool(mentioned) and not any(self._mentions(name) for name in others)

    def _mentions(self, name: str) -> bool:
        return re.search(rf"\b{re.escape(name)}\b", self.line) is not None


def stated_counts(answer: Answer) -> list[StatedCount]:
    """Whole numbers in lines that speak of parameters or a total, each once; shapes are left out."""
    lines = [*answer.words.splitlines(), *answer.outputs.splitlines()]
    speaking = [line for line in lines if re.search(r"param|total|number|weights|net", line, re.IGNORECASE)]
    found: dict[float, StatedCount] = {}
    for line in speaking:
        for number in numbers_in(_SHAPE.sub(" ", line)):
            if number >= _SMALLEST_COUNT and number == int(number):
                found.setdefault(number, StatedCount(number, line))
    return list(found.values())


def lines_that_count(case: Case, names: Collection[str]) -> tuple[Where, ...]:
    """Lines of the section that go through the parameters of a network with one of these names."""
    own = tuple(cell for cell in case.section_cells() if cell.index not in case.alignment.unchanged)
    places = (
        Where(cell=parsed.index, line=line)
        for parsed in parsed_cells(own)
        for line in _counting_lines(parsed, names)
    )
    return tuple(dict.fromkeys(places))[:_MOST_LINES]


def place_among(names: Collection[str], networks: Sequence[Collection[str]], case: Case) -> int | None:
    """The place of a network in the order in which the section counts them; None where that is not known."""
    firsts = {
        tuple(each): [(at.cell, at.line or 0) for at in lines_that_count(case, each)[:1]] for each in networks
    }
    known = [first for found in firsts.values() for first in found]
    if len(set(known)) != len(networks):
        return None
    return sorted(known).index(firsts[tuple(names)][0])


def _counting_lines(parsed: ParsedCell, names: Collection[str]) -> Iterator[int]:
    """All lines of a loop over the parameters, or the line that asks for them."""
    for statement in parsed.tree.body if parsed.tree is not None else ():
        loop = isinstance(statement, ast.For)
        head = statement.iter if isinstance(statement, ast.For) else statement
        if any(_asks_for_parameters(node, names) for node in nodes_of(head)):
            first = parsed.line_of(statement)
            last = parsed.last_line_of(statement) if loop else first
            yield from range(first or 1, (last or first or 1) + 1)


def _asks_for_parameters(node: ast.AST, names: Collection[str]) -> bool:
    """``net.parameters()`` or ``Net().parameters()``."""
    if not (isinstance(node, ast.Attribute) and node.attr in ("parameters", "named_parameters")):
        return False
    owner = node.value.func if isinstance(node.value, ast.Call) else node.value
    return isinstance(owner, ast.Name) and owner.id in names
