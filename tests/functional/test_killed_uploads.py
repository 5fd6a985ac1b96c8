"""A server is killed while a class hands in: what has a receipt is there, and nothing is there by half."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from http.client import HTTPException
from pathlib import Path

from grader.store import open_store
from grader.store.audit import audit
from grader.workflows.handing_in.links import sign
from tests import course
from tests.functional.uploads_server import Served


@dataclass
class Crowd:
    """Students who hand in while their server is killed; each tries until there is a receipt."""

    served: Served
    links: dict[str, str]
    receipts: dict[str, list[int]] = field(default_factory=dict)
    ended: threading.Event = field(default_factory=threading.Event)

    def has_more_than(self, number: int) -> bool:
        return len(self.receipts) > number

    def hand_in(self, students: list[str]) -> None:
        for student in students:
            raw = course.notebook(f"me = {student!r}")
            while student not in self.receipts and not self.ended.is_set():
                with suppress(OSError, HTTPException):
                    status, where, _ = self.served.hand_in(self.links[student], raw)
                    if status == 303:
                        self.receipts[student] = [int(re.sub(r".*/", "", where))]
                time.sleep(0.02)


def test_what_has_a_receipt_is_there_however_the_server_was_killed(tmp_path: Path) -> None:
    """Either a file has its row, its job, its bytes and maybe a receipt, or nothing is there of it."""
    course.write_rubric(tmp_path / "rubrics")
    with open_store(str(tmp_path / "grader.db")) as store:
        ends = store.clock() + timedelta(days=1)
        links = {f"s{each:02d}": sign(store, f"s{each:02d}", "mini", ends) for each in range(24)}
    server = Served(tmp_path)
    server.start()
    crowd = Crowd(server, links)
    names = sorted(links)
    threads = [threading.Thread(target=crowd.hand_in, args=(names[each::4],)) for each in range(4)]
    for thread in threads:
        thread.start()
    try:
        for kill in range(2):
            _until(partial(crowd.has_more_than, 6 * kill + 2))
            server.end(at_once=True)
            server.start()
        for thread in threads:
            thread.join(120)
    finally:
        crowd.ended.set()
        server.end(at_once=True)
    assert sorted(crowd.receipts) == names
    with server.store() as store:
        assert audit(store).sound
        with store.reading() as history:
            rows = {each.seq: each for each in history.received_on("mini")}
            jobs = history.jobs()
            for student, [receipt] in crowd.receipts.items():
                assert rows[receipt].record.student == student
            for each in rows.values():
                counting = history.submission(each.record.student, "mini")
                assert counting is not None and counting.notebook == each.record.notebook
                assert store.blobs.get(each.record.notebook)
        # Who had no answer sent the file again: two rows, one job.
        assert [(each.state, each.number) for each in jobs] == [("queued", len(names))]


def _until(happened: Callable[[], bool]) -> None:
    for _ in range(30_000):
        if happened():
            return
        time.sleep(0.005)
    raise AssertionError("nobody gets a receipt")
