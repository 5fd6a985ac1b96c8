"""The student's own story of a training run: execution counts and outputs in the file handed in.

The service runs a notebook from top to bottom; the student may not have. Everything here looks for reasons to
doubt what our run shows, so that a TA hears both stories.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from grader.evidence.record import CellRecord, ShimKind
from grader.evidence.training import TrainingRun
from grader.facts.case import Case
from grader.facts.fields import Regex, Strict
from grader.facts.notebook import located, stored_text
from grader.facts.training.by_hand import updates_beside
from grader.facts.training.phases import phases
from grader.facts.training.runs import mentions_binding, object_name, runs_in

__all__ = [
    "FirstEpoch",
    "doubts_about_carrying",
    "doubts_about_freshness",
    "doubts_about_place",
    "students_own_order",
]


class FirstEpoch(Strict):
    """How the first value of a printed learning curve tells fresh weights from trained ones.

    Attributes:
        pattern: Regular expression whose first group is the value, once for each run of a cell.
        fresh_at_least: Values from here on are those of fresh weights.
        carried_at_most: Values up to here are those of weights already trained.
    """

    pattern: Regex
    fresh_at_least: float
    carried_at_most: float

    def values(self, cell: CellRecord) -> list[float]:
        """First values in the outputs handed in, one for each run."""
        found = re.findall(self.pattern, stored_text(cell))
        return [float(value) for value in found if re.fullmatch(r"\d*\.?\d+", value)]


def doubts_about_carrying(run: TrainingRun, case: Case, first_epoch: FirstEpoch | None) -> list[str]:
    """Reasons why a run that carried weights in our run may have been fresh in the student's."""
    source = _run(case, run.start.carried_from)
    if source is None or run.cell is None or source.cell is None:
        return ["In our run a net was trained on, but it is not known from where."]
    doubts = [*_undetermined(run, source), *_phase_of_one(run, source, case)]
    value = _stored_value(run, case, first_epoch)
    trained = first_epoch is not None and value is not None and value <= first_epoch.carried_at_most
    doubts += _other_order(run, source, case, trained=trained)
    doubts += _failed_rebuild(run, source, case)
    if first_epoch is not None and value is not None and value >= first_epoch.fresh_at_least:
        doubts.append(
            f"From top to bottom {_goes_on(run, source)}, but the output handed in begins with {value:g},"
            " as a fresh net's does."
        )
    return doubts


def doubts_about_freshness(run: TrainingRun, case: Case, first_epoch: FirstEpoch | None) -> list[str]:
    """Reasons why a run that was fresh in our run may have carried weights in the student's."""
    loaded = [*_loaded_before(run, case), *_updated_beside(run, case)]
    value = _stored_value(run, case, first_epoch)
    if first_epoch is None or value is None or value > first_epoch.carried_at_most:
        return loaded
    return [
        *loaded,
        f"From top to bottom `{object_name(run.model)}` is fresh in cell {run.cell}, but the output handed in"
        f" begins with {value:g}, as a net does that was trained before.",
    ]


def _loaded_before(run: TrainingRun, case: Case) -> list[str]:
    """Files handed in with the notebook that weights were loaded from, in this run's cell or before it."""
    before = [
        use
        for use in case.evidence.shims
        if use.kind is ShimKind.HANDED_IN_FILE
        and use.cell is not None
        and run.cell is not None
        and use.cell <= run.cell
    ]
    return [
        f"Cell {use.cell} loads weights from a file handed in with the notebook ({use.detail}), so that it is"
        f" not known what `{object_name(run.model)}` in cell {run.cell} started from."
        for use in before[:1]
    ]


def _updated_beside(run: TrainingRun, case: Case) -> Iterator[str]:
    """Updates by hand in a run's cell, which may be one more training of the same weights."""
    why = updates_beside(run, case)
    if why:
        yield (
            f"`{object_name(run.model)}` starts fresh in cell {run.cell}, but {why}: one training perhaps, or"
            " another that kept trained weights."
        )


def doubts_about_place(
    run: TrainingRun, case: Case, sections: Sequence[str], warm_starts: Sequence[str]
) -> list[str]:
    """Reasons why a run that carried weights may stand where that is nobody's concern: a part not found."""
    placed = not sections or run in runs_in(case, sections)
    named = warm_starts if placed else (*sections, *warm_starts)
    lost = [case.sections[name].title for name in named if not located(case, name)]
    return [
        f"`{object_name(run.model)}` was trained on in cell {run.cell}, but the part '{title}' was not found,"
        " so it is not known for what."
        for title in lost[:1]
    ]


def students_own_order(run: TrainingRun, case: Case, first_epoch: FirstEpoch | None) -> str:
    """What follows where counts and outputs agree that the student made the two runs the other way round."""
    source = _run(case, run.start.carried_from)
    if source is None or first_epoch is None or run.cell == source.cell:
        return ""
    later, earlier = _count(case, run.cell), _count(case, source.cell)
    fresh, trained = (_stored_value(one, case, first_epoch) for one in (run, source))
    if later is None or earlier is None or fresh is None or trained is None:
        return ""
    if later > earlier or fresh < first_epoch.fresh_at_least or trained > first_epoch.carried_at_most:
        return ""
    return (
        f"So as the student ran it, `{object_name(run.model)}` started fresh in cell {run.cell}, and only the"
        f" {source.passes} epochs of cell {source.cell} went on from it."
    )


def _undetermined(run: TrainingRun, source: TrainingRun) -> Iterator[str]:
    """The recorder's own word that it could not tell two trainings from one that was written in parts."""
    if not run.start.determined:
        yield f"{_goes_on(run, source)}, but it is not known to be another training ({run.start.why})."


def _phase_of_one(run: TrainingRun, source: TrainingRun, case: Case) -> Iterator[str]:
    why = phases(run, source, case)
    if why:
        yield (
            f"{_goes_on(run, source)}, but {why}: it may be the next phase of one training, or a training"
            " of its own that kept trained weights."
        )


def _other_order(
    run: TrainingRun, source: TrainingRun, case: Case, *, trained: bool = False
) -> Iterator[str]:
    """Counts that tell of another order than ours.

    An earlier cell that was run once more later is none where the output handed in begins as that of a
    trained net and something ran after the net was built: both stories are the same.
    """
    later, earlier = _count(case, run.cell), _count(case, source.cell)
    if later is None or earlier is None:
        return
    story = f"From top to bottom {_goes_on(run, source)}, but by the execution counts the student ran"
    if later < earlier and run.cell != source.cell:
        if not (trained and _ran_after_building(run, later, case)):
            yield f"{story} cell {run.cell} first ({later}, then {earlier})."
        return
    rebuilt = next((cell for cell in _elsewhere(run, source, case) if earlier < _number(cell) < later), None)
    if rebuilt is not None:
        yield f"{story} cell {rebuilt.index}, which builds it, in between."


def _ran_after_building(run: TrainingRun, count: int, case: Case) -> bool:
    """Whether something was run between the last cell that builds a run's net before a count, and it."""
    builds = [_number(cell) for cell in case.evidence.cells if mentions_binding(cell.source, run.model.names)]
    return count - max((built for built in builds if built < count), default=0) > 1


def _elsewhere(run: TrainingRun, source: TrainingRun, case: Case) -> Iterator[CellRecord]:
    """Cells that build the net but do not stand between the two runs."""
    for cell in case.evidence.cells:
        if not _between(cell, source, run) and mentions_binding(cell.source, run.model.names):
            yield cell


def _failed_rebuild(run: TrainingRun, source: TrainingRun, case: Case) -> Iterator[str]:
    """A cell between the two runs that failed for us and may have built the net anew."""
    names = (*run.model.names, *((run.model.class_name,) if run.model.class_name else ()))
    for cell in case.evidence.cells:
        failed = cell.run is not None and cell.run.status not in ("ok", "not_run")
        if failed and _between(cell, source, run) and mentions_binding(cell.source, names):
            yield f"{_goes_on(run, source)}, but cell {cell.index}, which would have built it again, failed."
            return


def _between(cell: CellRecord, source: TrainingRun, run: TrainingRun) -> bool:
    return source.cell is not None and run.cell is not None and source.cell <= cell.index <= run.cell


def _goes_on(run: TrainingRun, source: TrainingRun) -> str:
    return f"`{object_name(run.model)}` goes on in cell {run.cell} from cell {source.cell}"


def _stored_value(run: TrainingRun, case: Case, first_epoch: FirstEpoch | None) -> float | None:
    """The first value that the file handed in shows for a run; None where runs and values do not pair up."""
    if first_epoch is None or run.cell is None or run.cell >= len(case.evidence.cells):
        return None
    values = first_epoch.values(case.evidence.cells[run.cell])
    in_cell = [other.index for other in case.evidence.training.runs if other.cell == run.cell]
    return values[in_cell.index(run.index)] if len(values) == len(in_cell) else None


def _run(case: Case, index: int | None) -> TrainingRun | None:
    return next((run for run in case.evidence.training.runs if run.index == index), None)


def _number(cell: CellRecord) -> int:
    return cell.submitted.execution_count or 0


def _count(case: Case, cell: int | None) -> int | None:
    """The submitted execution count; 0 stands for "never run" and tells nothing."""
    if cell is None or cell >= len(case.evidence.cells):
        return None
    return _number(case.evidence.cells[cell]) or None
