"""How a run went, in sentences for whoever handed it in."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from grader.evidence.codec import Bundle
from grader.evidence.record import Evidence, Outcome, ShimKind
from grader.facts.handed_in import nothing_came
from grader.facts.raised import raised_in
from grader.reporting.cells import cells_by_name
from grader.reporting.model import ReportInput
from grader.reporting.raised import raised_clause
from grader.reporting.text import count, duration

__all__ = ["RunFacts", "notebook_facts", "run_facts"]

_OUTCOMES = {
    Outcome.COMPLETED: "Every cell of your notebook ran without an error.",
    Outcome.CELL_ERROR: "Your notebook ran to the end; some cells raised errors.",
    Outcome.TIMEOUT: "Your notebook was stopped at the time limit.",
    Outcome.OUT_OF_MEMORY: "Your notebook was stopped because it used more memory than allowed.",
    Outcome.OUTPUT_LIMIT: "Your notebook was stopped because it printed more than allowed.",
    Outcome.KERNEL_DIED: "Python stopped while your notebook ran; later cells did not run.",
    Outcome.INVALID_SUBMISSION: "The file handed in could not be read as a notebook.",
    Outcome.SANDBOX_UNAVAILABLE: "Our service could not run your notebook. This costs you no points.",
}

_STAND_INS = {
    ShimKind.TRAINING_BUDGET: "training was cut to a few batches a pass",
    ShimKind.DATASET: "data sets came from a local copy",
    ShimKind.PRETRAINED: "pretrained networks had random weights",
    ShimKind.IMREAD: "pictures from the web were stand-ins",
    ShimKind.CUDA: "there was no GPU, so `.cuda()` stayed on the CPU",
    ShimKind.MISSING_PACKAGE: "packages that the service does not have could not be used",
    ShimKind.EXIT: "what ends or restarts the kernel did not",
    ShimKind.COMPILE: "`torch.compile` left networks as they are",
    ShimKind.COLAB_DRIVE: "Google Drive was an empty folder",
    ShimKind.FOLDER: "folders that were not there were made",
    ShimKind.NETWORK: "there was no network",
    ShimKind.SHELL: "shell commands for downloads did nothing",
    ShimKind.WORKERS: "data loaders ran without worker processes",
}


@dataclass(frozen=True)
class RunFacts:
    """How the run went, in sentences."""

    sentence: str
    detail: str
    facts: tuple[str, ...]


def run_facts(report: ReportInput) -> RunFacts:
    """How the attempt of a report went."""
    if report.photos is not None and report.result is Outcome.COMPLETED:
        read = sum(photo.state == "read" for photo in report.photos.photos)
        of = count(len(report.photos.photos), "photo")
        return RunFacts(f"{read} of {of} that you handed in could be opened and looked at.", "", ())
    return notebook_facts(report.bundle, report.result, report.result_detail, report.unchanged)


def notebook_facts(
    bundle: Bundle | None, outcome: Outcome, detail: str, unchanged: Collection[int] = ()
) -> RunFacts:
    """How the run of a notebook went.

    Args:
        bundle: Its evidence; None where there is none.
        outcome: How it ended.
        detail: One line on it.
        unchanged: Cells that are as the handout gave them, whose errors are nobody's mistake here.
    """
    facts = () if bundle is None else _facts(bundle.evidence)
    if bundle is not None and outcome is Outcome.CELL_ERROR:
        raised = raised_clause(raised_in(bundle.evidence, unchanged))
        raised = cells_by_name(raised, bundle.evidence.cells, together=1)
        return RunFacts(f"Your notebook ran to the end; {raised or 'some cells raised errors'}.", "", facts)
    if nothing_came(outcome, detail):
        return RunFacts("Nothing was handed in.", "", facts)
    # Why our service failed is for course staff, who find it in `grader show`.
    return RunFacts(_OUTCOMES[outcome], "" if outcome.our_fault else detail, facts)


def _facts(evidence: Evidence) -> tuple[str, ...]:
    ran = [cell.run for cell in evidence.cells if cell.run is not None and cell.run.status != "not_run"]
    errors = sum(run.error is not None for run in ran)
    facts = [f"{count(len(ran), 'code cell')} ran, {count(errors, 'error') if errors else 'no errors'}"]
    if evidence.wall_time_s:
        facts.append(f"it took {duration(evidence.wall_time_s)}")
    if evidence.training.runs:
        facts.append(f"{count(len(evidence.training.runs), 'training run')} seen")
    used = {use.kind for use in evidence.shims}
    facts += [text for kind, text in _STAND_INS.items() if kind in used]
    return tuple(facts)
