"""Does an answer name the settings that are trained in another part?"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import model_validator

from grader.facts.case import Case
from grader.facts.fields import Regex, SectionName
from grader.facts.known import Known, Unknown
from grader.facts.training.named import sentence_saying, settings_in_words
from grader.facts.training.runs import by_token, in_cells, runs_in, settings_of
from grader.facts.words.answers import Answer, answer_in
from grader.judging.check import Check
from grader.judging.exhibits import Table
from grader.judging.judgement import Judgement
from grader.judging.nothing import not_located, nothing_handed_in

__all__ = ["SettingsNamed"]


class SettingsNamed(Check):
    """Looks in the words of the criterion's section for the settings that other sections trained.

    Named is what stands in Markdown, comments and texts of the code: the network, by what tells its name from
    others' (`large` of `large_net`), and its learning rate and batch size, as numbers. Words that lack one of
    them, as a choice that keeps the usual batch size, go to a TA. With `says` a sentence has to fit a pattern
    instead, as one that chooses between two settings; where none does, or another fits one of `unless`, a TA
    reads it. Whether the choice is a good one, and whether it is justified, is another criterion.

    Fields: `trained_in`, sections of which one trains what is named; or `says`, regular expressions on a
    sentence, with `unless`.
    """

    example: ClassVar[str] = """\
- id: first-choice
  title: A set of values is chosen
  points: 1
  check: settings_named
  trained_in: [part4b]
"""

    check: Literal["settings_named"] = "settings_named"
    trained_in: tuple[SectionName, ...] = ()
    says: tuple[Regex, ...] = ()
    unless: tuple[Regex, ...] = ()

    @model_validator(mode="after")
    def _asks_one_thing(self) -> SettingsNamed:
        if bool(self.trained_in) == bool(self.says):
            raise ValueError("give either trained_in or says")
        return self

    def judge(self, case: Case) -> Judgement:
        bare = nothing_handed_in(case) if case.section is not None else None
        if bare is not None:
            return bare
        answer = answer_in(case)
        lost = not_located(case)
        if lost is not None:
            return lost
        return self._judge_words(answer) if self.says else self._judge_settings(case, answer)

    def _judge_words(self, answer: Answer) -> Judgement:
        said = sentence_saying(answer, self.says, self.unless)
        if isinstance(said, Unknown):
            text, why = "Which one is chosen was not found in the words.", f"But {said.why}."
            return Judgement.needs_ta(text, open=why, where=answer.where)
        return Judgement.passed(f"The answer says: {said.value}", on=said, where=answer.where)

    def _judge_settings(self, case: Case, answer: Answer) -> Judgement:
        runs, sources = runs_in(case, self.trained_in), by_token(case.evidence.training)
        more: dict[str, Any] = {
            "where": answer.where,
            "exhibits": (Table.of("trained", [settings_of(run, sources) for run in runs]),),
        }
        if not runs:
            return Judgement.needs_ta("No training was seen that may be the one named.", **more)
        named = [settings_in_words(run, answer, case) for run in runs]
        known = next((fact for fact in named if isinstance(fact, Known)), None)
        if known is not None:
            run = runs[named.index(known)]
            settings = ", ".join(f"{name} {value}" for name, value in known.value.items())
            return Judgement.passed(f"Named as trained {in_cells([run.cell])}: {settings}.", on=known, **more)
        why = " ".join(dict.fromkeys(f"{fact.why}." for fact in named if not isinstance(fact, Known)))
        text = (
            f"Not all settings of the training {in_cells(run.cell for run in runs)} were found in the words."
        )
        return Judgement.needs_ta(text, open=f"{why[0].upper()}{why[1:]}", **more)
