"""What the code of a network calls, where only its registered layers were recorded."""

from __future__ import annotations

import ast

from grader.facts.case import Case
from grader.facts.code.names import last_name
from grader.facts.code.source import nodes_of
from grader.facts.definitions import classes_named
from grader.facts.networks.steps import Step, layer_of_call

__all__ = ["calls_of_class"]


def calls_of_class(case: Case, class_name: str | None, until: int | None) -> tuple[Step, ...]:
    """Functional calls in a class that do a layer's work; of several definitions the last before a cell."""
    named = classes_named(case, class_name, until)[-1:]
    calls = (node for _, tree in named for node in nodes_of(tree) if isinstance(node, ast.Call))
    kinds = (layer_of_call(last_name(call.func)) for call in calls)
    return tuple(Step(kind) for kind in kinds if kind is not None)
