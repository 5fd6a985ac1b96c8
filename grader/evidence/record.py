"""The evidence of one attempt: cells, values, training history, probe results, environment."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from grader.evidence.base import Record
from grader.evidence.checkpoints import Checkpoints
from grader.evidence.photos import PhotoSet
from grader.evidence.plots import Plot
from grader.evidence.training import TrainingHistory
from grader.evidence.values import Value

__all__ = [
    "NOTHING_CAME",
    "SCHEMA_VERSION",
    "CallRecord",
    "Candidate",
    "CellError",
    "CellRecord",
    "CellRun",
    "CellText",
    "Cut",
    "Environment",
    "Evidence",
    "FileWritten",
    "ForwardRecord",
    "FunctionRecord",
    "LayerRecord",
    "ModuleRecord",
    "OperationRecord",
    "Outcome",
    "Output",
    "ParameterRecord",
    "ProbeResult",
    "RaisedError",
    "ShimKind",
    "ShimUse",
    "Submitted",
    "WatchedValue",
]

SCHEMA_VERSION = 2

#: The detail of an INVALID_SUBMISSION of which there was no file at all.
NOTHING_CAME = "nothing was handed in"


class Outcome(StrEnum):
    """How an attempt ended. COMPLETED: every cell ran without an error."""

    COMPLETED = "COMPLETED"
    CELL_ERROR = "CELL_ERROR"
    TIMEOUT = "TIMEOUT"
    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    OUTPUT_LIMIT = "OUTPUT_LIMIT"
    KERNEL_DIED = "KERNEL_DIED"
    INVALID_SUBMISSION = "INVALID_SUBMISSION"
    SANDBOX_UNAVAILABLE = "SANDBOX_UNAVAILABLE"

    @property
    def ended_early(self) -> bool:
        """Cells after some point never ran, so that a thing that is missing proves nothing."""
        return self in (Outcome.TIMEOUT, Outcome.OUT_OF_MEMORY, Outcome.OUTPUT_LIMIT, Outcome.KERNEL_DIED)

    @property
    def ran_to_the_end(self) -> bool:
        """Every cell had its turn, whether or not some raised."""
        return self in (Outcome.COMPLETED, Outcome.CELL_ERROR)

    @property
    def our_fault(self) -> bool:
        """The service could not run the notebook, which never costs a student points."""
        return self is Outcome.SANDBOX_UNAVAILABLE


class Cut(StrEnum):
    """A part of the evidence of which there was more than was kept; what else there was is not known."""

    ANOMALIES = "anomalies"
    CHECKPOINTS = "checkpoints"
    FILES = "files"
    PLOTS = "plots"
    SHIMS = "shims"


class Output(Record):
    """One output of a cell.

    Attributes:
        kind: As in nbformat.
        name: ``stdout`` or ``stderr`` for streams.
        text: Plain text, ANSI escapes kept, cut to the output limits.
        data: Other MIME types, text or base64, each within the output limits (``image/png``, ...).
    """

    kind: Literal["stream", "display_data", "execute_result", "error"]
    name: str = ""
    text: str = ""
    data: dict[str, str] = Field(default_factory=dict)


class RaisedError(Record):
    """An exception as plain text.

    Attributes:
        type: Class name, as ``ValueError``.
        message: Its text, capped.
        line: Line of the cell, from 1, where the student's code raised or called what raised.
    """

    type: str
    message: str = ""
    line: int | None = None


class CellError(RaisedError):
    traceback: str = ""


class Submitted(Record):
    """What the student's file already held for a cell, as handed in.

    Attributes:
        cut: There were more outputs, or longer ones, than were kept.
        left_out: What of the cell could not be taken, in words: outputs too large, a source that is no text.
    """

    execution_count: int | None = None
    outputs: tuple[Output, ...] = ()
    cut: bool = False
    # Left out where there is nothing to say, so that evidence of whole cells stays the same bytes.
    left_out: str = Field(default="", exclude_if=lambda words: not words)


class CellRun(Record):
    """What happened when the service ran a cell.

    Attributes:
        status: ``not_run`` for cells after a kernel death or the time limit.
        cut: Output was cut at the limit.
    """

    status: Literal["ok", "error", "timeout", "output_limit", "died", "not_run"]
    duration_s: float = 0.0
    outputs: tuple[Output, ...] = ()
    error: CellError | None = None
    cut: bool = False


class CellText(Record):
    """What was written into one cell of the submitted file, counted from 0 over all cells.

    Attributes:
        source: Its text, up to the first million characters.
    """

    # What a cell put out is passed over where its text alone is read.
    model_config = ConfigDict(extra="ignore")

    index: int
    kind: Literal["code", "markdown", "raw"]
    source: str


class CellRecord(CellText):
    """One cell of the submitted file with all that became of it.

    Attributes:
        source_cut: There was more, which was not run either.
        handout_id: Colab's ``metadata.id``, which student copies keep, else the nbformat cell id.
    """

    model_config = ConfigDict(extra="forbid")

    source_cut: bool = False
    handout_id: str | None = None
    submitted: Submitted = Submitted()
    run: CellRun | None = None


class WatchedValue(Record):
    """The value that a watched name had after a cell that changed it. Mutation counts as change."""

    name: str
    cell: int
    value: Value


class ShimKind(StrEnum):
    """What the sandbox stands in for."""

    API_DRIFT = "api_drift"
    COLAB_DRIVE = "colab.drive"
    COLAB_FILES = "colab.files"
    COMPILE = "compile"
    CUDA = "cuda"
    DATASET = "dataset"
    DISPLAY = "display"
    EXIT = "exit"
    FOLDER = "folder"
    HANDED_IN_FILE = "handed_in_file"
    IMREAD = "imread"
    MISSING_PACKAGE = "missing_package"
    NETWORK = "network"
    NEWER_PYTHON = "newer_python"
    PRETRAINED = "pretrained"
    SHELL = "shell"
    TRAINING_BUDGET = "training_budget"
    WORKERS = "workers"

    @property
    def may_change_numbers(self) -> bool:
        """Whether our run may show other numbers than the student's own: any kind that is not named here."""
        return self not in (
            ShimKind.API_DRIFT,
            ShimKind.COMPILE,
            ShimKind.CUDA,
            ShimKind.DISPLAY,
            ShimKind.EXIT,
            ShimKind.FOLDER,
            ShimKind.HANDED_IN_FILE,
            ShimKind.MISSING_PACKAGE,
            ShimKind.NEWER_PYTHON,
            ShimKind.SHELL,
            ShimKind.WORKERS,
        )


class ShimUse(Record):
    """A place where the sandbox stood in for something it lacks."""

    kind: ShimKind
    cell: int | None = None
    detail: str = ""


class FileWritten(Record):
    """A file in the work folder that a cell created or changed; `path` is relative to it."""

    path: str
    cell: int
    size_bytes: int


class ParameterRecord(Record):
    """A parameter or buffer. `array` is its value's position among the arrays, None if not sent."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    trainable: bool = True
    array: int | None = None

    @property
    def count(self) -> int:
        """Numbers in it."""
        total = 1
        for size in self.shape:
            total *= size
        return total


class LayerRecord(Record):
    """A leaf module in the order of its first use in a forward pass (else of registration).

    Attributes:
        path: Attribute path, as ``conv1`` or ``features.0``.
        type: Class name in torch.nn, or the student's own class.
        hyperparameters: ``in_channels``, ``kernel_size``, ... as plain data.
        parameters: Names of its parameters within the network.
        input_shape, output_shape: At its first use; None where it was never used.
        uses: Times it was used in one forward pass.
    """

    path: str
    type: str
    hyperparameters: dict[str, Value] = Field(default_factory=dict)
    parameters: tuple[str, ...] = ()
    input_shape: tuple[int, ...] | None = None
    output_shape: tuple[int, ...] | None = None
    uses: int = 0


class OperationRecord(Record):
    """One step of a traced forward pass, in order.

    Attributes:
        name: ``relu``, ``max_pool2d``, ``view``, ... for functional calls; the layer's type for layers.
        layer: Path of the layer that it is, or that it happened in; None for calls in forward itself.
        arguments: Those that matter, as ``kernel_size``, ``dim``.
    """

    name: str
    layer: str | None = None
    input_shape: tuple[int, ...] | None = None
    output_shape: tuple[int, ...] | None = None
    arguments: dict[str, Value] = Field(default_factory=dict)


class ForwardRecord(Record):
    """A forward pass on one hidden input."""

    input: Value
    output: Value | None = None
    error: RaisedError | None = None


class ModuleRecord(Record):
    """A network as the kernel described it.

    Attributes:
        found_by: How the target was found; `name` is the variable, class or expression.
        built: True where the probe built a new object of a class rather than reading an existing one.
        cell: Cell that defines its class, None where unknown.
        modules_cut: The network has more submodules than are read, so that parameters, buffers and layers may
            lack some.
        layers_cut: `layers` lacks some.
        operations_cut: The forward pass went on after the last of `operations`.
    """

    kind: Literal["module"] = "module"
    found_by: Literal["name", "expression", "discovery"]
    name: str
    class_name: str
    built: bool = False
    cell: int | None = None
    parameters: tuple[ParameterRecord, ...] = ()
    buffers: tuple[ParameterRecord, ...] = ()
    layers: tuple[LayerRecord, ...] = ()
    operations: tuple[OperationRecord, ...] = ()
    forwards: tuple[ForwardRecord, ...] = ()
    modules_cut: bool = False
    layers_cut: bool = False
    operations_cut: bool = False


class CallRecord(Record):
    """One call of a function with hidden inputs.

    Attributes:
        args, kwargs: As the host sent them; never as the student's code left them.
        returned: One value for each repetition.
        stdout: What it printed, its beginning where `stdout_cut` says so.
        operations: Torch operations during the first repetition, None where not counted.
        operation_names: Their names, as ``conv2d``, each once, in alphabetical order.
        operation_names_cut: There were other names as well.
        operators: Torch's operators that the call's own thread used, seen below Python, as ``conv2d``; those
            that another operator uses are left out. None where they were not looked at.
        operators_elsewhere: Those that other threads used meanwhile.
        library_calls: Functions of array libraries (NumPy, SciPy, ...) that were called, by dotted name; and
            those that have work done elsewhere, in another thread or process.
        operators_cut: There were more of the three than are kept.
        mutated: The function changed its arguments in place.
    """

    args: tuple[Value, ...] = ()
    kwargs: dict[str, Value] = Field(default_factory=dict)
    returned: tuple[Value, ...] = ()
    error: RaisedError | None = None
    stdout: str = ""
    stdout_cut: bool = False
    duration_s: float = 0.0
    operations: int | None = None
    operation_names: tuple[str, ...] = ()
    operation_names_cut: bool = False
    operators: tuple[str, ...] | None = None
    operators_elsewhere: tuple[str, ...] = ()
    library_calls: tuple[str, ...] = ()
    operators_cut: bool = False
    mutated: bool = False


class FunctionRecord(Record):
    kind: Literal["function"] = "function"
    name: str
    cell: int | None = None
    calls: tuple[CallRecord, ...] = ()


class Candidate(Record):
    """A network that a probe looked at because it was to find one without a name.

    Attributes:
        not_built: What a class raised when it was built without arguments, as ``TypeError``; None for a
            network that was there or could be built.
    """

    name: str
    not_built: str | None = None


class ProbeResult(Record):
    """The answer to one probe.

    Attributes:
        status: ``not_found``: nothing in the namespace fits the target. ``error``: the student's code
            raised while being probed (building a class, evaluating an expression). ``no_answer``: the
            kernel was dead, timed out or answered nonsense; `detail` says which.
        candidates: Networks that were looked at where one without a name was to be found.
        candidates_cut: Not all networks were looked at, or not all of these are named.
    """

    status: Literal["ok", "not_found", "error", "no_answer"]
    detail: str = ""
    error: RaisedError | None = None
    record: Annotated[ModuleRecord | FunctionRecord, Field(discriminator="kind")] | None = None
    candidates: tuple[Candidate, ...] = Field(default=(), max_length=1000)
    candidates_cut: bool = False


class Environment(Record):
    """What the attempt ran in: names and versions, nothing of the host.

    Attributes:
        confinement: What the kernel process gives up, by layer, as tried in the sandbox before any job.
    """

    sandbox: str = ""
    isolation: str = ""
    image: str = ""
    python: str = ""
    packages: dict[str, str] = Field(default_factory=dict)
    gpu: str | None = None
    confinement: dict[str, str] = Field(default_factory=dict)
    seed: int = 0


class Evidence(Record):
    """All that one attempt left, apart from its raw arrays.

    Attributes:
        notebook: SHA-256 of the submitted file's bytes, in hex.
        plan: Digest of the plan that was carried out.
        outcome_detail: One line for a TA: which cell, which limit.
        wall_time_s: By the host's clock, from job to last frame.
        cells_s: Time in the student's cells, by the driver's clock.
        probes: By `plan.probe_id`.
        anomalies: What looked like tampering or a fault of the sandbox, one line each.
        cut: Parts of which there was more than was kept.
        whole_in_cells: Cells in which no pass over a DataLoader was ended early, since code in them raised
            where it was: all was run again for them.
        photos: Where photos were handed in and no notebook.
        plots: Figures of matplotlib in order; None where nobody recorded them, as before there was a record.
        checkpoints: Files of weights that were written and read; None as for `plots`.
    """

    schema_version: Literal[2] = 2
    notebook: str
    plan: str
    outcome: Outcome
    outcome_detail: str = ""
    wall_time_s: float = 0.0
    cells_s: float = 0.0
    environment: Environment = Environment()
    cells: tuple[CellRecord, ...] = ()
    values: tuple[WatchedValue, ...] = ()
    files: tuple[FileWritten, ...] = ()
    training: TrainingHistory = TrainingHistory()
    shims: tuple[ShimUse, ...] = ()
    probes: dict[str, ProbeResult] = Field(default_factory=dict)
    anomalies: tuple[str, ...] = ()
    cut: tuple[Cut, ...] = ()
    whole_in_cells: tuple[int, ...] = ()
    # Left out where there are none, so that evidence of notebooks stays the same bytes.
    photos: PhotoSet | None = Field(default=None, exclude_if=lambda photos: photos is None)
    # Left out where not recorded, so that older evidence stays the same bytes.
    plots: tuple[Plot, ...] | None = Field(default=None, exclude_if=lambda plots: plots is None)
    checkpoints: Checkpoints | None = Field(default=None, exclude_if=lambda files: files is None)
