"""A network laid beside a judgement, as far as one was measured."""

from __future__ import annotations

from collections.abc import Iterable

from grader.evidence.plan import ModuleProbe, Probe, probe_id
from grader.evidence.record import ModuleRecord
from grader.facts.case import Case
from grader.judging.exhibits import NetworkTable

__all__ = ["network_table"]


def network_table(case: Case, probes: Iterable[Probe], reference: str = "") -> tuple[NetworkTable, ...]:
    """The first network that these probes found; nothing where they found none.

    Args:
        case: What was measured.
        probes: The check's.
        reference: The course's network that was asked for; empty where that is not clear.
    """
    for probe in probes:
        result = case.probe(probe) if isinstance(probe, ModuleProbe) else None
        if result is not None and isinstance(result.record, ModuleRecord):
            return (NetworkTable(probe=probe_id(probe), reference=reference),)
    return ()
