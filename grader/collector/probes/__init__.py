"""Measurements made in the kernel after the notebook ran, one file for each kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from grader.collector.probes.function import probe_function
from grader.collector.probes.limit import TimeLimit, TooSlow
from grader.collector.probes.module import probe_module
from grader.collector.probes.surroundings import Surroundings, raised
from grader.collector.recorder.cells import Cells
from grader.evidence.arrays import Arrays
from grader.evidence.frames import ProbeRequest
from grader.evidence.plan import ModuleProbe, Plan
from grader.evidence.record import ProbeResult

__all__ = ["run_probe"]


def run_probe(
    request: ProbeRequest, arrays: Sequence[np.ndarray], kept: Arrays, *, plan: Plan, cells: Cells
) -> ProbeResult:
    """Answers one probe within the plan's time limit, whatever the student's code does.

    Args:
        request: What to measure, with hidden inputs.
        arrays: The numbers of those inputs.
        kept: Takes the numbers of the answer.
        plan: For the time limit and the seed.
        cells: Where the notebook's code was written.
    """
    around = Surroundings(plan=plan, cells=cells, inputs=request.inputs, arrays=arrays, kept=kept)
    try:
        with TimeLimit(plan.limits.probe_s):
            return _dispatch(request, around)
    except TooSlow:
        return ProbeResult(status="no_answer", detail=f"the probe took more than {plan.limits.probe_s:g} s")
    except BaseException as error:
        return ProbeResult(status="error", detail="the probe could not be made", error=raised(error, cells))


def _dispatch(request: ProbeRequest, around: Surroundings) -> ProbeResult:
    probe = request.probe
    if isinstance(probe, ModuleProbe):
        return probe_module(probe, around)
    return probe_function(probe, around)
