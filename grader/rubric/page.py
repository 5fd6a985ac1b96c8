"""The documentation of every kind of check, written from the checks themselves."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import Any

from grader.judging.check import Check
from grader.rubric.model import Criterion

__all__ = ["checks_page"]

_EARLY = ("outcome", "words")

_HEAD = """\
# Kinds of check

Written by `python -m grader.checks > docs/checks.md` from the checks' own fields and examples.

A criterion and its check are one flat YAML mapping. `check` names the kind, which says which further keys
there are. Whatever a check cannot establish goes to a TA.

## Keys of every criterion

"""


def checks_page(kinds: Mapping[str, type[Check]], snippets: Mapping[str, Mapping[str, Any]]) -> str:
    """A Markdown page: what each kind looks for, its keys, and examples.

    Args:
        kinds: By their words.
        snippets: What stands in `docs/snippets` for each of them.
    """
    criterion = Criterion.model_json_schema()
    keys = {**criterion["properties"], "check": {"type": "name of a kind, below"}}
    sections = "\n".join(_section(word, kind, snippets[word]) for word, kind in kinds.items())
    schemas = [kind.model_json_schema() for kind in kinds.values()]
    shared = {name: about for schema in schemas for name, about in schema.get("$defs", {}).items()}
    shared.pop("Check", None)
    values = "\n".join(_shared(name, about) for name, about in sorted(shared.items()))
    keys_of_all = f"{_table(keys, criterion)}\n{_public(kinds)}"
    return f"{_HEAD}{keys_of_all}\n{sections}\n# Values with keys of their own\n\n{values}"


def _public(kinds: Mapping[str, type[Check]]) -> str:
    """Which kinds a rubric may mark public, and what a pre-check then tells."""
    told = {early: ", ".join(f"`{word}`" for word in kinds if kinds[word].early == early) for early in _EARLY}
    return (
        "`public: true` lets `grader precheck` tell students before they hand in. Whether it would pass is"
        f" told of {told['outcome']}; the check's words as well of {told['words']}."
        " `all_of` and `any_of` tell as little as the least of their checks. No other kind can be public, nor"
        " `parameter_count` with `answer`: hidden inputs or a person decide, or a number is the answer.\n"
    )


def _section(word: str, kind: type[Check], snippets: Mapping[str, Any]) -> str:
    schema = kind.model_json_schema()
    keys = {name: about for name, about in schema["properties"].items() if name != "check"}
    table = f"{_table(keys, schema)}\n" if keys else ""
    text = inspect.getdoc(kind) or ""
    examples = "\n".join(_snippet(snippets[which]) for which in ("good", "bad"))
    given = f"Judged with `{json.dumps(snippets['keys'])}`:\n\n" if snippets["keys"] else ""
    return f"## {word}\n\n{text}\n\n{table}```yaml\n{kind.example.strip()}\n```\n\n{given}{examples}"


def _snippet(about: Mapping[str, Any]) -> str:
    """A few cells or photos, and what the check says of them."""
    language, text = ("yaml", about["photos"]) if "photos" in about else ("python", about["code"])
    return f"{about['status']}, saying *{about['says']}*\n\n```{language}\n{text.strip()}\n```\n"


def _shared(name: str, about: Mapping[str, Any]) -> str:
    """A mapping that keys of checks take, with its own keys."""
    text = inspect.cleandoc(about.get("description", "")).split("\n\nAttributes:")[0]
    return f"## {name}\n\n{text}\n\n{_table(about.get('properties', {}), about)}"


def _table(properties: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    required = set(schema.get("required", ()))
    rows = [
        f"| `{name}` | {_type(about)} | {_default(about, name in required)} |"
        for name, about in properties.items()
    ]
    return "\n".join(["| key | takes | if left out |", "|---|---|---|", *rows]) + "\n"


def _type(about: Mapping[str, Any]) -> str:
    """A JSON type in words."""
    if "$ref" in about:
        name = str(about["$ref"]).rsplit("/", 1)[-1]
        return "checks of these kinds" if name == "Check" else name
    if "enum" in about or "const" in about:
        return " or ".join(f"`{word}`" for word in about.get("enum", [about.get("const")]))
    if "anyOf" in about:
        kinds = [_type(option) for option in about["anyOf"] if option.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if about.get("type") == "array" and "items" in about:
        return f"list of {_type(about['items'])}"
    if about.get("type") == "object" and isinstance(about.get("additionalProperties"), dict):
        return f"mapping to {_type(about['additionalProperties'])}"
    return str(about.get("type", "anything"))


def _default(about: Mapping[str, Any], required: bool) -> str:
    if required:
        return "(needed)"
    default = about.get("default")
    return "" if default in (None, "", [], {}) else f"`{default}`"
