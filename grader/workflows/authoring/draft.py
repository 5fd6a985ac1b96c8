"""A first rubric, from a solution and what was recorded when it ran: valid, commented, ready to be edited."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from grader.evidence.codec import Bundle
from grader.evidence.plan import (
    Call,
    FunctionProbe,
    LiteralInput,
    ModuleProbe,
    NormalInput,
    Plan,
    Target,
    probe_id,
)
from grader.evidence.record import CellRecord, FunctionRecord, ModuleRecord, Outcome
from grader.evidence.text import shortened
from grader.evidence.training import TrainingRun
from grader.evidence.values import ArrayValue
from grader.facts.code.source import parsed_cells
from grader.facts.sections import headings_of
from grader.facts.values.plain import jsonable, plain
from grader.workflows.authoring.blank import slug, without_marks

__all__ = ["Draft", "draft_plan", "draft_rubric"]

#: Shapes of pictures that are sent through networks to find one that they accept: N, C, H, W.
_PICTURES = tuple((2, channels, side, side) for side in (28, 32, 64, 224) for channels in (1, 3))
_MOST_CALLS = 5
_PROMPT_CHARACTERS = 300
_SPECIAL = re.compile(r"[.^$*+?{}\[\]|()\\]")


@dataclass(frozen=True)
class Part:
    """A stretch of the notebook below a heading in which something was solved.

    Attributes:
        key: Its name in the rubric.
        cells: Places of its cells, to where the next part begins.
        within: Key of the part around it.
    """

    key: str
    heading: str
    id: str
    cells: range
    within: str | None = None


@dataclass(frozen=True)
class Draft:
    """What a solution shows without being run.

    Attributes:
        name: Of the assignment.
        cells: Of the solution, with the ids of the handout.
        solved: Places of cells that held solution.
    """

    name: str
    cells: Sequence[CellRecord]
    solved: Sequence[int]
    functions: Mapping[str, tuple[tuple[Any, ...], ...]] = field(default_factory=dict)
    networks: Mapping[str, int] = field(default_factory=dict)

    @staticmethod
    def of(name: str, cells: Sequence[CellRecord], solved: Sequence[int]) -> Draft:
        """Finds functions that were solved, with calls of them in plain numbers, and networks."""
        functions: dict[str, list[tuple[Any, ...]]] = {}
        networks: dict[str, int] = {}
        parsed = [cell for cell in parsed_cells(tuple(cells)) if cell.tree is not None]
        for cell in parsed:
            for node in cell.tree.body if cell.tree and cell.index in solved else ():
                if isinstance(node, ast.FunctionDef):
                    functions.setdefault(node.name, [])
                elif isinstance(node, ast.ClassDef) and _is_network(node):
                    networks[node.name] = cell.index
        for cell in parsed:
            for call in (
                (node for node in ast.walk(cell.tree) if isinstance(node, ast.Call)) if cell.tree else ()
            ):
                name_of = call.func.id if isinstance(call.func, ast.Name) else ""
                arguments = _literals(call)
                if name_of in functions and arguments and arguments not in functions[name_of]:
                    functions[name_of].append(arguments)
        called = {key: tuple(calls[:_MOST_CALLS]) for key, calls in functions.items()}
        return Draft(name, cells, tuple(solved), called, networks)


def _is_network(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).split(".")[-1] == "Module" for base in node.bases)


def _literals(call: ast.Call) -> tuple[Any, ...]:
    """The arguments where all are plain values; else none."""
    try:
        return () if call.keywords else tuple(ast.literal_eval(given) for given in call.args)
    except ValueError:
        return ()


def draft_plan(draft: Draft, data: Sequence[str] = ()) -> Plan:
    """What to record of the solution."""
    return Plan(
        assignment=draft.name, data=tuple(data), probes=(*_calls(draft).values(), *_looks(draft).values())
    )


def _calls(draft: Draft) -> dict[str, FunctionProbe]:
    return {
        name: FunctionProbe(
            target=Target(names=(name,)),
            calls=tuple(Call(args=tuple(LiteralInput(value=each) for each in given)) for given in calls),
        )
        for name, calls in draft.functions.items()
        if calls and all(_is_plain(given) for given in calls)
    }


def _is_plain(given: tuple[Any, ...]) -> bool:
    try:
        return bool(json.loads(json.dumps(given)) == list(given))
    except (TypeError, ValueError):
        return False


def _looks(draft: Draft) -> dict[str, ModuleProbe]:
    inputs = tuple(NormalInput(shape=shape) for shape in _PICTURES)
    return {name: ModuleProbe(target=Target(names=(name,)), inputs=inputs) for name in draft.networks}


def draft_rubric(draft: Draft, title: str, handout: str, bundle: Bundle, data: Sequence[str] = ()) -> str:
    """The rubric as text.

    Args:
        draft: What the solution shows.
        title: Of the assignment.
        handout: Name of the handout's description beside the rubric.
        bundle: Evidence of the solution's run by `draft_plan`.
        data: Data sets that the notebooks read.
    """
    parts = _parts(draft)
    criteria = [*_criteria(draft, parts, bundle)]
    total = len(criteria)
    lines = [
        f"# Drafted from a solution of {draft.name} by `grader handout`. All values are what the solution",
        "# showed when it ran: read each criterion, set its points, take out what you do not ask for. Then:",
        f"#     grader rubric try THIS_FILE --solution SOLUTION --blank {draft.name}.ipynb",
        *_doubts(bundle),
        f"assignment: {draft.name}",
        f"title: {_quoted(title)}",
        f"total: {total}",
        f"handout: {handout}",
        f"data: [{', '.join(data)}]",
        "training: {mode: budget, batches_per_pass: 2}",
        "limits: {notebook_s: 900, cell_s: 600}",
        "",
        "sections:",
        *(_section(part) for part in parts),
        "",
        "criteria:",
        *(line for criterion in criteria for line in criterion),
    ]
    return "\n".join(lines) + "\n"


def _doubts(bundle: Bundle) -> Iterator[str]:
    evidence = bundle.evidence
    if evidence.outcome is not Outcome.COMPLETED:
        yield "# Criteria may lack, since the solution did not run to its end here:"
        yield f"# {evidence.outcome}: {evidence.outcome_detail}"


def _parts(draft: Draft) -> list[Part]:
    """Headings that something solved is below, each with the headings around it."""
    heads: list[tuple[int, int, str]] = []
    for cell in draft.cells:
        for heading in headings_of(cell)[:1]:
            first = next(line for line in cell.source.splitlines() if line.strip().startswith("#")).strip()
            heads.append((cell.index, len(first) - len(first.lstrip("#")), heading))
    ends = [*(place for place, _, _ in heads[1:]), len(draft.cells)]
    open_: list[tuple[int, str]] = []
    found: dict[str, Part] = {}
    for (place, level, heading), end in zip(heads, ends, strict=True):
        while open_ and open_[-1][0] >= level:
            open_.pop()
        key = _key(heading, found)
        around = open_[-1][1] if open_ else None
        found[key] = Part(key, heading, draft.cells[place].handout_id or "", range(place, end), around)
        open_.append((level, key))
    wanted = {part.key for part in found.values() if any(cell in part.cells for cell in draft.solved)}
    for key in list(wanted):
        while (around := found[key].within) is not None:
            wanted.add(around)
            key = around
    return [part for part in found.values() if part.key in wanted]


def _key(heading: str, taken: Mapping[str, Part]) -> str:
    base = slug(heading)[:24].strip("-") or "part"
    number = 1
    key = base
    while key in taken:
        number += 1
        key = f"{base}-{number}"
    return key


def _section(part: Part) -> str:
    fields = [f"title: {_quoted(part.heading)}"]
    if part.id:
        fields.append(f"ids: [{_quoted(part.id)}]")
    # Students retitle little, but white space and marks around a heading change in editors.
    words = r"\s+".join(_SPECIAL.sub(r"\\\g<0>", word) for word in part.heading.split())
    fields.append(f"heading: {_quoted('^' + words)}")
    if part.within is not None:
        fields.append(f"within: {part.within}")
    return f"  {part.key}: {{{', '.join(fields)}}}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _criteria(draft: Draft, parts: Sequence[Part], bundle: Bundle) -> Iterator[list[str]]:
    for name, probe in _calls(draft).items():
        yield from _function(draft, name, probe, parts, bundle)
    for name, look in _looks(draft).items():
        yield from _network(draft, name, look, parts, bundle)
    for part in parts:
        runs = [
            run for run in bundle.evidence.training.runs if run.cell is not None and run.cell in part.cells
        ]
        yield from _training(part, runs)
    yield from _texts(draft, parts)


def _head(key: str, title: str, part: Part | None, note: str) -> list[str]:
    section = [] if part is None else [f"    section: {part.key}"]
    return [f"  # {note}", f"  - id: {key}", f"    title: {_quoted(title)}", "    points: 1", *section]


def _part_of(cell: int | None, parts: Sequence[Part]) -> Part | None:
    return next((part for part in parts if cell is not None and cell in part.cells), None)


def _function(
    draft: Draft, name: str, probe: FunctionProbe, parts: Sequence[Part], bundle: Bundle
) -> Iterator[list[str]]:
    record = bundle.evidence.probes[probe_id(probe)].record
    if not isinstance(record, FunctionRecord):
        return
    calls = []
    for given, call in zip(draft.functions[name], record.calls, strict=True):
        answer = jsonable(plain(call.returned[0], bundle)) if call.returned and not call.error else None
        if answer is not None:
            calls.append(f"          - {{args: {json.dumps(list(given))}, accept: [{json.dumps(answer)}]}}")
    if calls:
        note = "The calls that the solution makes. Add hidden ones: {kind: integers, ...} with a `reference`."
        yield [
            *_head(
                f"{slug(name)}-values", f"{name} gives the right answers", _part_of(record.cell, parts), note
            ),
            "    check: function_values",
            f"    function: {name}",
            "    groups:",
            "      - name: examples",
            "        calls:",
            *calls,
        ]


def _network(
    draft: Draft, name: str, look: ModuleProbe, parts: Sequence[Part], bundle: Bundle
) -> Iterator[list[str]]:
    record = bundle.evidence.probes[probe_id(look)].record
    if not isinstance(record, ModuleRecord):
        return
    part = _part_of(draft.networks[name], parts)
    count = sum(each.count for each in record.parameters if each.trainable)
    target = f"    target: {{names: [{name}]}}"
    if count and not record.modules_cut:
        note = "Counted in the solution; say in `asks` how it comes about."
        yield [
            *_head(f"{slug(name)}-parameters", f"{name} has the right number of parameters", part, note),
            "    check: parameter_count",
            target,
            f"    expected: {count}",
        ]
    shapes = [
        (shape, forward.output.shape)
        for shape, forward in zip(_PICTURES, record.forwards, strict=False)
        if isinstance(forward.output, ArrayValue)
    ]
    if shapes:
        shape, output = shapes[0]
        note = (
            f"It takes {', '.join(str(list(given[1:])) for given, _ in shapes)}; the first is asked for here."
        )
        yield [
            *_head(f"{slug(name)}-shape", f"{name} gives the right shape", part, note),
            "    check: output_shape",
            target,
            f"    input: {list(shape)}",
            f"    expected: {list(output)}",
        ]


def _training(part: Part, runs: Sequence[TrainingRun]) -> Iterator[list[str]]:
    settings = [line for run in runs if (line := _setting(run)) is not None]
    if settings:
        note = "What the solution trained here. Take out what may be anything."
        yield [
            *_head(f"{part.key}-settings", "What was asked for is trained", part, note),
            "    check: hyperparameter_settings",
            "    settings:",
            *settings,
        ]
    losses = [run.loss for run in runs if run.loss is not None]
    if losses:
        width = losses[0].input_shape[1] if len(losses[0].input_shape) > 1 else 1
        yield [
            *_head(
                f"{part.key}-loss",
                "The loss function fits the output",
                part,
                f"Trained with {losses[0].function}.",
            ),
            "    check: loss_function",
            f"    classes: {max(2, width)}",
            f"    sections: [{part.key}]",
        ]
    if len(runs) > 1:
        note = f"{len(runs)} trainings were seen here."
        yield [
            *_head(f"{part.key}-fresh-weights", "Each training starts from fresh weights", part, note),
            "    check: fresh_weights",
            f"    sections: [{part.key}]",
        ]


def _setting(run: TrainingRun) -> str | None:
    # Students call their variables as they like, and a class as the handout has it.
    named = [run.model.class_name] if run.model.class_name else list(run.model.names)
    rate = run.hyperparameters.get("lr")
    fields = [f"model: [{', '.join(named)}]"] if named else []
    if run.optimizer:
        fields.append(f"optimizer: {run.optimizer}")
    if isinstance(rate, float) and rate > 0:
        fields.append(f"learning_rate: {rate:g}")
    if run.batch_sizes and not run.batch_sizes_cut:
        fields.append(f"batch_size: {run.batch_sizes[0]}")
    if run.passes:
        fields.append(f"epochs: {run.passes}")
    return f"      - {{{', '.join(fields)}}}" if fields else None


def _texts(draft: Draft, parts: Sequence[Part]) -> Iterator[list[str]]:
    for place in draft.solved:
        cell = draft.cells[place]
        part = _part_of(place, parts)
        if cell.kind == "code" or part is None:
            continue
        answer = shortened(" ".join(without_marks(cell.source).split()), _PROMPT_CHARACTERS)
        key = f"{part.key}-answer-{place}"
        yield [
            *_head(key, f"{part.heading}: the answer", part, "Written by the student, and read by a TA."),
            "    check: manual",
            f"    prompt: {_quoted(answer)}",
            "    # guide: what earns what, for TAs alone",
        ]
