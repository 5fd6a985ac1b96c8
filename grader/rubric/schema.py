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
    of_notebooks = {word: criteria[word] for word, kind in check_types.items() if not kind.of_photos}
    nested = {word: _nested(schema, head) for word, schema in of_notebooks.items()}
    definitions.update({f"check:{word}": schema for word, schema in nested.items()})
    definitions["Check"] = {"oneOf": [{"$ref": f"#/$defs/check:{word}"} for word in nested]}
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


def _nested(criterion: Mapping[str, Any], head: Mapping[str, Any]) -> dict[str, Any]:
    """A check within a check: what a criterion has, without the keys that belong to every criterion."""
    others = {key for key in head["properties"] if key != "check"}
    return {
        **criterion,
        "properties": {key: about for key, about in criterion["properties"].items() if key not in others},
        "required": [key for key in criterion["required"] if key not in others],
    }
