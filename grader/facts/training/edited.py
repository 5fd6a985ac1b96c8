"""Networks that were edited in place between trainings, of which the file holds the last version only.

Our run goes from top to bottom, so that every training has the class as it is now. Execution counts, outputs
of the file handed in and the student's words may tell of versions that are gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from grader.evidence.record import CellRecord
from grader.evidence.training import TrainingRun
from grader.facts.case import Case
from grader.facts.code.source import comments_and_strings
from grader.facts.definitions import classes_named
from grader.facts.known import Known, Unknown
from grader.facts.notebook import is_own, printed_by_us, stored_text

__all__ = ["edited_in_place"]

#: A line of a network as torch prints it: ``(conv1): Conv2d(3, 5, kernel_size=(3, 3), stride=(1, 1))``.
_LAYER_SHOWN = re.compile(r"(?m)^\s*\(\w+\): ([A-Z]\w*\([^\n]*\))\s*$")
_COUNT_SHOWN = re.compile(r"(?i)param\w*\D{0,20}?(\d[\d,]*)")
#: What a network is said to have some of, with the number before or after it.
_KINDS = r"convolution|conv|linear|fully[ -]connected|fc|hidden|pooling|dense"
_PARTS = (
    rf"(?:{_KINDS})\w*(?:[ -]?(?:layer|unit|neuron|channel)s?)?|layers?|channels?|filters?|units?|neurons?"
)
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SAID = re.compile(rf"\b(\d{{1,6}})[ -](?:more )?({_PARTS})\b|\b({_PARTS})\s*[=:]\s*(\d{{1,6}})\b")


def edited_in_place(runs: Sequence[TrainingRun], case: Case) -> Known[bool] | Unknown:
    """Whether the student's own trainings may have had networks that the file does not hold any more."""
    stories = (*_by_counts(runs, case), *_by_outputs(runs, case), *_by_words(runs, case))
    return Unknown(stories[0]) if stories else Known(False)


def _by_counts(runs: Sequence[TrainingRun], case: Case) -> Iterator[str]:
    """A class that was run again between two trainings, though it stands before both."""
    for name in dict.fromkeys(run.model.class_name for run in runs):
        counted = {
            cell: _count(case, cell) for run in runs if run.model.class_name == name for cell in _cells(run)
        }
        for parsed, _ in classes_named(case, name):
            again = _count(case, parsed.index)
            before = [cell for cell, count in counted.items() if parsed.index < cell and 0 < count < again]
            after = [cell for cell, count in counted.items() if count > again]
            if again and before and after:
                yield (
                    f"by the execution counts the student ran cell {parsed.index}, which defines `{name}`,"
                    f" again after the training in cell {before[0]} and before that in cell {after[0]}"
                )


def _by_outputs(runs: Sequence[TrainingRun], case: Case) -> Iterator[str]:
    """A network that the file handed in shows for a training, with layers or a size that ours has not."""
    for cell in _training_cells(runs, case):
        stored, ours = stored_text(cell), printed_by_us(cell)
        for pattern, what in ((_LAYER_SHOWN, "layers"), (_COUNT_SHOWN, "a number of parameters")):
            theirs = pattern.findall(stored)
            if theirs and pattern.search(ours) and not set(theirs) <= set(pattern.findall(ours)):
                place = f"for the training in cell {cell.index}"
                yield f"{place} the file handed in shows {what} that ours has not"


def _by_words(runs: Sequence[TrainingRun], case: Case) -> Iterator[str]:
    """Numbers of one kind of layer that are said beside one training, and others beside another."""
    first: dict[str, tuple[int, list[str]]] = {}
    for cell in _training_cells(runs, case):
        for kind, numbers in _said_at(cell, case).items():
            place, said = first.setdefault(kind, (cell.index, numbers))
            if said != numbers:
                yield (
                    f"beside the training in cell {place} the student speaks of {said[0]} {kind}, and beside"
                    f" that in cell {cell.index} of {numbers[-1]}"
                )


def _said_at(cell: CellRecord, case: Case) -> dict[str, list[str]]:
    """Numbers of parts of a network in a training's own texts and comments, and in the text above it."""
    above = case.evidence.cells[cell.index - 1] if cell.index else None
    texts = [comments_and_strings(cell.source)]
    if above is not None and above.kind == "markdown" and is_own(above, case):
        texts.append(above.source)
    words = "\n".join(texts).lower()
    for place, word in enumerate(_WORDS):
        words = re.sub(rf"\b{word}\b", str(place), words)
    found: dict[str, set[int]] = {}
    for before, kind, part, after in _SAID.findall(words):
        found.setdefault((kind or part).removesuffix("s"), set()).add(int(before or after))
    return {kind: [str(number) for number in sorted(numbers)] for kind, numbers in found.items()}


def _training_cells(runs: Sequence[TrainingRun], case: Case) -> list[CellRecord]:
    cells = sorted({cell for run in runs for cell in _cells(run)})
    return [case.evidence.cells[cell] for cell in cells if is_own(case.evidence.cells[cell], case)]


def _cells(run: TrainingRun) -> tuple[int, ...]:
    return () if run.cell is None else (run.cell,)


def _count(case: Case, cell: int) -> int:
    """The submitted execution count; 0 where the file has none."""
    return case.evidence.cells[cell].submitted.execution_count or 0
