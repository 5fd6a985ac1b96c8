"""Slips that a rubric's types let pass: names of nothing, and questions that nobody can answer.

What is looked at is what the fields' marks say (`NamesOf`), so that a new kind of check needs no line here.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from grader.evidence.plan import Target
from grader.evidence.record import CellRecord
from grader.facts.fields import NamesOf, OfTrainings, mark_of, models_in, words_of
from grader.facts.handout import Handout
from grader.facts.networks.steps import Step, layer_of_call
from grader.facts.sections import Section, align, headings_of
from grader.judging.check import Check
from grader.rubric.model import Rubric
from grader.rubric.problems import nearest, nearest_of
from grader.rubric.text import SourceText, YamlPath, parse_yaml

__all__ = ["Material", "Slip", "TorchNames", "slips_in", "torch_names"]

#: Data sets that the sandbox knows how to find; a course may have folders of others.
DATA_SETS = ("cifar10", "cifar100", "fashionmnist", "gestures", "mnist")

_TABLE = Path(__file__).with_name("torch_names.json")


@dataclass(frozen=True)
class TorchNames:
    """Classes of torch by name, each with the parameters of its constructor."""

    version: str
    layers: Mapping[str, tuple[str, ...]]
    optimizers: Mapping[str, tuple[str, ...]]


@cache
def torch_names() -> TorchNames:
    """The table that ``scripts/torch_names.py`` writes: the host that reads rubrics has no torch."""
    table = json.loads(_TABLE.read_text(encoding="utf-8"))
    return TorchNames(table["torch"], *({k: tuple(v) for k, v in table[of].items()} for of in _KINDS))


_KINDS = ("layers", "optimizers")


@dataclass(frozen=True)
class Material:
    """What there is beside a rubric; None where it is not at hand, and then nothing is said about it.

    Attributes:
        functions: Names of the reference's functions.
        networks: Names of the reference's networks.
        checks: Names of the reference's own checks.
        handout: The handout's cells, by id.
        notebooks: Cells of the handout, of the solution or of both.
        defined: Names that handout and solution define.
    """

    functions: frozenset[str] | None = None
    networks: frozenset[str] | None = None
    checks: frozenset[str] | None = None
    handout: Handout | None = None
    notebooks: tuple[Sequence[CellRecord], ...] = ()
    defined: frozenset[str] | None = None


@dataclass(frozen=True)
class Slip:
    """One of them.

    Attributes:
        place: File and line.
        problem: What is wrong, in one sentence.
        certain: Whether no notebook could be judged rightly as it stands; else somebody should look.
    """

    place: str
    problem: str
    certain: bool = True

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}"


def slips_in(rubric: Rubric, text: str, name: str, material: Material) -> list[Slip]:
    """All that can be known to be wrong in a rubric, in the order of its lines.

    Args:
        rubric: What to look through.
        text: The YAML that it was loaded from.
        name: What to call the file.
        material: What its words may name.
    """
    source = parse_yaml(text, name)
    found = [*_data(rubric), *_sections(rubric, material)]
    for index, criterion in enumerate(rubric.criteria):
        path: YamlPath = ("criteria", index)
        found += _words(criterion.check, path, material)
        for check, place in [(criterion.check, path), *_checks_in(criterion.check, path)]:
            found += _unseen_layers(check, place)
    lined = sorted(set(found), key=lambda slip: (source.line_of(slip.path), slip.problem))
    return [Slip(_place(source, slip.path), slip.problem, slip.certain) for slip in lined]


@dataclass(frozen=True)
class _Found:
    path: YamlPath
    problem: str
    certain: bool = True


def _place(source: SourceText, path: YamlPath) -> str:
    return source.at(path, "").removesuffix(": ")


def _data(rubric: Rubric) -> Iterator[_Found]:
    for index, word in enumerate(rubric.data):
        close = nearest_of(word, DATA_SETS)
        if word in DATA_SETS:
            continue
        if close:
            yield _Found(("data", index), f"no data set is called '{word}'; did you mean '{close}'?")
        else:
            problem = f"'{word}' has to be a folder of the course's data; known here: {', '.join(DATA_SETS)}"
            yield _Found(("data", index), problem, certain=False)


def _sections(rubric: Rubric, material: Material) -> Iterator[_Found]:
    for key, section in rubric.sections.items():
        path: YamlPath = ("sections", key)
        if material.handout is not None and section.ids:
            ids = material.handout.ids
            for index, word in enumerate(section.ids):
                if word not in ids:
                    problem = f"no cell of the handout has the id '{word}'{nearest(word, ids)}"
                    yield _Found((*path, "ids", index), problem)
    by_heading = {key: section for key, section in rubric.sections.items() if section.heading is not None}
    lost = _lost_headings(rubric.sections, by_heading, material.notebooks) if material.notebooks else ()
    for key in lost:
        heading = str(by_heading[key].heading)
        problem = f"no heading of the notebooks given fits '{heading}', where this section may begin"
        yield _Found(("sections", key, "heading"), problem + _nearest_heading(heading, material.notebooks))


def _lost_headings(
    sections: Mapping[str, Section],
    by_heading: Mapping[str, Section],
    notebooks: Sequence[Sequence[CellRecord]],
) -> list[str]:
    """Sections that no notebook shows by heading alone, as in a copy whose cells have lost their ids."""
    bare = {key: section.model_copy(update={"ids": ()}) for key, section in sections.items()}
    shown = {key for cells in notebooks for key in align(cells, bare).sections}
    return [
        key for key in by_heading if key not in shown and by_heading[key].within not in _missing(bare, shown)
    ]


def _missing(sections: Mapping[str, Section], shown: Collection[str]) -> set[str]:
    return {key for key in sections if key not in shown}


def _nearest_heading(pattern: str, notebooks: Sequence[Sequence[CellRecord]]) -> str:
    headings = [line for cells in notebooks for cell in cells for line in headings_of(cell)]
    plain = "".join(each for each in pattern.replace("\\b", "") if each not in "^$\\?*+()[]|")
    close = difflib.get_close_matches(plain, headings, n=1, cutoff=0.5)
    return f"; the nearest is '{close[0]}'" if close else ""


def _words(model: BaseModel, path: YamlPath, material: Material) -> Iterator[_Found]:
    """Looks at each marked word of a model and of the models in it."""
    for key, field in type(model).model_fields.items():
        value, here = getattr(model, key), (*path, key)
        mark = mark_of(field.annotation, field.metadata)
        if mark is not None and value is not None:
            yield from _named(mark, value, here, material)
        for inner, place in models_in(value, here):
            yield from _words(inner, place, material)
    if isinstance(model, Target):
        other_ways = model.expression is not None or model.discover is not None
        mark = NamesOf("variable" if other_ways else "definition")
        yield from _named(mark, model.names, (*path, "names"), material)
        if model.discover is not None:
            where = (*path, "discover", "base")
            yield from _named(NamesOf("layer"), model.discover.base, where, material)
    kind, settings = getattr(model, "type", None), getattr(model, "settings", None)
    if isinstance(kind, str) and isinstance(settings, Mapping):
        yield from _settings(kind, settings, (*path, "settings"))


def _named(mark: NamesOf, value: Any, path: YamlPath, material: Material) -> Iterator[_Found]:
    """Slips in the words of one field."""
    words = [value] if isinstance(value, str) else list(value)
    if mark.kind in ("definition", "variable"):
        yield from _students(words, path, material, certain=mark.kind == "definition")
        return
    what, known = _vocabulary(mark.kind, material)
    if known is None:
        return
    for index, word in enumerate(words):
        if word not in known and not (mark.kind == "layer" and _is_step(word)):
            place: YamlPath = path if isinstance(value, str) else (*path, _key(value, index, word))
            yield _Found(place, f"{what} is called '{word}'{nearest(word, known)}")


def _key(value: Any, index: int, word: str) -> int | str:
    return word if isinstance(value, Mapping) else index


def _is_step(word: str) -> bool:
    """Whether it is a step of a forward pass that torch has as a function only."""
    return layer_of_call(word.lower()) == word


def _students(words: Sequence[str], path: YamlPath, material: Material, *, certain: bool) -> Iterator[_Found]:
    """Of several names one is enough: the others are what students may call it as well."""
    defined = material.defined
    if defined is None or not words or any(word.partition(".")[0] in defined for word in words):
        return
    one = f"'{words[0]}'" if len(words) == 1 else " or ".join(f"'{word}'" for word in words)
    problem = f"neither handout nor solution defines {one}{nearest(words[0], defined)}"
    yield _Found(path, problem, certain)


def _vocabulary(kind: str, material: Material) -> tuple[str, Iterable[str] | None]:
    match kind:
        case "layer":
            return "no layer of torch.nn", torch_names().layers
        case "optimizer":
            return "no optimizer of torch.optim", torch_names().optimizers
        case "section":
            return "no section of the rubric", None  # the loader refuses it
        case "reference check":
            return "no check of the reference", material.checks
        case "reference function":
            return "no function of the reference", material.functions
        case _:
            return "no network of the reference", material.networks


def _settings(kind: str, settings: Mapping[str, Any], path: YamlPath) -> Iterator[_Found]:
    known = torch_names().layers.get(kind)
    for key in settings:
        if known is not None and key not in known:
            yield _Found((*path, key), f"{kind} has no setting '{key}'{nearest(key, known)}")


def _checks_in(check: Check, path: YamlPath) -> Iterator[tuple[Check, YamlPath]]:
    """The checks that it is made of, however deep."""
    for key in check.nested:
        for index, inner in enumerate(getattr(check, key)):
            yield inner, (*path, key, index)
            yield from _checks_in(inner, (*path, key, index))


def _unseen_layers(check: Check, path: YamlPath) -> Iterator[_Found]:
    """Layers without weights where a network is known by its trainings alone, which show none of them."""
    fields = type(check).model_fields
    by = next((key for key in fields if _asks_for_trainings(check, key)), None)
    for key in fields if by is not None else ():
        for model, place in models_in(getattr(check, key), (*path, key)):
            for word in words_of(model, "layer"):
                if not Step(word).learns and word in torch_names().layers:
                    yield _Found(
                        place,
                        f"with '{by}' only layers with weights are compared, so that {word} earns and costs"
                        " nothing; ask for the network by 'target' to compare it",
                        certain=False,
                    )


def _asks_for_trainings(check: Check, key: str) -> bool:
    field = type(check).model_fields[key]
    return any(isinstance(mark, OfTrainings) for mark in field.metadata) and bool(getattr(check, key))
