"""A pickle in the gateway may name bytes; any other makes nothing, or ends the process before it runs."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections import OrderedDict, deque
from pathlib import Path
from typing import Any

import pytest

from grader.sandbox.pool.pickles import EXIT_CODE, Inert, load_inert

ROOT = Path(__file__).parents[4]


class Marks:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self._path),)


@pytest.mark.parametrize("value", [b"bytes", None, {"a": [1, 2.5, "x"]}, (True, bytearray(b"x")[:0].hex())])
def test_plain_values_come_as_they_are(value: object) -> None:
    assert load_inert(pickle.dumps(value)) == value
    assert load_inert(pickle.dumps(bytes)) is bytes


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_what_would_run_makes_nothing(tmp_path: Path, protocol: int) -> None:
    raw = pickle.dumps([Marks(tmp_path / "ran"), 1], protocol=protocol)
    made, one = load_inert(raw)
    assert isinstance(made, Inert) and one == 1
    assert not (tmp_path / "ran").exists()
    pickle.loads(raw)
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "value", [ValueError("x"), deque([1]), OrderedDict(a=1), {1, 2}, Path("x"), KeyError, b"x".__class__]
)
def test_objects_of_all_kinds_can_be_made_inert(value: object) -> None:
    load_inert(pickle.dumps(value))


@pytest.mark.parametrize("raw", [b"", b"garbage", b"\x80\x05.", b"cos\nsystem\n(S'x'\ntR"])
def test_what_is_no_pickle_is_nothing(raw: bytes) -> None:
    assert isinstance(load_inert(raw), Inert)


@pytest.mark.parametrize(
    "act",
    [
        "pickle.loads(raw)",
        "pickle._loads(raw)",
        "__import__('cloudpickle').loads(raw)",
        "os.system('true')",
        "os.fork()",
        "__import__('subprocess').run(['true'])",
        "os.posix_spawn('/bin/true', ['true'], {})",
    ],
)
def test_every_other_way_ends_the_process(tmp_path: Path, act: str) -> None:
    raw = pickle.dumps(Marks(tmp_path / "ran"))
    program = (
        "import os, pickle, sys; from grader.sandbox.pool.pickles import refuse_pickles; refuse_pickles()\n"
        "raw = bytes.fromhex(sys.argv[1])\n"
        "from distributed.protocol import deserialize, serialize\n"
        "assert deserialize(*serialize(b'result')) == b'result'\n"
        f"{act}\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, raw.hex()],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, "refused: " in ended.stderr) == (EXIT_CODE, True), ended.stderr
    assert not (tmp_path / "ran").exists()
