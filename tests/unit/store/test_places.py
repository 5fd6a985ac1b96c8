"""Where evidence lies is what the database says, whoever opens it from wherever."""

from __future__ import annotations

import shutil
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from grader.errors import StoreError
from grader.store import Signature, Store, open_store
from grader.store.blobs import MARK, BlobFolder
from grader.store.models import SettingRow
from grader.store.records import SubmissionRecord
from tests import postgresql

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def hand_in(store: Store, content: bytes = b"notebook") -> str:
    digest = store.blobs.put(content)
    file = SubmissionRecord(
        student="s1", assignment="lab2", notebook=digest, path="lab.ipynb", submitted_at=None, late=False,
        problem="",
    )  # fmt: skip
    with store.writing() as history:
        history.hand_in(file, Signature("ta", NOW, "test"))
    return digest


@pytest.fixture
def server_database(postgresql_server: Path) -> str:
    return postgresql.migrated_database(postgresql_server)


def test_what_the_first_run_names_all_others_find_from_any_folder(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    monkeypatch.chdir(first)
    with open_store(database, evidence="kept") as store:
        digest = hand_in(store)
    monkeypatch.chdir(second)
    for evidence in (None, "kept", tmp_path / "elsewhere"):
        with open_store(database, evidence=evidence) as store:
            assert store.blobs.place == str(first / "kept")
            assert store.blobs.get(digest) == b"notebook"
            assert store.keeps_evidence_in(str(first / "kept"))
            assert not store.keeps_evidence_in("kept")
    assert list(second.iterdir()) == []
    assert not (tmp_path / "elsewhere").exists()


def test_a_servers_database_without_a_place_can_be_read_and_says_what_is_missing(
    server_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with open_store(server_database) as store:
        with store.reading() as history:
            assert history.assignments() == []
        for ask in (
            store.blobs.check,
            lambda: store.blobs.put(b"x"),
            lambda: store.blobs.get("0" * 64),
            lambda: store.blobs.size("0" * 64),
            lambda: "0" * 64 in store.blobs,
        ):
            with pytest.raises(StoreError, match="nobody has said") as raised:
                ask()
            assert "--evidence" in raised.value.todo
    assert list(tmp_path.iterdir()) == []


def test_reading_keeps_no_place(server_database: str, tmp_path: Path) -> None:
    with open_store(server_database, evidence=tmp_path / "kept", create=False) as store:
        assert store.blobs.place == str(tmp_path / "kept")
        with store.database.reading() as session:
            assert session.query(SettingRow).count() == 0
    assert list(tmp_path.iterdir()) == []


def test_of_two_first_runs_the_second_takes_what_the_first_named(database: str, tmp_path: Path) -> None:
    open_store(database).close()
    found: list[str] = []
    begin = threading.Barrier(2, timeout=60)

    def start(name: str) -> None:
        begin.wait()
        with open_store(database, evidence=tmp_path / name) as store:
            found.append(store.blobs.place)

    threads = [threading.Thread(target=start, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert len(set(found)) == 1


def test_two_first_runs_at_once_agree_on_the_mark_of_the_place(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(database).close()
    both, read_mark = threading.Barrier(2), BlobFolder.read_mark

    def read(folder: BlobFolder) -> str | None:
        """Both have looked before either writes, where nothing keeps one of them waiting."""
        mark = read_mark(folder)
        with suppress(threading.BrokenBarrierError):
            both.wait(0.5)
        return mark

    monkeypatch.setattr(BlobFolder, "read_mark", read)

    def begin() -> None:
        with open_store(database, evidence=tmp_path / "kept") as store:
            store.blobs.put(b"notebook")

    threads = [threading.Thread(target=begin) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    monkeypatch.undo()
    with open_store(database) as store:
        store.blobs.check()


def test_a_file_and_the_folder_beside_it_move_together(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    with open_store(str(before / "grader.db"), evidence=before / "grader.db.evidence") as store:
        digest = hand_in(store)
    before.rename(after)
    with open_store(str(after / "grader.db")) as store:
        assert store.blobs.get(digest) == b"notebook"


def test_a_folder_that_is_not_there_says_so_and_nothing_is_written_beside_it(
    database: str, tmp_path: Path
) -> None:
    kept = tmp_path / "disk" / "kept"
    with open_store(database, evidence=kept) as store:
        digest = hand_in(store)
    kept.parent.rename(tmp_path / "unplugged")
    with open_store(database) as store:
        for ask in (store.blobs.check, lambda: store.blobs.get(digest), lambda: store.blobs.put(b"new")):
            with pytest.raises(StoreError, match="cannot be reached from here") as raised:
                ask()
            assert raised.value.where == str(kept)
            assert "grader db evidence" in raised.value.todo
        assert not kept.parent.exists()
        kept.mkdir(parents=True)
        with pytest.raises(StoreError, match="cannot be reached from here"):
            store.blobs.put(b"new")
        assert list(kept.iterdir()) == []
        (kept / MARK).write_text("another machine's")
        with pytest.raises(StoreError, match="not this database's"):
            store.blobs.put(b"new")
        store.move_evidence(str(tmp_path / "unplugged" / "kept"))
        assert store.blobs.get(digest) == b"notebook"
    with open_store(database) as store:
        store.blobs.check()
        assert store.blobs.place == str(tmp_path / "unplugged" / "kept")


def test_one_lost_blob_is_not_taken_for_a_lost_folder(database: str, tmp_path: Path) -> None:
    with open_store(database, evidence=tmp_path / "kept") as store:
        store.blobs.path_of(hand_in(store)).unlink()
    with open_store(database) as store, pytest.raises(StoreError, match="evidence is gone"):
        store.blobs.get(hand_in(store, b"other")[::-1])


def test_a_place_without_the_evidence_of_the_history_is_refused_unless_it_is_meant(
    database: str, tmp_path: Path
) -> None:
    with open_store(database, evidence=tmp_path / "kept") as store:
        digest = hand_in(store)
        with pytest.raises(StoreError, match="does not lie there") as raised:
            store.move_evidence(str(tmp_path / "wrong"))
        assert digest[:12] in raised.value.expected
        assert store.blobs.get(digest) == b"notebook"
        shutil.copytree(tmp_path / "kept", tmp_path / "copy")
        store.move_evidence(str(tmp_path / "copy"))
        store.move_evidence(str(tmp_path / "wrong"), anyway=True)
    with open_store(database) as store:
        assert store.blobs.place == str(tmp_path / "wrong")


def test_an_old_database_takes_the_place_that_has_its_evidence_and_no_other(
    server_database: str, tmp_path: Path
) -> None:
    with open_store(server_database, evidence=tmp_path / "kept") as store:
        digest = hand_in(store)
        with store.database.writing() as session:
            session.query(SettingRow).delete()
    with pytest.raises(StoreError, match="does not lie there"):
        open_store(server_database, evidence=tmp_path / "wrong")
    with open_store(server_database, evidence=tmp_path / "kept") as store:
        assert store.blobs.get(digest) == b"notebook"
    with open_store(server_database) as store:
        assert store.blobs.get(digest) == b"notebook"
