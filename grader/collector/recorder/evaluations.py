"""Passes in which a network was applied and nothing was trained."""

from __future__ import annotations

from collections.abc import Callable

from grader.collector.recorder.identity import Models
from grader.collector.recorder.passes import Pass
from grader.evidence.training import EvaluationPass, ModelIdentity

__all__ = ["Evaluations"]

_MAX_RECORDS = 2000


class Evaluations:
    """Evaluation passes in order; one record for equal passes after the same training run."""

    def __init__(self, models: Models, note: Callable[[str], None]) -> None:
        self._models = models
        self._note = note
        self._records: dict[tuple[object, ...], EvaluationPass] = {}

    def closed(self, ended: Pass) -> None:
        """Takes in a pass that has ended, if it evaluated something."""
        if ended.model is None or ended.steps or ended.backwards or ended.order is None:
            return
        module = ended.model()
        token = None if module is None else self._models.token(module)
        key = (ended.place, token, ended.source, ended.after_run)
        known = self._records.get(key)
        if known is not None:
            self._records[key] = known.model_copy(update={"passes": known.passes + 1})
        elif len(self._records) < _MAX_RECORDS:
            self._records[key] = self._first(ended, None if module is None else self._models.describe(module))
        else:
            self._note(f"more than {_MAX_RECORDS} evaluations; later ones are not recorded")

    @staticmethod
    def _first(ended: Pass, model: ModelIdentity | None) -> EvaluationPass:
        assert ended.order is not None
        return EvaluationPass(
            order=ended.order,
            cell=ended.place.cell,
            line=ended.place.line,
            model=model,
            source=ended.source,
            after_run=ended.after_run,
        )

    def records(self) -> tuple[EvaluationPass, ...]:
        return tuple(self._records.values())
