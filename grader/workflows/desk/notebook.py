"""The executed notebook of one submission as HTML, for whoever judges it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from grader.evidence.record import CellRecord, Output
from grader.reporting.appendix import appendix
from grader.store import Store
from grader.workflows.desk.names import hidden_names
from grader.workflows.marking.marks import graded_result
from grader.workflows.views.show import name_of

__all__ = ["Notebook", "executed_notebook"]


@dataclass(frozen=True)
class Notebook:
    """A notebook as our run left it.

    Attributes:
        shown: What to call the student.
        html: Let in through the allowlist of reports.
    """

    shown: str
    html: Markup


def executed_notebook(store: Store, assignment: str, student: str, *, anonymous: bool = False) -> Notebook:
    """Draws all cells with what they put out in our run.

    Args:
        store: Where the evidence is.
        assignment: Which work.
        student: By id or pseudonym.
        anonymous: Whether names are taken out of whatever the student wrote and printed.

    Raises:
        UsageError: The student is unknown, or there is no verdict yet.
        StoreError: The evidence is gone or was changed.
        EvidenceError: It does not fit this version.
    """
    with store.reading() as history:
        result = graded_result(history, student, assignment, with_dropped=True)
        hide = hidden_names(history, result) if anonymous else None
    assert result.attempt is not None
    cells = store.evidence(result.attempt).evidence.cells
    if hide is not None:
        cells = tuple(_hidden(cell, hide) for cell in cells)
    return Notebook(name_of(store, anonymous)(result.student), appendix(cells))


def _hidden(cell: CellRecord, hide: Callable[[str], str]) -> CellRecord:
    run = cell.run
    if run is not None:
        run = run.model_copy(update={"outputs": tuple(_hidden_output(each, hide) for each in run.outputs)})
    return cell.model_copy(update={"source": hide(cell.source), "run": run})


def _hidden_output(output: Output, hide: Callable[[str], str]) -> Output:
    """Text without names; pictures are left as they are, since nobody can look for a name in them."""
    data = {mime: text if mime.startswith("image/") else hide(text) for mime, text in output.data.items()}
    return output.model_copy(update={"text": hide(output.text), "data": data})
