"""Which hyperparameter settings were really trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from grader.evidence.training import DataSource, TrainingHistory, TrainingRun
from grader.facts.case import Case
from grader.facts.notebook import located, some_failed, training_unknown
from grader.facts.training.redesign import redesigned
from grader.facts.training.runs import (
    batch_size_of,
    by_token,
    in_cells,
    learning_rate_of,
    runs_in,
    settings_of,
    where_of,
)
from grader.facts.training.settings import Became, Setting, became_of, differences, open_share
from grader.judging.check import Check
from grader.judging.judgement import Judgement
from grader.judging.nothing import nothing_handed_in

__all__ = ["HyperparameterSettings"]

_CUT = "There may be more: not all layers of these networks were recorded; a TA looks."
_NO_NETWORK_SEEN = "The record does not tell whether the network itself is among the changes; a TA looks."


class HyperparameterSettings(Check):
    """Looks among the recorded training runs for settings that were asked for, or counts different ones.

    With `settings` each of them is an equal part of the points: a run in its section with exactly these
    values earns it, a run there with other values does not. With `at_least` so many runs have to differ in
    network, optimizer, learning rate, batch size or epochs; `architectural` asks for two different networks
    among them. What was trained counts, not what a variable or a plot's title says. Functional layers are
    not recorded: where networks may differ in them, a TA looks.

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
    sections: tuple[str, ...] = ()
    baselines: tuple[str, ...] = ()
    final: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _asks_one_thing(self) -> HyperparameterSettings:
        if bool(self.settings) == (self.at_least is not None):
            raise ValueError("give either settings or at_least")
        return self

    def section_names(self) -> tuple[str, ...]:
        named = tuple(setting.section for setting in self.settings if setting.section is not None)
        return (*self.sections, *self.baselines, *self.final, *named)

    def judge(self, case: Case) -> Judgement:
        return self._judge_settings(case) if self.settings else self._judge_count(case)

    def _judge_settings(self, case: Case) -> Judgement:
        found = [became_of(setting, case) for setting in self.settings]
        right = sum(each.state == "right" for each in found)
        share = right / len(found)
        where = tuple(place for each in found for place in each.where)
        rows = [{"setting": each.setting.label, "state": each.state, "found": each.reason} for each in found]
        reasons = [f"{self._reason(each, case)}." for each in found if each.state != "right"]
        message = " ".join((f"{right} of {len(found)} settings were trained as asked.", *reasons))
        more: dict[str, Any] = {"where": where, "data": {"settings": rows}}
        if right == len(found):
            return Judgement.passed(message, **more)
        if open_share(found):
            judgement = Judgement.needs_ta(message, share=share, **more)
            return judgement.model_copy(update={"open_share": open_share(found)})
        return Judgement.partial(share, message, **more) if right else Judgement.failed(message, **more)

    def _reason(self, became: Became, case: Case) -> str:
        """What became of a setting that was not trained as asked, and which other one was in its place."""
        if became.state != "wrong" or became.run is None:
            return f"{became.setting.label}: {became.reason}"
        text = f"{became.setting.label} was trained with {became.reason} {in_cells([became.run.cell])}"
        sources = by_token(case.evidence.training)
        same = [each.label for each in self.settings if not differences(became.run, each, sources)]
        return f"{text}, which is {same[0]} again" if same else text

    def _judge_count(self, case: Case) -> Judgement:
        placed = all(located(case, section) for section in self.sections)
        runs = runs_in(case, self.sections)
        last = {run.index for run in (runs_in(case, self.final) if self.final else ())}
        tried = self._tried(case, tuple(run for run in runs if run.index not in last))
        if not (tried.enough and tried.redesigned == "yes"):
            with_last = self._tried(case, runs)
            tried = with_last if not tried.enough or with_last.redesigned == "yes" else tried
        if tried.enough and tried.redesigned == "yes":
            return Judgement.passed(f"{tried.count} different settings were trained.", **tried.more)
        if tried.enough and tried.redesigned == "unsure":
            return Judgement.needs_ta(f"{tried.words} {_NO_NETWORK_SEEN}", share=0.5, **tried.more)
        anywhere = self._tried(case, case.evidence.training.runs)
        if anywhere.enough and (not placed or not tried.count) and not _untouched(case, self.sections):
            text = f"{anywhere.words} Whether they answer this part could not be told; a TA looks at it."
            return Judgement.needs_ta(text, **anywhere.more)
        return self._too_few(case, tried if placed else anywhere)

    def _tried(self, case: Case, runs: tuple[TrainingRun, ...]) -> _Tried:
        if runs and self.baselines:
            both = {run.index: run for run in (*runs_in(case, self.baselines), *runs)}
            runs = tuple(both[index] for index in sorted(both))
        sources, history = by_token(case.evidence.training), case.evidence.training
        different = _different(runs, history)
        data = {"settings": [settings_of(run, sources) for run in runs], "different": len(different)}
        return _Tried(
            count=len(different),
            possible=len(_different(runs, history, apart=True)),
            wanted=self.at_least or 1,
            redesigned=redesigned(runs, case) if self.architectural else "yes",
            more={"where": where_of(different.values()), "data": data},
        )

    def _too_few(self, case: Case, tried: _Tried) -> Judgement:
        lacking = "" if tried.enough else f" {tried.wanted} were asked for."
        if tried.redesigned == "no":
            lacking += " None of them changes the network itself."
        message = f"{tried.words}{lacking}"
        if tried.count == 0 and _untouched(case, self.sections):
            return Judgement.failed("Nothing was handed in for this part.", data=tried.more["data"])
        if tried.possible > tried.count and not tried.enough:
            judgement = Judgement.needs_ta(
                f"{message} {_CUT}", share=tried.count / tried.wanted, **tried.more
            )
            return judgement.model_copy(update={"open_share": tried.open_share})
        if training_unknown(case) or some_failed(case, self.sections):
            return Judgement.needs_ta(f"{message} Some cells failed or did not run.", **tried.more)
        if tried.count == 0:
            return Judgement.failed(message, **tried.more)
        if tried.enough:
            advice = "Change the network itself in one of them, as its number of layers or channels."
            return Judgement.partial(0.5, message, advice=advice, **tried.more)
        return Judgement.partial(tried.count / tried.wanted, message, **tried.more)


@dataclass(frozen=True)
class _Tried:
    """Settings that were tried.

    Attributes:
        possible: How many there are if networks differ wherever the record does not tell.
        redesigned: Whether the network itself is among what was changed; ``yes`` where nobody asks.
        more: Where, and data, for a judgement.
    """

    count: int
    possible: int
    wanted: int
    redesigned: Literal["yes", "no", "unsure"]
    more: dict[str, Any]

    @property
    def enough(self) -> bool:
        return self.count >= self.wanted

    @property
    def open_share(self) -> float:
        """Part of the settings asked for of which nobody can tell without looking."""
        return (min(self.possible, self.wanted) - self.count) / self.wanted

    @property
    def words(self) -> str:
        return f"{self.count} different setting{'s were' if self.count != 1 else ' was'} trained."


def _untouched(case: Case, sections: tuple[str, ...]) -> bool:
    return bool(sections) and all(nothing_handed_in(case, section) for section in sections)


def _different(
    runs: tuple[TrainingRun, ...], history: TrainingHistory, *, apart: bool = False
) -> dict[object, TrainingRun]:
    """The first run of each setting. One whose learning rate is not known must differ in something else.

    Networks whose layers were not all recorded count as equal where what was recorded is, or, with `apart`,
    as different ones.
    """
    known: dict[tuple[float | None, tuple[object, ...]], TrainingRun] = {}
    sources = by_token(history)
    for run in runs:
        network = _network(run, history, apart)
        known.setdefault((learning_rate_of(run), (network, *_others(run, sources))), run)
    rated = {others for rate, others in known if rate is not None}
    return {
        (rate, others): run
        for (rate, others), run in known.items()
        if rate is not None or others not in rated
    }


def _network(run: TrainingRun, history: TrainingHistory, apart: bool) -> str | None:
    """What tells a run's network from others; None where no network was recorded."""
    layers = history.layers_of(run.model)
    if layers is None or layers.digest is not None:
        return None if layers is None else layers.digest
    return f"{layers.model_dump_json()} {run.index if apart else ''}"


def _others(run: TrainingRun, sources: dict[int, DataSource]) -> tuple[object, ...]:
    """All that makes a setting but its learning rate and its network."""
    given = tuple(sorted((name, str(value)) for name, value in run.hyperparameters.items() if name != "lr"))
    return (run.optimizer, given, batch_size_of(run, sources), run.passes)
