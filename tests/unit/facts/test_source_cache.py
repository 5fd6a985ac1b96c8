"""Trees of cells are kept while they are needed, no longer: a class of long notebooks fits into memory."""

from __future__ import annotations

import pytest

from grader.facts.code import source
from grader.facts.code.source import parse_cell


def test_a_cell_that_was_read_last_has_the_same_tree_and_one_of_long_ago_is_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = source._ReadLast()
    monkeypatch.setattr(source, "_READ_LAST", kept)
    monkeypatch.setattr(source, "_KEPT_CHARACTERS", 100)
    monkeypatch.setattr(source, "_EACH_KEPT", 1)
    shared = parse_cell(0, "import torch").tree
    for number in range(1000):
        own = f"a_name_of_some_length = {number}"
        assert parse_cell(1, own).tree is parse_cell(1, own).tree
        assert parse_cell(0, "import torch").tree is shared
    assert sum(map(len, kept._kept)) <= 100


def test_a_cell_longer_than_all_that_is_kept_is_read_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "_READ_LAST", source._ReadLast())
    monkeypatch.setattr(source, "_KEPT_CHARACTERS", 10)
    assert parse_cell(0, "total = 1 + 2 + 3").tree is parse_cell(1, "total = 1 + 2 + 3").tree
