"""Does a section show the plots or images that were asked for?"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from grader.facts.case import Case
from grader.facts.fields import SectionName, Where
from grader.facts.known import Unknown
from grader.facts.pictures import Pictures, no_picture, pictures_in
from grader.facts.training.runs import in_cells
from grader.judging.check import Check
from grader.judging.exhibits import Table
from grader.judging.judgement import Judgement
from grader.judging.nothing import not_located, nothing_in_any

__all__ = ["PlotShown"]

_LABELLED = 0.5


class PlotShown(Check):
    """Counts what the figures hold that the student's cells showed when they ran: curves, images, figures.

    What matplotlib drew is recorded as it was shown. A curve counts once however often it is drawn, and one
    that a cell of another part had shown before goes to a TA: it may be the wrong one. So does what is
    fewer than asked for, what was saved and not shown, what another library drew, and what only the file
    handed in shows. A part without any picture, whose cells all ran and that has no code which may draw,
    earns nothing; figures without the labels asked for earn half.

    Attributes:
        figures: Figures with something in them.
        images: Images, over all figures, as of `imshow`.
        curves: Different lines, over all figures. `plot_training_curve` of Lab 2 draws four for a network.
        length: Points that a line has at least to be a curve.
        labels: What each figure with curves must have, of `labels`, `title` and `legend`.
        sections: Further sections in which they may stand.
    """

    example: ClassVar[str] = """\
- id: curves
  title: Training and validation curves are shown, with labels
  points: 2
  check: plot_shown
  curves: 2
  labels: [labels, legend]
"""

    check: Literal["plot_shown"] = "plot_shown"
    figures: int = Field(default=0, ge=0)
    images: int = Field(default=0, ge=0)
    curves: int = Field(default=0, ge=0)
    length: int = Field(default=2, ge=1)
    labels: tuple[Literal["labels", "title", "legend"], ...] = ()
    sections: tuple[SectionName, ...] = ()

    @model_validator(mode="after")
    def _asks_for_something(self) -> PlotShown:
        if not (self.figures or self.images or self.curves):
            raise ValueError("give figures, images or curves: how many have to be shown")
        return self

    def judge(self, case: Case) -> Judgement:
        own = () if case.section is None else (case.section,)
        sections = (*own, *self.sections)
        bare = nothing_in_any(case, sections)
        if bare is not None:
            return bare
        shown = pictures_in(case, sections, self.length)
        if isinstance(shown, Unknown):
            return Judgement.missing("What this attempt drew was not recorded; run the submission again.")
        pictures = shown.value
        found, enough = self._counted(pictures), self._is_enough(pictures, new=True)
        more: dict[str, Any] = {
            "where": tuple(Where(cell=cell) for cell in pictures.cells),
            "exhibits": (_table(pictures),),
        }
        lost = not_located(case)
        if lost is not None:
            return lost
        if enough:
            lacking = pictures.without(self.labels)
            if not lacking:
                return Judgement.passed(found, on=shown, **more)
            text = f"{found} Not each figure has {_listed(lacking)}."
            return Judgement.partial(_LABELLED, text, on=shown, **more)
        if self._is_enough(pictures, new=False):
            cells = in_cells(pictures.shown_before)
            why = f"But the same curves were shown {cells}, so that they may be of another part."
            return Judgement.needs_ta(found, open=why, **more)
        return self._too_few(case, sections, found, more)

    def _too_few(self, case: Case, sections: tuple[str, ...], found: str, more: dict[str, Any]) -> Judgement:
        none = no_picture(case, sections)
        if isinstance(none, Unknown):
            why = f"There may be more: {none.why}."
            return Judgement.needs_ta(f"{found} Asked for: {self._wanted}.", open=why, **more)
        return Judgement.failed(f"No picture is shown in this part; asked for: {self._wanted}.", on=none)

    def _is_enough(self, pictures: Pictures, *, new: bool) -> bool:
        curves = pictures.new_curves if new else pictures.curves
        return (
            len(pictures.figures) >= self.figures and pictures.images >= self.images and curves >= self.curves
        )

    def _counted(self, pictures: Pictures) -> str:
        """What our run showed, as ``Our run showed 2 figures with 4 curves.``"""
        inside = [
            _number(count, word)
            for asked, count, word in (
                (self.images, pictures.images, "image"),
                (self.curves, pictures.curves, "curve"),
            )
            if asked
        ]
        figures = _number(len(pictures.figures), "figure")
        return f"Our run showed {figures}{' with ' if inside else ''}{' and '.join(inside)}."

    @property
    def _wanted(self) -> str:
        asked = ((self.figures, "figure"), (self.images, "image"), (self.curves, "curve"))
        return ", ".join(_number(count, word) for count, word in asked if count)


def _number(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _listed(lacking: tuple[str, ...]) -> str:
    names = {"labels": "labels on both axes", "title": "a title", "legend": "a legend"}
    return " and ".join(names[each] for each in lacking)


def _table(pictures: Pictures) -> Table:
    rows: list[dict[str, Any]] = [
        {
            "cell": plot.cell,
            "title": plot.title or next((axes.title for axes in plot.axes if axes.title), ""),
            "curves": sum(len(axes.lines) for axes in plot.axes),
            "images": sum(len(axes.images) for axes in plot.axes),
        }
        for plot in pictures.figures[:20]
    ]
    return Table.of("figures", rows)
