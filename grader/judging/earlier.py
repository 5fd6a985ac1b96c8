"""Findings of earlier versions: what checks left as plain data until there were exhibits, read as exhibits.

Stored verdicts are never rewritten. The keys are those that versions up to 0.1 wrote; a key that is none of
them becomes a table, so that nothing that was stored is lost or stands in the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from grader.judging.exhibits import Exhibit, Table

__all__ = ["exhibits_from"]

_EXHIBIT: TypeAdapter[Exhibit] = TypeAdapter(Exhibit)


def exhibits_from(data: Any) -> tuple[Exhibit, ...]:
    """The exhibits that a finding's plain data make, but for those that stand on evidence alone."""
    return tuple(_exhibits(dict(data))) if isinstance(data, Mapping) else ()


def _exhibits(data: dict[str, Any]) -> Iterator[Exhibit]:
    for keys, raw in list(_candidates(data)):
        try:
            exhibit = _EXHIBIT.validate_python(raw)
        except ValidationError:
            continue
        for key in keys:
            data.pop(key, None)
        yield exhibit
    for key, value in data.items():
        yield _as_table(key, value)


def _candidates(data: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Exhibits that the keys may make, each with the keys that it takes."""
    if "picture" in data:
        yield ("picture",), {"kind": "window", **_mapping(data["picture"])}
    if "groups" in data:
        yield ("function", "groups"), {"kind": "calls", "function": "", **_only(data, "function", "groups")}
    if "parts" in data:
        yield ("parts",), {"kind": "parts", "parts": _parts(data["parts"])}
    if "names" in data:
        yield ("names",), {"kind": "names", "names": data["names"]}
    if "prompt" in data:
        yield ("prompt",), {"kind": "prompt", "text": data["prompt"]}
    if "undetermined" in data:
        raw = {"kind": "run_timeline", "carried": data.get("runs", ())}
        yield ("runs", "undetermined", "reasons"), {**raw, **_only(data, "undetermined", "reasons")}
    if "trained_on_test" in data or "looks_at_test" in data:
        looks = data.get("tuned_on_test", data.get("looks_at_test", ()))
        raw = {"kind": "data_lanes", "trained_on_test": data.get("trained_on_test", ())}
        yield ("trained_on_test", "tuned_on_test", "looks_at_test"), {**raw, "looks_at_test": looks}
    # Several numbers that were asked for by name are no pair.
    if {"expected", "found"} & data.keys() and not isinstance(data.get("expected"), Mapping):
        yield ("expected", "found"), {"kind": "pair", **_only(data, "expected", "found")}


def _parts(given: Any) -> list[dict[str, Any]]:
    """Parts with the words of today: what was `got` is found, `arithmetic` and `how` are notes."""
    rows = [row for row in given if isinstance(row, Mapping)] if isinstance(given, Sequence) else []
    return [
        {
            **_only(row, "name", "state", "expected"),
            "found": row.get("got", row.get("found")),
            "mistake": row.get("mistake") or "",
            "note": row.get("arithmetic") or row.get("how") or "",
        }
        for row in rows
    ]


def _mapping(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _only(data: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: data[key] for key in keys if key in data}


def _as_table(title: str, value: Any) -> Table:
    """Records of the same keys as rows; anything else as rows of one column."""
    rows = value if isinstance(value, list) else [value]
    records = [row for row in rows if isinstance(row, Mapping)]
    if records and len(records) == len(rows) and len({tuple(row) for row in records}) == 1:
        return Table.of(title, records)
    return Table.of(title, [{title: row} for row in rows])
