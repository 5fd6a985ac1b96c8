"""Evidence of earlier versions, read as today's.

Evidence is stored once and judged for years, so each change of its form comes with a step here that says what
the older form means in the newer one. Steps work on the decoded JSON, drop nothing that a check reads, and
invent nothing: what the older form cut without saying so is said to be cut wherever that can be so.
"""

from __future__ import annotations

import ast
import hashlib
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

from grader.errors import EvidenceError
from grader.evidence.record import SCHEMA_VERSION, Cut, ShimKind

__all__ = ["as_current"]

Json = dict[str, Any]

#: Caps of version 1, at which it cut without a word.
_ARCHITECTURE_CHARACTERS = 4000
_NAMES = 8
_OPERATION_NAMES = 200
_STDOUT_CHARACTERS = 20_000
_LAYERS = 1000
_OPERATIONS = 2000
_CANDIDATES = 20
_SOURCES = 500
_BATCH_SIZES = 8
#: Beyond twice as many losses it averaged pairs of them.
_LOSSES = 128
_SHIMS = 500
_FILES_OF_A_CELL = 2000
_OUTPUTS = 1000
_SOURCE_CHARACTERS = 1_000_000
_KINDS_OF_SHIMS = frozenset(kind.value for kind in ShimKind)

_LAYER = re.compile(r"^(?P<path>[^:]*): (?P<type>\w+)\((?P<inside>.*)\)$")
_SETTING = re.compile(r"(\w+)=(\([^)]*\)|'[^']*'|[^,]+)")
_SHAPE = re.compile(r"(\w+)\[([\d, ]*)\]")
_NOT_BUILT = re.compile(r"^(?P<name>.*) \(not built: (?P<error>.*)\)$", re.DOTALL)
_LOOKED_AT = re.compile(r"; looked at (?P<names>.*)$", re.DOTALL)


def as_current(version: int, evidence: Json) -> Json:
    """Evidence of any version, as today's version has it.

    Args:
        version: What the evidence says of itself.
        evidence: Its JSON, decoded; taken over and changed.

    Raises:
        EvidenceError: There is no such version, or its JSON is not in its form.
    """
    if version != SCHEMA_VERSION and version not in _STEPS:
        raise EvidenceError(
            "this evidence is of a version that this program does not read",
            expected=", ".join(str(known) for known in (*sorted(_STEPS), SCHEMA_VERSION)),
            found=str(version),
            todo="Install the newest release of grader, or run the submission again.",
        )
    try:
        while version != SCHEMA_VERSION:
            evidence = _STEPS[version](evidence)
            version += 1
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise EvidenceError(
            f"this evidence says that it is of version {version}, but does not have its form",
            found=f"{type(error).__name__}: {error}"[:200],
            todo="Run the submission again.",
        ) from error
    return evidence


def _from_1(evidence: Json) -> Json:
    """Version 2 has layers as records, candidates of a probe as records, and says what was cut."""
    evidence["schema_version"] = 2
    evidence["training"] = _history(evidence.get("training", {}))
    answers = evidence.get("probes", {})
    evidence["probes"] = {name: _answer(answer) for name, answer in answers.items() if not _is_value(answer)}
    shims = evidence.get("shims", [])
    evidence["shims"] = [use for use in shims if use.get("kind") in _KINDS_OF_SHIMS]
    evidence["cut"] = [*_cut_shims(shims), *_cut_files(evidence.get("files", []))]
    for cell in evidence.get("cells", []):
        cell["source_cut"] = len(cell["source"]) >= _SOURCE_CHARACTERS
        submitted = cell.setdefault("submitted", {})
        submitted["cut"] = len(submitted.get("outputs", [])) >= _OUTPUTS
    return evidence


def _is_value(answer: Json) -> bool:
    """Whether a probe asked for the value of an expression, which no check ever did."""
    record = answer.get("record")
    return record is not None and record["kind"] == "value"


def _cut_shims(uses: list[Json]) -> list[str]:
    return [Cut.SHIMS.value] if len(uses) >= _SHIMS else []


def _cut_files(files: list[Json]) -> list[str]:
    cells = [file["cell"] for file in files]
    most = max((cells.count(cell) for cell in set(cells)), default=0)
    return [Cut.FILES.value] if most >= _FILES_OF_A_CELL else []


# Training.


def _history(history: Json) -> Json:
    lists: dict[str, int] = {}
    for model in _models(history):
        text = model.pop("architecture", "")
        model["layers"] = lists.setdefault(text, len(lists)) if text else None
    history["layer_lists"] = [_layer_list(text) for text in lists]
    for run in history.get("runs", []):
        _run(run)
    for source in history.get("sources", []):
        _drop(source, "index_low", "index_high")
    for look in history.get("evaluations", []):
        _drop(look, "batches")
    doubts = list(_doubts(history))
    if doubts:
        history["complete"] = False
        history["notes"] = [*history.get("notes", []), *doubts]
    return history


def _run(run: Json) -> None:
    losses = len(run.get("losses", []))
    run["losses_cut"] = losses >= _LOSSES and run.get("passes", 0) != losses
    run["batch_sizes_cut"] = len(run.get("batch_sizes", [])) >= _BATCH_SIZES
    if run.get("loss") is not None:
        _drop(run["loss"], "target_shape", "target_dtype")


def _drop(record: Json, *names: str) -> None:
    """Leaves out what no check ever read."""
    for name in names:
        record.pop(name, None)


def _models(history: Json) -> Iterator[Json]:
    """The networks of runs and evaluations; ones that were not recorded left out."""
    for used in (*history.get("runs", []), *history.get("evaluations", [])):
        if used["model"] is not None:
            yield used["model"]


def _doubts(history: Json) -> Iterator[str]:
    """What a history of version 1 may lack without having said so."""
    sources = history.get("sources", [])
    known = {source["token"] for source in sources}
    used = {each.get("source") for each in (*history.get("runs", []), *history.get("evaluations", []))}
    if len(sources) >= _SOURCES or used - known - {None}:
        yield f"more than {_SOURCES} loaders were used; the data of later ones are not recorded"
    named = (*sources, *_models(history))
    if any(len(each.get("names", [])) >= _NAMES for each in named):
        yield f"one thing has {_NAMES} names or more; further ones are not recorded"


def _layer_list(text: str) -> Json:
    """A network as version 1 wrote it: a line for each layer, cut in the middle of one."""
    cut = len(text) >= _ARCHITECTURE_CHARACTERS
    lines = text.split("\n")
    layers = [_layer(line) for line in (lines[:-1] if cut else lines)]
    return {
        "layers": [layer for layer in layers if layer is not None],
        "digest": None if cut else hashlib.sha256(text.encode()).hexdigest(),
        "cut": cut,
    }


def _layer(line: str) -> Json | None:
    """A line as ``fc1: Linear(in_features=3072, out_features=30)``, or ``act: Scale(weight[3])``."""
    match = _LAYER.match(line)
    if match is None:
        return None
    settings = {name: _literal(value) for name, value in _SETTING.findall(match["inside"])}
    shapes = {} if settings else {name: _shape(sizes) for name, sizes in _SHAPE.findall(match["inside"])}
    path = "" if match["path"] == "(self)" else match["path"]
    return {"path": path, "type": match["type"], "settings": settings, "parameters": shapes}


def _literal(text: str) -> Any:
    """A setting as a plain value or a list of them; as text where it is neither."""
    try:
        value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text.strip()
    if isinstance(value, tuple) and all(map(_is_plain, value)):
        return list(value)
    return value if _is_plain(value) else text.strip()


def _is_plain(value: Any) -> bool:
    finite = not isinstance(value, float) or math.isfinite(value)
    return value is None or (isinstance(value, bool | int | float | str) and finite)


def _shape(sizes: str) -> list[int]:
    return [int(size) for size in sizes.split(",") if size.strip()]


# Probes.


def _answer(answer: Json) -> Json:
    record = answer.get("record")
    names = [] if record is None else record.pop("candidates", [])
    looked = _LOOKED_AT.search(answer.get("detail", "")) if record is None else None
    if looked is not None:
        names = looked["names"].split(", ")
    answer["candidates"] = [_candidate(name) for name in names]
    answer["candidates_cut"] = len(names) >= _CANDIDATES
    if record is not None and record["kind"] == "function":
        record["calls"] = [_call(call) for call in record.get("calls", [])]
    elif record is not None:
        record["layers_cut"] = len(record.get("layers", [])) >= _LAYERS
        record["operations_cut"] = len(record.get("operations", [])) >= _OPERATIONS
    return answer


def _candidate(text: str) -> Json:
    match = _NOT_BUILT.match(text)
    return {"name": text} if match is None else {"name": match["name"], "not_built": match["error"]}


def _call(call: Json) -> Json:
    call["stdout_cut"] = len(call.get("stdout", "")) >= _STDOUT_CHARACTERS
    call["operation_names_cut"] = len(call.get("operation_names", [])) >= _OPERATION_NAMES
    return call


_STEPS: dict[int, Callable[[Json], Json]] = {1: _from_1}
