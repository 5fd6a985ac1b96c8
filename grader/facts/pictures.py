"""Pictures that a section shows: figures of matplotlib as they were recorded, and what may be one besides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from grader.evidence.plots import DrawnAxes, Plot
from grader.evidence.record import CellRecord, Cut
from grader.facts.case import Case
from grader.facts.known import Fact, Known, Unknown
from grader.facts.notebook import (
    is_own,
    kept_outputs,
    located,
    shows_plot,
    some_failed,
    stopped_early,
    was_run_by_student,
)

__all__ = ["Pictures", "no_picture", "pictures_in"]

#: Names with which code draws, or shows what was drawn, by matplotlib or something else.
_DRAWS = re.compile(
    r"(?i)\w*(?:plot|imshow|imread|image|figure|chart|hist|scatter|draw|display|curve|visuali[sz]e|heatmap)\w*"
    r"\s*\(|\b(?:plt|sns|px|go|alt|cv2|pil|tensorboard|bokeh|wandb)\b|\.show\s*\("
)
#: A picture in words: pasted, attached or linked.
_IN_WORDS = re.compile(r"!\[|<img\b|\(attachment:|data:image/", re.IGNORECASE)


@dataclass(frozen=True)
class Pictures:
    """Figures that our run showed in some cells, in order.

    Attributes:
        length: Points that a line has at least to count as a curve.
        elsewhere: Digests of lines that other cells showed before, with the first such cell.
    """

    plots: tuple[Plot, ...]
    length: int = 2
    elsewhere: Mapping[str, int] = field(default_factory=dict)

    @property
    def figures(self) -> tuple[Plot, ...]:
        """Those with something in them."""
        return tuple(plot for plot in self.plots if any(map(_holds_something, plot.axes)))

    @property
    def images(self) -> int:
        return sum(len(axes.images) for axes in self._all_axes)

    @cached_property
    def _drawn(self) -> tuple[frozenset[str], ...]:
        """The curves of each axes, as digests; axes with the same curves once.

        Two trainings may have one curve in common, as an error that stays where it was, and not all of them.
        """
        lines = (
            frozenset(line.digest for line in axes.lines if line.digest and line.points >= self.length)
            for axes in self._all_axes
        )
        return tuple(dict.fromkeys(filter(None, lines)))

    @property
    def curves(self) -> int:
        """Different curves, those of the same axes drawn twice once."""
        return sum(map(len, self._drawn))

    @property
    def new_curves(self) -> int:
        """Those in axes of which some curve was shown by no other cell before."""
        return sum(len(drawn) for drawn in self._drawn if drawn - self.elsewhere.keys())

    @property
    def shown_before(self) -> tuple[int, ...]:
        """Cells that had shown all curves of some axes before."""
        old = (digest for drawn in self._drawn if drawn <= self.elsewhere.keys() for digest in drawn)
        return tuple(sorted({self.elsewhere[digest] for digest in old}))

    @property
    def cut(self) -> bool:
        """Whether there is more in a figure than was kept."""
        return any(plot.cut or any(axes.cut for axes in plot.axes) for plot in self.plots)

    @property
    def cells(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(plot.cell for plot in self.plots))

    @property
    def _all_axes(self) -> tuple[DrawnAxes, ...]:
        return tuple(axes for plot in self.plots for axes in plot.axes)

    def without(self, what: Sequence[str]) -> tuple[str, ...]:
        """Of `labels`, `title` and `legend`, those that some figure lacks, beyond doubt.

        A text that stands in a figure may be any of them, and the entries of one legend may speak for all.
        """
        return tuple(each for each in what if any(_lacks(plot, each) for plot in self.figures))


def _holds_something(axes: DrawnAxes) -> bool:
    return bool(axes.lines or axes.images or axes.others)


def _lacks(plot: Plot, what: str) -> bool:
    drawn = [axes for axes in plot.axes if _holds_something(axes) and not axes.images]
    if plot.cut or plot.texts or any(axes.texts for axes in drawn):
        return False
    if what == "title":
        return not plot.title and not any(axes.title for axes in drawn)
    if what == "legend":
        return not any(axes.legend for axes in drawn)
    return any(not axes.x_label for axes in drawn) and any(not axes.y_label for axes in drawn)


def pictures_in(case: Case, sections: Sequence[str], length: int = 2) -> Fact[Pictures]:
    """Figures that cells of these sections showed in our run; of all cells where none is named.

    Cells that stand in the handout and that the student never ran do not count, where the file handed in
    holds any outputs to tell it by.
    """
    if case.evidence.plots is None:
        return Unknown("this attempt was run before plots were recorded")
    cells = {cell.index for cell in _cells(case, sections) if _is_the_students(cell, case)}
    shown = [plot for plot in case.evidence.plots if plot.how == "shown"]
    here = tuple(plot for plot in shown if plot.cell in cells)
    first = min(cells, default=0)
    before = [plot for plot in shown if plot.cell not in cells and plot.cell < first]
    lines = ((line, plot.cell) for plot in reversed(before) for axes in plot.axes for line in axes.lines)
    elsewhere = {line.digest: cell for line, cell in lines if line.digest is not None}
    return Known(Pictures(here, length, elsewhere))


def no_picture(case: Case, sections: Sequence[str]) -> Fact[bool]:
    """Known where these sections show no picture of any kind, and nothing in them may have shown one."""
    cells = _cells(case, sections)
    lost = next((name for name in sections if not located(case, name)), None)
    if lost is not None:
        return Unknown(f"the part '{case.sections[lost].title}' was not found in the notebook")
    if stopped_early(case) or some_failed(case, sections):
        return Unknown("some cells of this part failed or did not run")
    if case.evidence.plots is None or Cut.PLOTS in case.evidence.cut:
        return Unknown("not all that was drawn was recorded")
    whole = kept_outputs(cells)
    if isinstance(whole, Unknown):
        return whole
    seen = next(filter(None, (_may_show(cell, case) for cell in cells)), "")
    beside = "" if seen else _beside(case, cells)
    return Unknown(seen or beside) if seen or beside else Known(True)


def _may_show(cell: CellRecord, case: Case) -> str:
    """Why a cell may show a picture, in a clause; empty where it shows none."""
    if any(plot.cell == cell.index for plot in case.evidence.plots or ()) or _shows_more_than_text(cell):
        return f"cell {cell.index} shows or draws something"
    if not is_own(cell, case):
        return ""
    if _IN_WORDS.search(cell.source):
        return f"a picture may stand in the words of cell {cell.index}"
    drawing = _DRAWS.search(cell.source) if cell.kind == "code" else None
    return "" if drawing is None else f"code of cell {cell.index} may draw something"


def _shows_more_than_text(cell: CellRecord) -> bool:
    ours = cell.run.outputs if cell.run is not None else ()
    rich = any(set(output.data) - {"text/plain"} for output in (*ours, *cell.submitted.outputs))
    return rich or shows_plot(cell) or bool(cell.submitted.left_out)


def _beside(case: Case, cells: Iterable[CellRecord]) -> str:
    """Why a picture of these cells may stand in a part beside theirs, which has one; empty for no reason."""
    indices = {cell.index for cell in cells}
    ends = (min(indices, default=0) - 1, max(indices, default=-1) + 1)
    for name in (case.alignment.section_of(end) for end in ends):
        for cell in () if name is None else case.section_cells(name):
            if cell.index not in indices and is_own(cell, case) and _shows_more_than_text(cell):
                return f"cell {cell.index}, of a part beside this one, shows one"
    return ""


def _cells(case: Case, sections: Sequence[str]) -> tuple[CellRecord, ...]:
    if not sections:
        return case.evidence.cells
    found = {cell.index: cell for section in sections for cell in case.section_cells(section)}
    return tuple(found[index] for index in sorted(found))


def _is_the_students(cell: CellRecord, case: Case) -> bool:
    if is_own(cell, case) or was_run_by_student(cell):
        return True
    return not any(was_run_by_student(each) for each in case.evidence.cells)
