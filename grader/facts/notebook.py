"""The notebook as its author left it and as our run found it: own, given, failed and unreached cells."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from grader.evidence.record import CellRecord, Output, ShimKind
from grader.facts.case import Case
from grader.facts.known import Fact, Known, Unknown
from grader.facts.raised import holds_text_alone

__all__ = [
    "codeless",
    "is_own",
    "kept_of_file",
    "kept_of_ours",
    "kept_outputs",
    "located",
    "mentions",
    "own_cell_failed",
    "own_code",
    "printed",
    "printed_by_us",
    "read_our_data",
    "shows_plot",
    "some_failed",
    "stands_in",
    "stopped_early",
    "stored_text",
    "untouched",
    "was_run_by_student",
]


_ANSI = re.compile(r"\x1b\[[0-9;]*m")
#: A line of a log, which goes to the error stream; so do progress bars and warnings, which say nothing.
_LOGGED = re.compile(r"\b(?:INFO|DEBUG)\b")
#: What stands for a text with a form of its own where only plain text can be shown.
_IS_RICH = re.compile(r"<IPython\.core\.display\.(?:HTML|Latex|Markdown|Math) object>")
_TAG = re.compile(r"<[^<>]{0,500}>")


def located(case: Case, section: str | None = None) -> bool:
    """Whether the criterion's section, or a named one, was found; where none is named nothing can be missed.

    In a copy without the handout's headings and cell ids the work may stand anywhere: an empty section is
    proof of nothing there.
    """
    name = section or case.section
    return name is None or bool(case.alignment.cells_of(name))


def untouched(case: Case, section: str | None = None) -> Fact[bool]:
    """Whether a section is as the handout left it: nothing written, nothing run."""
    cells = case.section_cells(section)
    if not cells:
        return Unknown("the part was not found in the notebook")
    return Known(not any(is_own(cell, case) or was_run_by_student(cell) for cell in cells))


def stands_in(case: Case) -> bool:
    """Whether something stood in for what the student had, so that our run may show other numbers."""
    return any(shim.kind.may_change_numbers for shim in case.evidence.shims)


def read_our_data(case: Case) -> bool:
    """Whether a data set came from what we have in its place: other items, and perhaps more of them."""
    return any(shim.kind is ShimKind.DATASET for shim in case.evidence.shims)


def codeless(case: Case, section: str | None = None) -> Fact[bool]:
    """Known where the section is there, and no code of the student's in it."""
    if not located(case, section):
        return Unknown("the part was not found in the notebook")
    written = own_code(case, section)
    return Unknown(f"cell {written[0].index} of this part has code") if written else Known(True)


def printed_by_us(cell: CellRecord) -> str:
    """What a cell printed in our run, without errors and what it showed."""
    outputs = cell.run.outputs if cell.run is not None else ()
    return "\n".join(each.text for each in outputs if each.kind == "stream" and each.name == "stdout")


def printed(cell: CellRecord) -> str:
    """Text that a cell printed or showed, in our run and in the file handed in."""
    ours = cell.run.outputs if cell.run is not None else ()
    texts = dict.fromkeys((_text(ours), stored_text(cell)))
    return "\n".join(texts)


def stored_text(cell: CellRecord) -> str:
    """Text outputs that the file handed in held for a cell."""
    return _text(cell.submitted.outputs)


def _text(outputs: Iterable[Output]) -> str:
    return _ANSI.sub("", "\n".join(_text_of(output) for output in outputs if output.kind != "error"))


def _text_of(output: Output) -> str:
    """What a reader sees of an output: of the error stream its log lines, of Markdown and HTML the words."""
    if output.name == "stderr":
        return "\n".join(line for line in output.text.splitlines() if _LOGGED.search(line))
    if _IS_RICH.fullmatch(output.text.strip()) is None:
        return output.text
    page = _TAG.sub(" ", output.data.get("text/html", ""))
    return output.data.get("text/markdown") or output.data.get("text/latex") or html.unescape(page)


def shows_plot(cell: CellRecord) -> bool:
    """Whether a cell shows a picture; copies of a notebook may have lost what it looked like."""
    ours = cell.run.outputs if cell.run is not None else ()
    outputs = (*ours, *cell.submitted.outputs)
    return any(
        output.kind == "display_data" or any(kind.startswith("image/") for kind in output.data)
        for output in outputs
    )


def is_own(cell: CellRecord, case: Case) -> bool:
    return bool(cell.source.strip()) and cell.index not in case.alignment.unchanged


def was_run_by_student(cell: CellRecord) -> bool:
    return cell.kind == "code" and bool(cell.submitted.outputs or cell.submitted.cut)


def kept_of_file(cells: Iterable[CellRecord]) -> Fact[bool]:
    """Known where all outputs that the file handed in held for these cells were kept."""
    cut = next((cell.index for cell in cells if cell.submitted.cut), None)
    return (
        Known(False) if cut is None else Unknown(f"of cell {cut} the file handed in held more than was kept")
    )


def kept_of_ours(cells: Iterable[CellRecord]) -> Fact[bool]:
    """Known where all that these cells printed in our run was kept."""
    cut = next((cell.index for cell in cells if cell.run is not None and cell.run.cut), None)
    return Known(False) if cut is None else Unknown(f"cell {cut} printed more in our run than was kept")


def kept_outputs(cells: Iterable[CellRecord]) -> Fact[bool]:
    """Known where all that these cells printed was kept: in our run, and in the file handed in."""
    listed = tuple(cells)
    ours = kept_of_ours(listed)
    return ours if isinstance(ours, Unknown) else kept_of_file(listed)


def stopped_early(case: Case) -> bool:
    """True where cells after some point never ran, so that a missing thing proves nothing."""
    return case.evidence.outcome.ended_early


def own_cell_failed(case: Case) -> bool:
    """True where a cell that is not the handout's failed, so that what it was to do may be missing."""
    return any(_failed(cell) and cell.index not in case.alignment.unchanged for cell in case.evidence.cells)


def _failed(cell: CellRecord) -> bool:
    """Whether a cell did not come to its end; one with words in place of code had nothing to do."""
    return cell.run is not None and cell.run.status != "ok" and not holds_text_alone(cell)


def own_code(case: Case, section: str | None = None) -> tuple[CellRecord, ...]:
    """Code cells of the section in which the student wrote something."""
    cells = case.section_cells(section)
    return tuple(cell for cell in cells if is_own(cell, case) and cell.kind == "code")


def mentions(cell: CellRecord, names: Sequence[str]) -> bool:
    either = "|".join(re.escape(name) for name in names)
    return cell.kind == "code" and re.search(rf"\b(?:{either})\b", cell.source) is not None


def some_failed(case: Case, sections: Sequence[str]) -> bool:
    """Whether a cell of these sections, or of all where none is named, raised or never ran."""
    cells = {cell for section in sections for cell in case.alignment.cells_of(section)}
    return any(_failed(cell) for cell in case.evidence.cells if not sections or cell.index in cells)
