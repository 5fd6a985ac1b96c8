"""A submission with something of everything, graded by the real checks; tests and people look at it."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from grader.checks.code.no_builtin_shadowing import NoBuiltinShadowing
from grader.checks.data.untouched_test_data import TestSetUntouched
from grader.checks.functions.convolution import Convolution
from grader.checks.functions.function_values import FunctionValues
from grader.checks.manual import Manual
from grader.checks.networks.output_shape import OutputShape
from grader.checks.networks.parameter_count import ParameterCount
from grader.checks.training.fresh_weights import FreshWeights
from grader.evidence.codec import Bundle
from grader.evidence.plan import FunctionProbe, ModuleProbe
from grader.evidence.record import (
    CellError,
    CellRecord,
    CellRun,
    Evidence,
    ForwardRecord,
    ModuleRecord,
    OperationRecord,
    Outcome,
    Output,
    ShimUse,
)
from grader.evidence.training import DataSource, EvaluationPass, LossUse, TrainingHistory
from grader.evidence.values import ArrayValue, IntValue, SequenceValue
from grader.facts.case import Reference
from grader.grading.grade import grade
from grader.grading.late import LateLine
from grader.judging.check import Check
from grader.reporting import ReportInput
from grader.rubric.model import Criterion, Policy, Rubric
from reference import ARCHITECTURES, FUNCTIONS
from tests.factories import (
    answers,
    called,
    carried,
    cell,
    fresh,
    layer,
    marked,
    model,
    parameter,
    training_run,
)

SMALL = {"model": model("small_net", 1, class_name="SmallNet", count=386)}
LARGE = {"model": model("large_net", 2, class_name="LargeNet", count=9705)}

TRAINING_CELL = """\
# train both nets with the default values
import time
start = time.time()
train_net(small_net)
print("small:", time.time() - start)
start = time.time()
train_net(large_net)
print("large:", time.time() - start)
"""

NET_CELL = """\
class SmallNet(nn.Module):
    def __init__(self):
        super(SmallNet, self).__init__()
        self.name = "small"
        self.conv = nn.Conv2d(3, 5, 3)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc = nn.Linear(5 * 15 * 15, 1)

    def forward(self, x):
        x = self.pool(F.relu(self.conv(x)))
        x = x.view(-1, 5 * 15 * 15)
        x = self.fc(x)
        x = x.squeeze(1)
        return x

small_net = SmallNet()
"""

CONVOLUTION_CELL = """\
def conv2d(image, kernel, padding):
    kernel = np.flip(kernel)
    image = np.pad(image, padding)
    rows = image.shape[0] - kernel.shape[0] + 1
    columns = image.shape[1] - kernel.shape[1] + 1
    output = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            window = image[i:i + kernel.shape[0], j:j + kernel.shape[1]]
            output[i, j] = (window * kernel).sum()
    return output
"""


def png(width: int = 240, height: int = 120) -> str:
    """A plain picture in base64, as a notebook keeps it."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = b"".join(b"\0" + bytes((x + y) % 256 for x in range(width)) for y in range(height))
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + parts).decode()


def flipped(image: np.ndarray, kernel: np.ndarray, padding: int) -> np.ndarray:
    return FUNCTIONS["flipped_conv2d"](image, kernel, padding=padding)


def without_bias(image: np.ndarray, kernel: np.ndarray, bias: np.ndarray, padding: int) -> np.ndarray:
    return FUNCTIONS["conv2d"](image, kernel, np.zeros_like(bias), padding=padding)


def printing(n: int) -> None:
    print(sum(k**3 for k in range(n + 1)))  # noqa: T201 - the mistake that is shown


def _cells() -> tuple[CellRecord, ...]:
    table = "<table><tr><th>net</th><th>error</th></tr><tr><td>small</td><td>0.31</td></tr></table>"
    picture = Output(kind="display_data", text="<Figure size 640x480>", data={"image/png": png()})
    frame = Output(kind="execute_result", text="   net error", data={"text/html": table})
    missing = CellError(
        type="NameError",
        message="name 'alexnet' is not defined",
        line=1,
        traceback="NameError: name 'alexnet' is not defined",
    )
    return (
        cell(0, "# Lab 2: Cats vs Dogs\n\nBy *s101*.", kind="markdown"),
        cell(1, "import numpy as np\nimport torch\nimport torch.nn as nn\nimport torch.nn.functional as F"),
        cell(2, "## Part 0. Helper Code", kind="markdown"),
        cell(3, NET_CELL),
        cell(
            4, "sum = 0\nfor p in small_net.parameters():\n    sum += p.numel()\nprint(sum)", printed="1266\n"
        ),
        cell(5, "## Part 2. Training\n\n### Part (c)", kind="markdown"),
        cell(6, "train_net(small_net, num_epochs=5)", printed="Epoch 1: Train err: 0.44\n"),
        cell(7, "### Part (d)", kind="markdown"),
        cell(8, TRAINING_CELL, printed="small: 12.1\nlarge: 15.0\n"),
        cell(9, "## Part 3. Settings", kind="markdown"),
        cell(10, "large_net = LargeNet()\ntrain_net(large_net, learning_rate=0.001)"),
        cell(11, "alexnet.features(img)", error=missing),
        cell(12, CONVOLUTION_CELL),
        cell(13, "def sum_of_cubes(n):\n    print(sum(k**3 for k in range(n + 1)))"),
        cell(14, "plot_training_curve(path)").model_copy(
            update={"run": CellRun(status="ok", duration_s=2.5, outputs=(picture, frame))}
        ),
    )


def _training() -> TrainingHistory:
    loss = LossUse(function="BCEWithLogitsLoss", input_shape=(64,))
    usual = {"lr": 0.01, "momentum": 0.9}
    common = {"hyperparameters": usual, "batch_sizes": (64,), "loss": loss, "source": 0}
    return TrainingHistory(
        runs=(
            training_run(0, 6, line=1, passes=5, losses=(0.68, 0.66, 0.63, 0.62, 0.6), **SMALL, **common),
            training_run(
                1, 8, line=4, passes=30, losses=(0.6, 0.58, 0.55, 0.5), start=carried(0), **SMALL, **common
            ),
            training_run(
                2, 8, line=7, passes=30, losses=(0.69, 0.6, 0.44, 0.3), start=fresh(), **LARGE, **common
            ),
            training_run(
                3,
                10,
                line=2,
                passes=30,
                losses=(0.69, 0.69, 0.68),
                **LARGE,
                **{**common, "hyperparameters": {"lr": 0.001, "momentum": 0.9}},
            ),
        ),
        evaluations=(
            *(EvaluationPass(order=i, cell=8, model=SMALL["model"], source=1, after_run=1) for i in (10, 11)),
            EvaluationPass(order=12, cell=8, model=LARGE["model"], source=2, after_run=2),
        ),
        sources=(
            _source(0, "train_loader", 0, 1599, split="train"),
            _source(1, "val_loader", 1600, 1999, split="train"),
            _source(2, "test_loader", 0, 399, split="test"),
        ),
    )


def _source(token: int, name: str, low: int, high: int, *, split: Literal["train", "test"]) -> DataSource:
    """A loader that takes the pictures of one class from one end to the other."""
    return DataSource(
        token=token,
        dataset_token=0 if split == "train" else 1,
        dataset="CIFAR10",
        split=split,
        length=50000 if split == "train" else 10000,
        sampled=high - low + 1,
        index_digest=f"{low}-{high}",
        batch_size=64,
        names=(name,),
    )


def small_net_as_handed_in() -> ModuleRecord:
    """One pooling too few: 1266 parameters instead of 386."""
    two = SequenceValue(type="tuple", items=(IntValue(value=2), IntValue(value=2)), length=2)
    three = SequenceValue(type="tuple", items=(IntValue(value=3), IntValue(value=3)), length=2)
    convolution = {
        "in_channels": IntValue(value=3),
        "out_channels": IntValue(value=5),
        "kernel_size": three,
    }
    sizes = {"in_features": IntValue(value=1125), "out_features": IntValue(value=1)}
    return ModuleRecord(
        found_by="name",
        name="small_net",
        class_name="SmallNet",
        cell=3,
        parameters=(
            parameter("conv.weight", 5, 3, 3, 3),
            parameter("conv.bias", 5),
            parameter("fc.weight", 1, 1125),
            parameter("fc.bias", 1),
        ),
        layers=(
            layer("conv", "Conv2d", "conv.weight", "conv.bias", hyperparameters=convolution, uses=1),
            layer("pool", "MaxPool2d", hyperparameters={"kernel_size": two}, uses=1),
            layer("fc", "Linear", "fc.weight", "fc.bias", hyperparameters=sizes, uses=1),
        ),
        operations=(
            OperationRecord(name="Conv2d", layer="conv", output_shape=(4, 5, 30, 30)),
            OperationRecord(name="relu", output_shape=(4, 5, 30, 30)),
            OperationRecord(name="MaxPool2d", layer="pool", output_shape=(4, 5, 15, 15)),
            OperationRecord(name="view", output_shape=(4, 1125)),
            OperationRecord(name="Linear", layer="fc", output_shape=(4, 1)),
            OperationRecord(name="squeeze", output_shape=(4,)),
        ),
        forwards=(
            ForwardRecord(
                input=ArrayValue(type="torch.Tensor", dtype="float32", shape=(4, 3, 32, 32)),
                output=ArrayValue(type="torch.Tensor", dtype="float32", shape=(4,)),
            ),
        ),
    )


COUNT = ParameterCount.model_validate({"target": {"names": ["small_net"]}, "expected": 386})
SHAPE = OutputShape.model_validate(
    {"target": {"names": ["small_net"]}, "input": [4, 3, 32, 32], "expected": [4]}
)
CONVOLUTION = Convolution.model_validate(
    {
        "function": ["conv2d"],
        "arguments": ["image", "kernel", "padding"],
        "groups": [
            {
                "name": "the worked example",
                "image": {
                    "kind": "literal",
                    "value": [
                        [3, 3, 2, 1, 0],
                        [0, 0, 1, 3, 1],
                        [3, 1, 2, 2, 3],
                        [2, 0, 0, 2, 2],
                        [2, 0, 0, 0, 1],
                    ],
                    "dtype": "float64",
                    "container": "numpy",
                },
                "kernel": {
                    "kind": "literal",
                    "value": [[0, 1, 2], [2, 2, 0], [0, 1, 2]],
                    "dtype": "float64",
                    "container": "numpy",
                },
            },
            {"name": "padding", "image": [6, 7], "kernel": [3, 3], "padding": 1},
        ],
    }
)
CHANNELS = Convolution.model_validate(
    {
        "function": ["conv2d_multichannel"],
        "arguments": ["image", "kernel", "bias", "padding"],
        "groups": [
            {"name": "many kernels", "image": [3, 6, 7], "kernel": [2, 3, 3, 2], "bias": [2], "padding": 1}
        ],
    }
)
CUBES = FunctionValues.model_validate(
    {
        "function": ["sum_of_cubes"],
        "reference": "sum_of_cubes",
        "printed_share": 0.5,
        "groups": [{"name": "the handout's examples", "calls": [{"args": [3]}, {"args": [1]}]}],
    }
)


def criterion(name: str, title: str, points: float, check: Check, **more: str) -> Criterion:
    return Criterion.model_validate({"id": name, "title": title, "points": points, "check": check, **more})


def rubric() -> Rubric:
    criteria = (
        criterion(
            "small-net-parameters",
            "SmallNet has the parameters that it should have",
            2,
            COUNT,
            asks="How many parameters does `small_net` have? Add up weights and biases of **each layer**.",
            hint="`sum(p.numel() for p in small_net.parameters())` counts them.",
        ),
        criterion("small-net-shape", "SmallNet gives one number for each image", 1, SHAPE),
        criterion(
            "fresh-weights",
            "Every training run starts from fresh weights",
            2,
            FreshWeights(),
            asks="Train both networks with the default values, each from fresh weights.",
            hint="A fresh network begins with a training error near 0.5, a trained one lower.",
        ),
        criterion(
            "conv2d",
            "Convolution with padding by hand",
            3,
            CONVOLUTION,
            asks="Write `conv2d(image, kernel, padding)`: $y_{ij} = \\sum_{uv} x_{i+u, j+v} k_{uv}$.",
            hint="Compare with `F.conv2d` on an image that is not symmetric.",
        ),
        criterion("conv2d-multichannel", "Convolution of many channels", 0, CHANNELS),
        criterion(
            "test-set-untouched",
            "The test set is kept for the end",
            0,
            TestSetUntouched(),
            hint="Choose on the validation set, and look at the test set once.",
        ),
        criterion("sum-of-cubes", "The sum of cubes is returned", 2, CUBES),
        criterion(
            "builtin-shadowing",
            "No builtin is used as a variable name",
            1,
            NoBuiltinShadowing(),
            hint="An editor colours builtin names; `del sum` gives the builtin back.",
        ),
        criterion(
            "why-validation",
            "Why a validation set is needed",
            3,
            Manual(prompt="Settings are chosen on it; the training error hides overfitting."),
            asks="Why do we need a validation set?",
        ),
    )
    return Rubric(
        assignment="lab2",
        title="Lab 2: Cats vs Dogs",
        total=14,
        criteria=criteria,
        remarks=Policy(remarks_open_until=datetime(2026, 12, 4, 23, 59, tzinfo=UTC)),
    )


def reference() -> Reference:
    return Reference(functions=FUNCTIONS, architectures=ARCHITECTURES, digest="c" * 64)


def bundle() -> Bundle:
    arrays: list[np.ndarray] = []
    functions = ((CONVOLUTION, flipped, 12), (CHANNELS, without_bias, 12), (CUBES, printing, 13))
    found = [
        (probe, called(probe, function, arrays, cell=place))
        for check, function, place in functions
        for probe in check.probes()
        if isinstance(probe, FunctionProbe)
    ]
    module = small_net_as_handed_in()
    nets = [
        (probe, module)
        for check in (COUNT, SHAPE)
        for probe in check.probes()
        if isinstance(probe, ModuleProbe)
    ]
    evidence = Evidence(
        notebook="a" * 64,
        plan="b" * 64,
        outcome=Outcome.CELL_ERROR,
        wall_time_s=12.4,
        cells_s=11.0,
        cells=_cells(),
        training=_training(),
        probes=answers([*found, *nets]),
        shims=(ShimUse(kind="training_budget"), ShimUse(kind="dataset", cell=1)),
    )
    return Bundle(evidence, arrays)


def report(
    given: Mapping[str, tuple[float, str]] | None = None, late: LateLine | None = None, **more: object
) -> ReportInput:
    """The report of this submission with what was decided; `more` replaces single fields."""
    recorded, scheme = bundle(), rubric()
    verdict = grade(scheme, recorded, reference(), evidence_digest="e" * 64)
    mark = marked(verdict, given, late=late)
    fields = {"file": "lab2.ipynb", "reference": reference(), **more}
    return ReportInput(student="s101", rubric=scheme, mark=mark, bundle=recorded, **fields)  # type: ignore[arg-type]


def display(html: str) -> CellRun:
    """The run of a cell that puts out a piece of HTML."""
    return CellRun(status="ok", outputs=(Output(kind="execute_result", text="-", data={"text/html": html}),))
