from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from grader.store import Store, open_store
from grader.store.audit import AuditReport, audit
from grader.store.enrolling import book_in
from grader.store.group_tables import GroupFileRow, GroupRow
from grader.store.ledger import Break
from grader.store.models import (
    AttemptRow,
    Base,
    BulkMarkRow,
    DropRow,
    Entry,
    ErasureRow,
    FlagRow,
    HandInRow,
    MarkRow,
    ReleaseRow,
    RemarkActionRow,
    RemarkRow,
    RubricRow,
    SubmissionRow,
    VerdictRow,
)
from grader.store.queue_tables import QueueOrderRow
from grader.store.setup_tables import DatesRow, ExcuseRow, ExtensionRow, ShareRow
from grader.store.types import Digests, LiteralText, StudentNames, StudentsSeen, UtcTime
from grader.store.upkeep_tables import LetGoRow
from tests.postgresql import migrated_database
from tests.tampering import HISTORY, behind_its_back, directly, mark, write

CHANGED = "the row or its seal was changed after it was written"


@pytest.fixture(scope="session")
def three_marks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("written") / "marks.db"
    with open_store(str(path)) as opened:
        write(opened, mark(), mark("s2"), mark("s3", 1.5))
    return path


@pytest.fixture
def store(three_marks: Path, tmp_path: Path) -> Iterator[Store]:
    with open_store(str(shutil.copy(three_marks, tmp_path / "grader.db"))) as opened:
        yield opened


@pytest.fixture
def either(database: str, tmp_path: Path) -> Iterator[Store]:
    """Three marks, as in `store`, on both kinds of database."""
    with open_store(database, evidence=tmp_path / "evidence") as opened:
        write(opened, mark(), mark("s2"), mark("s3", 1.5))
        yield opened


def test_an_untouched_history_is_sound(either: Store) -> None:
    report = audit(either)
    assert report == AuditReport(rows=3, head=report.head, broken=None)
    assert report.sound


@pytest.mark.parametrize("row", [2, 3])
@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE marks SET points = 2.0", CHANGED),
        ("UPDATE marks SET points = 9e999", CHANGED),
        ("UPDATE marks SET comment = CAST(x'ff' AS TEXT)", CHANGED),
        ("UPDATE ledger SET at = '2026-01-01T00:00:00.000000+00:00'", CHANGED),
        ("UPDATE ledger SET at = 'yesterday'", CHANGED),
        ("UPDATE ledger SET digest = 'x'", CHANGED),
        ("UPDATE ledger SET digest = CAST(x'ff' AS TEXT)", CHANGED),
        ("UPDATE ledger SET kind = 'verdicts'", "the row that was sealed is gone"),
        ("UPDATE ledger SET kind = 'x'", "the row that was sealed is gone"),
        ("DELETE FROM marks", "the row that was sealed is gone"),
    ],
)
def test_the_first_changed_row_is_named_also_where_it_is_the_newest(
    store: Store, statement: str, what: str, row: int
) -> None:
    behind_its_back(store, f"{statement} WHERE seq = {row}")
    found = audit(store).broken
    assert found is not None
    assert (found.seq, found.what) == (row, what)


def test_a_damaged_newest_seal_stops_nobody_from_adding_a_row(store: Store) -> None:
    behind_its_back(store, "UPDATE ledger SET at = 'yesterday' WHERE seq = 3")
    write(store, mark("s4"))
    assert audit(store).broken == Break(3, "marks", CHANGED)


@pytest.mark.parametrize("number", [0, -5, -(2**63) + 5])
def test_a_forged_mark_numbered_before_the_first_row_is_found(store: Store, number: int) -> None:
    behind_its_back(
        store,
        f"INSERT INTO ledger VALUES ({number}, 'marks', '2026-01-01T00:00:00+00:00', 'ta', 'x', '', '')",
        "INSERT INTO marks (seq, student, assignment, criterion, points, comment)"
        f" VALUES ({number}, 's1', 'lab2', 'why', 99.0, '')",
    )
    assert audit(store).broken == Break(number, "marks", "this row is numbered before the first")


def test_a_flipped_byte_in_an_index_is_found(store: Store) -> None:
    """Marks are looked up by index: there, no seal would notice that one is no longer found."""
    write(store, *(mark(f"student{number}") for number in range(50)))
    with store.database.reading() as session:
        token = book_in(session).token("student7")
    store.close()
    _flip_in_index(Path(store.location), f"lab2{token}".encode())
    report = audit(store)
    assert report.broken is None
    assert any("ix_marks_assignment_student_seq" in line for line in report.corrupt)
    assert not report.sound


def _flip_in_index(path: Path, key: bytes) -> None:
    """Only the index holds assignment and student side by side; the table has the student first."""
    raw = bytearray(path.read_bytes())
    [place] = [at for at in range(len(raw)) if raw.startswith(key, at)]
    raw[place + len(key) - 1] ^= 1
    path.write_bytes(raw)


def test_an_expected_seal_is_compared_where_the_rows_after_it_were_cut_off(store: Store) -> None:
    seal = audit(store).head
    assert audit(store, expected=(3, seal)).sound
    behind_its_back(store, "DELETE FROM marks WHERE seq = 3", "DELETE FROM ledger WHERE seq = 3")
    assert audit(store).sound
    assert audit(store, expected=(3, seal)).head_differs


REFUSE = "BEGIN SELECT RAISE(ABORT, 'marks is append-only'); END"


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (["DROP TRIGGER marks_no_update"], "its trigger marks_no_update is gone"),
        (["DROP TRIGGER marks_no_replace_0"], "its trigger marks_no_replace_0 is gone"),
        (
            [
                "DROP TRIGGER marks_no_update",
                "CREATE TRIGGER marks_no_update BEFORE UPDATE ON marks WHEN 0 BEGIN SELECT 'DELETE'; END",
            ],
            "its trigger marks_no_update is not the one that was made",
        ),
        (
            [
                "DROP TRIGGER marks_no_update",
                f"CREATE TRIGGER marks_no_update BEFORE UPDATE ON runs {REFUSE}",
            ],
            "its trigger marks_no_update is not the one that was made",
        ),
        (
            ["CREATE TRIGGER quiet BEFORE INSERT ON marks BEGIN SELECT RAISE(IGNORE); END"],
            "the table marks has a trigger that the grader did not make: quiet",
        ),
    ],
)
def test_a_changed_trigger_is_named(store: Store, statements: list[str], said: str) -> None:
    directly(store, *statements)
    [problem] = audit(store).unguarded
    assert said in problem


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DROP TRIGGER marks_no_change ON marks", "its trigger marks_no_change is gone"),
        ("DROP TRIGGER marks_no_truncate ON marks", "its trigger marks_no_truncate is gone"),
        ("ALTER TABLE marks DISABLE TRIGGER marks_no_change", "marks_no_change is not the one that was made"),
        (
            "ALTER TABLE marks ENABLE REPLICA TRIGGER marks_no_change",
            "marks_no_change is not the one that was made",
        ),
        (
            "CREATE OR REPLACE TRIGGER marks_no_change BEFORE DELETE OR UPDATE ON marks"
            " FOR EACH ROW WHEN (false) EXECUTE FUNCTION refuse_change()",
            "marks_no_change is not the one that was made",
        ),
        (
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RETURN NEW; END $$",
            "marks_no_change is not the one that was made",
        ),
        (
            "CREATE TRIGGER quiet BEFORE INSERT ON marks FOR EACH ROW EXECUTE FUNCTION refuse_change()",
            "a trigger that the grader did not make: quiet",
        ),
    ],
)
def test_a_changed_trigger_is_named_on_a_server(
    postgresql_server: Path, tmp_path: Path, statement: str, said: str
) -> None:
    with open_store(migrated_database(postgresql_server), evidence=tmp_path) as store:
        directly(store, statement)
        assert any(said in problem for problem in audit(store).unguarded)


def one_of_each() -> list[Entry]:
    """A row for every table of the history but the ledger, in the order of their numbers."""
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    where = {"student": "s1", "assignment": "lab2"}
    return [
        SubmissionRow(**where, notebook="0a", path="s1/lab2.ipynb", submitted_at=at, late=False, problem=""),
        AttemptRow(
            **where, job=1, notebook="0a", number=1, outcome="COMPLETED", detail="", evidence="0b", plan="0c",
            image="i", sandbox="fake", isolation="fork", seed=7, wall_time_s=1.5, cells_s=1.0,
        ),
        RubricRow(digest="0d", handout="0e", assignment="lab2", name="lab2", text="x", handout_text="y"),
        VerdictRow(
            attempt=2, rubric=3, reference="0f", version="1", points=1.5, out_of=2.0, pending=0.0, body="{}"
        ),
        MarkRow(
            **where, criterion="why", points=1.0, comment="", verdict=4, request=6, undoes=5,
            seen_verdict=4, seen_mark=5,
        ),
        RemarkRow(
            **where, criterion="why", kind="judgement", reason="x", sentence="y", late_because="",
            points_before=1.0, out_of=2.0, verdict=4,
        ),
        RemarkActionRow(request=6, action="decide", points=2.0, reason="x"),
        DropRow(**where, reason="x", dropped=True),
        BulkMarkRow(
            assignment="lab2", criterion="why", points=1.0, comment="", about=(("s1", 4, 5),), undoes=5
        ),
        FlagRow(**where, criterion="why", note="x", raised=True),
        ErasureRow(student="s9", reason="x"),
        ReleaseRow(assignment="lab2", upto=11, request=6, reason="x"),
        ShareRow(assignment="lab2", grader="ben", students=("s1", "s2"), how="x"),
        DatesRow(assignment="lab2", due=at, until=at, remarks_from=at, remarks_until=at, reason="x"),
        ExtensionRow(**where, until=at, reason="x"),
        ExcuseRow(**where, excused=True, reason="x"),
        HandInRow(
            **where, notebook="0a", sha256="0a", size=7, file="lab2.ipynb", way="link", link="1a", counts=True
        ),
        LetGoRow(assignment="lab2", what="uploads", digests=("0a" * 32, "0b" * 32), reason="x"),
        GroupRow(assignment="lab2", name="g1", members=("s1", "s2"), reason="x"),
        GroupFileRow(assignment="lab2", notebook="0a", name="g1", members=("s1", "s2")),
        QueueOrderRow(**where, action="rerun", reason="x"),
    ]  # fmt: skip


COLUMNS = [(table, column.name) for table in HISTORY for column in Base.metadata.tables[table].columns]


def test_there_is_a_row_of_each_kind_to_change() -> None:
    assert sorted([*(row.__tablename__ for row in one_of_each()), "ledger"]) == HISTORY


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("written") / "full.db"
    with open_store(str(path)) as opened:
        write(opened, *one_of_each())
        # Only its row: nobody is erased by it.
        assert audit(opened, evidence=False).broken is None
    return path


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_every_column_of_the_history_is_sealed(full: Path, tmp_path: Path, table: str, column: str) -> None:
    is_text = isinstance(
        Base.metadata.tables[table].columns[column].type,
        (LiteralText, StudentNames, StudentsSeen, Digests, UtcTime),
    )
    changed = f"{column} || 'x'" if is_text else f"{column} + 100"
    with open_store(str(shutil.copy(full, tmp_path / "grader.db"))) as store:
        behind_its_back(store, f"UPDATE {table} SET {column} = {changed}")
        assert audit(store, evidence=False).broken is not None
