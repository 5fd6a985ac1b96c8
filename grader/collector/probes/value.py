"""Evaluates an expression in the namespace that the notebook left."""

from __future__ import annotations

from grader.collector.probes.surroundings import Surroundings, raised
from grader.collector.values import encode
from grader.evidence.plan import ValueProbe
from grader.evidence.record import ProbeResult, ValueRecord

__all__ = ["probe_value"]


def probe_value(probe: ValueProbe, around: Surroundings) -> ProbeResult:
    """Gives the expression's value; a name that is not there is `not_found`."""
    try:
        value = eval(probe.expression, around.namespace)  # noqa: S307 - the sandbox is made for it
    except NameError as error:
        return ProbeResult(status="not_found", detail=str(error)[:200])
    except Exception as error:
        return ProbeResult(status="error", error=raised(error, around.cells))
    return ProbeResult(status="ok", record=ValueRecord(value=encode(value, around.kept)))
