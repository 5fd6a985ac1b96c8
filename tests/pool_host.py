"""A preload for a Dask worker of a test: notebooks are answered without a sandbox; some hosts have fallen.

What a fallen host does is said by a comment in a notebook (`# host: forges pickle`). Its pickles, where
something loads them, write which process that was into the file that the environment names.
"""

from __future__ import annotations

import hashlib
import os
import signal
import time
from pathlib import Path
from typing import Any

from grader.evidence.codec import decode, encode
from grader.evidence.parcel import unpack_parcel
from grader.sandbox.pool import calls, task
from tests import course

#: Where a pickle that was loaded says by whom.
LOADED = "GRADER_TEST_LOADED"
_WRITES = "import os, sys; open({!r}, 'a').write(f'{{os.getpid()}} {{sys.argv}}\\n')"


class Evil(Exception):
    """Runs code wherever it is unpickled."""

    def __reduce__(self) -> Any:
        return exec, (_WRITES.format(os.environ[LOADED]),)


def _forged(kind: str, honest: bytes) -> Any:
    """What a fallen host answers in place of what it should."""
    if kind == "pickle":
        return Evil()
    if kind == "nested-pickle":
        return {"answer": [honest, Evil()]}
    if kind == "raises-pickle":
        raise Evil
    if kind == "wrong-digest":
        return honest[:1] + bytes(32) + honest[33:]
    if kind == "huge":
        body = bytes(3_000_000)
        return b"E" + hashlib.sha256(body).digest() + body
    if kind == "other-job":
        bundle = decode(honest[33:], limit_bytes=10**9)
        told = encode(type(bundle)(bundle.evidence.model_copy(update={"notebook": "0" * 64}), bundle.arrays))
        return b"E" + hashlib.sha256(told).digest() + told
    return b"Fno\x1b[2J reason"


def _run_job(options: bytes, parcel: bytes) -> Any:
    source = unpack_parcel(parcel).notebook.decode()
    if "# host: waits" in source:
        held = Path(os.environ[LOADED]).with_name("held")
        (held / str(os.getpid())).touch()
        while not (held / "go").exists():
            time.sleep(0.05)
    if "# host: dies" in source:
        os.kill(os.getpid(), signal.SIGKILL)
    honest = task.run_job(options, parcel)
    forged = source.partition("# host: forges ")[2].split("\\n")[0].split('"')[0].strip()
    return _forged(forged, honest) if forged else honest


def dask_setup(worker: Any) -> None:
    """Called by Dask in each worker."""
    task.choose_sandbox = lambda *_, **__: course.sandbox()  # type: ignore[assignment]
    calls.run_job = _run_job
