"""Every kind of check: found, documented, and with an example that loads."""

from __future__ import annotations

import pytest

from grader.checks import registry
from grader.judging.check import Check
from grader.rubric.loader import CRITERION_KEYS, load_rubric

KINDS = sorted(registry())


def as_rubric(kind: type[Check]) -> str:
    criterion = "\n".join(f"  {line}" for line in kind.example.strip().splitlines())
    names = "[part1, part2, part4b, part4d]"
    sections = "".join(f"  {name}: {{title: {name}}}\n" for name in names.strip("[]").split(", "))
    points = next(line.split(":")[1] for line in kind.example.splitlines() if "points:" in line)
    head = f"assignment: lab\ntitle: A lab\ntotal: {points}\nsections:\n{sections}"
    return f"{head}criteria:\n{criterion}\n"


@pytest.mark.parametrize("word", KINDS)
def test_the_example_of_every_check_loads_as_that_check(word: str):
    kind = registry()[word]
    rubric = load_rubric(as_rubric(kind), registry(), name=word)
    assert type(rubric.criteria[0].check) is kind
    assert rubric.criteria[0].check.check == word


@pytest.mark.parametrize("word", KINDS)
def test_every_check_is_documented(word: str):
    assert len(registry()[word].__doc__ or "") > 100


@pytest.mark.parametrize("word", KINDS)
def test_a_check_has_no_field_that_a_criterion_has(word: str):
    assert set(registry()[word].model_fields) & CRITERION_KEYS == {"check"}


@pytest.mark.parametrize("word", KINDS)
def test_a_check_is_named_after_its_file(word: str):
    # pytest would take files of these two for tests.
    renamed = {"test_set_untouched": "untouched_test_data", "evaluated_on_test": "evaluation_on_test_data"}
    assert registry()[word].__module__.rpartition(".")[2] == renamed.get(word, word)
