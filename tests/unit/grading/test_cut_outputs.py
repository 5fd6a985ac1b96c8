"""Outputs of which not all was kept: what is not found in them neither accuses nor passes."""

from __future__ import annotations

import pytest

from grader.checks.answers.number_answer import NumberAnswer
from grader.checks.answers.printed_number import PrintedNumber
from grader.checks.functions.function_values import FunctionValues
from grader.checks.networks.parameter_count import ParameterCount
from grader.checks.training.fresh_weights import FreshWeights
from grader.checks.training.reaches_accuracy import ReachesAccuracy
from grader.evidence.plan import Target
from grader.evidence.record import CallRecord, CellRun, FunctionRecord, Output, Submitted
from grader.evidence.values import NoneValue
from grader.facts.case import Reference
from grader.facts.known import Known, Unknown
from grader.facts.words.figures import last_figure
from grader.judging.check import Check
from grader.judging.judgement import Judgement, Status
from tests.factories import answers, case, cell, evidence


def judged(check: Check, source: str, ours: str, *, cut: str, theirs: str | None = None) -> Judgement:
    """Of a cell that printed something in our run and in the file, either of which may have been cut."""
    printed = (Output(kind="stream", name="stdout", text=ours),)
    stored = printed if theirs is None else (Output(kind="stream", name="stdout", text=theirs),)
    whole = cell(0, source).model_copy(
        update={
            "run": CellRun(status="ok", outputs=printed if ours else (), cut=cut == "ours"),
            "submitted": Submitted(outputs=stored if stored[0].text else (), cut=cut == "the file"),
        }
    )
    return check.judge(case(check, evidence([whole])))


ASKED = NumberAnswer(numbers={"weights": 1216.0})
COUNT = ParameterCount(target=Target(names=("net",)), expected=386, answer=True)
PRINTED = PrintedNumber(pattern=r"error ([\d.]+)", below=0.3)


@pytest.mark.parametrize("cut", ["ours", "the file"])
@pytest.mark.parametrize(
    ("check", "source", "text"),
    [(ASKED, "print(count)", "weights: 1000"), (COUNT, "print(count)", "parameters: 123")],
    ids=["a number", "a number of parameters"],
)
def test_a_number_that_is_not_found_accuses_nobody(check, source, text, cut):
    assert judged(check, source, text, cut="").status is Status.FAIL
    assert judged(check, source, text, cut=cut).status is Status.NEEDS_TA


def test_a_right_number_is_there_whatever_else_was_cut():
    assert judged(ASKED, "print(count)", "weights: 1216", cut="ours").status is Status.PASS


def test_a_number_of_our_run_is_not_believed_where_the_file_may_hold_another():
    assert judged(PRINTED, "train()", "error 0.2", cut="", theirs="").status is Status.PASS
    assert judged(PRINTED, "train()", "error 0.2", cut="the file", theirs="").status is Status.NEEDS_TA


@pytest.mark.parametrize(("cut", "known"), [(False, Known), (True, Unknown)])
def test_the_last_figure_is_not_known_where_more_was_printed(cut, known):
    outputs = (Output(kind="stream", name="stdout", text="accuracy 0.9"),)
    printed = cell(0, "train()").model_copy(update={"run": CellRun(status="ok", outputs=outputs, cut=cut)})
    check = ReachesAccuracy(pattern=r"accuracy ([\d.]+)", at_least=0.8)
    assert isinstance(last_figure(case(check, evidence([printed])), r"accuracy ([\d.]+)"), known)


@pytest.mark.parametrize(("cut", "status"), [("", Status.FAIL), ("the file", Status.NEEDS_TA)])
def test_no_training_in_our_run_is_none_only_where_all_outputs_were_read(cut, status):
    first = {"pattern": r"Epoch 1: ([0-9.]+)", "fresh_at_least": 0.4, "carried_at_most": 0.3}
    assert judged(FreshWeights(first_epoch=first), "x = 1", "", cut=cut).status is status


@pytest.mark.parametrize(("cut", "status"), [(False, Status.FAIL), (True, Status.NEEDS_TA)])
def test_an_answer_may_be_printed_beyond_what_was_kept(cut, status):
    check = FunctionValues(function="f", groups=[{"name": "one", "calls": [{"args": [1], "accept": [7]}]}])
    call = CallRecord(returned=(NoneValue(),), stdout="working", stdout_cut=cut)
    record = FunctionRecord(name="f", cell=0, calls=(call,))
    given = evidence([cell(0, "def f(n):\n    print(n)")], probes=answers([(check.probes()[0], record)]))
    assert check.judge(case(check, given, reference=Reference())).status is status
