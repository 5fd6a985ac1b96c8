"""What every place for evidence does, and an object store by itself: against a real S3 server on loopback."""

from __future__ import annotations

import hashlib
import logging
import os
import urllib.request
import uuid
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import obstore
import pytest
from moto.server import ThreadedMotoServer
from obstore.store import from_url

from grader.errors import EvidenceUnavailable, StoreError, UsageError
from grader.store import open_store
from grader.store.blobs import BlobFolder, BlobStore
from grader.store.objects import BlobBucket
from grader.store.packing import key_of

CONTENT = b"for epoch in range(30):\n" * 500


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Address of an S3 server that forgets everything."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def s3(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of an empty bucket, whose server and keys the environment names."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    values = {
        "ENDPOINT_URL": server,
        "ACCESS_KEY_ID": "key",
        "SECRET_ACCESS_KEY": "secret",
        "REGION": "us-east-1",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    bucket = f"b{uuid.uuid4().hex}"
    urllib.request.urlopen(urllib.request.Request(f"{server}/{bucket}", method="PUT"), timeout=60).close()
    return f"s3://{bucket}"


Damage = Callable[[str, bytes | None], None]


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Callable[..., BlobStore], Damage]:
    """Makes a store at one place at each call; and what changes or removes a blob behind its back."""
    if request.param == "folder":
        root = tmp_path / "evidence"

        def damage_file(digest: str, data: bytes | None) -> None:
            path = root.joinpath(*key_of(digest))
            path.unlink() if data is None else path.write_bytes(data)

        return lambda **more: BlobFolder(root, **more), damage_file
    url = request.getfixturevalue("s3") + "/course/2026"

    def damage_object(digest: str, data: bytes | None) -> None:
        bucket, key = from_url(url, client_options={"allow_http": True}), "/".join(key_of(digest))
        obstore.delete(bucket, key) if data is None else obstore.put(bucket, key, data)

    return lambda **more: BlobBucket(url, **more), damage_object


def test_content_reads_back_under_its_digest_and_takes_less_room(place) -> None:
    make, _ = place
    noise = os.urandom(20_000)
    for content in (CONTENT, noise, b""):
        digest = make().put(content)
        assert digest == hashlib.sha256(content).hexdigest()
        assert digest in make()
        assert make().get(digest) == content
    assert make().size(make().put(CONTENT)) < len(CONTENT) / 10
    assert make().size(make().put(noise)) == len(noise) + 1


def test_what_is_there_is_left_alone_and_what_is_damaged_is_written_again(place) -> None:
    make, damage = place
    digest = make().put(CONTENT)
    # As another version of zlib may pack it: whole, and not byte for byte what would be written now.
    other = b"\x01" + zlib.compress(CONTENT, level=9)
    damage(digest, other)
    assert make().put(CONTENT) == digest
    assert make().size(digest) == len(other)
    damage(digest, b"\x00something else")
    with pytest.raises(StoreError, match="changed after it was written"):
        make().get(digest)
    assert make().put(CONTENT) == digest
    assert make().get(digest) == CONTENT


def test_what_is_gone_is_named(place) -> None:
    make, damage = place
    digest = make().put(CONTENT)
    damage(digest, None)
    assert digest not in make()
    for ask_for in (make().get, make().size):
        with pytest.raises(StoreError, match="evidence is gone") as raised:
            ask_for(digest)
        assert raised.value.where.endswith("/".join(key_of(digest)))


def test_a_bomb_is_not_unpacked(place) -> None:
    make, damage = place
    digest = make().put(b"harmless")
    damage(digest, b"\x01" + zlib.compress(b"0" * 10_000_000))
    with pytest.raises(StoreError, match="cannot be read") as raised:
        make().get(digest, limit_bytes=1_000_000)
    assert "more than 1000000 bytes" in raised.value.found


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "A" * 64, "0" * 64 + "\n"])
def test_only_a_digest_becomes_a_name(place, digest: str) -> None:
    make, _ = place
    for ask_for in (make().get, make().size, make().__contains__):
        with pytest.raises(StoreError, match="no digest"):
            ask_for(digest)


def test_a_place_without_its_mark_is_written_nothing_and_one_with_it_everything(place) -> None:
    make, _ = place
    make().put(CONTENT)
    with pytest.raises(StoreError, match="cannot be reached from here"):
        make(mark="ours").put(b"new")
    make().write_mark("theirs")
    with pytest.raises(StoreError, match="not this database's"):
        make(mark="ours").put(b"new")
    assert hashlib.sha256(b"new").hexdigest() not in make()
    make().write_mark("ours")
    digest = make(mark="ours").put(b"new")
    assert make(mark="ours").get(digest) == b"new"


def test_evidence_of_a_database_can_lie_in_an_object_store(database: str, s3: str) -> None:
    with open_store(database, evidence=f"{s3}/2026/") as store:
        digest = store.blobs.put(CONTENT)
    with open_store(database) as store:
        assert store.blobs.place == f"{s3}/2026"
        assert store.blobs.get(digest) == CONTENT
        assert store.keeps_evidence_in(f"{s3}/2026")


def test_a_bucket_that_is_not_there_is_named_with_what_to_check(s3: str) -> None:
    with pytest.raises(StoreError, match="cannot be stored") as raised:
        BlobBucket("s3://no-such-bucket").put(CONTENT)
    assert raised.value.where == "s3://no-such-bucket"
    assert raised.value.found == "no bucket of this name"


def test_a_service_that_does_not_answer_is_no_missing_blob(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    bucket = BlobBucket(s3)
    digest = hashlib.sha256(CONTENT).hexdigest()
    for fails, what in (
        (lambda: bucket.get(digest), "cannot be read"),
        (lambda: digest in bucket, "cannot be read"),
        (lambda: bucket.put(CONTENT), "cannot be stored"),
    ):
        with pytest.raises(EvidenceUnavailable, match=what) as raised:
            fails()
        assert "Debug" not in raised.value.found
        assert "AWS_ENDPOINT_URL" in raised.value.todo


@pytest.mark.parametrize("url", ["ftp://host/x", "s3://", "s3:///x", "sqlite:///x"])
def test_a_place_that_cannot_be_is_a_usage_error(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        open_store(str(tmp_path / "grader.db"), evidence=url)
    assert raised.value.where.startswith(url.rstrip("/"))


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "obstore", None)
    with pytest.raises(UsageError) as raised:
        BlobBucket("s3://bucket")
    assert "grader[objects]" in raised.value.todo


def test_all_that_lies_there_is_listed_with_its_size_and_nothing_else(place) -> None:
    make, _ = place
    blobs = make()
    digests = {blobs.put(content) for content in (CONTENT, b"other")}
    blobs.write_mark("ours")
    found = list(blobs.stored())
    assert {each.digest for each in found} == digests
    assert {each.digest: each.size for each in found} == {each: blobs.size(each) for each in digests}
    assert all(abs(datetime.now(UTC) - each.since) < timedelta(hours=1) for each in found)
