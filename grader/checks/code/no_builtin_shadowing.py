"""Builtins such as ``sum`` or ``input`` used as names of one's own."""

from __future__ import annotations

import builtins
from typing import ClassVar, Literal

from grader.facts.case import Case
from grader.facts.code.bindings import Binding
from grader.facts.code.source import ParsedCell, parsed_cells
from grader.facts.definitions import bound_in, star_imports
from grader.facts.fields import Where
from grader.facts.known import Known
from grader.facts.notebook import own_code
from grader.judging.check import Check, Early
from grader.judging.exhibits import Names, UsedName
from grader.judging.judgement import Judgement
from grader.judging.nothing import not_located

__all__ = ["NoBuiltinShadowing"]

#: Names that Python's site module or IPython adds; they are no part of the language.
_ADDED = frozenset({"copyright", "credits", "display", "exit", "get_ipython", "license", "quit"})
_BUILTINS = frozenset(name for name in dir(builtins) if not name.startswith("_")) - _ADDED
_NAMED_AT_MOST = 6
#: What a star import binds depends on the library's version, so it is told and never counted.
_HAS_A_SUM = frozenset({"matplotlib.pylab", "numpy", "pylab", "torch"})


Place = tuple[ParsedCell, Binding]


class NoBuiltinShadowing(Check):
    """Finds names of Python's own functions and types that a student's code binds to something else.

    Every binding counts once: assignment, augmented assignment, loop, comprehension, walrus, parameter,
    function, class, import, ``with``, ``except``, ``match``, and assignments under ``global``. Attributes and
    methods of classes hide nothing and are left alone, and so is code that stands in the handout unchanged. A
    cell that does not parse hides no other cell. ``from numpy import *`` and the like are told and count not.

    Fields: `names` limits the search to these names (all builtins where it is empty); `allow` leaves names
    out. An exhibit lists each binding with name, cell and line.
    """

    example: ClassVar[str] = """\
- id: builtin-shadowing
  title: Python's own names are left alone
  points: 0
  check: no_builtin_shadowing
  allow: [input]
"""

    early: ClassVar[Early] = "words"

    check: Literal["no_builtin_shadowing"] = "no_builtin_shadowing"
    names: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()

    def judge(self, case: Case) -> Judgement:
        wanted = (frozenset(self.names) or _BUILTINS) - frozenset(self.allow)
        cells = tuple(parsed_cells(own_code(case)))
        bound = bound_in(case, {cell.index for cell in cells})
        found = bound.map(lambda all_: [(at, one) for at, one in all_ if _hides(one, wanted)])
        if found.value:
            return _failed(found)
        return not_located(case) or _passed(
            found, [star for cell in cells for star in star_imports(cell, _HAS_A_SUM)]
        )


def _hides(binding: Binding, wanted: frozenset[str]) -> bool:
    return binding.name in wanted and not binding.in_class


def _passed(found: Known[list[Place]], stars: list[tuple[Where, str]]) -> Judgement:
    text = "No builtin name is used for something else."
    if not stars:
        return Judgement.passed(text, on=found, exhibits=(Names(),))
    place, module = stars[0]
    return Judgement.passed(
        text,
        on=found,
        where=(place,),
        exhibits=(Names(),),
        advice=f"`from {module} import *` in cell {place.cell} brings names such as `sum`, which then are"
        f" {module}'s; import the names that you need.",
    )


def _failed(known: Known[list[Place]]) -> Judgement:
    found = known.value
    names = list(dict.fromkeys(binding.name for _, binding in found))
    listed = ", ".join(f"`{name}`" for name in names[:_NAMED_AT_MOST])
    more = f" and {len(names) - _NAMED_AT_MOST} more" if len(names) > _NAMED_AT_MOST else ""
    places = [(cell.index, cell.line_of(binding.node), binding.name) for cell, binding in found]
    used = tuple(UsedName(name=name, cell=cell, line=line) for cell, line, name in places)
    return Judgement.failed(
        f"{listed}{more}: Python's own, but used here as a name for something else"
        f" ({len(found)} place{'s' if len(found) > 1 else ''}).",
        on=known,
        where=tuple(Where(cell=cell, line=line) for cell, line, _ in places),
        exhibits=(Names(names=used),),
        advice=_advice(found, names),
    )


def _advice(found: list[Place], names: list[str]) -> str:
    """What the names do: to the rest of the notebook, or only to the function that they are local to."""
    name = "Choose another name, as `total` for `sum`" if "sum" in names else "Choose another name"
    lasting = [(cell, binding) for cell, binding in found if not binding.local]
    if lasting:
        cell, binding = lasting[0]
        place = f"cell {cell.index}, line {cell.line_of(binding.node)}"
        return f"{name}; from {place} on, the builtin `{binding.name}` cannot be called."
    if all(binding.how == "comprehension" for _, binding in found):
        return f"{name}; inside the comprehension the builtin cannot be called."
    return f"{name}; inside this function the builtin cannot be called."
