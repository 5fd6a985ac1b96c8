"""A worker that has fallen asks whatever it likes: nothing that it says is believed, and nothing runs."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from grader.errors import EvidenceError
from grader.evidence.codec import Bundle, encode, pack
from grader.evidence.parcel import unpack_parcel
from grader.facts.case import Reference
from grader.sandbox.base import Job
from grader.store import Store, open_store
from grader.store.audit import audit
from grader.store.models import AttemptRow, LedgerRow
from grader.web.app import create_app
from grader.web.presence import Presence
from grader.web.sessions import Sessions
from grader.web.site import Place, Server, Site
from grader.workflows.leasing.remote import RemoteDesk
from grader.workflows.serving.orders import CourseFiles
from tests import course
from tests.judged_here import JudgedHere
from tests.queued import queue_up
from tests.web_client import ORIGIN, Answer, Client

RUBRIC = course.RUBRIC + "limits:\n  evidence_bytes: 20000\n"
_HEAD = struct.Struct(">4sII")


class Fallen:
    """A worker with a token of a server that has two courses, of which it may serve one."""

    def __init__(self, folder: Path, home: Store, other: Store) -> None:
        self.home, self.other = home, other
        for store, name in ((home, "cnn"), (other, "rnn")):
            rubric = course.write_rubric(folder / name / "rubrics", RUBRIC)
            queue_up(store, "s1", course.GOOD, f"of = {name!r}", rubric=rubric)
            queue_up(store, "s2", course.SHADOWING, f"of = {name!r}", rubric=rubric)
        sites = []
        for store in (home, other):
            place = Place((ORIGIN,))
            reference, presence = Reference(), Presence(store.clock)
            sites.append(Site(store, Sessions(home), place, reference, presence, store.course))
        server = Server(sites)
        server.remote = RemoteDesk(
            {home.course.name: home, other.course.name: other},
            Reference(),
            [folder / "cnn"],
            pool=JudgedHere(1),
            own={other.course.name: CourseFiles((folder / "rnn",))},
        )
        self.client = Client(create_app(server))
        self.token = home.workers.let_in("fallen", "ann", [home.course.name])
        self.honest = home.workers.let_in("honest", "ann")

    def ask(self, method: str, path: str, body: bytes | dict[str, Any] = b"", token: str = "") -> Answer:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        headers = {"authorization": f"Bearer {token or self.token}", "content-type": kind}
        return self.client.ask(method, f"/worker/v1/{path}", body=raw, headers=headers)

    def claim(self, token: str = "") -> tuple[dict[str, Any], bytes]:
        answer = self.ask("POST", "claim", {"image": "fake", "gpu": False, "inline": True}, token)
        assert answer.status == 200, answer.text
        [told] = json.loads(answer.text)["jobs"]
        lease = {name: told[name] for name in ("course", "job", "token")}
        return lease, base64.b64decode(told["work"])

    def finish(self, lease: dict[str, Any], raw: bytes, lies: dict[str, Any] | None = None) -> Answer:
        digest, content = hashlib.sha256(raw).hexdigest(), base64.b64encode(raw).decode()
        end = {**lease, "evidence": digest, "raw": content, **(lies or {})}
        answer = self.ask("POST", "finish", {"ends": [end]})
        if answer.status != 200:
            return answer
        [told] = json.loads(answer.text)["ended"]
        return dataclasses.replace(answer, status=told.pop("status"), text=json.dumps(told))

    def written(self) -> int:
        with self.home.database.reading() as session:
            return session.scalar(select(func.count()).select_from(LedgerRow)) or 0


@pytest.fixture
def fallen(tmp_path: Path) -> Iterator[Fallen]:
    with open_store(str(tmp_path / "cnn.db")) as home, open_store(str(tmp_path / "rnn.db")) as other:
        for store, name in ((home, "cnn"), (other, "rnn")):
            store.name_course(name)
        yield Fallen(tmp_path, home, other)


def honest(work: bytes) -> Bundle:
    parcel = unpack_parcel(work)
    return course.sandbox().open(parcel.plan).run(Job("a", parcel.notebook, parcel.plan))


def bombs(work: bytes) -> dict[str, bytes]:
    """Evidence that is small on the wire and would be large, deep or endless to whoever believed it."""
    body = honest(work).evidence.model_dump_json().encode()
    huge = json.dumps([{"dtype": "<f8", "shape": [2**40]}]).encode()
    cells = json.loads(body) | {"cells": [{"index": 10**18, "kind": "code", "source": ""}]}
    return {
        "empty": b"",
        "no evidence": b"\x80\x04cos\nsystem\n(S'id'\ntR.",
        "lengths beyond its end": _HEAD.pack(b"GRE1", 2**32 - 1, 2**32 - 1) + body,
        "an array of terabytes": _HEAD.pack(b"GRE1", len(huge), len(body)) + huge + body,
        "a million headers": pack(body)[:4]
        + struct.pack(">II", 60_000, len(body))
        + b"[" + b"{}," * 19_999 + b" " + b"]" + body,
        "deep": pack(b'{"schema_version": 2, "notebook": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"),
        "an old version that is none": pack(b'{"schema_version": 1}'),
        "a version to come": pack(b'{"schema_version": 999999999999999999999}'),
        "keys of its own": pack(json.dumps(json.loads(body) | {"points": 100}).encode()),
        "no text": pack(b'{"schema_version": 2, "notebook": "\xff\xfe"}'),
        "numbers that are none": pack(body.replace(b'"wall_time_s":1.0', b'"wall_time_s":1e999')),
        "times that are none": pack(body.replace(b'"cells_s":0.5', b'"cells_s":-1.0')),
        "a seed that no row holds": pack(body.replace(b'"seed":0', b'"seed":' + b"9" * 40)),
        "cells of another notebook": pack(json.dumps(cells | {"notebook": "0" * 64}).encode()),
    }  # fmt: skip


def test_evidence_that_is_a_bomb_is_refused_and_the_job_still_is_the_workers(fallen: Fallen) -> None:
    lease, work = fallen.claim()
    before = fallen.written()
    answers = {name: fallen.finish(lease, raw).status for name, raw in bombs(work).items()}
    assert {name: status for name, status in answers.items() if status != 422} == {}
    assert fallen.written() == before
    # Text that no database takes as it is, in what is otherwise honest.
    odd = honest(work).evidence.model_copy(update={"outcome_detail": "nul \0"})
    assert fallen.finish(lease, pack(odd.model_dump_json().encode())).status in (200, 422)
    fallen.finish(lease, encode(honest(work)))
    assert fallen.written() > before and audit(fallen.home).sound


def test_what_a_worker_says_beside_evidence_is_held_to_its_digest_and_size(fallen: Fallen) -> None:
    lease, work = fallen.claim()
    raw = encode(honest(work))
    lies: list[dict[str, Any]] = [
        {"evidence": "0" * 64},
        {"evidence": "../../../etc/passwd"},
        {"evidence": hashlib.sha256(raw).hexdigest().upper()},
        {"raw": "no base64!"},
        {"raw": base64.b64encode(b"x" * 200_000).decode()},
        {"raw": None, "evidence": "f" * 64},
        {"job": -1},
        {"job": 2**63},
        {"token": True},
        {"course": "../rnn"},
        {"points": 100},
    ]
    before = fallen.written()
    statuses = [fallen.finish(lease, raw, each).status for each in lies]
    assert statuses == [422, 400, 400, 400, 413, 404, 400, 400, 400, 409, 400]
    for path in ("blob/..%2f..%2fgrader.db", "blob/" + "0" * 63, "blob/" + "z" * 64):
        query = "&".join(f"{name}={value}" for name, value in lease.items())
        assert fallen.ask("PUT", f"{path}?{query}", raw).status in (400, 404)
    assert fallen.ask("PUT", "blob/" + "0" * 64, raw).status == 400, "no lease"
    assert fallen.written() == before


def test_requests_that_are_bombs_themselves_are_refused(fallen: Fallen) -> None:
    about = {"host": "h", "version": "0", "seats": 1, "gpus": 0}
    lease = {"course": "cnn", "job": 1, "token": 1}
    for path, body in (
        ("claim", b"[" * 100_000),
        ("claim", b'{"image": "' + b"x" * 300_000 + b'"}'),
        ("claim", b"\x00\xff"),
        ("claim", json.dumps({"image": "fake", "gpu": False, "most": 1_000_000}).encode()),
        ("claim", json.dumps({"image": "fake", "gpu": False, "most": 0}).encode()),
        ("finish", json.dumps({"ends": []}).encode()),
        ("finish", json.dumps({"ends": [{**lease, "evidence": "0" * 64}] * 1000}).encode()),
        ("beat", json.dumps({"about": about, "leases": [lease] * 1001}).encode()),
        ("beat", json.dumps({"about": about | {"host": "h" * 201}, "leases": []}).encode()),
        ("beat", json.dumps({"about": about | {"seats": 10**9}, "leases": []}).encode()),
        ("fail", json.dumps({**lease, "reason": "x" * 2001}).encode()),
    ):
        answer = fallen.client.ask(
            "POST", f"/worker/v1/{path}", body=body,
            headers={"authorization": f"Bearer {fallen.token}", "content-type": "application/json"},
        )  # fmt: skip
        assert answer.status in (400, 413), (path, body[:40])


def test_anothers_job_and_anothers_course_are_out_of_reach(fallen: Fallen) -> None:
    mine, work = fallen.claim()
    theirs, other_work = fallen.claim(fallen.honest)
    while theirs["course"] != "rnn":
        theirs, other_work = fallen.claim(fallen.honest)
    raw = encode(honest(other_work))
    query = "&".join(f"{name}={value}" for name, value in theirs.items())
    assert fallen.ask("GET", f"work?{query}").status == 409
    assert fallen.finish(theirs, raw).status == 409
    assert fallen.ask("POST", "fail", {**theirs, "reason": "boom"}).status == 409
    # Its token is for one course: nothing of the other is ever given to it.
    courses = {mine["course"]}
    while (answer := fallen.ask("POST", "claim", {"image": "fake", "gpu": False})).status == 200:
        courses.add(json.loads(answer.text)["jobs"][0]["course"])
    assert courses == {"cnn"}
    # Evidence of one of its jobs ends no other of them, and what ended a job ends nothing twice.
    assert fallen.finish(mine, raw).status == 422
    true = encode(honest(work))
    assert json.loads(fallen.finish(mine, true).text) == {"recorded": "now"}
    changed = honest(work).evidence.model_copy(update={"outcome_detail": "another story"})
    assert json.loads(fallen.finish(mine, encode(Bundle(changed))).text) == {"recorded": "before"}
    with fallen.home.database.reading() as session:
        details = session.scalars(select(AttemptRow.detail)).all()
    assert details == [""]


def test_a_workers_token_opens_no_page_and_no_api(fallen: Fallen) -> None:
    headers = {"authorization": f"Bearer {fallen.token}"}
    for path in ("/c/cnn", "/c/cnn/queue", "/c/cnn/people", "/api/v1/courses/cnn", "/account"):
        assert fallen.client.ask("GET", path, headers=headers).status in (401, 403, 404), path


@pytest.mark.parametrize(
    "path", ["../x.py", "/etc/x", "a/../../x", "a//x", "", ".", "a\x00b", "a\\..\\b", "a/"]
)
def test_a_worker_takes_no_work_whose_files_lie_elsewhere(fallen: Fallen, path: str) -> None:
    """The other way round: what a server that has fallen sends."""
    _, work = fallen.claim()
    line, _, rest = work.partition(b"\n")
    head = json.loads(line) | {"files": [[path, 1]]}
    with pytest.raises(EvidenceError, match="no place below the notebook"):
        unpack_parcel(json.dumps(head).encode() + b"\n" + rest + b"x")
    twice = json.loads(line) | {"files": [["x.py", 1], ["x.py", 1]]}
    with pytest.raises(EvidenceError, match="no place below the notebook"):
        unpack_parcel(json.dumps(twice).encode() + b"\n" + rest + b"xx")
