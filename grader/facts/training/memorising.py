"""Whether a run learnt its data by heart, by the loss that it ended with."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable, Iterator, Mapping

from grader.evidence.record import CellRecord
from grader.evidence.training import DataSource, TrainingRun
from grader.facts.code.source import nodes_of, parse_cell
from grader.facts.known import Fact, Known, Unknown
from grader.facts.notebook import printed_by_us, stored_text
from grader.facts.training.losses import loss_name

__all__ = ["items_of", "line_handed_in", "memorised", "reported"]

_NUMBER = re.compile(r"\d+(\.\d*)?(e[-+]?\d+)?", re.IGNORECASE)


def items_of(run: TrainingRun, sources: Mapping[int, DataSource]) -> int | None:
    """Items that one pass of a run takes."""
    source = sources.get(run.source) if run.source is not None else None
    return None if source is None else source.sampled or source.length


def memorised(run: TrainingRun, sources: Mapping[int, DataSource]) -> Fact[bool]:
    """Whether every item's own class is the most likely one, by the mean loss of the last pass alone.

    False where the bound is not kept: the items may be known by heart all the same.

    Source: with mean cross-entropy L over n items none has more than n * L, and exp(-n * L) > 1/2. L is a
    mean over batches, in which the items of a smaller last one weigh more, so n is that of full batches.
    """
    if not _bounds_each(run):
        return Unknown("its loss is not the mean of -log p of each item's own class")
    items = items_of(run, sources)
    if not run.losses or not items:
        return Known(False)
    batch = max(1, run.batch_sizes[0]) if run.batch_sizes else items
    return Known(0.0 <= run.losses[-1] * math.ceil(items / batch) * batch < math.log(2))


def reported(cell: CellRecord, claim: str, cells: Iterable[CellRecord]) -> Fact[str]:
    """The line that reports 100 % for a training of this cell, by our run of it or by the student's.

    The student's pictures are not ours, so that our run may come to less. A line of the file handed in counts
    where our run of the same code prints one of the same words with other numbers.

    Args:
        cell: That trains and prints.
        claim: Pattern of such a line.
        cells: All of the notebook: where one of them has the line as a text, it tells nothing.
    """
    if any(re.search(claim, text) for each in cells if each.kind == "code" for text in _texts_in(each)):
        return Unknown("the code has the line that reports 100 % as a text")
    ours, theirs = printed_by_us(cell).splitlines(), stored_text(cell).splitlines()
    own = next((line for line in ours if re.search(claim, line)), None)
    if own is not None:
        return Known(f"our run prints `{_up_to(own, claim)}`")
    words = {_words_of(line) for line in ours}
    line = next((line for line in theirs if re.search(claim, line) and _words_of(line) in words), None)
    if line is None or cell.submitted.execution_count is None:
        return Unknown("no printed line of this training reports 100 %")
    shown = _up_to(line, claim)
    return Known(f"the file handed in has `{shown}`, and our run prints this line for other images")


def line_handed_in(cells: Iterable[CellRecord], claim: str) -> str:
    """The first line of the file handed in that reports 100 %, in words; empty where there is none."""
    for cell in cells:
        for number, line in enumerate(stored_text(cell).splitlines(), start=1):
            if re.search(claim, line) is not None:
                place = f"line {number} of what cell {cell.index} printed in the file handed in"
                return f"{place} reports 100 % (`{_up_to(line, claim)}`)"
    return ""


def _up_to(line: str, claim: str) -> str:
    """The end of what a line says, up to the number that is claimed."""
    found = re.search(claim, line)
    return line[: found.end() if found is not None else None].strip()[-60:]


def _texts_in(cell: CellRecord) -> Iterator[str]:
    tree = parse_cell(cell.index, cell.source).tree
    for node in nodes_of(tree) if tree is not None else ():
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.Call(args=[ast.Constant(), *_] as args) if all(
                isinstance(a, ast.Constant) for a in args
            ):
                yield " ".join(str(each.value) for each in args if isinstance(each, ast.Constant))


def _words_of(line: str) -> str:
    """A line without its numbers."""
    return _NUMBER.sub("#", line.strip())


def _bounds_each(run: TrainingRun) -> bool:
    """Whether a run's loss is the mean of -log p of each item's own class; others have no such bound."""
    if run.loss is None:
        return False
    name = loss_name(run.loss.function)
    return name == "crossentropy" or (name == "nll" and run.loss.input_kind == "log_probabilities")
