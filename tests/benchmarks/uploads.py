"""What it costs to hand in, beside writing and syncing the same bytes.

Usage: uploads.py [COUNT [AT_ONCE [KILOBYTES]]]

Starts the server in a process of its own and hands in COUNT notebooks over loopback, each of another student
by a link of their own, AT_ONCE at a time. Between one and the next each of those writes the same bytes into a
file beside the database and syncs it. Held to the target is the ratio of both 95th percentiles (`MOST`), and
that the class was taken at the pace of ten thousand in ten minutes (`PACE`). In the end every receipt has to
hold, every student to have one file, one row and one job, and the history to be unbroken.
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
from datetime import timedelta
from http.client import HTTPConnection
from itertools import count as counting
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlsplit

from grader.facts.case import Reference
from grader.store import open_store
from grader.store.audit import audit
from grader.web.serve import Opened, listen
from grader.workflows.handing_in.links import opened, sign
from grader.workflows.handing_in.receipts import receipt_of, verify
from tests import course
from tests.web_client import BOUNDARY, form_of

MOST = 5.0
#: Files a second.
PACE = 10_000 / 600
#: Receipts that are checked as `grader receipt verify` does: each reads the whole chain.
VERIFIED = 5


def notebook(number: int, size: int) -> bytes:
    """A notebook whose plots make most of it, as they do, and that no other student has."""
    picture = base64.b64encode(random.Random(number).randbytes(size * 3 // 4)).decode()
    shown = {"output_type": "display_data", "metadata": {}, "data": {"image/png": picture}}
    code = {"cell_type": "code", "source": f"x = {number}", "metadata": {}, "outputs": [shown]}
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [code]}).encode()


def serve(folder: str, told: Connection) -> None:
    """The server's process: says where it is, then answers until it is ended."""
    with open_store(f"{folder}/grader.db") as store, listen("127.0.0.1", 0) as listening:
        desk = Opened(store, Reference(), listening, places=[Path(folder)])
        told.send(desk.place.origins[0])
        desk.run()


class Measured:
    """Seconds of each upload and of each bare write, and the receipts' numbers by student."""

    def __init__(self) -> None:
        self.uploads: list[float] = []
        self.writes: list[float] = []
        self.receipts: dict[int, int] = {}
        self.wrong: list[str] = []


def hand_in(
    origin: str, links: list[str], numbers: counting[int], size: int, folder: Path, found: Measured
) -> None:
    """One of those who hand in at once: the next student, until there are no more."""
    connection = HTTPConnection(urlsplit(origin).netloc)
    headers = {"origin": origin, "content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    while (number := next(numbers)) < len(links):
        raw, signed = notebook(number, size), links[number]
        token = hashlib.sha256(signed.encode()).hexdigest()
        body = form_of(("form_token", None, token.encode()), ("file", "lab.ipynb", raw))
        began = time.perf_counter()
        connection.request("POST", f"/u/{signed}/file", body, headers)
        answer = connection.getresponse()
        text = answer.read()
        took = time.perf_counter() - began
        place = answer.headers.get("location", "")
        if answer.status != 303:
            found.wrong.append(f"{number}: {answer.status} {text[-300:]!r}")
            continue
        found.receipts[number] = int(place.rpartition("/")[2])
        found.uploads.append(took)
        found.writes.append(written(folder / f"bare-{number}", raw))


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


def main(number: int = 2000, at_once: int = 8, kilobytes: int = 100) -> int:
    with tempfile.TemporaryDirectory(prefix="grader-bench-", dir=os.environ.get("GRADER_BENCH_DIR")) as name:
        folder = Path(name)
        course.write_rubric(folder / "rubrics")
        with open_store(f"{name}/grader.db") as store:
            ends = store.clock() + timedelta(days=1)
            links = [sign(store, f"s{each:05d}", "mini", ends) for each in range(number)]
            assert opened(store, links[0]) is not None
        ours, theirs = multiprocessing.Pipe()
        server = multiprocessing.get_context("spawn").Process(target=serve, args=(name, theirs), daemon=True)
        server.start()
        found = Measured()
        try:
            origin = ours.recv()
            numbers = counting()
            began = time.perf_counter()
            threads = [
                threading.Thread(
                    target=hand_in, args=(origin, links, numbers, kilobytes * 1024, folder, found)
                )
                for _ in range(at_once)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            took = time.perf_counter() - began - sum(found.writes) / at_once
        finally:
            server.terminate()
            server.join()
        return told(folder, found, number, at_once, took)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"


def told(folder: Path, found: Measured, number: int, at_once: int, took: float) -> int:
    """Prints what came of it; 1 where a target was missed."""
    problems = [*found.wrong[:5], *lost_or_double(folder, found, number)]
    ratio, pace = p95(found.uploads) / p95(found.writes), len(found.uploads) / took
    say(f"{number} files, {at_once} at a time: {pace:.1f} a second (at least {PACE:.1f})")
    say(f"p95 {_ms(p95(found.uploads))}, median {_ms(median(found.uploads))}")
    say(f"bare write and sync: p95 {_ms(p95(found.writes))}, median {_ms(median(found.writes))}")
    say(f"ratio of the p95: {ratio:.1f} (at most {MOST:.1f})")
    for problem in problems:
        say(f"WRONG: {problem}")
    return int(bool(problems) or ratio > MOST or pace < PACE)


def lost_or_double(folder: Path, found: Measured, number: int) -> list[str]:
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
        if len(received) != number or len({each.record.student for each in received}) != number:
            problems.append(f"{len(received)} receipts of {number}")
        if len(students) != number or jobs != {"queued": number}:
            problems.append(f"{len(students)} students, jobs {jobs}")
        by_row = {each.seq: each for each in received}
        for who, row in found.receipts.items():
            if by_row[row].record.student != f"s{who:05d}":
                problems.append(f"receipt {row} is another student's")
        for each in received[:: max(1, len(received) // VERIFIED)]:
            checks = verify(store, receipt_of(store, each))
            problems += [f"receipt {each.seq}: {wrong.what}" for wrong in checks if not wrong.right]
    return problems


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
