"""What it costs to hand in, beside writing and syncing the same bytes.

Usage: uploads.py [COUNT [AT_ONCE [KILOBYTES [PACED]]]]

Starts the server in a process of its own and hands in COUNT notebooks over loopback, by a link for each
student. Of a hundred files ten are somebody's second one, sent moments after the first, and ten are the
second or third of five students, sent seconds or minutes later. After one of them, by which all is awake,
PACED come by chance at the pace of ten thousand in ten minutes (`PACE`), as a class does in its last minutes.
Each is timed from the moment at which it was due, whether anybody was free to send it or not. The others come
AT_ONCE at a time, each as soon as the one before is answered. After each, whoever sent it writes the same
bytes into a file beside the database and syncs it.

Held to the target is the ratio of both 95th percentiles at that pace (`MOST`), and that the rest went no
slower. In the end every receipt has to hold, every student to have one file, one row and one job, and the
history to be unbroken.
"""

from __future__ import annotations

import base64
import hashlib
import json
import multiprocessing
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPConnection
from itertools import accumulate
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlsplit

from grader.facts.case import Reference
from grader.store import Queue, open_store
from grader.store.audit import audit
from grader.store.queue import Reach
from grader.web.serve import Opened, listen
from grader.workflows.handing_in.links import opened, sign
from grader.workflows.handing_in.reading import shared_readers
from grader.workflows.handing_in.receipts import receipt_of, verify
from tests import course
from tests.web_client import BOUNDARY, form_of

MOST = 5.0
#: Files a second.
PACE = 10_000 / 600
#: So many can wait for an answer at a time while files come at that pace.
_SENDERS = 48
#: Receipts that are checked as `grader receipt verify` does: each reads the whole chain.
VERIFIED = 5


def notebook(number: int, size: int) -> bytes:
    """A notebook whose plots make most of it, as they do, and that no other student has."""
    picture = base64.b64encode(random.Random(number).randbytes(size * 3 // 4)).decode()
    shown = {"output_type": "display_data", "metadata": {}, "data": {"image/png": picture}}
    code = {"cell_type": "code", "source": f"x = {number}", "metadata": {}, "outputs": [shown]}
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [code]}).encode()


def student_of(number: int) -> int:
    """Who sends a file: most are a student's only one."""
    if number % 10 == 8:
        return number - 3
    return number // 100 * 100 + number // 20 % 5 if number % 10 == 9 else number


def serve(folder: str, told: Connection) -> None:
    """The server's process: says where it is, then answers until it is ended."""
    with open_store(f"{folder}/grader.db") as store, listen("127.0.0.1", 0) as listening:
        shared_readers().begin().join()
        desk = Opened(store, Reference(), listening, places=[Path(folder)])
        told.send(desk.place.origins[0])
        desk.run()


class Measured:
    """Seconds of each upload and of each bare write, and the receipts' numbers by file."""

    def __init__(self) -> None:
        self.uploads: list[float] = []
        self.writes: list[float] = []
        self.receipts: dict[int, int] = {}
        self.wrong: list[str] = []
        self.took = 0.0

    @property
    def ratio(self) -> float:
        return p95(self.uploads) / p95(self.writes)


@dataclass(frozen=True)
class Class:
    """Who hands in.

    Attributes:
        links: One a student, of whom files are named by their numbers.
        size: Bytes of each notebook, about.
        folder: Where the bare writes go.
    """

    origin: str
    links: dict[int, str]
    size: int
    folder: Path

    def hand_in(self, files: range, at_once: int, *, paced: bool) -> Measured:
        """Lets these be handed in; paced, or each as soon as somebody is free."""
        found, began = Measured(), time.perf_counter()
        gaps = random.Random(1)
        due = list(accumulate(gaps.expovariate(PACE) if paced else 0.0 for _ in files))
        turns = iter(list(zip(files, due, strict=True)))
        threads = [
            threading.Thread(target=self._send, args=(turns, began, found, paced)) for _ in range(at_once)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found.took = time.perf_counter() - began - sum(found.writes) / at_once
        return found

    def _send(self, turns: Iterator[tuple[int, float]], start: float, found: Measured, paced: bool) -> None:
        """One of those who hand in: the next file, until there are no more."""
        connection = HTTPConnection(urlsplit(self.origin).netloc)
        headers = {"origin": self.origin, "content-type": f"multipart/form-data; boundary={BOUNDARY}"}
        for number, due in turns:
            raw, signed = notebook(number, self.size), self.links[student_of(number)]
            token = hashlib.sha256(signed.encode()).hexdigest()
            body = form_of(("form_token", None, token.encode()), ("file", "lab.ipynb", raw))
            time.sleep(max(0.0, start + due - time.perf_counter()))
            began = start + due if paced else time.perf_counter()
            self._ask(connection, number, body, headers, began, found)
            found.writes.append(written(self.folder / f"bare-{number}", raw))

    def _ask(
        self,
        connection: HTTPConnection,
        number: int,
        body: bytes,
        headers: dict[str, str],
        began: float,
        found: Measured,
    ) -> None:
        connection.request("POST", f"/u/{self.links[student_of(number)]}/file", body, headers)
        answer = connection.getresponse()
        text = answer.read()
        took = time.perf_counter() - began
        if answer.status != 303:
            found.wrong.append(f"{number}: {answer.status} {text[-300:]!r}")
            return
        found.receipts[number] = int(answer.headers.get("location", "").rpartition("/")[2])
        found.uploads.append(took)


def written(path: Path, raw: bytes) -> float:
    """Seconds to write bytes and to have them on the disk."""
    began = time.perf_counter()
    with path.open("wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    took = time.perf_counter() - began
    path.unlink()
    return took


def p95(times: list[float]) -> float:
    return quantiles(times, n=20)[-1]


def main(number: int = 2000, at_once: int = 8, kilobytes: int = 100, paced: int = 500) -> int:
    with tempfile.TemporaryDirectory(prefix="grader-bench-", dir=os.environ.get("GRADER_BENCH_DIR")) as name:
        folder = Path(name)
        course.write_rubric(folder / "rubrics")
        with open_store(f"{name}/grader.db") as store:
            ends = store.clock() + timedelta(days=1)
            students = sorted(set(map(student_of, range(number))))
            links = {each: sign(store, _name(each), "mini", ends) for each in students}
            assert opened(store, links[0]) is not None
        ours, theirs = multiprocessing.Pipe()
        server = multiprocessing.get_context("spawn").Process(target=serve, args=(name, theirs), daemon=True)
        server.start()
        try:
            class_ = Class(ours.recv(), links, kilobytes * 1024, folder)
            first = class_.hand_in(range(1), 1, paced=False)
            calm = class_.hand_in(range(1, min(1 + paced, number)), _SENDERS, paced=True)
            rush = class_.hand_in(range(min(1 + paced, number), number), at_once, paced=False)
        finally:
            server.terminate()
            server.join()
        return told(folder, number, first, calm, rush, at_once)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"


def told(folder: Path, number: int, first: Measured, calm: Measured, rush: Measured, at_once: int) -> int:
    """Prints what came of it; 1 where a target was missed."""
    problems = [*first.wrong, *calm.wrong[:5], *rush.wrong[:5]]
    problems += lost_or_double(folder, first.receipts | calm.receipts | rush.receipts, number)
    said = {f"at {PACE:.1f} a second": calm, f"{at_once} at a time": rush}
    for how, each in ((how, each) for how, each in said.items() if len(each.uploads) > 1):
        say(f"{len(each.uploads)} files, {how}: {len(each.uploads) / each.took:.1f} a second")
        say(f"  p95 {_ms(p95(each.uploads))}, median {_ms(median(each.uploads))}")
        say(f"  bare write and sync: p95 {_ms(p95(each.writes))}, median {_ms(median(each.writes))}")
        say(f"  ratio of the p95: {each.ratio:.1f}")
    slow = [f"the ratio is {calm.ratio:.1f}, at most {MOST:.1f}"] if calm.ratio > MOST else []
    if rush.uploads and len(rush.uploads) / rush.took < PACE:
        slow.append(f"the rush went slower than {PACE:.1f} a second")
    for problem in (*problems, *slow):
        say(f"WRONG: {problem}")
    return int(bool(problems or slow))


def _name(student: int) -> str:
    return f"s{student:05d}"


def lost_or_double(folder: Path, receipts: dict[int, int], number: int) -> list[str]:
    """What is not as it has to be in the history, one line each."""
    problems = []
    with open_store(f"{folder}/grader.db") as store:
        report = audit(store)
        if not report.sound:
            problems.append("the audit is not green")
        with store.reading() as history:
            received = history.received_on("mini")
            students = history.students("mini")
            jobs = {each.state: each.number for each in history.jobs()}
            counting = {each: history.submission(each, "mini") for each in students}
        senders = set(map(student_of, range(number)))
        if len(received) != number or {each.record.student for each in received} != set(map(_name, senders)):
            problems.append(f"{len(received)} receipts of {number}")
        if len(students) != len(senders) or jobs.get("queued") != len(senders):
            problems.append(f"{len(students)} students, jobs {jobs}")
        by_row = {each.seq: each for each in received}
        for file, row in receipts.items():
            if by_row[row].record.student != _name(student_of(file)):
                problems.append(f"receipt {row} is another student's")
        in_order = sorted(received, key=lambda each: each.seq)
        newest = {each.record.student: each.record.notebook for each in in_order}
        if newest != {student: file.notebook for student, file in counting.items() if file}:
            problems.append("of some students another file counts than the last one")
        # A dictionary keeps the place of the first: so does the queue.
        with Queue(store, serves=True) as queue:
            taken = queue.claim_up_to(number, Reach())
        if [(each.key.student, each.key.notebook) for each in taken] != list(newest.items()):
            problems.append("the newest files are not taken once each, in the order of their students' first")
        for each in received[:: max(1, len(received) // VERIFIED)]:
            checks = verify(store, receipt_of(store, each))
            problems += [f"receipt {each.seq}: {wrong.what}" for wrong in checks if not wrong.right]
    return problems


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
