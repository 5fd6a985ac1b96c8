"""YAML as plain data with the line of every key: no tags, no aliases, no dates made behind one's back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from grader.errors import RubricError

__all__ = ["MAX_CHARACTERS", "SourceText", "YamlPath", "parse_yaml"]

#: A marking scheme of a thousand criteria stays far below this.
MAX_CHARACTERS = 500_000
_MAX_DEPTH = 30
# A command reads each rubric of the shelf several times, a server those of its course all day.
_KEPT = 64

YamlPath = tuple[str | int, ...]
_TAG = "tag:yaml.org,2002:"


@dataclass
class SourceText:
    """A parsed rubric file.

    Attributes:
        name: File name for messages.
        data: Mappings, lists, text, numbers, truth values and None.
        lines: Line (from 1) of the key or item at each path.
    """

    name: str
    data: Any = None
    lines: dict[YamlPath, int] = field(default_factory=dict)

    def line_of(self, path: YamlPath) -> int:
        """The line of a path, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def at(self, path: YamlPath, problem: str) -> str:
        return f"{self.name}:{self.line_of(path)}: {problem}"


@lru_cache(maxsize=_KEPT)
def parse_yaml(text: str, name: str) -> SourceText:
    """Reads YAML 1.2; the same text is the same object, which nobody changes.

    Raises:
        RubricError: It is too long, too deep, uses aliases, repeats a key, or is no YAML.
    """
    if len(text) > MAX_CHARACTERS:
        raise RubricError(
            [f"{name}:1: the file has {len(text)} characters; at most {MAX_CHARACTERS} are read"]
        )
    source = SourceText(name)
    try:
        _refuse_bombs(text, name)
        node = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        raise RubricError([_syntax_problem(error, name)]) from error
    except YAMLError as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise RubricError([f"{name}:1: not YAML: {reason}"]) from error
    problems: list[str] = []
    source.data = _Builder(source, problems).build(node, ()) if node is not None else None
    if problems:
        raise RubricError(problems)
    return source


def _refuse_bombs(text: str, name: str) -> None:
    """Stops at aliases, which can grow without bound, and at nesting that the parser is slow on."""
    depth = 0
    for event in YAML(typ="safe", pure=True).parse(text):
        line = event.start_mark.line + 1
        if isinstance(event, AliasEvent):
            raise RubricError([f"{name}:{line}: aliases (*{event.anchor}) are not read; write it out"])
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise RubricError([f"{name}:{line}: nested deeper than {_MAX_DEPTH} levels"])


def _syntax_problem(error: MarkedYAMLError, name: str) -> str:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark is not None else 1
    return f"{name}:{line}: not YAML: {error.problem or error.context}"


class _Builder:
    """Turns YAML nodes into plain data and notes lines on the way."""

    def __init__(self, source: SourceText, problems: list[str]) -> None:
        self._source = source
        self._problems = problems
        self._scalars = YAML(typ="safe", pure=True).constructor

    def build(self, node: Node, path: YamlPath) -> Any:
        self._source.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, MappingNode):
            return dict(self._pairs(node, path))
        if isinstance(node, SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(cast(ScalarNode, node), path)

    def _pairs(self, node: MappingNode, path: YamlPath) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        for key_node, value_node in node.value:
            key = str(key_node.value)
            inner = (*path, key)
            if key in seen:
                line = key_node.start_mark.line + 1
                self._problems.append(f"{self._source.name}:{line}: key '{key}' is here twice")
                continue
            seen.add(key)
            self._source.lines[inner] = key_node.start_mark.line + 1
            yield key, self.build(value_node, inner)

    def _scalar(self, node: ScalarNode, path: YamlPath) -> Any:
        kind = str(node.tag).removeprefix(_TAG)
        makers = {
            "null": self._scalars.construct_yaml_null,
            "bool": self._scalars.construct_yaml_bool,
            "int": self._scalars.construct_yaml_int,
            "float": self._scalars.construct_yaml_float,
        }
        if kind in makers:
            return makers[kind](node)
        if kind not in ("str", "timestamp"):
            self._problems.append(self._source.at(path, f"the tag {node.tag} is not read"))
        return str(node.value)
