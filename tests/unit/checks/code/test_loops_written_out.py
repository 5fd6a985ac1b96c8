"""Which code goes through the rows and columns of a matrix in loops."""

from __future__ import annotations

import textwrap

import pytest

from grader.checks.code.forbids_call import ForbidsCall
from grader.judging.judgement import Status
from tests.factories import case, code_cells, evidence

WRITTEN = ForbidsCall(forbidden=["dot"], loops=True)


def judge(*sources):
    return WRITTEN.judge(case(WRITTEN, evidence(code_cells(*sources))))


DOUBLE = "for i in range(3):\n    for j in range(4):\n        output[i] += matrix[i, j] * vector[j]"


@pytest.mark.parametrize(
    "source",
    [
        DOUBLE,
        "while i < 3:\n    j = 0\n    while j < 4:\n        output[i] += matrix[i, j] * vector[j]",
        "for row in matrix:\n    output.append(sum(a * b for a, b in zip(row, vector)))",
        "output = [sum([a * b for a, b in zip(row, vector)]) for row in matrix]",
        "output = {i: a * b for i, row in enumerate(matrix) for a, b in zip(row, vector)}",
        "output = list(map(lambda row: sum(map(lambda a, b: a * b, row, vector)), matrix))",
        "for k in range(12):\n    output[k // 4] += matrix[k // 4][k % 4] * vector[k % 4]",
        "for i, j in itertools.product(range(3), range(4)):\n    output[i] += matrix[i, j] * vector[j]",
        "for (i, j), each in np.ndenumerate(matrix):\n    output[i] += each * vector[j]",
        "while i < 3:\n    output[i] += matrix[i][j] * vector[j]\n    i, j = following(i, j)",
        "def product(row):\n    return sum(a * b for a, b in zip(row, vector))\n"
        "output = [product(row) for row in matrix]",
        "def product():\n" + textwrap.indent(DOUBLE, "    ") + "\noutput = product()",
    ],
)
def test_loops_over_rows_and_columns_pass(source):
    assert judge(source).status is Status.PASS


@pytest.mark.parametrize(
    "source",
    [
        "for i in range(3):\n    output[i] = (matrix[i] * vector).sum()",
        "for i in range(3):\n    output[i] = sum(matrix[i, :] * vector)",
        "for row in matrix:\n    output.append(row[0] * vector[0] + row[1] * vector[1])",
        "for j in range(4):\n    output += matrix[:, j] * vector[j]",
        "for row in [row for row in matrix]:\n    output.append((row * vector).sum())",
        "def product(i):\n    return product(i - 1) + matrix[i] * vector[i]\noutput = product(3)",
    ],
)
def test_what_goes_through_one_of_them_goes_to_a_ta_and_never_fails(source):
    assert judge(source).status is Status.NEEDS_TA


def test_the_message_says_what_was_not_seen():
    assert judge("for row in matrix: ...").message == "There is no loop inside another one."
    assert judge("output = 3").message == "There is no loop."


def test_only_the_loops_are_shown():
    judgement = judge("output = zeros(3)", f"n = 3\n{DOUBLE}", "output", "output.shape")
    assert [(place.cell, place.line) for place in judgement.where] == [(1, 2)]
    assert judgement.message == "It is written out in loops; no library function does the work."
