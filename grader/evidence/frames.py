"""The messages that cross the wall between host and driver, and between driver and kernel.

A frame on the wire is ``u32 length (big-endian) | bytes of codec.pack``: see `to_wire`. Host and driver
number their frames from 0; a duplicate, a gap or an oversized frame ends the attempt and the container.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, TypeAdapter

from grader.evidence.base import Record
from grader.evidence.checkpoints import Checkpoints
from grader.evidence.codec import pack
from grader.evidence.plan import Plan, Probe
from grader.evidence.plots import MOST_PLOTS, Plot
from grader.evidence.record import (
    CellRecord,
    Cut,
    Environment,
    FileWritten,
    Outcome,
    ProbeResult,
    ShimUse,
    WatchedValue,
)
from grader.evidence.training import TrainingHistory
from grader.evidence.values import Value

__all__ = [
    "LENGTH",
    "Beat",
    "CellDone",
    "CellStarted",
    "Cleaned",
    "Collected",
    "DriverFrame",
    "Finish",
    "HostFrame",
    "Job",
    "Opened",
    "ProbeAnswer",
    "ProbeInputs",
    "ProbeRequest",
    "Ran",
    "Ready",
    "Shutdown",
    "driver_frames",
    "host_frames",
    "to_wire",
]

#: What precedes every frame: its length in bytes.
LENGTH = struct.Struct(">I")

# At least twice what the collector keeps of each after one cell: more is forged, and would cost memory.
_MOST_VALUES = 5_000
_MOST_FILES = 4_000
_MOST_SHIMS = 5_000
_MOST_LINES = 200


class Frame(Record):
    seq: int = 0


# Host to driver.


class Job(Frame):
    """Run this notebook; its bytes are the frame's first array (uint8), those of files beside it the others.

    Attributes:
        files: Paths of the files, relative to the notebook's folder, in the order of their arrays.
    """

    type: Literal["job"] = "job"
    attempt: str
    plan: Plan
    files: tuple[str, ...] = ()


class ProbeInputs(Record):
    """Hidden inputs of one call or forward pass; arrays are the frame's."""

    args: tuple[Value, ...] = ()
    kwargs: dict[str, Value] = Field(default_factory=dict)


class ProbeRequest(Frame):
    """Measure this now. Sent after `Ran`, one at a time, so that no input is there while code runs.

    Attributes:
        inputs: One entry for each call (FunctionProbe) or forward pass (ModuleProbe), in order.
    """

    type: Literal["probe"] = "probe"
    id: str
    probe: Probe
    inputs: tuple[ProbeInputs, ...] = ()


class Finish(Frame):
    """No more probes: kill the kernel, wipe, verify, answer `Cleaned`."""

    type: Literal["finish"] = "finish"


class Shutdown(Frame):
    type: Literal["shutdown"] = "shutdown"


# Driver to host.


class Ready(Frame):
    """The launcher is warm; sent once."""

    type: Literal["ready"] = "ready"
    environment: Environment


class Opened(Frame):
    """The submitted file could be read; `cells` are all of it, none of them run. Follows a `Job`.

    The host needs them where the driver cannot tell the end: the container killed, the deadline passed.
    """

    type: Literal["opened"] = "opened"
    cells: tuple[CellRecord, ...]


class CellStarted(Frame):
    type: Literal["cell_started"] = "cell_started"
    index: int


class Collected(Record):
    """What the kernel side gives after a cell; only what is new, but for `training`, which is whole.

    Attributes:
        tampering: What the notebook changed of the code that measures; no probe is answered after that.
        cut: What of this was more than is kept.
    """

    values: tuple[WatchedValue, ...] = Field(default=(), max_length=_MOST_VALUES)
    files: tuple[FileWritten, ...] = Field(default=(), max_length=_MOST_FILES)
    shims: tuple[ShimUse, ...] = Field(default=(), max_length=_MOST_SHIMS)
    plots: tuple[Plot, ...] | None = Field(default=None, max_length=2 * MOST_PLOTS)
    checkpoints: Checkpoints | None = None
    training: TrainingHistory | None = None
    anomalies: tuple[str, ...] = Field(default=(), max_length=_MOST_LINES)
    tampering: tuple[str, ...] = Field(default=(), max_length=_MOST_LINES)
    cut: tuple[Cut, ...] = Field(default=(), max_length=10)


class CellDone(Frame):
    """One code cell has ended. Arrays of `collected.values` are the frame's."""

    type: Literal["cell_done"] = "cell_done"
    cell: CellRecord
    collected: Collected | None = None


class Ran(Frame):
    """The notebook has ended; probes may come unless the kernel is dead.

    Attributes:
        cells: All cells of the file, those that were not run included.
    """

    type: Literal["ran"] = "ran"
    outcome: Outcome
    detail: str = ""
    cells: tuple[CellRecord, ...]
    cells_s: float
    kernel_alive: bool
    anomalies: tuple[str, ...] = ()


class Beat(Frame):
    """What is waited for goes on: others have the processors.

    Attributes:
        left_s: Seconds of the submission's own that it may still take.
    """

    type: Literal["beat"] = "beat"
    left_s: float = Field(ge=0, allow_inf_nan=False)


class ProbeAnswer(Frame):
    type: Literal["probe_answer"] = "probe_answer"
    id: str
    result: ProbeResult


class Cleaned(Frame):
    """The submission's processes and files are gone.

    Attributes:
        leftovers: Those that would not go.
        strangers: What there is of earlier submissions, so that this one has to be run again elsewhere.
        worn: What only time removes and nobody is to blame for; a reason to take a fresh sandbox.
    """

    type: Literal["cleaned"] = "cleaned"
    leftovers: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()
    worn: tuple[str, ...] = ()
    anomalies: tuple[str, ...] = ()


HostFrame = Annotated[Job | ProbeRequest | Finish | Shutdown, Field(discriminator="type")]
DriverFrame = Annotated[
    Ready | Opened | CellStarted | CellDone | Beat | Ran | ProbeAnswer | Cleaned, Field(discriminator="type")
]

host_frames: TypeAdapter[Job | ProbeRequest | Finish | Shutdown] = TypeAdapter(HostFrame)
driver_frames: TypeAdapter[Ready | Opened | CellStarted | CellDone | Beat | Ran | ProbeAnswer | Cleaned] = (
    TypeAdapter(DriverFrame)
)


def to_wire(frame: Frame, arrays: Sequence[np.ndarray] = ()) -> bytes:
    """Writes a frame as it crosses the wall, its length in front."""
    raw = pack(frame.model_dump_json().encode(), arrays)
    return LENGTH.pack(len(raw)) + raw
