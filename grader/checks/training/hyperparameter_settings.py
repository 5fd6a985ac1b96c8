"""Which hyperparameter settings were really trained."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from grader.evidence.training import TrainingRun
from grader.facts.case import Case
from grader.facts.fields import SectionName
from grader.facts.known import Known, Unknown, every, sure
from grader.facts.notebook import located
from grader.facts.training.runs import by_token, in_cells, settings_of, where_of
from grader.facts.training.seen import all_runs, seen_runs
from grader.facts.training.settings import Became, Setting, became_of, differences, fitting, open_share
from grader.facts.training.tried import Tried
from grader.judging.check import Check
from grader.judging.exhibits import RunTimeline, Table
from grader.judging.judgement import Judgement
from grader.judging.nothing import nothing_in_any

__all__ = ["HyperparameterSettings"]

_CUT = "There may be more: not all that tells these trainings apart was recorded."
_NO_NETWORK_SEEN = "The record does not tell whether the network itself is among the changes."


class HyperparameterSettings(Check):
    """Looks among the recorded training runs for settings that were asked for, or counts different ones.

    With `settings` each of them is an equal part of the points: a run in its section with exactly these
    values earns it, a run there with other values does not. With `at_least` so many runs have to differ in
    network, optimizer, learning rate, batch size or epochs; `architectural` asks for two different networks
    among them. What was trained counts, not what a variable or a plot's title says. Functional layers are
    not recorded: where networks may differ in them, a TA looks. So does one where execution counts, outputs
    handed in or words beside the trainings tell of a network that was edited in place between them.

    Fields: `settings`, or `at_least` with `architectural`; `sections` limits the runs that are counted, and
    where it trains something, runs of `baselines` are settings as well. Runs of `final`, sections that may
    train the chosen setting once more, count only where the others are too few.
    """

    example: ClassVar[str] = """\
- id: part3-settings
  title: Each setting is trained as asked
  points: 2
  check: hyperparameter_settings
  settings:
    - {title: lower learning rate, model: [large_net, LargeNet], learning_rate: 0.001, batch_size: 64}
    - {title: larger batches, model: [large_net, LargeNet], learning_rate: 0.01, batch_size: 512}
"""

    check: Literal["hyperparameter_settings"] = "hyperparameter_settings"
    settings: tuple[Setting, ...] = ()
    at_least: int | None = Field(default=None, ge=1)
    architectural: bool = False
    sections: tuple[SectionName, ...] = ()
    baselines: tuple[SectionName, ...] = ()
    final: tuple[SectionName, ...] = ()

    @model_validator(mode="after")
    def _asks_one_thing(self) -> HyperparameterSettings:
        if bool(self.settings) == (self.at_least is not None):
            raise ValueError("give either settings or at_least")
        return self

    def judge(self, case: Case) -> Judgement:
        return self._judge_settings(case) if self.settings else self._judge_count(case)

    def _judge_settings(self, case: Case) -> Judgement:
        found = [became_of(setting, case, self.settings) for setting in self.settings]
        right = sum(each.state == "right" for each in found)
        share = right / len(found)
        where = tuple(place for each in found for place in each.where)
        rows = [{"setting": each.setting.label, "state": each.state, "found": each.reason} for each in found]
        reasons = [f"{self._reason(each, case)}." for each in found if each.state != "right"]
        message = " ".join((f"{right} of {len(found)} settings were trained as asked.", *reasons))
        exhibits = (RunTimeline(), Table.of("settings", rows))
        more: dict[str, Any] = {"where": where, "exhibits": exhibits}
        settled = every(each.trained for each in found)
        if isinstance(settled, Unknown):
            labels = "; ".join(each.setting.label for each in found if each.state == "unsure")
            why = f"Whether this was trained as asked is not known: {labels}."
            waits = open_share(found)
            return Judgement.needs_ta(message, open=why, share=share, open_share=waits, **more)
        return Judgement.earned(share, message, on=settled, **more)

    def _reason(self, became: Became, case: Case) -> str:
        """What became of a setting that was not trained as asked, and which other one was in its place."""
        if became.state != "wrong" or became.run is None:
            return f"{became.setting.label}: {became.reason}"
        text = f"{became.setting.label} was trained with {became.reason} {in_cells([became.run.cell])}"
        same = [each for each in self.settings if not differences(became.run, each, case)]
        if not same:
            return text
        if any(run is not became.run for run in fitting(same[0], case)):
            return f"{text}, which is {same[0].label} again"
        seen = f"the training {in_cells([became.run.cell])} is {same[0].label}"
        return f"{became.setting.label} was not trained: {seen}"

    def _judge_count(self, case: Case) -> Judgement:
        placed = all(located(case, section) for section in self.sections)
        runs = seen_runs(case, self.sections)
        last = {run.index for run in seen_runs(case, self.final).value} if self.final else set()
        first = runs.map(lambda found: tuple(run for run in found if run.index not in last))
        tried = self._tried(case, first)
        if not (tried.enough and sure(tried.redesigned)):
            with_last = self._tried(case, runs)
            tried = with_last if not tried.enough or sure(with_last.redesigned) else tried
        if tried.enough and isinstance(tried.redesigned, Unknown):
            why = f"{_NO_NETWORK_SEEN[:-1]}: {tried.redesigned.why}."
            return Judgement.needs_ta(_words(tried), open=why, share=0.5, **_shown(tried))
        if tried.enough and sure(tried.redesigned):
            words = f"{tried.count} different settings were trained."
            return Judgement.passed(words, on=tried.runs, **_shown(tried))
        anywhere = self._tried(case, seen_runs(case))
        if anywhere.enough and (not placed or not tried.count) and not nothing_in_any(case, self.sections):
            why = "Whether they answer this part is not known."
            return Judgement.needs_ta(_words(anywhere), open=why, **_shown(anywhere))
        return self._too_few(case, tried if placed else anywhere)

    def _tried(self, case: Case, runs: Known[tuple[TrainingRun, ...]]) -> Tried:
        return Tried(
            case,
            wanted=self.at_least or 1,
            runs=runs.map(lambda found: self._with_baselines(case, found)),
            redesign_asked=self.architectural,
        )

    def _with_baselines(self, case: Case, runs: tuple[TrainingRun, ...]) -> tuple[TrainingRun, ...]:
        if not runs or not self.baselines:
            return runs
        both_of_them = {run.index: run for run in (*seen_runs(case, self.baselines).value, *runs)}
        return tuple(both_of_them[index] for index in sorted(both_of_them))

    def _too_few(self, case: Case, tried: Tried) -> Judgement:
        lacking = "" if tried.enough else f" {tried.wanted} were asked for."
        if isinstance(tried.redesigned, Known) and not tried.redesigned.value:
            lacking += " None of them changes the network itself."
        message = f"{_words(tried)}{lacking}"
        bare = nothing_in_any(case, self.sections)
        if tried.count == 0 and bare is not None:
            return bare.model_copy(update={"where": (), "exhibits": _shown(tried)["exhibits"]})
        if tried.possible > tried.count and not tried.enough:
            share = tried.count / tried.wanted
            why = f"There may be more: {tried.edited.why}." if isinstance(tried.edited, Unknown) else _CUT
            waits = tried.open_share
            return Judgement.needs_ta(message, open=why, share=share, open_share=waits, **_shown(tried))
        whole = all_runs(case, self._looked_through(case))
        if isinstance(whole, Unknown):
            return Judgement.needs_ta(message, open=f"There may be more: {whole.why}.", **_shown(tried))
        if not case.evidence.training.runs:
            return Judgement.needs_ta(message, open="No training was recorded at all.", **_shown(tried))
        if tried.count == 0:
            return Judgement.failed(message, on=whole, **_shown(tried))
        if tried.enough:
            advice = "Change the network itself in one of them, as its number of layers or channels."
            return Judgement.partial(0.5, message, on=whole, advice=advice, **_shown(tried))
        return Judgement.partial(tried.count / tried.wanted, message, on=whole, **_shown(tried))

    def _looked_through(self, case: Case) -> tuple[str, ...]:
        """The sections in which settings were looked for; none, for the whole notebook, where one is lost."""
        return self.sections if all(located(case, section) for section in self.sections) else ()


def _shown(tried: Tried) -> dict[str, Any]:
    """Where, and exhibits, for a judgement on settings that were tried."""
    sources = by_token(tried.case.evidence.training)
    trained = Table.of("settings", [settings_of(run, sources) for run in tried.runs.value])
    counted = Table.of("different settings", [{"different": tried.count}])
    exhibits = (RunTimeline(), trained, counted)
    return {"where": where_of(tried.different.values()), "exhibits": exhibits}


def _words(tried: Tried) -> str:
    return f"{tried.count} different setting{'s were' if tried.count != 1 else ' was'} trained."
