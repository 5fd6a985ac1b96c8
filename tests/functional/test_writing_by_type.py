"""The type checker refuses to write where only reading was asked for, and rows outside of the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.type_checker import errors_in

HEAD = """\
from grader.store import Signature, Store
from grader.store.marks import MarkRecord

"""

TAKEN = """\
def give(store: Store, mark: MarkRecord, signature: Signature) -> None:
    with store.writing() as history:
        history.give_mark(mark, signature)
"""

REFUSED = {
    "a mark given while reading": TAKEN.replace("writing", "reading"),
    "a mark changed after it was made": """\
def raised(mark: MarkRecord) -> None:
    mark.points = 3.0
""",
    "a query of one's own": """\
def everything(store: Store) -> object:
    with store.reading() as history:
        return history.execute("SELECT * FROM marks")
""",
}


@pytest.mark.parametrize("code", REFUSED.values(), ids=REFUSED)
def test_what_the_store_does_not_offer_is_refused(tmp_path: Path, code: str) -> None:
    assert errors_in(tmp_path, HEAD + code)


def test_a_mark_given_while_writing_is_taken(tmp_path: Path) -> None:
    assert errors_in(tmp_path, HEAD + TAKEN) == []
