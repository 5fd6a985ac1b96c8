"""Probes of networks in other types of numbers, with several outputs, and with parametrized layers."""

from __future__ import annotations

import numpy as np
import pytest

from grader.evidence.frames import ProbeInputs
from grader.evidence.plan import Discovery, ModuleProbe, Target
from grader.evidence.values import ArrayValue

ROWS = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)
SETUP = "import torch, torch.nn as nn, torch.nn.functional as F\n"


def probed(notebook, name="net"):
    value = ArrayValue(type="torch.Tensor", dtype=str(ROWS.dtype), shape=ROWS.shape, array=0)
    probe = ModuleProbe(target=Target(names=(name,)))
    return notebook.probe(probe, (ProbeInputs(args=(value,)),), (ROWS,))[0].record


def discovered(notebook, output_shape):
    wanted = Discovery(input_shape=(5, 4), output_shape=output_shape)
    result = notebook.probe(ModuleProbe(target=Target(discover=wanted)))[0]
    return result.record.name if result.record else result.status


OTHER_NUMBERS = {
    "double": "net = nn.Linear(4, 3).double()",
    "bfloat16": "net = nn.Linear(4, 3).to(torch.bfloat16)",
    "double below a layer that counts in whole numbers": (
        "net = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 3)).to(torch.float64)"
    ),
    "cast in its own forward": (
        "class Casts(nn.Module):\n"
        "    def __init__(self):\n        super().__init__(); self.fc = nn.Linear(4, 3).double()\n"
        "    def forward(self, x): return self.fc(x.double())\nnet = Casts()"
    ),
    "an embedding that flattens": ("net = nn.Sequential(nn.Embedding(10, 2), nn.Flatten(), nn.Linear(8, 3))"),
}


@pytest.mark.parametrize("source", OTHER_NUMBERS.values(), ids=OTHER_NUMBERS)
def test_inputs_come_in_the_networks_own_numbers(notebook, source):
    notebook.run(SETUP + source)
    forward = probed(notebook).forwards[0]
    assert (forward.error, forward.output.shape) == (None, (5, 3))
    assert discovered(notebook, (-1, 3)) == "net"


def test_a_double_layer_behind_a_single_one_still_raises(notebook):
    notebook.run(SETUP + "net = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 3).double())")
    assert probed(notebook).forwards[0].error.type == "RuntimeError"


SEVERAL = {
    "a tuple": "return self.fc(x), x",
    "a list": "return [self.fc(x), x]",
    "a dict": "return {'scores': self.fc(x), 'features': x}",
    "nested": "return ((self.fc(x), x), x)",
    "a number first": "return 0.5, self.fc(x)",
    "a named tuple": "return torch.max(self.fc(x).unsqueeze(0), 0)",
}


def several(answer):
    return (
        SETUP + "class Several(nn.Module):\n"
        "    def __init__(self):\n        super().__init__(); self.fc = nn.Linear(4, 3)\n"
        f"    def forward(self, x): {answer}\nnet = Several()"
    )


@pytest.mark.parametrize("answer", SEVERAL.values(), ids=SEVERAL)
def test_a_network_with_several_outputs_is_found_by_its_first_tensor(notebook, answer):
    notebook.run(several(answer))
    assert discovered(notebook, (-1, 3)) == "net"


@pytest.mark.parametrize("answer", ["return None", "return 'no tensor'", "return []"])
def test_a_network_without_a_tensor_is_not_found(notebook, answer):
    notebook.run(several(answer))
    assert discovered(notebook, (-1, 3)) == "not_found"


def test_outputs_that_hold_themselves_end(notebook):
    notebook.run(several("endless = []; endless.append(endless); return endless"))
    assert discovered(notebook, (-1, 3)) == "not_found"


PARAMETRIZED = {
    "spectral norm": ("nn.utils.parametrizations.spectral_norm(nn.Linear(4, 3))", "Linear"),
    "weight norm": ("nn.utils.parametrizations.weight_norm(nn.Linear(4, 3))", "Linear"),
    "orthogonal": ("nn.utils.parametrizations.orthogonal(nn.Linear(4, 3))", "Linear"),
    "two on one layer": (
        "nn.utils.parametrizations.spectral_norm("
        "nn.utils.parametrizations.weight_norm(nn.Linear(4, 3)), 'bias', dim=0)",
        "Linear",
    ),
    "weight norm by hooks": ("nn.utils.weight_norm(nn.Linear(4, 3))", "Linear"),
    "a layer of the student's own": ("nn.utils.parametrizations.spectral_norm(Own())", "Own"),
}


@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
@pytest.mark.parametrize(("layer", "kind"), PARAMETRIZED.values(), ids=PARAMETRIZED)
def test_a_layer_with_a_parametrization_is_the_layer_that_it_is(notebook, layer, kind):
    own = (
        "class Own(nn.Module):\n"
        "    def __init__(self):\n        super().__init__(); self.weight = nn.Parameter(torch.ones(3, 4))\n"
        "    def forward(self, x): return F.linear(x, self.weight)\n"
    )
    notebook.run(SETUP + own + f"net = nn.Sequential({layer}, nn.ReLU())")
    record = probed(notebook)
    assert [(layer.path, layer.type, layer.uses) for layer in record.layers] == [
        ("0", kind, 1),
        ("1", "ReLU", 1),
    ]
    assert {name for layer in record.layers for name in layer.parameters} == {
        parameter.name for parameter in record.parameters
    }
    assert ("in_features" in record.layers[0].hyperparameters) == (kind == "Linear")
    assert record.layers[0].output_shape == (5, 3)


def test_a_module_that_only_bears_the_name_is_looked_into(notebook):
    notebook.run(
        SETUP + "class Net(nn.Module):\n"
        "    def __init__(self):\n        super().__init__(); self.parametrizations = nn.Linear(4, 3)\n"
        "    def forward(self, x): return self.parametrizations(x)\nnet = Net()"
    )
    assert [(layer.path, layer.type) for layer in probed(notebook).layers] == [("parametrizations", "Linear")]
