"""An item as plain data, for programs."""

from __future__ import annotations

from typing import Any

from grader.workflows.desk.answer import AnswerCell, Shown
from grader.workflows.desk.item import Item

__all__ = ["item_as_plain"]


def item_as_plain(item: Item) -> dict[str, Any]:
    """What was asked, answered and found, without pictures: of these it is told how many there are."""
    return {
        "title": item.asked.title,
        "out_of": item.asked.points,
        "asks": item.asked.asks,
        "look_for": item.asked.look_for,
        "guide": item.asked.guide,
        "status": item.status,
        "expected": item.found.expected,
        "found": item.found.found,
        "answer": {
            "state": item.answer.state,
            "cells": [_cell(cell) for cell in item.answer.cells],
            "more": item.answer.more,
        },
    }


def _cell(cell: AnswerCell) -> dict[str, Any]:
    return {
        "cell": cell.index,
        "name": cell.name,
        "kind": cell.kind,
        "own": cell.own,
        "source": cell.source,
        "handed_in": _outputs(cell.handed_in),
        "our_run": _outputs(cell.ours),
    }


def _outputs(outputs: tuple[Shown, ...]) -> dict[str, Any]:
    text = "\n".join(output.text for output in outputs if output.kind != "picture")
    return {"text": text, "pictures": sum(output.kind == "picture" for output in outputs)}
