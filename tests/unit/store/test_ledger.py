from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from grader.errors import StoreError
from grader.store import Signature, Store, ledger, open_store
from grader.store.models import MarkRow
from tests.tampering import HISTORY, behind_its_back, fill_one_of_each, mark, write


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "grader.db")) as opened:
        write(opened, mark(), mark("s2"), mark("s3", 1.5))
        yield opened


def broken(store: Store) -> ledger.Break | None:
    with store.database.reading() as session:
        return ledger.examine(session)


def test_an_untouched_history_is_unbroken(store: Store) -> None:
    assert broken(store) is None


def test_a_row_taken_out_with_its_seal_is_missed(store: Store) -> None:
    behind_its_back(store, "DELETE FROM marks WHERE seq = 2", "DELETE FROM ledger WHERE seq = 2")
    assert broken(store) == ledger.Break(2, "marks", "this row is gone")


def test_a_row_slipped_in_beside_the_chain_is_found(store: Store) -> None:
    behind_its_back(
        store,
        "PRAGMA foreign_keys = OFF",
        "INSERT INTO marks (seq, student, assignment, criterion, points, comment)"
        " SELECT 9, student, assignment, criterion, 99.0, comment FROM marks WHERE seq = 1",
    )
    assert broken(store) == ledger.Break(9, "marks", "this row has no seal")


def test_changing_the_last_row_with_its_seal_moves_the_head(store: Store) -> None:
    """Why `grader audit` prints the head: whoever noted it down can tell."""
    with store.database.reading() as session:
        before = ledger.head(session).digest
    behind_its_back(store, "DELETE FROM marks WHERE seq = 3", "DELETE FROM ledger WHERE seq = 3")
    write(store, mark("s3", 9.0))
    assert broken(store) is None
    with store.database.reading() as session:
        assert ledger.head(session).digest != before


@pytest.mark.parametrize("table", HISTORY)
@pytest.mark.parametrize("action", ["UPDATE {} SET seq = seq", "DELETE FROM {}"])
def test_rows_of_the_history_cannot_be_changed_even_by_another_program(
    store: Store, table: str, action: str
) -> None:
    fill_one_of_each(store)
    with (
        sqlite3.connect(store.location) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute(action.format(table))
    connection.close()


@pytest.mark.parametrize("table", HISTORY)
def test_rows_of_the_history_cannot_be_replaced_even_without_recursive_triggers(
    store: Store, table: str
) -> None:
    fill_one_of_each(store)
    with (
        sqlite3.connect(store.location) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1")
    connection.close()


@pytest.mark.parametrize(
    ("table", "columns"),
    [("attempts", "job"), ("rubrics", "digest")],
)
def test_rows_cannot_be_replaced_through_another_unique_key(store: Store, table: str, columns: str) -> None:
    fill_one_of_each(store)
    with (
        sqlite3.connect(store.location) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        values = ", ".join("seq + 1000" if name == "seq" else name for name in names)
        connection.execute(f"INSERT OR REPLACE INTO {table} SELECT {values} FROM {table} LIMIT 1")
    connection.close()


@pytest.fixture
def either(database: str, tmp_path: Path) -> Iterator[Store]:
    """Three marks, as in `store`, on both kinds of database."""
    with open_store(database, evidence=tmp_path / "evidence") as opened:
        write(opened, mark(), mark("s2"), mark("s3", 1.5))
        yield opened


@pytest.mark.parametrize("table", ["ledger", "marks"])
@pytest.mark.parametrize("action", ["UPDATE {} SET seq = seq", "DELETE FROM {}"])
def test_no_row_can_be_changed_on_any_database(either: Store, table: str, action: str) -> None:
    with pytest.raises(StoreError, match="may not be changed"), either.database.writing() as session:
        session.execute(text(action.format(table)))


def test_text_and_numbers_are_sealed_alike_on_every_database(either: Store) -> None:
    write(either, mark("s\ud800\x00\x1a", 0.1 + 0.2, "\u202e"))
    with either.database.reading() as session:
        assert ledger.examine(session) is None
        assert session.get(MarkRow, 4).student == "s\ud800\x00\x1a"
        assert session.get(MarkRow, 4).points == 0.1 + 0.2


def test_a_broken_transaction_leaves_no_gap(either: Store) -> None:
    store = either
    with pytest.raises(KeyboardInterrupt), store.database.writing() as session:
        ledger.append(session, mark("s4"), Signature("ta", store.clock(), "test"))
        raise KeyboardInterrupt
    write(store, mark("s5"))
    assert broken(store) is None
    with store.database.reading() as session:
        assert ledger.head(session).seq == 4


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(categories=None, exclude_categories=()), max_size=20),
            st.floats(allow_nan=False, allow_infinity=False),
        ),
        max_size=6,
    )
)
def test_any_text_and_any_number_can_be_sealed(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, float]]
) -> None:
    with open_store(str(tmp_path_factory.mktemp("any") / "grader.db")) as store:
        write(store, *(mark(student, points, comment=student) for student, points in rows))
        assert broken(store) is None
        with store.database.reading() as session:
            kept = [(row.student, row.points) for row in session.query(MarkRow).order_by(MarkRow.seq)]
        assert kept == rows


@pytest.mark.parametrize("points", [-0.0, 3])
def test_numbers_that_databases_write_otherwise_are_sealed_as_stored(either: Store, points: float) -> None:
    write(either, mark("s4", points))
    assert broken(either) is None


def test_ids_that_look_like_sql_are_stored_literally(store: Store) -> None:
    name = "'; DROP TABLE marks; --"
    write(store, mark(name))
    with store.database.reading() as session:
        assert session.query(MarkRow).filter_by(student=name).one().student == name


def test_a_long_history_is_read_in_batches(store: Store) -> None:
    write(store, *(mark(f"s{number}") for number in range(600)))
    assert broken(store) is None
    behind_its_back(store, "UPDATE marks SET points = 4.0 WHERE seq = 600")
    assert broken(store).seq == 600


def test_columns_added_by_a_later_schema_break_no_seal() -> None:
    entry = {"seq": 1, "kind": "marks", "digest": "-"}
    assert ledger.seal(entry, {"seq": 1}) == ledger.seal(entry, {"seq": 1, "added_later": None})
    assert ledger.seal(entry, {"seq": 1}) != ledger.seal(entry, {"seq": 1, "added_later": 0})
