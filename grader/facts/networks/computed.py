"""What a student's network computes, beside what a reference network computes with the same weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import JsonValue

from grader.errors import RubricError
from grader.evidence.codec import Bundle
from grader.evidence.record import LayerRecord, ModuleRecord
from grader.facts.calls import Answer
from grader.facts.case import Case
from grader.facts.known import Fact, Known, Unknown, every
from grader.facts.layer_calls import layer_answer
from grader.facts.networks.loaded import Loading, loaded, reference_network
from grader.facts.values.compare import as_array, mismatch, without_extra_axes
from grader.facts.values.plain import plain

__all__ = ["Computed", "computed"]


@dataclass(frozen=True)
class Computed:
    """The outputs for all hidden inputs, compared.

    Attributes:
        equal: Whether they are equal by some way of loading the weights; else the likeliest one is told of.
        difference: Expected and found, as the end of a sentence; empty where they are equal.
        mistake: The first of the networks given that computes just this; None where none does.
        matched: Which of the student's layers stood for which of the reference's.
    """

    equal: bool
    matched: tuple[Mapping[str, JsonValue], ...]
    difference: str = ""
    mistake: str | None = None


def computed(
    case: Case, module: ModuleRecord, reference: str, names: Sequence[str], mistakes: Sequence[str]
) -> Fact[Computed]:
    """Compares a network with the course's own.

    Args:
        case: Holds the values, and the course's networks.
        module: The student's network, with its values and its outputs on hidden inputs.
        reference: Name of the network that it is to be.
        names: Of its layers that learn, in the reference's order; none where these are free.
        mistakes: Names of networks with the same weights that compute something else.
    """
    network = reference_network(case, reference)
    ways = loaded(module, case.bundle, network, names)
    answers = every(_answer(module, place, case.bundle) for place in range(len(module.forwards)))
    if isinstance(ways, Unknown) or isinstance(answers, Unknown):
        return ways if isinstance(ways, Unknown) else Unknown(answers.why)  # type: ignore[union-attr]
    found = [_differences(network, way, answers.value) for way in ways.value.ways]
    if not answers.value or isinstance(found[0], Unknown):
        return found[0] if isinstance(found[0], Unknown) else Unknown("no input was sent through it")
    for way, difference in zip(ways.value.ways, found, strict=True):
        if difference == "":
            return Known(Computed(True, _matched(way, network)))
    if not ways.value.all_there_are:
        return Unknown("its layers fit in more ways than were tried")
    named = next((name for name in mistakes if _computes(case, name, module, names, answers.value)), None)
    other = _other_eps(module, network, case.bundle) if named is None else None
    if other is not None:
        return Unknown(
            f"its normalisation has eps {other:g}, which the course's has not, and that alone tells"
        )
    return Known(Computed(False, _matched(ways.value.ways[0], network), str(found[0]), named))


def _matched(way: Loading, network: Any) -> tuple[Mapping[str, JsonValue], ...]:
    parts = [part for part in network.parts if part.tensor_shapes]
    return tuple(
        {"layer": path, "stands for": f"{place}. {part.type}"}
        for place, (path, part) in enumerate(zip(way.layers, parts, strict=True), 1)
    )


def _other_eps(module: ModuleRecord, network: Any, bundle: Bundle) -> float | None:
    """What a normalisation adds to the variance, where none of the course's adds it: nobody asked for it."""
    known = {part.eps for part in network.parts if hasattr(part, "eps")}
    given = (plain(layer.hyperparameters["eps"], bundle) for layer in module.layers if _has_eps(layer))
    return next((eps for eps in given if known and eps not in known), None)


def _has_eps(layer: LayerRecord) -> bool:
    return "eps" in layer.hyperparameters and "Norm" in layer.type


def _answer(module: ModuleRecord, place: int, bundle: Bundle) -> Fact[Answer]:
    answer = layer_answer(module.class_name, module.forwards[place], bundle)
    if answer.error is not None:
        return Unknown(f"it raised {answer.error.type}")
    if isinstance(answer.got, list | tuple | dict):
        return Unknown("it gives several tensors")
    return answer.seen


def _computes(
    case: Case, reference: str, module: ModuleRecord, names: Sequence[str], answers: Sequence[Answer]
) -> bool:
    network = reference_network(case, reference)
    ways = loaded(module, case.bundle, network, names)
    tried = ways.value.ways if isinstance(ways, Known) else ()
    return any(_differences(network, way, answers) == "" for way in tried)


def _differences(network: Any, way: Loading, answers: Sequence[Answer]) -> str | Unknown:
    """Where the outputs first differ; empty where all are equal, unknown where that would tell nothing."""
    told = False
    for answer in answers:
        expected = _forward(network, way, answer.args[0])
        if not bool(np.isfinite(expected).all()):
            return Unknown("with these weights the reference gives numbers that are not finite")
        told = told or bool(np.ptp(expected) > answer.tolerance.allowed(expected))
        found = as_array(answer.got)
        got = answer.got if found is None else without_extra_axes(expected, found)
        wrong = mismatch(expected, got, answer.tolerance)
        if wrong is not None:
            return wrong.text
    return "" if told else Unknown("with these weights the reference gives one and the same number")


def _forward(network: Any, way: Loading, given: Any) -> np.ndarray:
    try:
        with np.errstate(all="ignore"):
            return np.asarray(network.forward(way.weights, given))
    except ValueError as error:
        raise RubricError([f"the reference's network does not take what it is sent: {error}"]) from error
