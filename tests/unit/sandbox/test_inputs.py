from __future__ import annotations

import numpy as np
import pytest

from grader.evidence.plan import (
    Call,
    FunctionProbe,
    InputSpec,
    IntegersInput,
    ListInput,
    LiteralInput,
    ModuleProbe,
    NormalInput,
    Target,
    UniformInput,
)
from grader.evidence.values import ArrayValue, FloatValue, IntValue, SequenceValue, StrValue, Value
from grader.sandbox.inputs import draw_inputs, fresh_generator


def draw(spec: InputSpec) -> tuple[Value, list[np.ndarray]]:
    probe = FunctionProbe(target=Target(names=("f",)), calls=(Call(args=(spec,)),))
    inputs, arrays = draw_inputs(probe, fresh_generator())
    return inputs[0].args[0], arrays


@pytest.mark.parametrize(("container", "type_"), [("torch", "torch.Tensor"), ("numpy", "numpy.ndarray")])
def test_arrays_are_sent_beside_their_description(container: str, type_: str) -> None:
    value, arrays = draw(NormalInput(shape=(2, 3), dtype="float64", container=container))  # type: ignore[arg-type]
    assert value == ArrayValue(type=type_, dtype="float64", shape=(2, 3), array=0)
    assert (arrays[0].shape, arrays[0].dtype.name) == ((2, 3), "float64")


def test_draws_stay_within_their_bounds() -> None:
    _, (uniform,) = draw(UniformInput(shape=(1000,), low=-2.0, high=3.0))
    assert -2 <= uniform.min() < -1 < 2 < uniform.max() < 3.01
    _, (integers,) = draw(IntegersInput(shape=(1000,), low=1, high=4))
    assert set(integers.tolist()) == {1, 2, 3}


def test_each_attempt_gets_other_numbers() -> None:
    spec = NormalInput(shape=(8,))
    assert draw(spec)[1][0].tolist() != draw(spec)[1][0].tolist()


def test_lists_and_single_integers_are_plain_values() -> None:
    value, arrays = draw(IntegersInput(low=5, high=6, container="python"))
    assert (value, arrays) == (IntValue(value=5), [])
    value, _ = draw(UniformInput(shape=(2, 1), container="list"))
    assert isinstance(value, SequenceValue)
    assert isinstance(value.items[0], SequenceValue)
    assert isinstance(value.items[0].items[0], FloatValue)


def test_literals_are_sent_as_the_rubric_wrote_them() -> None:
    value, arrays = draw(LiteralInput(value=["a", 1]))
    assert isinstance(value, SequenceValue)
    assert value.items == (StrValue(value="a", length=1), IntValue(value=1))
    assert arrays == []
    value, arrays = draw(LiteralInput(value=[[1, 2]], container="torch", dtype="float32"))
    assert isinstance(value, ArrayValue)
    assert arrays[0].tolist() == [[1.0, 2.0]]


def test_a_list_holds_what_is_drawn_for_each_of_its_items() -> None:
    items = (NormalInput(shape=(2,)), LiteralInput(value=3), ListInput(items=(NormalInput(shape=(4,)),)))
    value, arrays = draw(ListInput(items=items, container="tuple"))
    assert isinstance(value, SequenceValue)
    assert (value.type, value.length, value.items[1]) == ("tuple", 3, IntValue(value=3))
    assert isinstance(value.items[2], SequenceValue)
    assert [numbers.shape for numbers in arrays] == [(2,), (4,)]


def test_modules_get_one_input_a_pass_and_expressions_none() -> None:
    module = ModuleProbe(target=Target(names=("net",)), inputs=(NormalInput(shape=(1,)),) * 2)
    inputs, arrays = draw_inputs(module, fresh_generator())
    assert [one.args[0].array for one in inputs] == [0, 1]  # type: ignore[union-attr]
    assert len(arrays) == 2
