"""What the host asks the sandbox to do: limits, training budget, names to watch, probes.

A plan follows from rubric and options alone and holds no answers, no thresholds and no hidden inputs:
those are drawn afresh for each attempt and sent after the notebook ran.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, SerializerFunctionWrapHandler, model_serializer

from grader.evidence.base import Record

__all__ = [
    "MOST_BY_THE_WALL",
    "Call",
    "Discovery",
    "FunctionProbe",
    "InputSpec",
    "IntegersInput",
    "Limits",
    "LiteralInput",
    "ModuleProbe",
    "NormalInput",
    "Picture",
    "Plan",
    "Probe",
    "Target",
    "Training",
    "UniformInput",
    "further_draw",
    "probe_id",
]

_MIB = 1024 * 1024


#: Times of an attempt do not count what it waited for a processor that others had, up to so many times their
#: length by the wall.
MOST_BY_THE_WALL = 20


class Limits(Record):
    """Every bound on one attempt. Times in seconds of its own (`MOST_BY_THE_WALL`), sizes in bytes."""

    notebook_s: float = Field(default=900.0, gt=0)
    cell_s: float = Field(default=600.0, gt=0)
    probe_s: float = Field(default=20.0, gt=0)
    collect_s: float = Field(default=30.0, gt=0)
    memory_bytes: int = Field(default=4096 * _MIB, ge=512 * _MIB)
    work_bytes: int = Field(default=1024 * _MIB, gt=0)
    work_inodes: int = Field(default=50_000, gt=0)
    shm_bytes: int = Field(default=512 * _MIB, gt=0)
    pids: int = Field(default=512, ge=64)
    cpus: float = Field(default=1.0, gt=0)
    output_bytes: int = Field(default=16 * _MIB, gt=0)
    cell_output_bytes: int = Field(default=2 * _MIB, gt=0)
    array_bytes: int = Field(default=32 * _MIB, gt=0)
    evidence_bytes: int = Field(default=64 * _MIB, gt=0)


class Training(Record):
    """How much of each training run really happens.

    Attributes:
        mode: ``budget`` ends every pass over a DataLoader after `batches_per_pass` batches; from the third
            pass on that a line makes over a large set, less may do, as its loop's code tells.
        batches_per_pass: Batches of each pass under a budget.
        items_after_two_passes: Items of each pass under a budget from the third one on that a line makes over
            a loader, where batches need not be full (no ``drop_last``); small sets, which a network may have
            to memorise, are then left whole. None: `batches_per_pass` alone counts.
        whole_in_cells: Cells, counted over all cells of the file, in which no pass ends early: code there
            raised where it did. Not in the plan's digest while there are none.
    """

    mode: Literal["budget", "full"] = "budget"
    batches_per_pass: int = Field(default=2, ge=1)
    items_after_two_passes: int | None = Field(default=None, ge=2)
    whole_in_cells: tuple[int, ...] = ()

    @model_serializer(mode="wrap")
    def _without_the_usual(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Plans from before these cells could be named keep their digests."""
        written: dict[str, Any] = serialise(self)
        if not written["whole_in_cells"]:
            del written["whole_in_cells"]
        return written


class Picture(Record):
    """Size in pixels, and channels, of the picture that stands in for one of the web."""

    height: int = Field(default=480, ge=1, le=4096)
    width: int = Field(default=640, ge=1, le=4096)
    channels: Literal[3, 4] = 4


class NormalInput(Record):
    """Standard normal numbers, drawn afresh for each attempt."""

    kind: Literal["normal"] = "normal"
    shape: tuple[int, ...]
    dtype: Literal["float32", "float64"] = "float32"
    container: Literal["torch", "numpy", "list"] = "torch"


class UniformInput(Record):
    """Numbers drawn evenly from [low, high), afresh for each attempt."""

    kind: Literal["uniform"] = "uniform"
    shape: tuple[int, ...]
    low: float = 0.0
    high: float = 1.0
    dtype: Literal["float32", "float64"] = "float32"
    container: Literal["torch", "numpy", "list"] = "torch"


class IntegersInput(Record):
    """Integers drawn evenly from [low, high), afresh for each attempt.

    Attributes:
        shape: ``()`` with container ``python`` gives one int.
    """

    kind: Literal["integers"] = "integers"
    shape: tuple[int, ...] = ()
    low: int
    high: int
    dtype: Literal["int64", "float32", "float64"] = "int64"
    container: Literal["torch", "numpy", "list", "python"] = "torch"


class LiteralInput(Record):
    """A fixed value as the rubric wrote it.

    Attributes:
        container: ``python`` passes it as it is; the others make an array of it.
    """

    kind: Literal["literal"] = "literal"
    value: JsonValue
    dtype: Literal["int64", "float32", "float64"] | None = None
    container: Literal["python", "torch", "numpy"] = "python"


class ListInput(Record):
    """Several inputs in one list or tuple, as the branches of an inception block or a batch of sizes.

    Attributes:
        items: Each drawn by itself; lists may hold lists.
    """

    kind: Literal["list"] = "list"
    items: tuple[InputSpec, ...]
    container: Literal["list", "tuple"] = "list"


InputSpec = Annotated[
    NormalInput | UniformInput | IntegersInput | LiteralInput | ListInput, Field(discriminator="kind")
]


class Discovery(Record):
    """Finds an ``nn.Module`` whose names are free by what it accepts and gives.

    Attributes:
        input_shape: Shape of a float32 tensor that it must accept, batch first.
        output_shape: Shape that it should give; -1 stands for any length. None accepts any. Where no network
            gives it, one of the notebook's own that accepts the input is taken.
        base: Only modules holding at least one layer of each of these classes, as ``Conv2d``.
    """

    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...] | None = None
    base: tuple[str, ...] = ()


class Target(Record):
    """Where in the student's namespace a thing is. Tried in this order: names, expression, discover.

    Attributes:
        names: Variables or classes; a class is built without arguments. The first that exists is taken.
        expression: Python evaluated in the student's namespace.
        discover: For modules only.
    """

    names: tuple[str, ...] = ()
    expression: str | None = None
    discover: Discovery | None = None


class ModuleProbe(Record):
    """Reads a network: parameters, layers in order, outputs on hidden inputs.

    Attributes:
        inputs: One forward pass each, in eval mode, without gradients.
        weights: Whether parameter values are sent, so that the host can compute outputs itself.
        stirred: Whether each parameter and buffer is moved a little for these passes, so that none is as it
            was initialised: a normalisation that changes nothing yet, a weight of zero. What is sent are the
            moved values; afterwards all is as it was. Not in a probe's name while it is not asked for.
    """

    kind: Literal["module"] = "module"
    target: Target
    inputs: tuple[InputSpec, ...] = ()
    weights: bool = True
    stirred: bool = Field(default=False, exclude_if=lambda asked: not asked)


class Call(Record):
    args: tuple[InputSpec, ...] = ()
    kwargs: dict[str, InputSpec] = Field(default_factory=dict)


class FunctionProbe(Record):
    """Calls a function, or a module as a function, with each set of inputs.

    Attributes:
        repeat: Times that each call is made with equal fresh arguments, to see changing answers.
        count_operations: Whether torch operations are counted during each call.
        code: Python of the course's own that defines `measure`, which is called in place of a function of the
            notebook; `student` holds the notebook's names for it. Not in a probe's name while there is none.
    """

    kind: Literal["function"] = "function"
    target: Target
    calls: tuple[Call, ...]
    repeat: int = Field(default=1, ge=1, le=3)
    count_operations: bool = False
    code: str | None = Field(default=None, exclude_if=lambda code: code is None)


Probe = Annotated[ModuleProbe | FunctionProbe, Field(discriminator="kind")]


def probe_id(probe: Probe) -> str:
    """Names a probe by its content, so that criteria share it and a changed threshold keeps it."""
    return f"{probe.kind}-{hashlib.sha256(probe.model_dump_json().encode()).hexdigest()[:12]}"


def further_draw(name: str, draw: int) -> str:
    """Names the answer of a probe that was asked once more, from 1, with inputs drawn anew."""
    return f"{name}~{draw}"


class Plan(Record):
    """All that one attempt is asked to do.

    Attributes:
        data: Data sets that must be mounted: ``cifar10``, ``mnist``, ``gestures``.
        watch: Names whose values are kept after every cell that changes them.
        seed: Seeds Python's, NumPy's and torch's generators before the first cell.
        cuda: Whether a GPU is given to the attempt.
        picture: What a notebook reads from the web. Not in the digest while the rubric does not say.
    """

    assignment: str
    limits: Limits = Limits()
    training: Training = Training()
    data: tuple[str, ...] = ()
    watch: tuple[str, ...] = ()
    probes: tuple[Probe, ...] = ()
    seed: int = 0
    cuda: bool = False
    picture: Picture | None = None

    @model_serializer(mode="wrap")
    def _without_the_usual(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Plans from before a picture could be described keep their digests."""
        written: dict[str, Any] = serialise(self)
        if written["picture"] is None:
            del written["picture"]
        return written

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON, in hex."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()
