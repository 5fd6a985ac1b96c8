"""What `grader rubric try` prints."""

from __future__ import annotations

from grader.cli.console import number, print_line, print_table
from grader.grading.verdict import Finding
from grader.workflows.trying.try_rubric import CriterionTrial, RubricTrial

__all__ = ["print_trial"]


def print_trial(trial: RubricTrial) -> None:
    """Prints each criterion, each mistake, then what to mend."""
    print_table(
        ("criterion", "solution", "blank", "mistakes noticed"),
        [
            (one.solution.criterion, _earned(one.solution), _earned(one.blank), _noticed(one))
            for one in trial.criteria
        ],
    )
    if trial.mutants:
        print_line("")
        print_table(
            ("mistake in the solution", "cell", "should notice", "noticed by"),
            [
                (
                    one.mistake,
                    str(one.cell),
                    ", ".join(one.aims) or "-",
                    ", ".join(one.noticed_by) or "nobody",
                )
                for one in trial.mutants
            ],
        )
    print_line("")
    for remark in sorted(trial.remarks, key=lambda one: one.kind):
        print_line(f"{remark.kind}: {remark.text}")
    print_line(_closing(trial))


def _earned(finding: Finding | None) -> str:
    if finding is None:
        return "-"
    waits = f", {number(finding.pending)} for a TA" if finding.pending else ""
    return f"{number(finding.points)} of {number(finding.out_of)}{waits}"


def _noticed(one: CriterionTrial) -> str:
    return f"{len(one.noticed)} of {one.aimed}" if one.aimed else "-"


def _closing(trial: RubricTrial) -> str:
    aimed = [one for one in trial.mutants if one.aims]
    hits = sum(one.hit for one in aimed)
    errors = sum(remark.kind == "error" for remark in trial.remarks)
    mistakes = f"{hits} of {len(aimed)} mistakes are noticed by a criterion that should" if aimed else ""
    problems = "no errors" if not errors else "1 error" if errors == 1 else f"{errors} errors"
    return "; ".join(part for part in (problems, mistakes) if part)
