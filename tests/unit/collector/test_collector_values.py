"""Values become plain data without running anything of the student's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from grader.collector.values import decode, encode
from grader.evidence.arrays import Arrays
from grader.evidence.values import ArrayValue, FloatValue, OtherValue, SequenceValue

ROUND_TRIPS = [
    None,
    True,
    3,
    2.5,
    float("inf"),
    "text",
    [1, [2.0, "x"]],
    (1, 2),
    {"a": [1]},
    {1, 2},
    np.float32(0.5),
    np.int64(7),
    np.bool_(True),
    np.arange(6).reshape(2, 3),
    torch.arange(6.0).reshape(2, 3),
    torch.tensor([True, False]),
]


@pytest.mark.parametrize("value", ROUND_TRIPS, ids=repr)
def test_what_is_encoded_can_be_decoded(value):
    arrays = Arrays(1000)
    back = decode(encode(value, arrays), list(arrays))
    assert type(back) is type(value)
    if isinstance(value, np.ndarray | torch.Tensor):
        assert back.dtype == value.dtype
        assert bool((back == value).all())
    else:
        assert back == value


def test_decoded_arrays_are_fresh_each_time():
    arrays = Arrays(1000)
    value = encode(np.zeros(3), arrays)
    decode(value, list(arrays))[0] = 5
    assert decode(value, list(arrays))[0] == 0


def _hostile(base):
    def refuse(self, *args, **kwargs):
        raise AssertionError("student code was called")

    names = (
        "__repr__", "__str__", "__eq__", "__len__", "__iter__", "__getitem__", "__int__", "__float__",
        "__index__", "__bool__", "__hash__", "__array__", "items", "keys", "tolist", "item", "numpy",
        "detach",
    )  # fmt: skip
    return type("Hostile", (base,), dict.fromkeys(names, refuse))


@pytest.mark.parametrize("content", [5, 2.5, "abc", (1, 2), [1, 2], {"a": 1}, None], ids=repr)
def test_no_method_of_a_hostile_type_is_called(content):
    if content is None:
        value = _hostile(object)()
    elif isinstance(content, dict):
        value = _hostile(dict)()
    else:
        value = _hostile(type(content))(content)
    encoded = encode(value, Arrays(100))
    assert encoded.type.endswith("Hostile") if encoded.kind != "str" else encoded.value == "abc"


def test_a_class_property_does_not_pass_for_a_tensor():
    class Pretender:
        __class__ = torch.Tensor

    assert isinstance(encode(Pretender(), Arrays(100)), OtherValue)


def test_a_tensor_that_lies_about_itself_is_read_truly():
    class Liar(torch.Tensor):
        shape = (1,)
        dtype = torch.int8

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return torch.zeros(1)

    arrays = Arrays(1000)
    value = encode(torch.arange(6.0).reshape(2, 3).as_subclass(Liar), arrays)
    assert isinstance(value, ArrayValue)
    assert (value.shape, value.dtype) == ((2, 3), "float32")
    assert arrays[value.array].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    ("value", "kind", "name"),
    [
        (torch.tensor(2.5), FloatValue, "torch.Tensor"),
        (np.float64(2.5), FloatValue, "numpy.float64"),
        (torch.zeros(2, 3).shape, SequenceValue, "torch.Size"),
    ],
)
def test_library_scalars_and_sizes_say_where_they_come_from(value, kind, name):
    encoded = encode(value, Arrays(100))
    assert isinstance(encoded, kind)
    assert encoded.type == name


def test_long_and_deep_content_is_cut_and_its_length_told():
    endless: list = []
    endless.append(endless)
    assert encode(endless, Arrays(100)).length == 1
    assert len(encode("x" * 10**6, Arrays(100)).value) < 10**6
    cut = encode(list(range(10**6)), Arrays(100))
    assert cut.length == 10**6 > len(cut.items)
    assert isinstance(encode(10**400, Arrays(100)), OtherValue)


def test_arrays_over_the_limit_keep_their_shape():
    value = encode(torch.zeros(100, 100), Arrays(1000))
    assert (value.shape, value.array) == ((100, 100), None)


def test_gradients_and_bfloat16_and_lone_surrogates():
    arrays = Arrays(10_000)
    assert encode(torch.ones(3, requires_grad=True) * 2, arrays).requires_grad
    assert encode(torch.ones(3, dtype=torch.bfloat16), arrays).dtype == "bfloat16"
    assert encode("a\ud800b", arrays).value == "a?b"
    assert encode(torch.ones(3).to_sparse(), arrays).array is None


def test_watched_values_are_kept_when_they_change(make_notebook):
    notebook = make_notebook(watch=("a", "b"))
    notebook.run("a = [1]", "a.append(2)", "c = 3", "import numpy as np; b = np.zeros(2)", "b[0] = 1")
    seen = [(value.name, value.cell) for collected in notebook.collected for value in collected.values]
    assert seen == [("a", 0), ("a", 1), ("b", 3), ("b", 4)]
    last = notebook.collected[-1].values[0].value
    assert notebook.arrays[-1][last.array].tolist() == [1, 0]


def test_files_written_by_a_cell(make_notebook):
    notebook = make_notebook()
    notebook.run("from pathlib import Path; Path('a.csv').write_text('1,2'); Path('d').mkdir()")
    notebook.run("Path('d/b').write_text('x')", "Path('a.csv').write_text('1,2,3')")
    files = [(file.path, file.cell, file.size_bytes) for c in notebook.collected for file in c.files]
    assert files == [("a.csv", 0, 3), ("d/b", 1, 1), ("a.csv", 2, 5)]
