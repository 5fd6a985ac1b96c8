"""Were weights loaded from a file that a training of the notebook wrote?"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from grader.evidence.checkpoints import CheckpointLoaded
from grader.evidence.training import TrainingRun
from grader.facts.case import Case
from grader.facts.fields import SectionName, Where
from grader.facts.known import Fact, Known, Unknown
from grader.facts.training.checkpoints import loads_in, none_loaded, written_by
from grader.facts.training.runs import in_cells, runs_in
from grader.judging.check import Check, Names
from grader.judging.exhibits import Table
from grader.judging.judgement import Judgement
from grader.judging.nothing import not_located, nothing_handed_in

__all__ = ["WeightsLoaded"]


class WeightsLoaded(Check):
    """Looks in the criterion's section for weights that were loaded from a file into a network.

    What was recorded is the file, the training whose parameters `torch.save` put there, the passes over the
    training data that it had begun by then, and the network that got them. A file that no training of our
    run wrote, one that is loaded into a network of another name, or by a cell that stands in the handout as
    it is, goes to a TA. A part that loads nothing, whose cells all ran and that has no code which may load,
    earns nothing, and neither does a checkpoint of another epoch than the one asked for.

    Attributes:
        into: What the network is called that gets the weights; any network where it is empty.
        trained_in: Sections of which one has the training that wrote the file; any where it is empty.
        epoch: The epoch of the checkpoint, from 1; any if left out.
    """

    example: ClassVar[str] = """\
- id: best-model-loaded
  title: The best checkpoint is loaded
  points: 1
  check: checkpoint_loaded
  into: net
"""

    check: Literal["checkpoint_loaded"] = "checkpoint_loaded"
    into: Names = ()
    trained_in: tuple[SectionName, ...] = ()
    epoch: int | None = Field(default=None, ge=1)

    def judge(self, case: Case) -> Judgement:
        sections = () if case.section is None else (case.section,)
        bare = nothing_handed_in(case) if sections else None
        if bare is not None:
            return bare
        found = loads_in(case, sections)
        if isinstance(found, Unknown):
            return Judgement.missing("What this attempt loaded was not recorded; run the submission again.")
        lost = not_located(case)
        if lost is not None:
            return lost
        if not found.value:
            return self._without(case, sections)
        fitting = [each for each in found.value if self._is_named(each)]
        loaded = (fitting or list(found.value))[-1]
        return self._judge(case, loaded, named=bool(fitting))

    def _is_named(self, loaded: CheckpointLoaded) -> bool:
        return loaded.class_name is not None and (not self.into or bool(set(self.into) & set(loaded.names)))

    def _judge(self, case: Case, loaded: CheckpointLoaded, *, named: bool) -> Judgement:
        run = written_by(loaded, case)
        text = _told(loaded, run)
        more: dict[str, Any] = {
            "where": (Where(cell=loaded.cell, line=loaded.line),),
            "exhibits": (Table.of("checkpoints", [_row(loaded, run)]),),
        }
        if not named:
            into = " or ".join(f"`{name}`" for name in self.into) or "a network"
            return Judgement.needs_ta(text, open=f"Whether {into} got these weights was not seen.", **more)
        if isinstance(run, Unknown):
            return Judgement.needs_ta(text, open=f"But {run.why}.", **more)
        if loaded.cell in case.alignment.unchanged:
            why = "The cell is the handout's as it was, with the file that it names."
            return Judgement.needs_ta(text, open=why, **more)
        trained = {each.index for each in runs_in(case, self.trained_in)}
        if run.value.index not in trained:
            titles = " or ".join(f"'{case.sections[name].title}'" for name in self.trained_in)
            return Judgement.needs_ta(text, open=f"Asked for is a training of {titles}.", **more)
        if self.epoch is not None and loaded.epoch != self.epoch:
            words = f"{text} Asked for is epoch {self.epoch}."
            if loaded.epoch is None:
                return Judgement.needs_ta(words, open="The epoch was not recorded.", **more)
            return Judgement.failed(words, on=run, **more)
        return Judgement.passed(text, on=run, **more)

    def _without(self, case: Case, sections: tuple[str, ...]) -> Judgement:
        none = none_loaded(case, self.into, sections)
        text = "No file of weights was loaded in this part."
        if isinstance(none, Known):
            return Judgement.failed(text, on=none)
        return Judgement.needs_ta(text, open=f"There may be one: {none.why}.")


def _told(loaded: CheckpointLoaded, run: Fact[TrainingRun]) -> str:
    into = f"`{loaded.names[0]}`" if loaded.names else loaded.class_name or "a variable"
    text = f"`{loaded.path}` was loaded into {into}"
    if isinstance(run, Unknown):
        return f"{text}."
    at = "" if loaded.epoch is None else f" in epoch {loaded.epoch} of {run.value.passes}"
    return f"{text}; the training {in_cells([run.value.cell])} wrote it{at}."


def _row(loaded: CheckpointLoaded, run: Fact[TrainingRun]) -> dict[str, Any]:
    return {
        "file": loaded.path,
        "loaded in cell": loaded.cell,
        "into": ", ".join(loaded.names) or loaded.class_name,
        "trained in cell": run.value.cell if isinstance(run, Known) else None,
        "epoch": loaded.epoch,
    }
