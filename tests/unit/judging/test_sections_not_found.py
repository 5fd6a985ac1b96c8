"""Where a student dropped headings and cell ids, a section that was not found is no empty answer."""

from __future__ import annotations

from typing import Any

import pytest

from grader.checks import registry
from grader.evidence.record import CellRecord, WatchedValue
from grader.evidence.values import NoneValue
from grader.facts.case import Case, Reference
from grader.facts.handout import fingerprint
from grader.facts.sections import Section
from grader.judging.check import Check
from grader.judging.judgement import Status
from grader.rubric.loader import load_rubric
from reference import FUNCTIONS
from reference.architectures import SMALL_NET
from tests import factories
from tests.factories import cell, history, training_run

HEADING = cell(0, "# The part", kind="markdown")
UNTOUCHED, OWN = (HEADING, cell(1)), (cell(0, "# Mine", kind="markdown"), cell(1, "y = 3"))
SECTIONS = {"part": Section(title="The part", heading="^The part")}
HANDOUT = fingerprint(
    {"cells": [{"cell_type": each.kind, "source": each.source, "metadata": {}} for each in UNTOUCHED]}
)
LISTS = ("sections", "tuning")


def check_of(word: str) -> Check:
    """The example of a kind of check, with all its sections being the part."""
    kind = registry()[word]
    names = ("part1", "part2", "part4b", "part4d")
    sections = "".join(f"  {name}: {{title: {name}}}\n" for name in names)
    points = next(line.split(":")[1] for line in kind.example.splitlines() if "points:" in line)
    example = "\n".join(f"  {line}" for line in kind.example.strip().splitlines())
    head = f"assignment: lab\ntitle: A lab\ntotal: {points}\nsections:\n{sections}criteria:\n"
    check = load_rubric(f"{head}{example}\n", registry(), name=word).criteria[0].check
    fields = {name: ("part",) for name in LISTS if name in kind.model_fields}
    return check.model_copy(update=fields)


def case_of(check: Check, cells: tuple[CellRecord, ...], **evidence: Any) -> Case:
    reference = Reference(functions=FUNCTIONS, architectures={"small_net": SMALL_NET})
    given = factories.evidence(cells, **evidence)
    return factories.case(
        check, given, sections=SECTIONS, section="part", handout=HANDOUT, reference=reference
    )


#: Kinds that judge what stands in a section; the others judge something of a given name wherever it is.
BY_SECTION = (
    "evaluated_on_test", "image_crop", "loss_function", "manual",
    "number_answer", "output_units", "overfits_small_set", "parameter_count", "printed_number",
    "reaches_accuracy", "tensor_close", "test_set_untouched", "transfer_features", "validation_selection",
    "weight_counts",
)  # fmt: skip


def checks_by_section() -> list[Check]:
    return [
        *(check_of(word) for word in BY_SECTION),
        registry()["forbids_call"](forbidden=("dot",)),
        registry()["uses_function"](uses="dot"),
        registry()["hyperparameter_settings"](at_least=4, sections=("part",)),
        registry()["hyperparameter_settings"](settings=({"learning_rate": 5, "section": "part"},)),
        registry()["architecture"](trained_in="part", layers=({"type": "Linear"},)),
        registry()["files_written"](patterns=("pt$",), sections=("part",)),
        registry()["files_written"](named=("net.pt",)),
        registry()["fresh_weights"](sections=("part",)),
        registry()["fresh_weights"](must_train=({"model": ("other",), "section": "part"},)),
    ]


def name_of(check: Check) -> str:
    given = "-".join(sorted(check.model_fields_set - {"check"}))
    return f"{check.check}-{given}"


@pytest.mark.parametrize("check", checks_by_section(), ids=name_of)
@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_section_that_was_not_found_costs_nothing(check: Check, elsewhere: bool):
    values = tuple(WatchedValue(name=name, cell=1, value=NoneValue()) for name in check.watches())
    runs = (training_run(index, 1, hyperparameters={"lr": 0.1 / (index + 1)}) for index in range(4))
    more = {"values": values, "training": history(*runs)} if elsewhere else {"training": history(*runs)}
    judgement = check.judge(case_of(check, OWN, **more))
    assert judgement.status not in (Status.FAIL, Status.PARTIAL), judgement.message


@pytest.mark.parametrize("check", checks_by_section(), ids=name_of)
def test_a_section_left_as_it_was_given_earns_nothing(check: Check):
    judgement = check.judge(case_of(check, UNTOUCHED))
    assert judgement.status is Status.FAIL
