"""Which findings are alike: those that a person would decide in the same way, having decided one. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from grader.grading.verdict import Finding

__all__ = ["group_key"]

#: Where something stands differs between files that answer alike.
_PLACES = re.compile(r"\b(cells?|lines?|no\.) \d+(?:(?:, | and |-)\d+)*", re.IGNORECASE)
_PLACE_KEYS = frozenset({"cell", "line", "where"})
_LENGTH = 32


def group_key(finding: Finding) -> str:
    """A digest that equal findings share, and no others.

    Equal are criterion, status, points, what is said but for numbers of cells and lines, and the exhibits,
    which hold what the judgement stands on, but for places in the file.
    """
    said = {
        "criterion": finding.criterion,
        "status": finding.status.value,
        "points": [finding.points, finding.pending, finding.out_of],
        "said": [_PLACES.sub(r"\1", text) for text in (finding.message, finding.open)],
        "exhibits": [_without_places(item.model_dump(mode="json")) for item in finding.exhibits],
    }
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]


def _without_places(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_places(item) for key, item in value.items() if key not in _PLACE_KEYS}
    if isinstance(value, list):
        return [_without_places(item) for item in value]
    return _PLACES.sub(r"\1", value) if isinstance(value, str) else value
