from __future__ import annotations

import array
import types
from collections import deque
from fractions import Fraction

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from grader.checks.functions.function_values import FunctionValues
from grader.evidence.plan import IntegersInput, LiteralInput
from grader.evidence.record import CellError, Outcome, ProbeResult, ShimKind, ShimUse
from grader.facts.case import Reference
from grader.judging.exhibits import Calls
from grader.judging.judgement import Status
from reference import FUNCTIONS
from tests.factories import answers, called, case, case_of_function, cell, code_cells, evidence, shown

CUBES = FunctionValues(
    function="sum_of_cubes",
    reference="sum_of_cubes",
    groups=[
        {"name": "examples", "weight": 2, "calls": [{"args": [3], "accept": [36]}, {"args": [1]}]},
        {
            "name": "hidden",
            "calls": [
                {"args": [{"kind": "integers", "low": 4, "high": 30, "container": "python"}], "count": 3}
            ],
        },
        {"name": "negative", "calls": [{"args": [-4], "accept": [-1], "prints": "Invalid input"}]},
        {"name": "zero", "weight": 0, "calls": [{"args": [0], "accept": [0, -1]}]},
    ],
)


def cubes(n):
    return sum(i**3 for i in range(1, n + 1)) if n >= 0 else -1


def judge(function, check=CUBES):
    return check.judge(case_of_function(check, function, "def sum_of_cubes(n):\n    ..."))


@pytest.mark.parametrize("kind", [int, float, np.int64, np.float64, torch.tensor, np.array])
def test_equal_values_of_other_numeric_types_are_right(kind):
    assert judge(lambda n: kind(cubes(n))).status is Status.PASS


def test_an_unspecified_input_accepts_several_answers():
    assert judge(lambda n: -1 if n <= 0 else cubes(n)).status is Status.PASS


def test_a_group_without_weight_costs_nothing():
    judgement = judge(lambda n: 77 if n == 0 else cubes(n))
    assert judgement.share == 1
    assert "expected 0 or -1, got 77" in judgement.message


def test_stopping_one_short_is_named_and_keeps_the_other_groups():
    judgement = judge(lambda n: cubes(n - 1) if n > 0 else cubes(n))
    assert judgement.status is Status.PARTIAL
    assert judgement.share == pytest.approx(0.25)
    assert "`sum_of_cubes(3)` expected 36, got 9: it stops one short (off by one)" in judgement.message
    assert judgement.where[0].cell == 0
    assert judgement.where[0].line == 1


def test_a_wrong_answer_without_a_known_cause_gives_none():
    judgement = judge(lambda n: cubes(n) + 17)
    assert shown(judgement, Calls).groups[0].calls[0].mistake is None
    assert "expected 36, got 53." in judgement.message


def test_printing_the_right_answer_earns_the_printed_share_only():
    def printing(n):
        print(cubes(n))  # noqa: T201

    half = CUBES.model_copy(update={"printed_share": 0.5})
    assert judge(printing).status is Status.FAIL
    assert judge(printing, half).share == pytest.approx(0.5)
    text = "`sum_of_cubes` prints the right answer in 7 of 7 calls, but returns None"
    assert judge(printing).message == f"{text}: none of the points."
    assert judge(printing, half).message == f"{text}: half of the points."


def printed_from(source, function=lambda n: print(cubes(n))):  # noqa: T201
    half = CUBES.model_copy(update={"printed_share": 0.5})
    return half.judge(case_of_function(half, function, source))


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("return print(total)", "Write `return total` in place of `return print(total)`."),
        ("print(sum(all))", "Write `return sum(all)` in place of `print(sum(all))`."),
        ("return print('36')", "Write `return 36` in place of `return print('36')`."),
        ("print('The sum:', n)", "Write `return` with the value itself in place of `print`."),
    ],
)
def test_where_printing_is_the_only_mistake_its_lines_are_shown_and_how_to_write_them(line, advice):
    judgement = printed_from(f"def sum_of_cubes(n):\n    print('Invalid')\n    {line}")
    assert judgement.advice == advice
    assert [place.line for place in judgement.where] == [3]


def test_a_lambda_needs_no_return():
    judgement = printed_from("sum_of_cubes = lambda n: print(n * n)")
    assert judgement.advice == "Write `n * n` in place of `print(n * n)`."


def test_printing_in_some_calls_is_told_beside_the_right_ones():
    def some(n):
        return print(cubes(n)) if n > 0 else cubes(n)  # noqa: T201

    judgement = printed_from("def sum_of_cubes(n):\n    return print(n)", some)
    assert judgement.message.startswith(
        "`sum_of_cubes` is right in 2 of 7 calls; in the other 5 it prints the right answer, but returns"
        " None: half of their points."
    )


def test_printing_beside_other_mistakes_leaves_the_place_of_the_function():
    def some(n):
        return print(cubes(n)) if n > 1 else 77  # noqa: T201

    judgement = printed_from("def sum_of_cubes(n):\n    return print(n)", some)
    assert (judgement.where[0].line, judgement.advice) == (1, "")


def test_text_instead_of_a_value_is_wrong_and_named():
    judgement = judge(lambda n: str(cubes(n)))
    assert judgement.status is Status.FAIL
    assert "it gives the text '36' instead of the value" in judgement.message


def test_an_exception_is_told_with_its_input():
    def fragile(n):
        if n < 0:
            raise ValueError("no cubes")
        return cubes(n)

    judgement = judge(fragile)
    assert judgement.status is Status.PARTIAL
    assert judgement.share == pytest.approx(0.75)
    assert "`sum_of_cubes(-4)` expected -1, raised ValueError: no cubes" in judgement.message


def test_nan_never_passes():
    assert judge(lambda n: float("nan")).status is Status.FAIL


def test_a_constant_earns_nothing_even_where_it_happens_to_be_right():
    judgement = judge(lambda n: -1)
    assert judgement.status is Status.FAIL
    assert "same answer to every input" in judgement.message


LENGTHS = FunctionValues(
    function="f",
    groups=[
        {"name": "g", "calls": [{"args": [3], "accept": [[0, 1, 2]]}, {"args": [2], "accept": [[0, 1]]}]}
    ],
)


@pytest.mark.parametrize(
    "kind",
    [
        range,
        lambda n: deque(range(n)),
        lambda n: map(int, range(n)),
        lambda n: {i: i for i in range(n)}.values(),
        lambda n: (i for i in range(n)),
        lambda n: [complex(i, 0) for i in range(n)],
        lambda n: [Fraction(i) for i in range(n)],
        lambda n: array.array("i", range(n)),
        lambda n: types.SimpleNamespace(data=list(range(n))),
    ],
)
def test_numbers_in_a_type_that_is_not_looked_into_go_to_a_ta(kind):
    judgement = judge(kind, LENGTHS)
    assert judgement.status is Status.NEEDS_TA
    assert "same answer" not in judgement.message
    assert "was not recorded" in judgement.open


@pytest.mark.parametrize("kind", [lambda n: sum, lambda n: LENGTHS.judge, lambda n: range, lambda n: ...])
def test_what_can_hold_no_numbers_is_wrong_and_not_called_a_constant(kind):
    judgement = judge(kind, LENGTHS)
    assert judgement.status is Status.FAIL
    assert "same answer" not in judgement.message


def test_a_function_without_return_is_said_to_give_none():
    judgement = judge(lambda n: print("no numbers"), LENGTHS)  # noqa: T201
    assert judgement.status is Status.FAIL
    assert judgement.message.endswith("It returns None for every input.")


def test_a_negative_input_is_no_matter_of_one_more_or_less():
    judgement = judge(lambda n: cubes(n) if n >= 0 else 0)
    assert "off by one" not in judgement.message


def test_a_bool_is_no_number():
    check = FunctionValues(function="f", groups=[{"name": "g", "calls": [{"args": [1], "accept": [1]}]}])
    assert judge(lambda n: True, check).status is Status.FAIL


def test_numbers_count_as_truth_values_but_text_does_not():
    check = FunctionValues(
        function="f", groups=[{"name": "g", "calls": [{"args": ["a b"], "accept": [True]}]}]
    )
    assert judge(lambda text: np.True_, check).status is Status.PASS
    assert judge(lambda text: 1, check).status is Status.PASS
    assert judge(lambda text: "True", check).status is Status.FAIL


@pytest.mark.parametrize("container", [list, tuple, np.array, torch.tensor])
def test_lists_tuples_and_arrays_mix(container):
    check = FunctionValues(
        function="f", groups=[{"name": "g", "calls": [{"args": ["a bcd"], "accept": [[1, 3]]}]}]
    )
    assert judge(lambda text: container([1, 3]), check).status is Status.PASS
    assert judge(lambda text: container([1, 4]), check).status is Status.FAIL


def test_a_missing_message_is_told_and_costs_nothing():
    judgement = judge(cubes)
    assert judgement.status is Status.PASS
    assert "`sum_of_cubes(-4)` does not print 'Invalid input', which costs nothing." in judgement.message


@pytest.mark.parametrize("message", ["Invalid input", "invalid input!", "INVALID INPUT"])
def test_a_message_counts_in_capitals_or_not(message):
    def telling(n):
        print(message if n < 0 else "")  # noqa: T201
        return cubes(n)

    assert "does not print" not in judge(telling).message


def test_where_all_wrong_calls_raise_the_raising_line_is_shown():
    def fragile(n):
        if n < 0:
            raise ValueError("no cubes")
        return cubes(n)

    source = "x = 1\ndef sum_of_cubes(n):\n    if n < 0:\n        raise ValueError\n    return n\nx = 2"

    def judged(line):
        given = case_of_function(CUBES, fragile, source)
        ((key, result),) = given.evidence.probes.items()
        calls = tuple(
            call.model_copy(update={"error": call.error and call.error.model_copy(update={"line": line})})
            for call in result.record.calls
        )
        record = result.record.model_copy(update={"calls": calls})
        probes = {key: result.model_copy(update={"record": record})}
        whole = given.evidence.model_copy(update={"probes": probes})
        reference = Reference(functions=FUNCTIONS)
        return CUBES.judge(case(CUBES, whole, arrays=given.bundle.arrays, reference=reference)).where

    assert [place.line for place in judged(4)] == [4]
    assert [place.line for place in judged(1)] == [2]
    assert [place.line for place in judged(None)] == [2]


def test_answers_that_change_are_noted():
    calls = []

    def counting(n):
        calls.append(n)
        return cubes(n) + (len(calls) % 2 == 0)

    judgement = judge(counting)
    assert judgement.status is Status.PASS
    assert "answers differently when called twice" in judgement.message


def test_a_rubrics_own_mistake_is_recognised():
    check = FunctionValues(
        function="filter_image",
        reference="conv2d",
        groups=[
            {
                "name": "g",
                "calls": [
                    {"args": [{"kind": "normal", "shape": [5, 6]}, {"kind": "normal", "shape": [2, 3]}]}
                ],
            }
        ],
        mistakes={"flipped_conv2d": "the kernel is flipped"},
    )

    def flipped(image, kernel):
        return FUNCTIONS["conv2d"](image, np.flip(kernel.numpy()))

    judgement = check.judge(case_of_function(check, flipped))
    assert judgement.status is Status.FAIL
    assert "the kernel is flipped" in judgement.message


def test_transposed_axes_are_named():
    check = FunctionValues(
        function="pad",
        reference="zero_padding",
        groups=[{"name": "g", "calls": [{"args": [{"kind": "normal", "shape": [3, 4]}, 1]}]}],
    )
    pad = torch.nn.functional.pad
    right = check.judge(case_of_function(check, lambda image, p: pad(image, (p, p, p, p))))
    turned = check.judge(case_of_function(check, lambda image, p: pad(image, (p, p, p, p)).T))
    assert right.status is Status.PASS
    assert "transposed axes" in turned.message


def without_answer(status, source, **more):
    given = evidence(
        [cell(0, source, error=more.pop("error", None))],
        probes=answers([(CUBES.probes()[0], ProbeResult(status=status, detail="timed out"))]),
        **more,
    )
    return CUBES.judge(case(CUBES, given))


def test_a_function_that_no_cell_defines_is_missing():
    assert without_answer("not_found", "x = 1").status is Status.FAIL


def test_a_function_that_a_missing_module_may_have_brought_goes_to_a_ta():
    star = "from lab1_functions import *"
    lacking = ShimUse(kind=ShimKind.MISSING_PACKAGE, detail="lab1_functions", cell=0)
    judgement = without_answer("not_found", star, shims=(lacking,))
    assert judgement.status is Status.NEEDS_TA
    assert "takes all names of `lab1_functions`" in judgement.open
    assert without_answer("not_found", star).status is Status.FAIL


def test_a_function_whose_cell_failed_goes_to_a_ta():
    error = CellError(type="SyntaxError", message="invalid syntax", line=2)
    judgement = without_answer("not_found", "def sum_of_cubes(n):\n  prose here", error=error)
    assert judgement.status is Status.NEEDS_TA
    assert "SyntaxError" in judgement.open


def test_a_function_lost_to_the_time_limit_goes_to_a_ta():
    judgement = without_answer("not_found", "def sum_of_cubes(n): ...", outcome=Outcome.TIMEOUT)
    assert judgement.status is Status.NEEDS_TA


def test_a_kernel_that_does_not_answer_goes_to_a_ta():
    assert without_answer("no_answer", "def sum_of_cubes(n): ...").status is Status.NEEDS_TA


def test_an_attempt_that_was_never_asked_is_missing_evidence():
    assert CUBES.judge(case(CUBES, evidence())).status is Status.MISSING_EVIDENCE


def test_plain_arguments_are_literals_and_mappings_with_kind_are_drawn():
    calls = CUBES.probes()[0].calls
    assert calls[0].args == (LiteralInput(value=3),)
    assert isinstance(calls[2].args[0], IntegersInput)
    assert len(calls) == 7


def test_calls_without_any_right_answer_are_refused():
    with pytest.raises(ValidationError, match="need a 'reference'"):
        FunctionValues(function="f", groups=[{"name": "g", "calls": [{"args": [1]}]}])


def judge_in_notebook(function, *sources):
    arrays = []
    probe = CUBES.probes()[0]
    record = called(probe, function, arrays, cell=0)
    given = evidence(code_cells(*sources), probes=answers([(probe, record)]))
    return CUBES.judge(case(CUBES, given, arrays=arrays, reference=Reference(functions=FUNCTIONS)))


def test_a_function_that_a_later_cell_broke_goes_to_a_ta():
    def broken(n):
        uncallable = n
        return uncallable(n)

    definition = "def sum_of_cubes(n):\n    return sum(i**3 for i in range(n + 1))"
    later = judge_in_notebook(broken, definition, "sum = 0")
    assert later.status is Status.NEEDS_TA
    assert "cell 1, line 1, below it, gives `sum` another meaning" in later.message
    inside_a_function = judge_in_notebook(broken, definition, "def f():\n    sum = 0")
    assert inside_a_function.status is Status.FAIL


def test_a_function_whose_helper_is_lost_to_an_error_goes_to_a_ta():
    def without_helper(n):
        raise NameError("name 'helper' is not defined")

    arrays = []
    probe = CUBES.probes()[0]
    found = answers([(probe, called(probe, without_helper, arrays, cell=1))])
    error = CellError(type="SyntaxError", message="", line=1)
    caller = cell(1, "def sum_of_cubes(n):\n    return helper(n)")

    def judged(first):
        given = evidence([first, caller], probes=found)
        return CUBES.judge(case(CUBES, given, arrays=arrays, reference=Reference(functions=FUNCTIONS)))

    lost = judged(cell(0, "def helper(n)\n    return n", error=error))
    assert lost.status is Status.NEEDS_TA
    assert "`helper`, which it uses, is lost to an error in cell 0" in lost.message
    assert judged(cell(0, "def other(n): ...")).status is Status.FAIL
