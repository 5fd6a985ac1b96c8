"""JSON Schema of a rubric file, for editors that complete and check while one writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grader.judging.check import Check
from grader.rubric.model import Rubric

__all__ = ["json_schema"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DEFINITIONS = "#/$defs/{model}"


def json_schema(check_types: Mapping[str, type[Check]]) -> dict[str, Any]:
    """Describes a rubric as it is written: a criterion and its check in one flat mapping.

    Args:
        check_types: Kinds of check by name (`grader.checks.registry()`).
    """
    whole = Rubric.model_json_schema(ref_template=_DEFINITIONS)
    definitions = whole.pop("$defs")
    head = definitions.pop("Criterion")
    definitions.pop("Check", None)
    criteria = {word: _criterion(head, kind, definitions) for word, kind in check_types.items()}
    definitions.update({f"criterion:{word}": schema for word, schema in criteria.items()})
    whole["properties"].pop("digest")
    whole["properties"]["criteria"] = {
        "type": "array",
        "minItems": 1,
        "items": {"oneOf": [{"$ref": f"#/$defs/criterion:{word}"} for word in criteria]},
    }
    return {"$schema": _DIALECT, **whole, "$defs": definitions}


def _criterion(head: Mapping[str, Any], kind: type[Check], definitions: dict[str, Any]) -> dict[str, Any]:
    """One kind of criterion: its own keys, and those of its check; shared models go to `definitions`."""
    check = kind.model_json_schema(ref_template=_DEFINITIONS)
    definitions.update(check.pop("$defs", {}))
    word = kind.model_fields["check"].default
    own = {key: schema for key, schema in head["properties"].items() if key != "check"}
    fields = {**check["properties"], "check": {"const": word}}
    required = [*(key for key in head["required"] if key != "check"), *check.get("required", [])]
    return {
        "title": word,
        "description": kind.__doc__ or "",
        "type": "object",
        "additionalProperties": False,
        "properties": {**own, **fields},
        "required": list(dict.fromkeys([*required, "check"])),
    }
