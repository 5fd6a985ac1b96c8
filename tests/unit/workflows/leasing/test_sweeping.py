"""What came of a lease that somebody else's claim took over goes; what may still be ended by stays."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from grader.store import open_store
from grader.workflows.leasing import remote
from grader.workflows.leasing.remote import End, LeaseLost
from grader.workflows.leasing.spool import Spool
from tests.unit.workflows.leasing.test_any_order import Exchange


def test_evidence_goes_with_its_lease_and_not_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(remote, "_TIDY_S", 0.0)

    def kept() -> int:
        return len(list(tmp_path.glob("grader-worker-*/*")))

    with open_store(str(tmp_path / "grader.db")) as store:
        exchange = Exchange(tmp_path, store)
        one, two = exchange.workers
        for _ in range(3):
            exchange.say("claim", 0, 0)
        for lease, raw in one.evidence.items():
            exchange.desk.send(one.record, lease, sha256(raw).hexdigest(), raw)
        exchange.say("lapse", 0, 0)
        # A worker of another course finds nothing, and then what is over is looked for.
        elsewhere = replace(two.record, courses="elsewhere")
        assert not exchange.desk.claim(elsewhere, image="fake", gpu=False)
        assert kept() == 3, "a lease that lapsed can still be ended by until somebody claims the job"

        late = one.leases[2]
        assert not exchange.desk.finish(one.record, End(late, sha256(one.evidence[late]).hexdigest())).again
        assert kept() == 2
        for _ in range(3):
            exchange.say("claim", 1, 0)
        assert len(two.leases) == 2 and kept() == 0
        for lease in one.leases[:2]:
            with pytest.raises(LeaseLost):
                exchange.desk.finish(one.record, End(lease, sha256(one.evidence[lease]).hexdigest()))


def test_only_what_is_over_is_swept() -> None:
    spool, raw = Spool(), b"evidence"
    digest = sha256(raw).hexdigest()
    for lease in ("lost", "held"):
        spool.keep(lease, digest, raw)
    assert spool.sweep(lambda lease: lease == "held") == 1
    assert spool.read("held", digest) == raw and spool.read("lost", digest) is None
    assert spool.sweep(lambda lease: lease == "held") == 0
