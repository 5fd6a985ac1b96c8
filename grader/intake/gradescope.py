"""Reads ``submission_metadata.yml`` of a Gradescope export: Ruby's YAML, where keys begin with a colon.

Source: Gradescope's help page "Exporting submissions"; Ruby's Psych for the tags.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from grader.errors import IntakeError
from grader.intake.times import read_time

__all__ = ["Submitter", "read_metadata"]


@dataclass(frozen=True)
class Submitter:
    """One of those who handed in a submission; `student` is the student number, else the e-mail address."""

    student: str
    name: str
    submitted_at: datetime | None


def read_metadata(raw: bytes, *, where: str) -> dict[str, list[Submitter]]:
    """Gives the submitters of each submission folder.

    Raises:
        IntakeError: The file is no such metadata.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _RubyConstructor
    try:
        content = yaml.load(raw.decode("utf-8", "replace"))
    except (YAMLError, ValueError, RecursionError) as error:
        raise IntakeError("the metadata is no YAML", where=where, found=str(error)[:300]) from error
    if not isinstance(content, dict):
        raise IntakeError("the metadata lists no submissions", where=where, expected="submission_<id>: ...")
    return {str(folder): _submitters(entry) for folder, entry in content.items() if isinstance(entry, dict)}


class _RubyConstructor(SafeConstructor):
    """Reads objects of Ruby's own classes as the plain mappings, lists and texts that they are."""


def _plain(constructor: SafeConstructor, _tag: str, node: Node) -> Any:
    if isinstance(node, MappingNode):
        return constructor.construct_mapping(node, deep=True)
    if isinstance(node, SequenceNode):
        return constructor.construct_sequence(node, deep=True)
    return constructor.construct_scalar(node)


_RubyConstructor.add_multi_constructor("!ruby/", _plain)


def _submitters(entry: Mapping[str, Any]) -> list[Submitter]:
    submitted_at = _moment(entry.get(":created_at"))
    people = entry.get(":submitters")
    found = []
    for person in people if isinstance(people, list) else []:
        if not isinstance(person, dict):
            continue
        student = person.get(":sid") or person.get(":email") or person.get(":name")
        if student:
            found.append(Submitter(str(student), str(person.get(":name") or ""), submitted_at))
    return found


def _moment(value: Any) -> datetime | None:
    if isinstance(value, dict):
        value = value.get("utc")
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return read_time(value) if isinstance(value, str) else None
