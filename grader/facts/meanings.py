"""Why a call that went wrong may be none of the function's doing.

Functions are called after the last cell. A student saw them work where they were written; by then a later
line may have given another meaning to the function's own name, or to one that it uses.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from functools import cached_property

from grader.evidence.record import FunctionRecord, RaisedError
from grader.facts.case import Case
from grader.facts.code.bindings import Meaning
from grader.facts.code.functions import Functions, Written, is_written
from grader.facts.code.source import nodes_of
from grader.facts.definitions import definition, unknown_names
from grader.facts.raised import lacking_package

__all__ = ["Excuses"]

_BUILTINS = frozenset(name for name in vars(builtins) if not name.startswith("_"))
_UNKNOWN_NAME = re.compile(r"name '(\w+)' is not defined")


class Excuses:
    """What other lines did to one function of one submission.

    Args:
        case: The submission; its section says where the function was to be written.
        names: That the function may have.
        record: The function that was called.
    """

    def __init__(self, case: Case, names: tuple[str, ...], record: FunctionRecord) -> None:
        self._case = case
        self._names = names
        self._record = record

    def of(self, error: RaisedError | None) -> str:
        """The excuse for an error, or for a wrong answer where there is none, as a clause; mostly empty."""
        return lacking_package(error) or self._replaced or self._lost(error) or self._rebound(error)

    @property
    def _meanings(self) -> tuple[Meaning, ...]:
        return self._case.facts.meanings

    @property
    def _functions(self) -> Functions:
        return self._case.facts.functions

    @cached_property
    def _replaced(self) -> str:
        """What was called is not what the student wrote in the section."""
        written = [one for one in self._functions.all if self._is_answer(one)]
        given = [meaning.place for meaning in self._meanings if meaning.name == self._record.name]
        if self._record.cell is not None:
            # Evidence knows the cell of a function, and no line.
            place, answers = (self._record.cell, 0), {(one.cell.index, 0) for one in written}
        elif given:
            place, answers = given[-1], {(one.cell.index, one.where().line or 0) for one in written}
        else:
            return ""
        if not written or place in answers:
            return ""
        name, cell = self._record.name, written[-1].cell.index
        return f"cell {place[0]} gives `{name}`, written in cell {cell}, another meaning"

    def _is_answer(self, one: Written) -> bool:
        cell, aligned = one.cell.index, self._case.section_cells()
        inside = not aligned or any(cell == other.index for other in aligned)
        own = cell not in self._case.alignment.unchanged and is_written(one.node)
        return one.name in self._names and own and inside

    def _lost(self, error: RaisedError | None) -> str:
        """A name that a cell was to define and failed to."""
        unknown = _UNKNOWN_NAME.match(error.message) if error and error.type == "NameError" else None
        for place in definition(self._case, [unknown[1]]) if unknown else ():
            run = self._case.evidence.cells[place.cell].run
            if unknown and run is not None and (run.error is not None or run.status == "not_run"):
                return f"`{unknown[1]}`, which it uses, is lost to an error in cell {place.cell}"
        if unknown and not definition(self._case, [unknown[1]]):
            return unknown_names(self._case)
        return ""

    def _rebound(self, error: RaisedError | None) -> str:
        """A function that it calls, or a builtin, given another meaning below it."""
        called_value = error is not None and error.type == "TypeError" and "not callable" in error.message
        for meaning in self._later_meanings:
            if meaning.function or called_value:
                cell, line = meaning.place
                return f"cell {cell}, line {line}, below it, gives `{meaning.name}` another meaning"
        return ""

    @cached_property
    def _later_meanings(self) -> list[Meaning]:
        called = [
            one for one in self._functions.all if one.name == self._record.name and self._is_called(one)
        ]
        reached = self._functions.reached_from(called[-1]) if called else []
        return [meaning for one in reached for meaning in self._below(one)]

    def _is_called(self, one: Written) -> bool:
        return self._record.cell in (None, one.cell.index)

    def _below(self, one: Written) -> Iterator[Meaning]:
        end = (one.cell.index, one.cell.last_line_of(one.node) or 0)
        for name in _used_as_functions(one):
            given = [meaning for meaning in self._meanings if meaning.name == name]
            before = {meaning.text for meaning in given[:-1]}
            known = name in _BUILTINS or bool(before)
            if given and known and given[-1].place > end and before != {given[-1].text}:
                yield given[-1]


def _used_as_functions(one: Written) -> list[str]:
    """Names that a function calls and does not define for itself; builtins also where it only names them."""
    nodes = list(nodes_of(one.node))
    called = {
        node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    named = {node.id for node in nodes if isinstance(node, ast.Name) and node.id in _BUILTINS}
    own = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    own |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    return sorted((called | named) - own - {one.name})
