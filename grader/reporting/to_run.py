"""A cell for the student's own notebook, which shows again what was expected and what comes out.

All of it stands in one function, so that it leaves the notebook's names alone, and it takes Python's own
names from where they are, whatever the notebook uses them for.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from textwrap import indent, wrap
from typing import Any

from grader.grading.marks import CriterionMark
from grader.judging.exhibits import Array, Given, NotShown, Shown, ShownCall, ShownCount, ShownShape
from grader.reporting.model import ReportInput
from grader.reporting.text import clean, listed

__all__ = ["ToRun", "cell_of", "to_run"]

_WIDTH = 100
_HELD_BACK = "A cell that shows it is added to this report after the remark period."
_OF_PYTHON = (
    "abs",
    "float",
    "hasattr",
    "isinstance",
    "len",
    "list",
    "map",
    "print",
    "str",
    "sum",
    "tuple",
    "type",
)

_COMPARE = """\
def _plain(value):
    if hasattr(value, "detach"):
        return value.detach().cpu().numpy()
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value

def _compare(yours, right, allowed, place=None):
    yours = _plain(yours)
    if place is None:
        print("expected:", right)
        print("yours:   ", yours)
    try:
        found, wanted = numpy.asarray(yours), numpy.asarray(right)
        found = found if place is None else found[place]
    except (IndexError, ValueError):
        return print("yours has another shape, or is no list of numbers")
    if found.dtype.kind not in "biufc" or wanted.dtype.kind not in "biufc":
        return print("equal" if yours == right else "not equal")
    if found.shape != wanted.shape:
        return print("expected shape", wanted.shape, "and yours has", found.shape)
    wrong = numpy.argwhere(~(abs(found - wanted) <= allowed))
    print(len(wrong), "of", found.size, "numbers compared differ by more than", allowed)
    if len(wrong):
        first = tuple(map(int, wrong[0]))
        at = first if place is None else place
        print("first at", at, "expected", wanted[first], "yours", found[first])
"""


@dataclass(frozen=True)
class ToRun:
    """The cell of one criterion, or what stands in its place.

    Attributes:
        code: Python; empty where there is no cell.
        does: What it does, as ``calls f as we did``.
        instead: Why there is none.
    """

    code: str = ""
    does: str = ""
    instead: str = ""


def to_run(report: ReportInput, item: CriterionMark) -> ToRun | None:
    """The cell for a criterion; None where there is nothing to show, or points did not go."""
    shown = report.to_run.get(item.criterion, ())
    policy = report.rubric.cells_to_run
    if not shown or item.lost <= 0 or policy == "never":
        return None
    if not report.shows_expected(item.finding) or (policy == "after_remarks" and not report.remarks_over):
        return ToRun(instead=_HELD_BACK)
    return cell_of(shown)


def cell_of(shown: Sequence[Shown]) -> ToRun:
    """One cell for all that is shown of a criterion."""
    usable = [each for each in shown if not isinstance(each, NotShown)]
    if not usable:
        why = next((each.why for each in shown if isinstance(each, NotShown)), "nothing short shows it")
        return ToRun(instead=f"There is no cell to paste: {why}.")
    own = {each.function for each in usable if isinstance(each, ShownCall)}
    names = ", ".join(name for name in _OF_PYTHON if name not in own)
    calls = [each for each in usable if isinstance(each, ShownCall)]
    body = [f"from builtins import {names}\n{_imports(usable)}", *([_COMPARE] if calls else [])]
    body += [_call(each) if isinstance(each, ShownCall) else _part(each) for each in usable]
    code = f"def _show_it():\n{indent(chr(10).join(body), '    ')}\n\n_show_it()"
    return ToRun(code=clean(code), does=listed(dict.fromkeys(map(_does, usable))))


def _imports(shown: Sequence[Shown]) -> str:
    given = [
        value
        for call in shown
        if isinstance(call, ShownCall)
        for value in (*call.args, *call.kwargs.values())
    ]
    torch = any(isinstance(value, Array) and value.library == "torch" for value in given)
    torch = torch or any(isinstance(each, ShownShape) for each in shown)
    numpy = any(isinstance(each, ShownCall) for each in shown)
    return "".join(f"import {name}\n" for name, used in (("numpy", numpy), ("torch", torch)) if used)


def _does(shown: Shown) -> str:
    if isinstance(shown, ShownCall):
        return f"calls {shown.function} as we did and compares what comes out"
    if isinstance(shown, ShownShape):
        return "sends random numbers through your network and prints the shape that comes out"
    return "counts the parameters of your network"


def _call(call: ShownCall) -> str:
    places = [f"_given_{place}" for place in range(1, len(call.args) + 1)]
    named = {key: f"_{key}" for key in call.kwargs}
    lines = [f"print({f'{call.group}:'!r})"]
    lines += [_assigned(name, value) for name, value in zip(places, call.args, strict=True)]
    lines += [_assigned(named[key], value) for key, value in call.kwargs.items()]
    given = ", ".join((*places, *(f"{key}={name}" for key, name in named.items())))
    lines += [f"# In our run it gave {' '.join(clean(call.got).split())}"]
    made = f"_yours = {call.function}({given})"
    if call.place is not None:
        place = f"({', '.join(map(str, call.place))},)"
        return "\n".join(
            [*lines, made, f"_compare(_yours, {_number(call.there)}, {call.allowed!r}, {place})\n"]
        )
    lines += [_assigned("_right", call.expected), made]
    if call.any_of:
        return "\n".join([*lines, 'print("right is any of", _right)', 'print("yours:", _yours)\n'])
    return "\n".join([*lines, f"_compare(_yours, _right, {call.allowed!r})\n"])


def _part(shown: Shown) -> str:
    if isinstance(shown, ShownCount):
        inner = f".get_submodule({shown.layer!r})" if shown.layer else ""
        lines = [
            f"_network = ({shown.network}){inner}",
            "_counted = [(name, each) for name, each in _network.named_parameters() if each.requires_grad]",
            "for _name, _each in _counted:",
            "    print(_name, tuple(_each.shape), _each.numel())",
            f'print("expected:", {shown.expected}, "parameters")',
            'print("yours:   ", sum(each.numel() for _, each in _counted))',
        ]
        return "\n".join(lines)
    assert isinstance(shown, ShownShape)
    lines = [
        f"_network = {shown.network}",
        "_device = ([each.device for each in _network.parameters()] or ['cpu'])[0]",
        f'print("given:   ", {list(shown.given)})',
        f'print("expected:", {list(shown.expected)})',
        *(["# -1 stands for any length"] if -1 in shown.expected else []),
        "_trains = _network.training",
        "_network.eval()",
        "with torch.no_grad():",
        f"    _came_out = _network(torch.randn({list(shown.given)}, device=_device))",
        "_network.train(_trains)",
        'print("yours:   ", list(_came_out.shape) if hasattr(_came_out, "shape") else type(_came_out))',
    ]
    return "\n".join(lines)


def _assigned(name: str, value: Given) -> str:
    if not isinstance(value, Array):
        return f"{name} = {_literal(value)}"
    numbers = _wrapped(_literal(value.numbers))
    if value.library == "torch":
        return f"{name} = torch.tensor({numbers}, dtype=torch.{value.dtype}).reshape({list(value.shape)})"
    return f"{name} = numpy.array({numbers}, dtype={value.dtype!r}).reshape({list(value.shape)})"


def _wrapped(text: str) -> str:
    """Many numbers in lines of a width that can be read."""
    if len(text) <= _WIDTH:
        return text
    return "\n" + "\n".join(wrap(text, _WIDTH, break_long_words=False)) + "\n"


def _literal(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(_pairs(value.items()))}}}"
    return _number(value) if isinstance(value, float) else repr(value)


def _pairs(items: Iterable[tuple[str, Any]]) -> list[str]:
    return [f"{key!r}: {_literal(value)}" for key, value in items]


def _number(value: float | None) -> str:
    return repr(value) if value is not None and math.isfinite(value) else f"float({str(value)!r})"
