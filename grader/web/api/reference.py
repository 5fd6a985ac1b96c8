"""The description of the API as a page of the documents, in Markdown, after an introduction in words."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from typing import Any

from grader.web.api.problems import KINDS

__all__ = ["reference_page"]


def reference_page(document: dict[str, Any], example: str) -> str:
    """The whole page.

    Args:
        document: The API in OpenAPI.
        example: A small program.
    """
    code = "\n".join(f"    {line}".rstrip() for line in example.splitlines())
    kinds = [f"| `{kind.type}` | {kind.status} | {kind.means} |" for kind in KINDS.values()]
    table = "\n".join(["| type | status | when |", "|---|---|---|", *kinds])
    introduction = resources.files("grader.web.api").joinpath("introduction.md").read_text(encoding="utf-8")
    return (
        introduction.replace("%EXAMPLE%", code).replace("%PROBLEMS%", table)
        + "".join(_operations(document))
        + "\n## Models\n"
        + "".join(_models(document))
    )


def _operations(document: dict[str, Any]) -> Iterator[str]:
    tags: dict[str, list[str]] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            tags.setdefault(operation["tags"][0], []).append(_operation(path, method, operation))
    for tag, told in tags.items():
        yield f"\n## Requests: {tag}\n"
        yield from told


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    lines = [f"\n### {operation['summary']}\n\n    {method.upper()} {path}\n\n{operation['description']}\n"]
    given = [each for each in operation["parameters"] if each["in"] in ("query", "header")]
    if given:
        lines.append("\n")
    lines += [f"- `{each['name']}` ({each['in']}): {each['description']}\n" for each in given]
    if "requestBody" in operation:
        lines.append(f"\nTakes {_link(operation['requestBody'])}.")
    answered = next(told for status, told in operation["responses"].items() if status[0] == "2")
    lines.append(f"\nGives {_link(answered)}.\n")
    return "".join(lines)


def _link(holder: dict[str, Any]) -> str:
    [(media_type, told)] = holder.get("content", {"": {}}).items()
    reference = told.get("schema", {}).get("$ref")
    if reference is None:
        return f"`{media_type}`" if media_type else "nothing"
    name = reference.rpartition("/")[2]
    return f"[{name}](#{name.lower()})"


def _models(document: dict[str, Any]) -> Iterator[str]:
    for name, schema in document["components"]["schemas"].items():
        yield f"\n### {name}\n\n{schema.get('description', '')}\n\n| field | type | |\n|---|---|---|\n"
        needed = schema.get("required", [])
        for field, told in schema.get("properties", {}).items():
            words = _words(told) + ("" if field in needed else " May be absent.")
            yield f"| `{field}` | {_type(told)} | {words.strip()} |\n"


def _words(told: dict[str, Any]) -> str:
    inner: dict[str, Any] = next((each for each in told.get("anyOf", ()) if "description" in each), {})
    return str(told.get("description") or inner.get("description") or "")


def _type(told: dict[str, Any]) -> str:
    if "$ref" in told:
        return _link({"content": {"": {"schema": told}}})
    if "anyOf" in told:
        return " or ".join(_type(each) for each in told["anyOf"])
    if told.get("type") == "array":
        return f"list of {_type(told['items'])}"
    if "enum" in told:
        return ", ".join(f"`{each}`" for each in told["enum"])
    return "moment" if told.get("format") == "date-time" else str(told.get("type", "anything"))
