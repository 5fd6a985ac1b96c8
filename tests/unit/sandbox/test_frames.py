from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator

import numpy as np
import pytest

from grader.errors import EvidenceError
from grader.evidence.codec import pack
from grader.evidence.frames import LENGTH, CellStarted, Finish, Frame, to_wire
from grader.sandbox.frames import DeadlinePassed, DockerPipe, FrameStream, StreamEnded

STDOUT, STDERR = 1, 2


class Peer:
    """The container's side of an attached socket."""

    def __init__(self) -> None:
        ours, self.theirs = socket.socketpair()
        self.stream = FrameStream(DockerPipe(ours), frame_bytes=10_000)

    def write(self, data: bytes, kind: int = STDOUT) -> None:
        self.theirs.sendall(struct.pack(">BxxxL", kind, len(data)) + data)

    def send(self, frame: Frame, *arrays: np.ndarray) -> None:
        self.write(to_wire(frame, arrays))

    def receive(self, seconds: float = 5.0):  # type: ignore[no-untyped-def]
        return self.stream.receive(time.monotonic() + seconds)


@pytest.fixture
def peer() -> Iterator[Peer]:
    opened = Peer()
    yield opened
    opened.stream.close()
    opened.theirs.close()


def test_frames_arrive_whole_however_they_are_cut(peer: Peer) -> None:
    raw = to_wire(CellStarted(index=7), [np.arange(3)])
    for position in range(len(raw)):
        peer.write(raw[position : position + 1])
    frame, arrays = peer.receive()
    assert frame == CellStarted(index=7)
    assert arrays[0].tolist() == [0, 1, 2]


def test_a_frame_that_begins_is_not_taken(peer: Peer) -> None:
    assert not peer.stream.begins(time.monotonic() + 0.01)
    raw = to_wire(CellStarted(index=7), [])
    peer.write(raw[:1])
    assert peer.stream.begins(time.monotonic() + 5)
    peer.write(raw[1:])
    assert peer.stream.begins(time.monotonic() + 5)
    assert peer.receive()[0] == CellStarted(index=7)
    assert not peer.stream.begins(time.monotonic() + 0.01)


def test_what_was_written_before_the_end_still_begins(peer: Peer) -> None:
    peer.send(CellStarted(index=7))
    peer.theirs.close()
    assert peer.stream.begins(time.monotonic() + 5)
    peer.receive()
    with pytest.raises(StreamEnded):
        peer.stream.begins(time.monotonic() + 5)


def test_stderr_is_kept_apart_and_only_its_end(peer: Peer) -> None:
    peer.write(b"noise " * 100, STDERR)
    peer.write(b"x" * 100_000 + b"end", STDERR)
    peer.send(CellStarted(index=1))
    peer.receive()
    assert peer.stream.log().endswith("end")
    assert len(peer.stream.log()) <= 64 * 1024


@pytest.mark.parametrize("seq", [1, 5])
def test_a_frame_out_of_order_is_refused(peer: Peer, seq: int) -> None:
    peer.send(CellStarted(index=0, seq=seq))
    with pytest.raises(EvidenceError, match="out of order"):
        peer.receive()


def test_a_duplicate_is_refused(peer: Peer) -> None:
    peer.send(CellStarted(index=0))
    peer.send(CellStarted(index=0))
    peer.receive()
    with pytest.raises(EvidenceError, match="out of order"):
        peer.receive()


def test_an_oversized_frame_is_refused_before_it_is_read(peer: Peer) -> None:
    peer.write(LENGTH.pack(10_001))
    with pytest.raises(EvidenceError, match="too large"):
        peer.receive()


@pytest.mark.parametrize("raw", [b"no frame", pack(b"{}"), pack(b'{"type": "job"}'), pack(b"[" * 5000)])
def test_nonsense_is_refused(peer: Peer, raw: bytes) -> None:
    peer.write(LENGTH.pack(len(raw)) + raw)
    with pytest.raises(EvidenceError):
        peer.receive()


def test_a_frame_that_trickles_does_not_hold_the_host_past_the_deadline(peer: Peer) -> None:
    peer.write(to_wire(CellStarted(index=0))[:-1])
    with pytest.raises(DeadlinePassed):
        peer.receive(0.05)


def test_hanging_up_in_the_middle_of_a_frame_is_seen(peer: Peer) -> None:
    peer.write(to_wire(CellStarted(index=0))[:-1])
    peer.theirs.close()
    with pytest.raises(StreamEnded):
        peer.receive()


def test_frames_sent_are_numbered(peer: Peer) -> None:
    peer.stream.send(Finish())
    peer.stream.send(Finish())
    raw = peer.theirs.recv(10_000)
    assert b'"seq":0' in raw
    assert b'"seq":1' in raw
