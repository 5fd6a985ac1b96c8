"""Checks that read the code and what functions did when called."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from grader.checks.code.forbids_call import ForbidsCall
from grader.checks.code.returns_not_prints import ReturnsNotPrints
from grader.checks.code.uses_function import UsesFunction
from grader.checks.code.vectorized import Vectorized
from grader.evidence.record import CallRecord, CellError, FunctionRecord, ProbeResult, RaisedError
from grader.evidence.values import ArrayValue
from grader.facts.case import Reference
from grader.facts.sections import Alignment
from grader.judging.exhibits import Parts
from grader.judging.judgement import Judgement, Status
from reference import FUNCTIONS
from tests.factories import answers, called, case, case_of_function, cell, code_cells, evidence, shown

BUILDS_ON = UsesFunction(function="all_same_length", uses="word_lengths")


def uses(*sources):
    return BUILDS_ON.judge(case(BUILDS_ON, evidence(code_cells(*sources)))).status


@pytest.mark.parametrize(
    "source",
    [
        "def all_same_length(s):\n    return len(set(word_lengths(s))) < 2",
        "all_same_length = lambda s: len(set(word_lengths(s))) < 2",
        "def helper(s):\n    return word_lengths(s)\ndef all_same_length(s):\n    return helper(s)",
        "def all_same_length(s):\n    f = word_lengths\n    return f(s)",
    ],
)
def test_building_on_a_function_is_seen(source):
    assert uses("def word_lengths(s): ...", source) is Status.PASS


def test_a_docstring_that_mentions_the_function_is_no_use_of_it():
    source = 'def all_same_length(s):\n    """calls word_lengths"""\n    # word_lengths(s)\n    return True'
    judgement = BUILDS_ON.judge(case(BUILDS_ON, evidence(code_cells(source))))
    assert judgement.status is Status.FAIL
    assert judgement.message == "`all_same_length` does not call `word_lengths`."


def test_an_empty_function_builds_on_nothing():
    assert uses('def all_same_length(s):\n    """word_lengths"""') is Status.FAIL


def test_a_function_that_cannot_be_read_goes_to_a_ta():
    broken = cell(
        0,
        "def all_same_length(s):\n  return word_lengths(s",
        error=CellError(type="SyntaxError", message="", line=2),
    )
    assert BUILDS_ON.judge(case(BUILDS_ON, evidence([broken]))).status is Status.NEEDS_TA


BY_HAND = ForbidsCall(functions=[{"name": "conv2d"}], forbidden=["conv2d", "Conv2d", "unfold"])
LOOPS = ForbidsCall(forbidden=["dot", "matmul", "@", "numpy.sum"])


def by_hand(*sources):
    return BY_HAND.judge(case(BY_HAND, evidence(code_cells(*sources))))


@pytest.mark.parametrize(
    "source",
    [
        "import torch.nn.functional as F\ndef conv2d(i, k):\n    return F.conv2d(i, k)",
        "from torch.nn.functional import conv2d as c\ndef conv2d(i, k):\n    return c(i, k)",
        "def helper(i, k):\n    return torch.conv2d(i, k)\ndef conv2d(i, k):\n    return helper(i, k)",
        "def conv2d(i, k):\n    layer = torch.nn.Conv2d(1, 1, 3)\n    return layer(i)",
        "def conv2d(i, k):\n    return (i.unfold(0, 3, 1).unfold(1, 3, 1) * k).sum((2, 3))",
    ],
)
def test_the_librarys_own_is_found_through_aliases_helpers_and_layers(source):
    judgement = by_hand(source)
    assert judgement.status is Status.FAIL
    assert "calls `" in judgement.message
    assert judgement.where[0].line is not None


def test_calling_ones_own_function_of_that_name_is_by_hand():
    many = ForbidsCall(functions=[{"name": "many"}], forbidden=["conv2d"])
    source = "def conv2d(i, k):\n    return (i * k).sum()\ndef many(i, k):\n    return conv2d(i, k)"
    assert many.judge(case(many, evidence(code_cells(source)))).status is Status.PASS


OBSERVED = ForbidsCall(functions=[{"name": "conv2d", "args": [1]}], forbidden=["conv2d"])
CLEAN = "def conv2d(i):\n    return i + 1"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (ProbeResult(status="no_answer", detail="the kernel was dead"), "the kernel was dead"),
        (ProbeResult(status="not_found"), "could not be called"),
        (FunctionRecord(name="conv2d", calls=(CallRecord(error=RaisedError(type="TypeError")),)), "raised"),
        (FunctionRecord(name="conv2d", calls=(CallRecord(),)), "were not looked at"),
        (None, "never called"),
    ],
)
def test_what_was_never_seen_at_work_is_not_said_to_be_written_by_hand(answer, says):
    probe = OBSERVED.probes()[0]
    given = evidence(code_cells(CLEAN), probes=answers([(probe, answer)] if answer is not None else []))
    judgement = OBSERVED.judge(case(OBSERVED, given))
    assert (judgement.status, judgement.share) == (Status.NEEDS_TA, 0)
    assert says in judgement.open
    seen = FunctionRecord(name="conv2d", calls=(CallRecord(operations=1, operation_names=("add",)),))
    whole = evidence(code_cells(CLEAN), probes=answers([(probe, seen)]))
    assert OBSERVED.judge(case(OBSERVED, whole)).status is Status.PASS


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("    return i.sum() + torch.ones(3) + i[9]", Status.PASS),
        (
            "    total = 0\n    for row in i:\n        total += helped(row) * len(row)\n    return total",
            Status.PASS,
        ),
        ("    for row in i: raise ValueError\n    return kit['go'](i)", Status.NEEDS_TA),
        ("    for row in i: raise ValueError\n    return kit.go(i)", Status.NEEDS_TA),
        ("    for row in i: raise ValueError\n    mine = torch.conv3d\n    return mine(i)", Status.NEEDS_TA),
        ("    for row in i: raise ValueError\n    return (lambda f: f(i))(kit)", Status.NEEDS_TA),
    ],
)
def test_a_call_that_raised_says_nothing_of_what_its_code_does_not_tell(body, status):
    source = f"import torch\nkit = 1\ndef helped(row):\n    return row * 2\ndef conv2d(i):\n{body}"
    record = CallRecord(
        operations=1, operation_names=("unbind",), error=RaisedError(type="IndexError", message="")
    )
    given = FunctionRecord(name="conv2d", calls=(record,))
    probes = answers([(OBSERVED.probes()[0], given)])
    judgement = OBSERVED.judge(case(OBSERVED, evidence(code_cells(source), probes=probes)))
    assert judgement.status is status, judgement.open


def test_code_that_never_ran_is_not_said_to_be_written_by_hand():
    for check, source in ((BY_HAND, CLEAN), (LOOPS, "for row in matrix:\n    total = 0")):
        assert check.judge(case(check, evidence([cell(0, source, run=False)]))).status is Status.NEEDS_TA
        assert check.judge(case(check, evidence([cell(0, source)]))).status is Status.PASS
    forbidden = "def conv2d(i, k):\n    return torch.conv2d(i, k)"
    assert BY_HAND.judge(case(BY_HAND, evidence([cell(0, forbidden, run=False)]))).status is Status.FAIL


@pytest.mark.parametrize(
    "line",
    [
        "return getattr(F, name)(i, k)",
        "return eval('F.conv' + '2d')(i, k)",
        "return globals()[name](i, k)",
        "return __import__(module)(i, k)",
        "return vars(F)[name](i, k)",
    ],
)
def test_a_function_found_by_a_name_that_is_put_together_is_for_a_person_to_see(line):
    judgement = by_hand(f"def conv2d(i, k):\n    {line}")
    assert judgement.status is Status.NEEDS_TA
    assert "may call anything" in judgement.open
    uses = UsesFunction(function="conv2d", uses="multiply")
    assert uses.judge(case(uses, evidence(code_cells(f"def conv2d(i, k):\n    {line}")))).open
    assert by_hand("def conv2d(i, k):\n    return getattr(i, 'shape')").status is Status.PASS


@pytest.mark.parametrize(
    "brings",
    ["from lab1_functions import *", "import os\nfrom helper.functions import *", "from x import conv2d"],
)
def test_a_name_that_a_failed_import_would_have_brought_is_not_said_to_be_missing(brings):
    error = CellError(type="ModuleNotFoundError", message="No module")
    lost = BY_HAND.judge(case(BY_HAND, evidence([cell(0, brings, error=error), cell(1, "x = 1")])))
    assert lost.status is Status.NEEDS_TA
    assert BY_HAND.judge(case(BY_HAND, evidence([cell(0, "from math import *")]))).status is Status.FAIL


def test_what_is_not_written_earns_nothing():
    assert by_hand('def conv2d(i, k):\n    """Slides k over i."""\n    ...').status is Status.FAIL
    assert by_hand("x = 1").status is Status.FAIL


def test_a_forbidden_operation_is_observed_where_the_code_hides_it():
    observed = ForbidsCall(functions=[{"name": "conv2d", "args": [1]}], forbidden=["conv2d"])
    hidden = "def conv2d(i, k):\n    return getattr(torch, 'conv' + '2d')(i, k)"

    def judged(*names, cut=False, source=hidden):
        call = CallRecord(operation_names=names, operation_names_cut=cut)
        record = FunctionRecord(name="conv2d", calls=(call,))
        given = evidence(code_cells(source), probes=answers([(observed.probes()[0], record)]))
        return observed.judge(case(observed, given))

    assert judged("conv2d", "sum").status is Status.FAIL
    other = judged("mul", "sum")
    assert other.status is Status.NEEDS_TA
    assert "`getattr` may call anything" in other.open
    plain = "def conv2d(i, k):\n    return (i * k).sum()"
    assert judged("mul", "sum", source=plain).status is Status.PASS
    unknown = judged("mul", "sum", cut=True, source=plain)
    assert (unknown.status, unknown.open_share) == (Status.NEEDS_TA, 1.0)
    assert "more operations than were recorded" in unknown.open
    assert judged("conv2d", "sum", cut=True).status is Status.FAIL


def test_a_section_is_read_where_no_function_is_named():
    def judged(source, **more):
        return LOOPS.judge(case(LOOPS, evidence(code_cells("import numpy as np", source)), **more)).status

    assert judged("for row in matrix:\n    total = 0") is Status.PASS
    assert judged("output = np.dot(matrix, vector)") is Status.FAIL
    assert judged("output = matrix.dot(vector)") is Status.FAIL
    assert judged("output = matrix @ vector") is Status.FAIL
    assert judged("output = np.sum(matrix)") is Status.FAIL
    assert judged("output = sum(row)") is Status.PASS
    assert judged("this is the prose") is Status.NEEDS_TA
    assert judged("output = None", alignment=Alignment(unchanged=frozenset({0, 1}))) is Status.FAIL


def test_a_section_without_a_loop_or_with_a_cell_that_raised_goes_to_a_ta():
    written = ForbidsCall(forbidden=["dot"], loops=True)

    def judged(source, **more):
        return written.judge(case(written, evidence([cell(0, source, **more)]))).status

    assert judged("output = 3") is Status.NEEDS_TA
    assert judged("output = [sum(row) for row in matrix]") is Status.NEEDS_TA
    assert judged("for i in range(3):\n    for j in range(4): ...") is Status.PASS
    error = CellError(type="NameError", message="matrix", line=1)
    assert judged("for row in matrix: ...", error=error) is Status.NEEDS_TA


NUMBER_BY_NUMBER = "for i in range(3):\n    for j in range(4):\n        output[i] += {}"
WRITTEN_OUT = NUMBER_BY_NUMBER.format("matrix[i, j] * vector[j]")


@pytest.mark.parametrize(
    ("source", "status"),
    [
        (f"{WRITTEN_OUT}\nprint(output == np.dot(matrix, vector))", Status.NEEDS_TA),
        (f"{WRITTEN_OUT}\nfor n in range(99):\n    np.dot(matrix, vector)", Status.NEEDS_TA),
        (NUMBER_BY_NUMBER.format("np.multiply(matrix[i, j], vector[j])"), Status.NEEDS_TA),
        ("for i in range(3):\n    output[i] = np.dot(matrix[i], vector) * 1", Status.FAIL),
        ("for i in range(3):\n    output[i] = 0\noutput = np.dot(matrix, vector)", Status.FAIL),
        ("for n in range(99):\n    n * n\n    np.dot(matrix, vector)", Status.FAIL),
    ],
)
def test_a_call_beside_loops_that_do_the_work_is_for_a_ta_to_see(source, status):
    written = ForbidsCall(forbidden=["dot", "multiply"], loops=True)
    assert written.judge(case(written, evidence(code_cells(source)))).status is status


OWN = "def conv2d(i, k):\n    return (i * k).sum()"
USING = "def strided(i, k, s):\n    return conv2d(i, k)[::s]"
IMPORTED = "from torch.nn.functional import conv2d"


@pytest.mark.parametrize(
    ("sources", "status"),
    [
        ((IMPORTED, OWN, USING), Status.PASS),
        ((f"{IMPORTED}\nexpected = conv2d(i, k)\n{OWN}", USING), Status.PASS),
        ((OWN, USING, IMPORTED), Status.PASS),
        ((f"{OWN}\n{USING}\n{IMPORTED}",), Status.PASS),
        ((USING, OWN, IMPORTED), Status.PASS),
        ((USING, f"def test(i, k):\n    {IMPORTED}\n    return conv2d(i, k)", OWN), Status.PASS),
        ((OWN, f"def strided(i, k, s):\n    {IMPORTED}\n    return conv2d(i, k)"), Status.FAIL),
        ((OWN, IMPORTED, USING), Status.FAIL),
        ((USING, IMPORTED, OWN), Status.FAIL),
        ((IMPORTED, USING), Status.FAIL),
    ],
)
def test_a_name_means_what_was_last_defined_or_imported_above_its_use(sources, status):
    strided = ForbidsCall(functions=[{"name": "strided"}], forbidden=["conv2d"])
    assert strided.judge(case(strided, evidence(code_cells(*sources)))).status is status


@pytest.mark.parametrize(
    "inner",
    [
        "class Layer:\n    def conv2d(self, i, k):\n        return F.conv2d(i, k)",
        "def check(i, k):\n    def conv2d(i, k):\n        return F.conv2d(i, k)\n    return conv2d(i, k)",
    ],
)
def test_methods_and_functions_inside_others_replace_no_function(inner):
    assert by_hand(OWN, inner).status is Status.PASS
    local = "def conv2d(i, k):\n    def unfold(i):\n        return i\n    return (unfold(i) * k).sum()"
    assert by_hand(local).status is Status.PASS


def test_a_forbidden_operation_is_no_proof_where_a_later_import_brought_it_in():
    observed = ForbidsCall(functions=[{"name": "strided", "args": [1]}], forbidden=["conv2d"])

    def judged(*sources):
        record = FunctionRecord(name="strided", cell=1, calls=(CallRecord(operation_names=("conv2d",)),))
        given = evidence(code_cells(*sources), probes=answers([(observed.probes()[0], record)]))
        return observed.judge(case(observed, given)).status

    assert judged(OWN, USING, IMPORTED) is Status.NEEDS_TA
    assert judged(OWN, USING, "pass") is Status.FAIL


RETURNS = ReturnsNotPrints(
    functions=[{"name": "cubes", "args": [3]}, {"name": "lengths", "args": ["two words"]}]
)


def returns(cubes, lengths, source="def cubes(n): ...\ndef lengths(s): ..."):
    arrays = []
    records = [
        (probe, called(probe, function, arrays, cell=0))
        for probe, function in zip(RETURNS.probes(), (cubes, lengths), strict=True)
    ]
    given = evidence(code_cells(source), probes=answers(records))
    return RETURNS.judge(case(RETURNS, given, arrays=arrays))


def lengths(sentence):
    return [len(word) for word in sentence.split()]


def test_functions_that_return_pass_even_where_they_print_too():
    def chatty(n):
        print("computing")  # noqa: T201
        return 36

    assert returns(chatty, lengths).status is Status.PASS


def answering(judgement: Judgement) -> dict[str, str]:
    """In what way each function answers."""
    return {part.name: part.note for part in shown(judgement, Parts).parts}


def test_returned_print_is_found_with_its_line():
    source = "def cubes(n):\n    total = 36\n    return print(total)\ndef lengths(s):\n    return [3, 5]"
    judgement = returns(lambda n: print(36), lengths, source)  # noqa: T201
    assert judgement.status is Status.PARTIAL
    assert answering(judgement) == {"cubes": "prints", "lengths": "returns"}
    assert judgement.where[0].line == 3
    assert "`return print(...)` gives None" in judgement.message


def test_all_lines_that_return_a_print_are_given_in_their_order():
    source = (
        "def cubes(n):\n    if n:\n        return print(False)\n    return print(True)\n"
        "def lengths(s):\n    return [3, 5]"
    )
    judgement = returns(lambda n: print(True), lengths, source)  # noqa: T201
    assert [place.line for place in judgement.where] == [3, 4]


def test_a_print_of_a_message_is_not_taken_for_that_of_the_answer():
    source = "def cubes(n):\n    if n < 0:\n        print('Invalid')\n    print(n)\ndef lengths(s): ..."
    assert returns(lambda n: print(36), lengths, source).where[0].line == 4  # noqa: T201


def test_a_print_without_return_is_found_with_its_line():
    source = "def cubes(n):\n    print(36)\ndef lengths(s):\n    return [3, 5]"
    judgement = returns(lambda n: print(36), lengths, source)  # noqa: T201
    assert judgement.where[0].line == 2
    assert "it has to `return` its answer" in judgement.message


def test_truth_as_text_is_found():
    judgement = returns(lambda n: "True", lengths)
    assert answering(judgement) == {"cubes": "text", "lengths": "returns"}
    assert "returns the text 'True'" in judgement.message


def test_words_are_no_value_as_text():
    assert returns(lambda n: "a sentence", lengths).status is Status.PASS


def test_a_function_that_raises_is_judged_by_its_code():
    def fragile(n):
        raise KeyError("n")

    good = "def cubes(n):\n    return table[n]\ndef lengths(s): return 1"
    assert returns(fragile, lengths, good).status is Status.PASS
    unclear = returns(fragile, lengths, "def cubes(n):\n    print(table[n])\ndef lengths(s): return 1")
    assert unclear.status is Status.NEEDS_TA
    assert unclear.share == pytest.approx(0.5)


def test_functions_never_called_are_missing_evidence():
    assert RETURNS.judge(case(RETURNS, evidence())).status is Status.MISSING_EVIDENCE


def test_empty_functions_earn_nothing():
    assert returns(lambda n: None, lambda s: None).status is Status.FAIL


FAST = Vectorized(
    function="fast",
    reference="conv2d",
    small=[{"kind": "normal", "shape": [6, 8]}, {"kind": "normal", "shape": [3, 3]}],
    large=[{"kind": "normal", "shape": [18, 24]}, {"kind": "normal", "shape": [3, 3]}],
)
LOOPING = "def fast(image, kernel):\n    for i in range(9):\n        ..."


def fast(image, kernel):
    return F.conv2d(image[None, None], kernel[None, None])[0, 0]


def counted(function, operations, source):
    given = case_of_function(FAST, function, source)
    probe = FAST.probes()[0]
    record = given.probe(probe).record
    calls = tuple(
        call.model_copy(update={"operations": count})
        for call, count in zip(record.calls, operations, strict=True)
    )
    changed = answers([(probe, record.model_copy(update={"calls": calls}))])
    whole = given.evidence.model_copy(update={"probes": changed})
    return FAST.judge(case(FAST, whole, arrays=given.bundle.arrays, reference=Reference(functions=FUNCTIONS)))


def test_operations_that_do_not_grow_pass():
    assert counted(fast, (3, 3), "def fast(image, kernel):\n    return ...").status is Status.PASS


def test_a_loop_over_the_kernel_only_passes():
    assert counted(fast, (29, 29), LOOPING).status is Status.PASS


def test_operations_that_grow_with_the_image_fail_at_the_loop():
    judgement = counted(fast, (72, 1056), LOOPING)
    assert judgement.status is Status.FAIL
    assert "72 torch operations for the small input, 1056 for the larger one" in judgement.message
    assert judgement.where[0].line == 2


def test_loops_outside_torch_go_to_a_ta():
    assert counted(fast, (1, 1), LOOPING).status is Status.NEEDS_TA


def test_axes_of_length_one_are_no_wrong_values():
    def unsqueezed(image, kernel):
        return F.conv2d(image[None, None], kernel[None, None])

    assert counted(unsqueezed, (29, 29), LOOPING).status is Status.PASS
    assert counted(lambda image, kernel: image.mean(), (29, 29), LOOPING).status is Status.FAIL


def test_a_vectorised_function_that_later_lines_broke_goes_to_a_ta():
    def broken(image, kernel):
        raise TypeError("'int' object is not callable")

    source = "def fast(image, kernel):\n    return sum(image)"
    assert counted(broken, (1, 1), source).status is Status.FAIL
    judgement = counted(broken, (1, 1), f"{source}\nsum = 3")
    assert judgement.status is Status.NEEDS_TA
    assert "gives `sum` another meaning" in judgement.open


def test_an_answer_too_large_to_be_kept_goes_to_a_ta():
    given = case_of_function(FAST, fast, LOOPING)
    record = given.probe(FAST.probes()[0]).record
    shape = ArrayValue(type="torch.Tensor", dtype="float32", shape=(4, 6), array=None)
    calls = tuple(call.model_copy(update={"returned": (shape,)}) for call in record.calls)
    changed = answers([(FAST.probes()[0], record.model_copy(update={"calls": calls}))])
    whole = given.evidence.model_copy(update={"probes": changed})
    arrays, reference = given.bundle.arrays, Reference(functions=FUNCTIONS)
    judgement = FAST.judge(case(FAST, whole, arrays=arrays, reference=reference))
    assert judgement.status is Status.NEEDS_TA
    assert "too large to be kept" in judgement.open


def test_operations_never_counted_go_to_a_ta():
    assert counted(fast, (None, None), LOOPING).status is Status.NEEDS_TA


def test_a_wrong_or_missing_answer_is_nothing_to_vectorise():
    source = "def fast(image, kernel): ..."
    assert counted(lambda image, kernel: None, (0, 0), source).status is Status.FAIL
    assert counted(lambda image, kernel: torch.zeros(4, 6), (1, 1), source).status is Status.FAIL
