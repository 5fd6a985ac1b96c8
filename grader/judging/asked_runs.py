"""Settings that had to be trained, each from fresh weights: an equal part of the points each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from grader.evidence.training import TrainingRun
from grader.facts.case import Case
from grader.facts.fields import Where
from grader.facts.known import Fact, Known, Unknown, every
from grader.facts.notebook import stopped_early
from grader.facts.training.runs import object_name
from grader.facts.training.settings import Became, Setting, became_of, fitting
from grader.facts.training.starts import Start, Starts
from grader.judging.exhibits import Table
from grader.judging.judgement import Judgement
from grader.judging.starts import (
    accusation,
    advice_on,
    doubtful_places,
    doubts_told,
    places_of,
    timeline,
)

__all__ = ["judge_asked"]

#: Most that is earned where another run than those asked for went on from trained weights.
_WITH_REUSE_ELSEWHERE = 0.5


@dataclass(frozen=True)
class _Asked:
    """What became of one setting.

    Attributes:
        start: How it started where it was trained as asked; ``lacking`` where it was not.
        run: The run that settles it, where one does.
    """

    became: Became
    start: Fact[Start | Literal["lacking"]]
    run: TrainingRun | None = None

    @property
    def state(self) -> Start | Literal["lacking", "open"]:
        return "open" if isinstance(self.start, Unknown) else self.start.value

    @property
    def row(self) -> dict[str, Any]:
        cell = None if self.run is None else self.run.cell
        return {"setting": self.became.setting.label, "state": self.state, "cell": cell}


def judge_asked(settings: Sequence[Setting], starts: Starts) -> Judgement:
    """Judges runs of which some had to be; a reuse in another run costs half of the points at most."""
    asked = [_asked(setting, starts, settings) for setting in settings]
    settled = [each.run for each in asked if each.state == "carried"]
    elsewhere = [run for run in starts.certain if run not in settled]
    kept = [run for run in (*settled, *elsewhere) if run is not None]
    low, high = _bounds(asked, starts, bool(elsewhere))
    more: dict[str, Any] = {
        "where": _where(asked, kept, starts),
        "exhibits": (
            timeline(starts, undetermined=high > low),
            Table.of("settings", [each.row for each in asked]),
        ),
        "advice": advice_on(kept[0]) if kept else "",
    }
    message = _message(asked, kept, starts)
    on = _decisive(asked, starts, low, high)
    if on is None:
        why = _open(asked, starts)
        return Judgement.needs_ta(message, open=why, share=low, open_share=high - low, **more)
    return Judgement.earned(low, message, on=on, **more)


def _asked(setting: Setting, starts: Starts, settings: Sequence[Setting]) -> _Asked:
    """The best that is known of a setting: one run from fresh weights is enough."""
    became = became_of(setting, starts.case, settings)
    if became.state != "right":
        return _Asked(became, _lacking(became))
    runs = {_state(starts.of(run)): run for run in reversed(fitting(setting, starts.case))}
    run = next(runs[state] for state in ("fresh", "open", "carried") if state in runs)
    return _Asked(became, starts.of(run), run)


def _lacking(became: Became) -> Fact[Start | Literal["lacking"]]:
    trained = became.trained
    return trained if isinstance(trained, Unknown) else trained.map(lambda _: "lacking")


def _state(start: Fact[Start]) -> Start | Literal["open"]:
    return "open" if isinstance(start, Unknown) else start.value


def _decisive(asked: Sequence[_Asked], starts: Starts, low: float, high: float) -> Known[object] | None:
    """What settles the share; None where doubts leave it open."""
    if high > low:
        return None
    known = [each.start for each in asked if isinstance(each.start, Known)]
    carried = [starts.of(run) for run in starts.certain]
    on = every([*known, *carried])
    return on if isinstance(on, Known) else None


def _open(asked: Sequence[_Asked], starts: Starts) -> str:
    if starts.reasons:
        return doubts_told(starts)
    if _in_doubt(starts):
        return "Our run ended before the last cell, so there may be further runs."
    return " ".join(
        f"Whether {each.became.setting.label} was trained from fresh weights is not known."
        for each in asked
        if each.state == "open"
    )


def _bounds(asked: Sequence[_Asked], starts: Starts, reuse_elsewhere: bool) -> tuple[float, float]:
    """Share if every doubt goes against the student, and if every doubt goes for them."""
    fresh = sum(each.state == "fresh" for each in asked) / len(asked)
    unsure = sum(each.state == "open" for each in asked) / len(asked)
    most = _WITH_REUSE_ELSEWHERE if reuse_elsewhere else 1.0
    least = min(most, _WITH_REUSE_ELSEWHERE) if _in_doubt(starts) else most
    return min(fresh, least), min(fresh + unsure, most)


def _in_doubt(starts: Starts) -> bool:
    """Whether some run may have started otherwise than it seems, or was not seen."""
    return bool(starts.reasons) or stopped_early(starts.case)


def _message(asked: Sequence[_Asked], kept: Sequence[TrainingRun], starts: Starts) -> str:
    count = f"{len(starts.runs)} training run{'s' if len(starts.runs) != 1 else ''}"
    sentences = [accusation(kept, starts.case)] if kept else []
    if sentences or starts.reasons:
        sentences += _fresh_ones(asked)
    else:
        sentences.append(f"{count}, each started from fresh weights{_until(starts.case)}.")
    lacking = [each.became for each in asked if each.became.state != "right"]
    if lacking:
        names = "; ".join(f"{each.setting.label} ({each.reason})" for each in lacking)
        sentences.append(f"Not trained as asked: {names}.")
    if not sentences:
        sentences.append(f"{count} {'was' if len(starts.runs) == 1 else 'were'} seen.")
    return " ".join(sentences)


def _fresh_ones(asked: Sequence[_Asked]) -> list[str]:
    runs = [each.run for each in asked if each.state == "fresh" and each.run is not None]
    return [f"`{object_name(run.model)}` started from fresh weights in cell {run.cell}." for run in runs]


def _until(case: Case) -> str:
    return ", until our run ended before the last cell" if stopped_early(case) else ""


def _where(asked: Sequence[_Asked], kept: Sequence[TrainingRun], starts: Starts) -> tuple[Where, ...]:
    of_lacking = [place for each in asked for place in each.became.where]
    places = (*places_of(kept, starts.case), *doubtful_places(starts), *of_lacking)
    return tuple(dict.fromkeys(places))
