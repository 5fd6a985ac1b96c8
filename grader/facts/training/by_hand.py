"""Trainings without an optimizer that the record shows as one, or not at all."""

from __future__ import annotations

import ast

from grader.evidence.training import TrainingRun
from grader.facts.case import Case
from grader.facts.code.functions import LOOPS
from grader.facts.code.source import nodes_of, parse_cell
from grader.facts.training.code import calls_in, names_in, takes_gradients
from grader.facts.training.runs import mentions_binding
from grader.facts.training.stretches import body_of, goes_through_settings, statements_at, top_statements

__all__ = ["updates_beside"]


def updates_beside(run: TrainingRun, case: Case) -> str:
    """Why a run of one cell may hold more trainings of its network than one, in a clause; empty where not.

    Updates that are written out leave one record for a network and a cell, and none beside an optimizer's.
    """
    if run.cell is None or run.cell >= len(case.evidence.cells):
        return ""
    cell = parse_cell(run.cell, case.evidence.cells[run.cell].source)
    own = statements_at(cell, run.line)
    if cell.tree is None or not own:
        return ""
    if run.method == "by_hand" and any(_goes_through(each, run) for each in own):
        return "its loop goes through settings"
    statements = list(top_statements(cell.tree))
    later = statements[statements.index(own[-1]) + 1 :]
    if any(_updates(each, run, case) for each in later):
        return "the same cell goes on to update it by hand"
    return ""


def _goes_through(statement: ast.stmt, run: TrainingRun) -> bool:
    """Whether a loop around other loops takes one setting after the other, and builds no new network."""
    if not isinstance(statement, ast.For) or not goes_through_settings(statement):
        return False
    body = body_of(statement)
    deeper = any(isinstance(inner, LOOPS) for node in body for inner in nodes_of(node))
    return deeper and not any(mentions_binding(ast.unparse(node), run.model.names) for node in body)


def _updates(statement: ast.stmt, run: TrainingRun, case: Case) -> bool:
    """Whether a loop takes gradients of a run's network and steps with no optimizer."""
    if not isinstance(statement, LOOPS) or not names_in(statement) & set(run.model.names):
        return False
    functions = case.facts.functions
    called = sorted(names_in(statement) & set(functions.by_name))
    reached = [each.node for name in called for each in functions.reached_from(functions.by_name[name])]
    nodes = [statement, *reached]
    return takes_gradients(case, nodes) and not any(map(_steps, nodes))


def _steps(node: ast.AST) -> bool:
    return any(isinstance(call.func, ast.Attribute) and call.func.attr == "step" for call in calls_in(node))
