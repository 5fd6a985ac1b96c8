"""Training histories of one attempt, a new one after each cell: each must go on from the one before.

What has been recorded once is never recorded otherwise by our recorder, so a run that is gone or has changed
was taken out or changed by the notebook.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.evidence.base import Record
from grader.evidence.training import TrainingHistory, TrainingRun

__all__ = ["doubted", "gone_on"]

_MOST_NOTES = 60
#: What may grow while a run goes on; where it lies among other things may move; all else is fixed.
_GROWING = ("steps", "passes", "passes_cut")
_FIXED = ("index", "cell", "line", "method", "optimizer", "hyperparameters", "model", "start")


def gone_on(before: TrainingHistory, after: TrainingHistory) -> tuple[TrainingHistory, str]:
    """The history that stands now.

    Returns:
        `after` where it extends `before`, and no text; else `before`, no longer complete, and what was
        changed, in words. What was incomplete once stays so.
    """
    change = _change(before, after)
    if change:
        told = f"the notebook changed its training history: {change}"
        return doubted(before, told), told
    if before.complete:
        return after, ""
    return after.model_copy(update={"complete": False, "notes": _joined(before.notes, after.notes)}), ""


def doubted(history: TrainingHistory, why: str) -> TrainingHistory:
    """The history, no longer taken for complete."""
    return history.model_copy(update={"complete": False, "notes": _joined(history.notes, (why,))})


def _joined(notes: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*notes, *more)))[:_MOST_NOTES]


def _change(before: TrainingHistory, after: TrainingHistory) -> str:
    """What of `before` is not in `after` any more, in words; empty where all of it is."""
    kept = min(len(before.runs), len(after.runs))
    if kept < len(before.runs):
        return f"run {kept} of cell {before.runs[kept].cell} is gone"
    for old, new in zip(before.runs, after.runs, strict=False):
        altered = [*_altered(old, new, _FIXED), *_fallen(old, new)]
        if altered:
            return f"{altered[0]} of run {old.index} is another than before"
    if not _begins_with(after.evaluations, before.evaluations, ("cell", "line", "source", "after_run")):
        return "an evaluation is gone or another than before"
    if not _begins_with(after.sources, before.sources, ("token", "dataset", "split", "index_digest")):
        return "a source of data is gone or another than before"
    if not _begins_with(after.layer_lists, before.layer_lists, ("layers", "digest", "cut")):
        return "the layers of a network are gone or others than before"
    return ""


def _altered(old: Record, new: Record, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if getattr(old, name) != getattr(new, name)]


def _fallen(old: TrainingRun, new: TrainingRun) -> list[str]:
    return [name for name in _GROWING if getattr(new, name) < getattr(old, name)]


def _begins_with(whole: Sequence[Record], part: Sequence[Record], names: tuple[str, ...]) -> bool:
    return len(whole) >= len(part) and not any(
        _altered(old, new, names) for old, new in zip(part, whole, strict=False)
    )
