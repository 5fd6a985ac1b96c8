"""`grader check`: one check on one notebook."""

from __future__ import annotations

import pytest

from grader.checks import registry
from grader.errors import RubricError, UsageError
from grader.evidence.training import DataSource, EvaluationPass, LossUse, TrainingHistory
from grader.workflows.trying.facts_in_words import facts_in_words
from grader.workflows.trying.try_check import trial_rubric
from tests import factories


def test_a_rubric_of_one_criterion_has_the_keys_given() -> None:
    rubric = trial_rubric("loss_function", {"classes": 9}, "Part 2")
    criterion = rubric.criteria[0]
    assert (criterion.points, criterion.check.check, criterion.section) == (1, "loss_function", "part")
    assert rubric.sections["part"].heading == "Part 2"
    assert trial_rubric("loss_function", {"classes": 9}, None).criteria[0].section is None


def test_a_kind_that_is_not_there_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="loss_function"):
        trial_rubric("loss_funtion", {}, None)


def test_a_key_that_is_not_there_names_the_nearest() -> None:
    with pytest.raises(RubricError) as caught:
        trial_rubric("loss_function", {"clases": 9}, None)
    assert any("classes" in problem for problem in caught.value.problems)


def test_each_fact_is_said_or_why_it_is_not_known() -> None:
    seen = DataSource(token=0, dataset_token=0, dataset="CIFAR10", split="train", batch_size=16)
    tests = DataSource(token=1, dataset_token=1, dataset="CIFAR10", split="test", batch_size=16)
    run = factories.training_run(0, 1, source=0).model_copy(
        update={"loss": LossUse(function="CrossEntropyLoss", input_shape=(4, 3), input_kind="probabilities")}
    )
    history = TrainingHistory(
        runs=(run,),
        evaluations=(EvaluationPass(order=5, cell=2, model=factories.model(), source=1),),
        sources=(seen, tests),
        complete=False,
        notes=("a hook was removed",),
    )
    check = registry()["loss_function"](classes=3)
    evidence = factories.evidence(factories.code_cells("x = 1", "train()", "test()"), training=history)
    said = dict(facts_in_words(factories.case(check, evidence)))
    assert said["code cells"] == "3, 3 the student's own; raised: none"
    assert "not known" in said["trainings"]
    assert "CrossEntropyLoss on probabilities" in said["training 0"]
    assert said["look at data, cell 2"].startswith("test data: yes")


def test_what_was_never_asked_is_said_so() -> None:
    kind = registry()["output_shape"]
    check = kind(target={"names": ["net"]}, input=(2, 3), expected=(2, 9))
    said = dict(facts_in_words(factories.case(check, factories.evidence(())), check.probes()))
    assert said["measured: `net`"] == "never asked"
