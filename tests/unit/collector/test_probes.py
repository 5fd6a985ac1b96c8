"""Probes read what the notebook left, on hidden inputs, and leave it as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from grader.evidence.frames import ProbeInputs
from grader.evidence.plan import Discovery, FunctionProbe, ModuleProbe, Target
from grader.evidence.record import Candidate
from grader.evidence.values import ArrayValue, FloatValue, IntValue, SequenceValue, StrValue

NETS = """
class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.unused = nn.Dropout(0.5)
        self.fc = nn.Linear(5 * 2 * 2, 1)
        self.conv = nn.Conv2d(3, 5, 3)
        self.norm = nn.BatchNorm2d(5)
        self.pool = nn.MaxPool2d(2, 2)

    def forward(self, x):
        x = self.pool(F.relu(self.norm(self.conv(x))))
        x = F.max_pool2d(x, 2, stride=1)
        x = x.view(-1, 5 * 2 * 2)
        return self.fc(x).squeeze(1)

class Needs(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc = nn.Linear(width, 1)

small = Small()
"""


def array_input(array):
    value = ArrayValue(type="torch.Tensor", dtype=str(array.dtype), shape=array.shape, array=0)
    return (ProbeInputs(args=(value,)),), (array,)


IMAGES = np.random.default_rng(0).standard_normal((2, 3, 8, 8)).astype(np.float32)


def probe_small(notebook, **target):
    inputs, arrays = array_input(IMAGES)
    return notebook.probe(ModuleProbe(kind="module", target=Target(**target)), inputs, arrays)


def test_a_network_by_name(notebook):
    notebook.run(NETS)
    result, arrays = probe_small(notebook, names=("absent", "small"))
    record = result.record
    net = notebook.namespace["small"]
    assert (result.status, record.found_by, record.name, record.built, record.cell) == (
        "ok",
        "name",
        "small",
        False,
        1,
    )
    assert {p.name: p.shape for p in record.parameters} == {
        n: tuple(p.shape) for n, p in net.named_parameters()
    }
    assert [b.name for b in record.buffers] == [
        "norm.running_mean",
        "norm.running_var",
        "norm.num_batches_tracked",
    ]
    for parameter in record.parameters:
        assert np.array_equal(arrays[parameter.array], dict(net.named_parameters())[parameter.name].detach())
    net.eval()
    expected = net(torch.from_numpy(IMAGES.copy())).detach().numpy()
    assert np.allclose(arrays[record.forwards[0].output.array], expected)


def test_layers_and_operations_come_in_order_of_use(notebook):
    notebook.run(NETS)
    record = probe_small(notebook, names=("small",))[0].record
    assert [(layer.path, layer.uses) for layer in record.layers] == [
        ("conv", 1), ("norm", 1), ("pool", 1), ("fc", 1), ("unused", 0),
    ]  # fmt: skip
    assert record.layers[0].hyperparameters["in_channels"] == IntValue(value=3)
    assert (record.layers[0].input_shape, record.layers[0].output_shape) == ((2, 3, 8, 8), (2, 5, 6, 6))
    assert record.layers[0].parameters == ("conv.weight", "conv.bias")
    assert [op.name for op in record.operations] == [
        "Conv2d", "BatchNorm2d", "relu", "MaxPool2d", "max_pool2d", "view", "Linear", "squeeze",
    ]  # fmt: skip
    pool = record.operations[4]
    assert (pool.layer, pool.input_shape, pool.output_shape) == (None, (2, 5, 3, 3), (2, 5, 2, 2))
    assert pool.arguments["kernel_size"] == IntValue(value=2)
    assert pool.arguments["stride"] == IntValue(value=1)


def test_a_probe_leaves_the_network_as_it_was(notebook):
    notebook.run(NETS, "small.train(); small.pool.eval(); handles = len(small._forward_hooks)")
    net = notebook.namespace["small"]
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    random_before = torch.get_rng_state()
    probe_small(notebook, names=("small",))
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    assert (net.training, net.pool.training, net.norm.training) == (True, False, True)
    assert torch.equal(torch.get_rng_state(), random_before)
    assert all(p.grad is None for p in net.parameters())


def test_a_forward_that_writes_to_weights_and_inputs_is_undone(notebook):
    notebook.run(
        """
        class Sly(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(8, 1)
            def forward(self, x):
                x.zero_()
                self.fc.weight.data.zero_()
                return self.fc(x)
        sly = Sly(); before = sly.fc.weight.clone()
        """
    )
    result, arrays = probe_small(notebook, names=("sly",))
    assert torch.equal(notebook.namespace["sly"].fc.weight, notebook.namespace["before"])
    assert np.array_equal(arrays[result.record.forwards[0].input.array], IMAGES)


def test_a_class_is_built_and_an_expression_evaluated(notebook):
    notebook.run(NETS, "nets = [small]")
    built = probe_small(notebook, names=("Small",))[0].record
    assert (built.built, built.class_name, built.cell) == (True, "Small", 1)
    assert probe_small(notebook, expression="nets[0]")[0].record.found_by == "expression"


def test_what_is_not_there_is_not_found_and_what_raises_is_an_error(notebook):
    notebook.run(NETS)
    assert probe_small(notebook, names=("absent",))[0].status == "not_found"
    needs = probe_small(notebook, names=("Needs",))[0]
    assert (needs.status, needs.error.type) == ("error", "TypeError")
    assert probe_small(notebook, expression="nothing[0]")[0].error.type == "NameError"


def test_a_forward_that_raises_is_recorded_with_its_line(notebook):
    notebook.run(NETS)
    inputs, arrays = array_input(np.zeros((1, 4), np.float32))
    result, _ = notebook.probe(ModuleProbe(target=Target(names=("small",))), inputs, arrays)
    error = result.record.forwards[0].error
    assert (error.type, error.line) == ("RuntimeError", 12)


def test_discovery_prefers_objects_and_lists_the_others(notebook):
    notebook.run(NETS, "other = nn.Linear(3, 1)")
    wanted = Discovery(input_shape=(2, 3, 8, 8), output_shape=(-1,), base=("Conv2d",))
    record = probe_small(notebook, discover=wanted)[0].record
    assert (record.name, record.built, record.found_by) == ("small", False, "discovery")
    notebook.run("del small")
    result = probe_small(notebook, discover=wanted)[0]
    assert (result.record.name, result.record.built) == ("Small", True)
    assert Candidate(name="Needs", not_built="TypeError") in result.candidates
    assert not result.candidates_cut
    nothing = probe_small(notebook, discover=Discovery(input_shape=(1, 9)))[0]
    assert nothing.status == "not_found"


def discovered(notebook, *shape, output_shape):
    wanted = Discovery(input_shape=shape, output_shape=output_shape)
    result = notebook.probe(ModuleProbe(target=Target(discover=wanted)))[0]
    return result.record.name if result.record else result


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("nets = [nn.Linear(9, 1), nn.Linear(3, 2)]", "nets[1]"),
        ("nets = (nn.Linear(3, 2), 5)", "nets[0]"),
        ("nets = {'small': nn.Linear(3, 2), 0.5: nn.Linear(3, 2)}", "nets['small']"),
        ("nets = [nn.Linear(3, 2)]; best = nets[0]", "best"),
        ("class Nets(list): pass\nnets = Nets([nn.Linear(3, 2)]); last = nn.Linear(3, 2)", "last"),
    ],
)
def test_discovery_looks_into_lists_and_dicts(notebook, source, name):
    notebook.run(source)
    assert discovered(notebook, 4, 3, output_shape=(-1, 2)) == name


def test_discovery_takes_a_network_of_the_notebooks_own_where_none_gives_the_shape(notebook):
    notebook.run(
        """
        class Own(nn.Module):
            def forward(self, x):
                return x
        """,
        "own = Own(); library = nn.Linear(3, 5)",
    )
    assert discovered(notebook, 4, 3, output_shape=(4, 2)) == "own"
    assert discovered(notebook, 4, 3, output_shape=(4, 5)) == "library"
    notebook.run("del Own, own")
    assert discovered(notebook, 4, 3, output_shape=(4, 2)).status == "not_found"


ELSEWHERE = """
class Elsewhere(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer('place', torch.zeros(1, device='meta'))
    def forward(self, x):
        if x.device.type != 'meta':
            raise RuntimeError('expected all tensors to be on the same device')
        return torch.zeros(len(x), 2)
net = Elsewhere()
"""


def test_inputs_are_sent_to_where_the_network_is(notebook, monkeypatch):
    # Nothing lies in a tensor on "meta", so there is nothing to compare.
    monkeypatch.setattr("grader.collector.probes.module._EQUAL", lambda one, other: True)
    notebook.run(ELSEWHERE)
    forward = probe_small(notebook, names=("net",))[0].record.forwards[0]
    assert forward.error is None
    assert forward.output.shape == (2, 2)
    assert discovered(notebook, 2, 3, output_shape=(2, 2)) == "net"


def call(notebook, name, *values, arrays=(), **options):
    probe = FunctionProbe(target=Target(names=(name,)), calls=(), **options)
    result, kept = notebook.probe(probe, (ProbeInputs(args=values),), arrays)
    return (result.record.calls[0] if result.record else result), kept


def test_a_function_is_called_on_fresh_arguments_each_time(notebook):
    notebook.run(
        """
        calls = []
        def f(xs):
            print('in f', len(xs))
            xs.append(1)
            calls.append(1)
            return len(xs) + len(calls)
        """
    )
    given = SequenceValue(type="list", items=(IntValue(value=5),), length=1)
    record, _ = call(notebook, "f", given, repeat=3)
    assert [value.value for value in record.returned] == [3, 4, 5]
    assert record.args == (given,)
    assert record.mutated
    assert record.stdout == "in f 1\n" * 3


def test_a_function_that_raises_says_where(notebook):
    notebook.run("def f(x):\n    y = 1\n    return int(x)")
    record, _ = call(notebook, "f", StrValue(value="no", length=2))
    assert (record.error.type, record.error.line) == ("ValueError", 3)
    assert record.returned == ()
    assert not record.mutated


def test_operations_grow_with_a_loop_and_not_with_a_vector(notebook):
    notebook.run(
        """
        def loop(x):
            total = 0
            for i in range(x.shape[0]): total = total + x[i]
            return total
        def vector(x): return x.sum()
        """
    )

    def operations(name, size):
        value = ArrayValue(type="torch.Tensor", dtype="float32", shape=(size,), array=0)
        record, _ = call(notebook, name, value, arrays=(np.ones(size, np.float32),), count_operations=True)
        assert record.returned == (FloatValue(value=size, type="torch.Tensor"),)
        return record.operations

    assert operations("vector", 20) == operations("vector", 5)
    assert operations("loop", 20) > operations("loop", 5) > operations("vector", 5)


HANGS = {
    "sleep": "def f(x):\n    import time; time.sleep(30)",
    "loop that catches": """
        def f(x):
            while True:
                try:
                    pass
                except Exception:
                    pass
    """,
}


@pytest.mark.parametrize("source", HANGS.values(), ids=HANGS)
def test_a_probe_ends_in_time(make_notebook, source):
    notebook = make_notebook(limits={"probe_s": 0.3})
    notebook.run(source)
    result, _ = call(notebook, "f", IntValue(value=1))
    assert (result.status, "0.3 s" in result.detail) == ("no_answer", True)


def test_leaving_the_interpreter_is_only_an_error(notebook):
    notebook.run("def f(x):\n    raise SystemExit(0)")
    record, _ = call(notebook, "f", IntValue(value=1))
    assert record.error.type == "SystemExit"


def test_overridden_readers_change_nothing(notebook):
    notebook.run(
        """
        class Liar(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(10, 10)
            def parameters(self, recurse=True): return iter([nn.Parameter(torch.zeros(1))])
            def named_parameters(self, *args, **kwargs): return iter([('p', nn.Parameter(torch.zeros(1)))])
            def named_modules(self, *args, **kwargs): return iter(())
            def state_dict(self, *args, **kwargs): return {}
            def forward(self, x): return x
        liar = Liar()
        """
    )
    record = probe_small(notebook, names=("liar",))[0].record
    assert sum(parameter.count for parameter in record.parameters) == 110
    assert isinstance(notebook.namespace["liar"], nn.Module)


def test_a_stirred_network_shows_what_was_never_trained_and_is_left_as_it_was(notebook):
    notebook.run(NETS, "small.fc.bias.data.zero_()")
    net = notebook.namespace["small"]
    before = {name: value.clone() for name, value in net.state_dict().items()}
    inputs, arrays = array_input(IMAGES)
    result, kept = notebook.probe(ModuleProbe(target=Target(names=("small",)), stirred=True), inputs, arrays)
    after = net.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    record = result.record
    sent = {
        each.name: kept[each.array]
        for each in (*record.parameters, *record.buffers)
        if each.array is not None
    }
    assert not [name for name, value in sent.items() if name != "norm.num_batches_tracked"
                and np.array_equal(value, before[name].numpy())]  # fmt: skip
    assert (sent["norm.running_var"] > 0).all()
    net.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in sent.items()})
    with torch.no_grad():
        expected = net.eval()(torch.from_numpy(IMAGES)).numpy()
    np.testing.assert_allclose(kept[record.forwards[0].output.array], expected, rtol=1e-5)


def test_a_probe_that_stirs_nothing_keeps_the_name_that_it_had():
    assert "stirred" not in ModuleProbe(target=Target(names=("small",))).model_dump_json()
    assert "stirred" in ModuleProbe(target=Target(names=("small",)), stirred=True).model_dump_json()
