"""Whether a thing that a probe did not find is certainly not in the notebook."""

from __future__ import annotations

import ast
import re

from grader.evidence.record import ProbeResult
from grader.evidence.training import ModelIdentity
from grader.facts.case import Case
from grader.facts.code.source import nodes_of, parsed_cells
from grader.facts.definitions import unknown_names
from grader.facts.fields import Where
from grader.facts.known import Fact, Known, Unknown
from grader.facts.notebook import is_own, stopped_early
from grader.facts.raised import holds_text_alone
from grader.facts.training.runs import object_name

__all__ = ["absence", "broken_cells"]

_PRECISION = re.compile(r"\.(?:double|half|bfloat16)\(\)|\bb?float(?:16|64)\b|\bset_default_dtype\b")


def absence(case: Case, result: ProbeResult, *, unnamed: bool, names: tuple[str, ...] = ()) -> Fact[bool]:
    """Known where every cell ran and nothing else may be meant.

    Args:
        case: Names are free where a network was looked for without one: the handout's own cells make none
            then, so that it proves nothing where these fail.
        result: What the probe tried.
        unnamed: Whether a network was looked for without a name.
        names: That it was looked for by.
    """
    elsewhere = _elsewhere(case, result) if unnamed else _lost(case, names) or _renamed(case, names)
    elsewhere = elsewhere or unknown_names(case)
    unrun = broken_cells(case, unnamed=unnamed) or stopped_early(case)
    ended = "some cells failed or did not run" if unrun else ""
    reasons = [reason for reason in (elsewhere, ended) if reason]
    return Unknown(" and ".join(reasons)) if reasons else Known(True)


def broken_cells(case: Case, *, unnamed: bool) -> tuple[Where, ...]:
    """Cells that raised; without those of the handout where the student's names are free."""
    return tuple(
        Where(cell=cell.index, line=cell.run.error.line)
        for cell in case.evidence.cells
        if cell.run is not None
        and cell.run.error is not None
        and not holds_text_alone(cell)
        and not (unnamed and cell.index in case.alignment.unchanged)
    )


def _lost(case: Case, names: tuple[str, ...]) -> str:
    """Why a network that has a name may have been there before the last cell."""
    given = [(cell.index, one.name) for cell, one in case.facts.bindings if one.at_top and one.name in names]
    for cell in parsed_cells(case.evidence.cells) if given else ():
        for node in nodes_of(cell.tree) if cell.tree is not None else ():
            if isinstance(node, ast.Delete) and any(ast.unparse(each) in names for each in node.targets):
                return f"cell {cell.index} deletes it"
    if len(given) > 1:
        return f"cell {given[-1][0]} gives `{given[-1][1]}` another meaning than cell {given[0][0]}"
    return ""


def _renamed(case: Case, names: tuple[str, ...]) -> str:
    """Why another name may stand for the one looked for: nothing has that, and a network is written here."""
    if any(one.name in names and one.how != "param" for _, one in case.facts.bindings):
        return ""
    own = {cell.index for cell in case.section_cells() if case.section is not None and is_own(cell, case)}
    written = [
        (one.name, cell.index) for cell, one in case.facts.bindings if one.at_top and cell.index in own
    ]
    for used in _used(case):
        here = [cell for name, cell in written if name == used.class_name or name in used.names]
        if here:
            return _meant(used, here[-1])
    return ""


def _meant(used: ModelIdentity, cell: int) -> str:
    return f"`{object_name(used)}` ({used.class_name}, cell {cell}) may be meant for it"


def _elsewhere(case: Case, result: ProbeResult) -> str:
    """Why a network that was looked for without a name may be there all the same."""
    used = _used_here(case)
    if used is not None:
        return _meant(*used)
    unbuilt = [candidate.name for candidate in result.candidates if candidate.not_built is not None]
    if unbuilt:
        return f"`{unbuilt[0]}` may be one, but cannot be built without arguments"
    if result.candidates_cut:
        return "not all networks in it were looked at"
    if case.evidence.training.runs:
        return "networks were trained in it"
    return _gives_several(case) or _other_numbers(case)


def _gives_several(case: Case) -> str:
    """A network of the student's that gives several things at once, of which the search makes nothing."""
    for one in case.facts.functions.all:
        methods = one.node.body if isinstance(one.node, ast.ClassDef) else ()
        for method in methods:
            forward = isinstance(method, ast.FunctionDef) and method.name == "forward"
            if forward and any(map(_is_several, nodes_of(method))):
                return f"`{one.name}` (cell {one.cell.index}) gives several things at once"
    return ""


def _is_several(node: ast.AST) -> bool:
    several = ast.Tuple | ast.List | ast.Dict | ast.ListComp | ast.DictComp
    return isinstance(node, ast.Return) and isinstance(node.value, several)


def _other_numbers(case: Case) -> str:
    """Code that makes networks compute in another precision than that of the numbers sent."""
    for cell in case.evidence.cells:
        found = _PRECISION.search(cell.source) if cell.kind == "code" and is_own(cell, case) else None
        if found:
            return (
                f"cell {cell.index} has `{found[0]}`, so that networks may take other numbers than were sent"
            )
    return ""


def _used_here(case: Case) -> tuple[ModelIdentity, int] | None:
    """A network that was trained or used, whose class is written in the criterion's section, and its cell."""
    section = case.section_cells() if case.section is not None else ()
    for used in _used(case):
        written = rf"(?m)^\s*class\s+{re.escape(used.class_name or '')}\b"
        cells = [cell.index for cell in section if cell.kind == "code" and re.search(written, cell.source)]
        if used.class_name and cells:
            return used, cells[-1]
    return None


def _used(case: Case) -> tuple[ModelIdentity, ...]:
    """Networks that were trained, then those that were evaluated."""
    history = case.evidence.training
    looked_at = (look.model for look in history.evaluations if look.model is not None)
    return (*(run.model for run in history.runs), *looked_at)
