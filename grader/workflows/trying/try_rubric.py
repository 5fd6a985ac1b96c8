"""`grader rubric try`: what a rubric makes of a solution, a blank handout, and of mistakes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from grader.evidence.codec import Bundle
from grader.evidence.plan import Plan, further_draw
from grader.facts.case import Reference
from grader.grading.grade import grade
from grader.grading.verdict import Finding, Verdict
from grader.intake import parse_notebook
from grader.rubric.plan import plan_for
from grader.sandbox.base import Job, Sandbox, Worker
from grader.sandbox.whole_passes import with_whole_passes
from grader.store.rubrics import LoadedRubric
from grader.workflows.running.grade_folder import require_notebooks
from grader.workflows.trying.mutants import Mutant, mutants_of

__all__ = ["DRAWS", "CriterionTrial", "MutantTrial", "Remark", "RubricTrial", "WrongNotebook", "try_rubric"]

#: How often hidden inputs are drawn for the solution's functions.
DRAWS = 20

_SMALL = 1e-9


@dataclass(frozen=True)
class WrongNotebook:
    """A notebook in which something is wrong on purpose.

    Attributes:
        name: What to call it.
        content: Its bytes.
        criterion: Id of the criterion that should notice.
    """

    name: str
    content: bytes
    criterion: str


@dataclass(frozen=True)
class Remark:
    """Something about a rubric that its author should know.

    Attributes:
        kind: ``error`` where a class would suffer from it.
    """

    kind: Literal["error", "warning"]
    text: str


@dataclass(frozen=True)
class CriterionTrial:
    """One criterion: what solution and blank handout earned by it, and which mistakes it noticed.

    Attributes:
        blank: None where no handout was given.
        noticed: Of the mistakes that it should notice, those that it did.
        aimed: How many it should.
    """

    solution: Finding
    blank: Finding | None
    noticed: tuple[str, ...]
    aimed: int


@dataclass(frozen=True)
class MutantTrial:
    """One mistake.

    Attributes:
        aims: Criteria that should notice; without any the rubric asks for nothing of the kind.
        noticed_by: Criteria by which the notebook earned less than the solution.
    """

    mistake: str
    cell: int
    aims: tuple[str, ...]
    noticed_by: tuple[str, ...]

    @property
    def hit(self) -> bool:
        """Whether one noticed that should."""
        return bool(set(self.aims) & set(self.noticed_by))


@dataclass(frozen=True)
class RubricTrial:
    """All that came of it."""

    criteria: tuple[CriterionTrial, ...]
    mutants: tuple[MutantTrial, ...]
    remarks: tuple[Remark, ...] = field(default=())

    @property
    def sound(self) -> bool:
        return not any(remark.kind == "error" for remark in self.remarks)


def try_rubric(
    loaded: LoadedRubric,
    reference: Reference,
    sandbox: Sandbox,
    *,
    solution: bytes,
    blank: bytes | None = None,
    wrong: Sequence[WrongNotebook] = (),
    mutants: Callable[[Mutant], bool] = lambda mutant: True,
    told: Callable[[str], None] = lambda text: None,
) -> RubricTrial:
    """Runs all of them once, one after another, and keeps nothing.

    Args:
        loaded: The rubric with its handout.
        reference: The course's reference.
        sandbox: Where to run.
        solution: A notebook that deserves all points.
        blank: The handout as students get it, which deserves none.
        wrong: Notebooks with mistakes of the author's choice.
        mutants: Which mistakes are made in the solution.
        told: Hears what is run next.

    Raises:
        SubmissionError: A file is no notebook.
        UsageError: The rubric judges photos.
        SandboxUnavailable: The sandbox does not work here.
    """
    require_notebooks(loaded.rubric)
    trial = _Trial(loaded, reference, sandbox.open(plan_for(loaded.rubric)))
    told("the solution")
    solved = trial.run(solution, draws=DRAWS)
    verdict = trial.judge(solved)
    remarks = [*_lost(verdict), *_unsteady(verdict, [trial.judge(one) for one in _draws(solved)])]
    unworked = None
    if blank is not None:
        told("the blank handout")
        unworked = trial.judge(trial.run(blank))
        remarks += _earned(unworked)
    for one in wrong:
        told(one.name)
        remarks += _unnoticed(one, verdict, trial.judge(trial.run(one.content)))
    tried = _tried(trial, solution, verdict, mutants, told)
    criteria = tuple(_criterion(finding, unworked, tried) for finding in verdict.findings)
    remarks += _said_of(tried, criteria)
    return RubricTrial(criteria, tuple(tried), tuple(remarks))


@dataclass(frozen=True)
class _Trial:
    loaded: LoadedRubric
    reference: Reference
    worker: Worker

    def run(self, notebook: bytes, *, draws: int = 1) -> Bundle:
        plan = plan_for(self.loaded.rubric)

        def by(other: Plan) -> Bundle:
            return self.worker.run(Job("trial", notebook, other, draws=draws))

        return with_whole_passes(by(plan), plan, by)

    def judge(self, bundle: Bundle) -> Verdict:
        return grade(self.loaded.rubric, bundle, self.reference, self.loaded.handout)


def _draws(bundle: Bundle) -> list[Bundle]:
    """The same attempt with each further draw of hidden inputs in the place of the first."""
    found = bundle.evidence.probes
    drawn = []
    for draw in range(1, DRAWS):
        probes = {name: found.get(further_draw(name, draw), answer) for name, answer in found.items()}
        drawn.append(Bundle(bundle.evidence.model_copy(update={"probes": probes}), bundle.arrays))
    return drawn


def _tried(
    trial: _Trial,
    solution: bytes,
    solved: Verdict,
    chosen: Callable[[Mutant], bool],
    told: Callable[[str], None],
) -> list[MutantTrial]:
    made = [each for each in mutants_of(parse_notebook(solution), trial.loaded.rubric) if chosen(each)]
    # Where the solution itself earns nothing for sure, nothing can be lost.
    worth_something = {each.criterion for each in solved.findings if each.points or not each.out_of}
    tried = []
    for place, mutant in enumerate(made, start=1):
        told(f"mistake {place} of {len(made)}: {mutant.mistake}")
        verdict = trial.judge(trial.run(_with(solution, mutant)))
        noticed = tuple(
            now.criterion
            for before, now in zip(solved.findings, verdict.findings, strict=True)
            if _less(now, before)
        )
        aims = tuple(sorted(mutant.aims & worth_something))
        tried.append(MutantTrial(mutant.mistake, min(mutant.changed), aims, noticed))
    return tried


def _with(solution: bytes, mutant: Mutant) -> bytes:
    notebook: dict[str, Any] = json.loads(solution)
    for place, source in mutant.changed.items():
        notebook["cells"][place]["source"] = source
    return json.dumps(notebook).encode()


def _less(now: Finding, before: Finding) -> bool:
    """Whether less is earned for sure, or nothing is worth a point and the judgement is another."""
    if not before.out_of:
        return now.status is not before.status
    return now.points < before.points - _SMALL


def _lost(solved: Verdict) -> list[Remark]:
    remarks = []
    for finding in solved.findings:
        missing = finding.out_of - finding.points - finding.pending
        if missing > _SMALL:
            remarks.append(
                Remark("error", f"{finding.criterion}: the solution loses {missing:g}: {finding.message}")
            )
        elif finding.pending > _SMALL and finding.open:
            text = f"{finding.criterion}: the solution goes to a TA: {finding.told}"
            remarks.append(Remark("warning", text))
    return remarks


def _unsteady(solved: Verdict, again: Sequence[Verdict]) -> list[Remark]:
    """Criteria that come to other points when other hidden inputs are drawn."""
    by_draw: Mapping[str, set[float]] = {
        finding.criterion: {finding.points, *(verdict.findings[place].points for verdict in again)}
        for place, finding in enumerate(solved.findings)
    }
    return [
        Remark(
            "error",
            f"{criterion}: equal work gets {' or '.join(f'{each:g}' for each in sorted(points))} points,"
            f" by what is drawn ({DRAWS} draws)",
        )
        for criterion, points in by_draw.items()
        if len(points) > 1
    ]


def _earned(blank: Verdict) -> list[Remark]:
    return [
        Remark("error", f"{finding.criterion}: the blank handout earns {finding.points:g}: {finding.message}")
        for finding in blank.findings
        if finding.points > _SMALL
    ]


def _unnoticed(wrong: WrongNotebook, solved: Verdict, verdict: Verdict) -> list[Remark]:
    for before, now in zip(solved.findings, verdict.findings, strict=True):
        if now.criterion == wrong.criterion and not _less(now, before):
            return [Remark("error", f"{wrong.criterion}: does not notice {wrong.name}: {now.message}")]
    return []


def _criterion(solved: Finding, blank: Verdict | None, tried: Sequence[MutantTrial]) -> CriterionTrial:
    name = solved.criterion
    unworked = None if blank is None else next(each for each in blank.findings if each.criterion == name)
    aimed = [mutant for mutant in tried if name in mutant.aims]
    noticed = tuple(mutant.mistake for mutant in aimed if name in mutant.noticed_by)
    return CriterionTrial(solved, unworked, noticed, len(aimed))


def _said_of(tried: Sequence[MutantTrial], criteria: Sequence[CriterionTrial]) -> list[Remark]:
    remarks = []
    for mutant in tried:
        if mutant.aims and not mutant.hit:
            remarks.append(Remark("warning", f"{mutant.mistake}: not noticed by {', '.join(mutant.aims)}"))
        elif not mutant.aims and not mutant.noticed_by:
            remarks.append(Remark("warning", f"{mutant.mistake}: no criterion notices"))
    for trial in criteria:
        if trial.aimed and not trial.noticed:
            text = f"{trial.solution.criterion}: notices none of {trial.aimed} mistakes made for it"
            remarks.append(Remark("warning", text))
    return remarks
