"""What a student answered to one criterion, as they wrote it, with what it put out for them and for us."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from grader.evidence.codec import Bundle
from grader.evidence.record import CellRecord, Output
from grader.facts.case import Case, Reference
from grader.facts.facts import Facts
from grader.facts.handout import Handout, line_digests
from grader.facts.notebook import is_own, was_run_by_student
from grader.facts.words.answers import answer_around
from grader.grading.verdict import Finding
from grader.reporting.bare_pictures import PICTURES
from grader.reporting.cells import cell_name
from grader.reporting.notebook import picture
from grader.reporting.text import clean, overwritten, shortened
from grader.rubric.model import Criterion
from grader.store.rubrics import LoadedRubric

__all__ = ["Answer", "AnswerCell", "Line", "Shown", "answer_to", "case_of", "expected_in"]

_EXCERPT_LINES = 24
_AROUND_A_MARK = 2
_OUTPUT_CHARACTERS = 6_000
_SOURCE_CHARACTERS = 60_000
_PICTURE_CHARACTERS = 6 * 1024 * 1024
_MOST_CELLS = 60
_MOST_OUTPUTS = 60


@dataclass(frozen=True)
class Line:
    """One line of a cell.

    Attributes:
        number: From 1; 0 stands for lines left out.
        own: The student wrote it; False where the handout gave it.
        marked: The finding is about it.
    """

    number: int
    text: str
    own: bool = True
    marked: bool = False


@dataclass(frozen=True)
class Shown:
    """One output as it can be shown: text, an error, or a picture that really is one.

    Attributes:
        mime, data: Of a picture: ``image/png`` or ``image/jpeg``, and its bytes in base64.
    """

    kind: Literal["text", "error", "picture"]
    text: str = ""
    mime: str = ""
    data: str = ""


@dataclass(frozen=True)
class AnswerCell:
    """One cell of an answer.

    Attributes:
        index: From 0 over all cells of the file.
        name: As its author finds it, with the heading above.
        own: Something in it is the student's; False where it is as the handout gave it.
        elsewhere: It stands outside the part that asks for the answer.
        handed_in: What the file held as outputs, as the student saw them.
        ours: What the same cell put out in our run.
        ended: How our run of it ended, as ``ok`` or ``error``; empty for text.
        cut: Of one of the two outputs, or of the source, there was more than is kept.
    """

    index: int
    name: str
    kind: Literal["code", "markdown", "raw"]
    source: str
    lines: tuple[Line, ...]
    own: bool
    elsewhere: bool
    handed_in: tuple[Shown, ...] = ()
    ours: tuple[Shown, ...] = ()
    ended: str = ""
    cut: bool = False

    @property
    def outputs_agree(self) -> bool:
        """Whether our run gave just what the student saw, so that one of the two is enough."""
        return self.handed_in == self.ours

    def excerpt(self, most: int = _EXCERPT_LINES) -> tuple[Line, ...]:
        """About so many lines at most: those marked, and the last that the student wrote; gaps are 0."""
        if len(self.lines) <= most:
            return self.lines
        marked = {line.number for line in self.lines if line.marked}
        kept = {
            number
            for mark in sorted(marked)[:most]
            for number in range(mark - _AROUND_A_MARK, mark + _AROUND_A_MARK + 1)
            if 1 <= number <= len(self.lines)
        }
        written = [line.number for line in self.lines if line.own and line.text.strip()]
        for number in reversed(written or [line.number for line in self.lines]):
            if len(kept) >= most:
                break
            kept.add(number)
        return tuple(_with_gaps(self.lines, kept))


def _with_gaps(lines: Sequence[Line], kept: set[int]) -> Iterator[Line]:
    last = 0
    for line in lines:
        if line.number in kept:
            if line.number > last + 1:
                yield Line(0, "", own=False)
            yield line
            last = line.number
    if last < len(lines):
        yield Line(0, "", own=False)


@dataclass(frozen=True)
class Answer:
    """All of a student's answer to one criterion.

    Attributes:
        state: ``written``; ``run``: only what was given, run by the student; ``untouched``: as the handout
            left it; ``not found``: its part is not in the file, so that `cells` are those that may hold it.
        given: What the part says in Markdown and the student left as it was: the question, mostly.
        beside: Cells of other parts that the rubric lays beside the answer; they are no part of it.
        more: Cells beyond those that are shown.
        cut_training: Our run trained on a few batches a pass, so that its curves are not the student's.
    """

    state: Literal["written", "run", "untouched", "not found"]
    cells: tuple[AnswerCell, ...]
    given: tuple[str, ...] = ()
    beside: tuple[AnswerCell, ...] = ()
    more: int = 0
    cut_training: bool = False


def case_of(loaded: LoadedRubric, bundle: Bundle, criterion: Criterion, facts: Facts | None = None) -> Case:
    """One criterion of one attempt, laid beside the rubric's sections; no reference answers in it."""
    known = facts or Facts.of(bundle, loaded.rubric.sections, loaded.handout)
    return Case(known, criterion.section, Reference(), criterion.check.watches(), (criterion.check,))


def answer_to(
    case: Case,
    criterion: Criterion,
    finding: Finding,
    handout: Handout | None = None,
    *,
    hide: Callable[[str], str] = str,
) -> Answer:
    """Gathers what was written and put out for a criterion.

    Args:
        case: The criterion's own.
        criterion: Says in which sections the answer is expected.
        finding: Its places are part of the answer wherever they are.
        handout: Tells the student's lines from those that were given.
        hide: Takes names out of whatever the student wrote or printed.
    """
    inside = expected_in(case, criterion)
    places = [place.cell for place in finding.where if 0 <= place.cell < len(case.evidence.cells)]
    found = bool(inside)
    outside = [index for index in dict.fromkeys(places) if index not in inside]
    if not found and not outside:
        outside = _anywhere(case)
    cells = [case.evidence.cells[index] for index in sorted([*inside, *outside])]
    given = [cell for cell in cells if cell.kind == "markdown" and cell.index in case.alignment.unchanged]
    listed = [cell for cell in cells if cell not in given and cell.source.strip()]
    marked = {(place.cell, place.line) for place in finding.where if place.line}
    reader = _Reader(case, handout, hide, marked)
    return Answer(
        state=_state(case, [case.evidence.cells[index] for index in inside]) if found else "not found",
        cells=tuple(reader.read(cell, elsewhere=cell.index in outside) for cell in listed[:_MOST_CELLS]),
        given=tuple(hide(clean(cell.source)) for cell in given),
        beside=tuple(reader.read(cell, elsewhere=False) for cell in _beside(case, criterion, cells)),
        more=max(0, len(listed) - _MOST_CELLS),
        cut_training=case.training_was_cut,
    )


def expected_in(case: Case, criterion: Criterion) -> list[int]:
    """Cells of the sections in which the answer is expected; none where they were not found."""
    named = (criterion.section, *criterion.check.section_names())
    sections = [section for section in dict.fromkeys(named) if section is not None]
    return sorted({cell for section in sections for cell in case.alignment.cells_of(section)})


def _beside(case: Case, criterion: Criterion, answer: Sequence[CellRecord]) -> list[CellRecord]:
    """What the student wrote or saw in the sections beside the answer, and not in the answer itself."""
    inside = {index for section in criterion.beside for index in case.alignment.cells_of(section)}
    cells = [case.evidence.cells[index] for index in sorted(inside)]
    told = [cell for cell in cells if cell not in answer and (is_own(cell, case) or cell.submitted.outputs)]
    return [cell for cell in told if cell.source.strip()][:_MOST_CELLS]


def _anywhere(case: Case) -> list[int]:
    """Where an answer may be whose part was not found: the part around it, else the whole file."""
    around = answer_around(case)
    if around is not None and around[1].cells:
        return list(around[1].cells)
    return [cell.index for cell in case.evidence.cells if is_own(cell, case)]


def _state(case: Case, cells: Sequence[CellRecord]) -> Literal["written", "run", "untouched"]:
    if any(is_own(cell, case) for cell in cells):
        return "written"
    return "run" if any(was_run_by_student(cell) for cell in cells) else "untouched"


class _Reader:
    """Reads cells of one answer; pictures of all of them together stay within what a page can carry."""

    def __init__(
        self,
        case: Case,
        handout: Handout | None,
        hide: Callable[[str], str],
        marked: set[tuple[int, int]],
    ) -> None:
        self._case = case
        self._given = frozenset(line for cell in handout.cells for line in cell.lines) if handout else None
        self._hide = hide
        self._marked = marked
        self._left = _PICTURE_CHARACTERS

    def read(self, cell: CellRecord, *, elsewhere: bool) -> AnswerCell:
        own = is_own(cell, self._case)
        run = cell.run
        return AnswerCell(
            index=cell.index,
            name=self._hide(cell_name(self._case.evidence.cells, cell.index)),
            kind=cell.kind,
            source=self._hide(shortened(clean(cell.source), _SOURCE_CHARACTERS)),
            lines=tuple(self._lines(cell, own)),
            own=own,
            elsewhere=elsewhere,
            handed_in=self._outputs(cell.submitted.outputs),
            ours=self._outputs(run.outputs) if run is not None else (),
            ended=run.status if run is not None and cell.kind == "code" else "",
            cut=cell.source_cut or cell.submitted.cut or (run is not None and run.cut),
        )

    def _lines(self, cell: CellRecord, own: bool) -> Iterator[Line]:
        source = cell.source.replace("\r\n", "\n").replace("\r", "\n")[:_SOURCE_CHARACTERS]
        digests = line_digests(source) if cell.kind == "code" and self._given is not None else None
        for place, text in enumerate(source.split("\n")):
            given = digests is not None and self._given is not None and digests[place] in self._given
            marked = (cell.index, place + 1) in self._marked
            yield Line(place + 1, self._hide(clean(text)), own and not given, marked)

    def _outputs(self, outputs: Sequence[Output]) -> tuple[Shown, ...]:
        shown = (self._shown(output) for output in outputs[:_MOST_OUTPUTS])
        return tuple(each for each in shown if each is not None)

    def _shown(self, output: Output) -> Shown | None:
        for mime in PICTURES:
            encoded = picture(mime, output.data.get(mime, ""))
            if encoded:
                return self._pictured(mime, encoded)
        text = self._hide(clean(shortened(overwritten(output.text), _OUTPUT_CHARACTERS))).rstrip()
        if not text:
            return None
        return Shown("error" if output.kind == "error" else "text", text)

    def _pictured(self, mime: str, encoded: str) -> Shown:
        if len(encoded) > self._left:
            return Shown("text", "[a picture was left out: there are too many]")
        self._left -= len(encoded)
        return Shown("picture", mime=mime, data=encoded)
