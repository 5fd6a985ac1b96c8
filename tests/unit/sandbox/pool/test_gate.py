"""A gateway is killed and begun anew where it lies; what it says is shown as plain text, and nothing more."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.errors import SandboxUnavailable
from grader.sandbox.pool.gate import Gate
from grader.sandbox.pool.wire import FrameReader, Kind, WireError, write_frame

ROOT = Path(__file__).parents[4]
LONG_S = 120.0

#: A gateway that answers each job with what `ANSWER` makes of it; its first life may be another.
GATEWAY = """
import json, os, sys
from grader.sandbox.pool.wire import *
life = len(os.listdir(sys.argv[1])); open(f"{{sys.argv[1]}}/{{life}}", "w").close()
reader = FrameReader(0, lambda *_: 1 << 30)
reader.read()
def tell(**more):
    told = {{"workers": 1, "slots": 2, "dashboard": "", "image": "fake"}} | more
    write_frame(1, Kind.TOLD, 0, json.dumps(told).encode())
def done(frame, payload=None):
    write_frame(1, Kind.DONE, frame.number, frame.payload[::-1] if payload is None else payload)
{0}
while frame := reader.read():
    {1}
"""


class Gates:
    """Makes gates to scripts; `said` is what people were told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.made: list[Gate] = []

    def __call__(self, answer: str = "done(frame)", before: str = "tell()", **more: float) -> Gate:
        lives = self.folder / f"lives{len(self.made)}"
        lives.mkdir()
        script = GATEWAY.format(before, answer)

        def start() -> tuple[subprocess.Popen[bytes], bytes]:
            process = subprocess.Popen(
                [sys.executable, "-c", script, str(lives)],
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
            )
            return process, b"{}"

        self.made.append(Gate(start, self.said.append, **more))
        return self.made[-1]


@pytest.fixture
def gates(tmp_path: Path) -> Iterator[Gates]:
    made = Gates(tmp_path)
    yield made
    for each in made.made:
        each.close()


def test_many_jobs_are_answered_each_with_its_own(gates: Gates) -> None:
    gate, answers = gates(), {}

    def ask(number: int) -> None:
        answers[number] = gate.run(str(number).encode() * 100_000, 10**7, LONG_S)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(LONG_S)
    assert answers == {number: (str(number).encode() * 100_000)[::-1] for number in range(8)}


#: What a gateway that has fallen may send in its first life.
LIES = {
    "no frame": "os.write(1, b'garbage' * 100)",
    "a pickle": "import pickle; os.write(1, pickle.dumps(print))",
    "too long": "done(frame, b'x' * 1000)",
    "a length of 9e18": "os.write(1, b'GRP1\\x11' + frame.number.to_bytes(8, 'big') + b'\\x7f' * 8)",
    "of no job": "write_frame(1, Kind.DONE, 99, b'x')",
    "a kind that goes the other way": "write_frame(1, Kind.RUN, frame.number, b'x')",
    "no JSON": "write_frame(1, Kind.TOLD, 0, b'{')",
    "slots of another type": "tell(slots='2')",
    "death": "os._exit(3)",
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_what_was_not_answered_is_asked_of_the_next_gateway(gates: Gates, lie: str) -> None:
    gate = gates(f"if life == 0:\n        {lie}\n    else: done(frame)")
    assert gate.run(b"abc", 100, LONG_S) == b"cba"
    assert any("away" in each for each in gates.said) and "the pool is there" in gates.said


def test_a_job_that_every_gateway_is_lost_with_has_failed(gates: Gates) -> None:
    gate = gates("os.write(2, b'killed by \\x1b[31mit\\n'); os._exit(1)")
    with pytest.raises(SandboxUnavailable, match=r"lost 3 times with it: killed by \?\[31mit"):
        gate.run(b"abc", 100, LONG_S)


def test_a_gateway_that_says_nothing_is_taken_for_dead(gates: Gates) -> None:
    gate = gates("done(frame) if life else __import__('time').sleep(600)", silent_s=0.5)
    assert gate.run(b"abc", 100, LONG_S) == b"cba"


def test_an_answer_that_never_comes_is_waited_for_only_so_long(gates: Gates) -> None:
    with pytest.raises(SandboxUnavailable, match="no answer within"):
        gates("pass").run(b"abc", 100, 0.2)


def test_a_pool_that_stays_away_gives_its_jobs_back(gates: Gates) -> None:
    gate = gates(before="if life: os._exit(1)\ntell()", answer="os._exit(1)", away_s=0.1)
    with pytest.raises(SandboxUnavailable, match=r"away for too long|lost 3 times"):
        gate.run(b"abc", 100, LONG_S)
    assert not gate.connected


def test_who_waits_hears_that_it_was_closed(gates: Gates) -> None:
    gate, heard = gates("pass"), []

    def ask() -> None:
        with pytest.raises(SandboxUnavailable, match="closed") as raised:
            gate.run(b"abc", 100, LONG_S)
        heard.append(raised)

    waiting = threading.Thread(target=ask)
    waiting.start()
    gate.wait_described(LONG_S)
    gate.close()
    waiting.join(LONG_S)
    assert heard
    with pytest.raises(SandboxUnavailable, match="closed"):
        gate.run(b"abc", 100, LONG_S)


@pytest.mark.parametrize("shown", ["http://head:8787/status", "https://[::1]:8787", ""])
def test_a_dashboard_that_is_an_address_is_shown(gates: Gates, shown: str) -> None:
    gate = gates(before=f"tell(dashboard={shown!r})", answer="done(frame)")
    assert gate.wait_described(LONG_S).dashboard == shown


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", 'http://a/"><script>', "file:///etc/passwd", "//a"]
)
def test_no_other_dashboard_is_shown(gates: Gates, address: str) -> None:
    gate = gates(before=f"tell(dashboard={address!r}, image='fa\\x1bke')", answer="done(frame)")
    assert (gate.wait_described(LONG_S).dashboard, gate.told.image) == ("", "fa?ke")


def test_a_pool_in_which_nothing_can_be_run_says_why(gates: Gates) -> None:
    gate = gates(before="tell(image=''); write_frame(1, Kind.FAILED, 0, b'no engine'); reader.read()")
    with pytest.raises(SandboxUnavailable) as raised:
        gate.wait_described(LONG_S)
    assert raised.value.found == "no engine"


def test_a_wait_for_hosts_ends_when_it_is_asked_to(gates: Gates) -> None:
    gate = gates(before="tell(image='', workers=0, slots=0); reader.read()")
    with pytest.raises(SandboxUnavailable) as raised:
        gate.wait_described(LONG_S, stopped=lambda: gate.connected)
    assert raised.value.found == "0 workers, with 0 slots for what a notebook asks for"


def test_frames_survive_a_pipe_that_takes_little_at_a_time() -> None:
    read, write = os.pipe()
    payload = bytes(range(256)) * 4000
    sending = threading.Thread(target=write_frame, args=(write, Kind.DONE, 7, payload))
    sending.start()
    frame = FrameReader(read, lambda _kind, _number: len(payload)).read()
    sending.join()
    os.close(write)
    assert frame is not None and (frame.number, frame.payload) == (7, payload)
    assert FrameReader(read, lambda _kind, _number: 0).read() is None
    os.close(read)


def test_a_frame_that_is_cut_short_is_none() -> None:
    read, write = os.pipe()
    os.write(write, b"GRP1")
    os.close(write)
    with pytest.raises(WireError, match="cut short"):
        FrameReader(read, lambda _kind, _number: 0).read()
    os.close(read)
