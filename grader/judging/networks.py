"""A network laid beside a judgement, and advice on layers that are not as expected."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from grader.evidence.plan import ModuleProbe, Probe, probe_id
from grader.evidence.record import ModuleRecord
from grader.facts.case import Case
from grader.facts.networks.found import built_otherwise
from grader.facts.networks.likeness import fits
from grader.facts.networks.steps import Step, show_steps, show_wanted
from grader.judging.exhibits import NetworkTable
from grader.judging.judgement import Judgement, Status

__all__ = ["advice_on_layers", "as_built", "in_words", "network_table"]

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_KINDS = {"Linear": "fully connected", "Conv2d": "convolutional"}


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


def as_built(judged: Judgement, case: Case, module: ModuleRecord, names: Collection[str]) -> Judgement:
    """A judgement of what the notebook left; for a TA where that is right and the part built another one.

    The network is `module`, which was looked for by these names.
    """
    cell = built_otherwise(case, module, names, sizes=True) if judged.status is Status.PASS else None
    if cell is None:
        return judged
    why = f"But cell {cell}, after this part, builds it with other arguments."
    return Judgement.needs_ta(judged.message, open=why, where=judged.where, exhibits=judged.exhibits)


def in_words(count: int) -> str:
    return _WORDS[count] if count < len(_WORDS) else str(count)


def advice_on_layers(
    found: Sequence[Step], expected: Sequence[Step], *, more: bool = False, trained: bool = False
) -> str:
    """What to change, by the first thing that is not as asked; with `more` further layers are as good.

    Where the network was `trained`, another one may have been built and forgotten.
    """
    kinds = {step.type for step in expected}
    others = [step for step in found if step.type not in kinds and step.learns]
    if others:
        names = _kind(others[0].type)
        return (
            f"It has {names} layers, such as {show_steps(others[:1])}, which were not asked for here. Build a"
            f" network without them{' and train that one' if trained else ''}."
        )
    if len(found) != len(expected) and not (more and len(found) > len(expected)):
        return _advice_on_number(found, expected)
    pairs = enumerate(zip(found, expected, strict=False), start=1)
    wrong = next(((place, one, two) for place, (one, two) in pairs if not fits(one, two)), None)
    if wrong is None:
        return ""
    place, one, two = wrong
    return f"Layer {place} is {show_steps([one])}; it was to be {show_wanted([two])}."


def _advice_on_number(found: Sequence[Step], expected: Sequence[Step]) -> str:
    """How many layers there are too many or too few."""
    kind = _kind(expected[0].type) + " " if len({step.type for step in (*found, *expected)}) == 1 else ""
    have = f"Yours has {in_words(len(found))} {kind}layer{'s' if len(found) != 1 else ''}"
    asked = f"{in_words(len(expected))} {'were' if len(expected) != 1 else 'was'} asked for"
    two = ": one hidden layer, then the output" if kind == "fully connected " and len(expected) == 2 else ""
    return f"{have}, {asked}{two}."


def _kind(layer: str) -> str:
    return _KINDS.get(layer, f"`{layer}`")
