"""What a rubric asks of the sandbox: the union of what its checks need."""

from __future__ import annotations

from grader.evidence.plan import Limits, Plan, Training, probe_id
from grader.rubric.model import Rubric

__all__ = ["plan_for"]


def plan_for(
    rubric: Rubric,
    *,
    limits: Limits | None = None,
    training: Training | None = None,
    seed: int = 0,
    cuda: bool = False,
) -> Plan:
    """Gathers probes and watched names of all criteria, each once, in an order of their own.

    The order does not follow the criteria's, so moving or rewording a criterion asks for no new attempt.

    Args:
        rubric: Gives assignment, data sets, the picture and the default limits and training budget.
        limits: In place of the rubric's.
        training: In place of the rubric's.
        seed: For the generators of Python, NumPy and torch.
        cuda: Whether the attempt is given a GPU.
    """
    checks = [criterion.check for criterion in rubric.criteria]
    probes = {probe_id(probe): probe for check in checks for probe in check.probes()}
    return Plan(
        assignment=rubric.assignment,
        limits=limits or rubric.limits,
        training=training or rubric.training,
        data=tuple(sorted(set(rubric.data))),
        watch=tuple(sorted({name for check in checks for name in check.watches()})),
        probes=tuple(probes[key] for key in sorted(probes)),
        seed=seed,
        cuda=cuda,
        picture=rubric.picture,
    )
