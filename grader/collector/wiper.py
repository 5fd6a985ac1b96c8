"""A small process that wipes: each fork of the launcher copies the tables of all that it has imported."""

from __future__ import annotations

import os
import select
import signal
import socket
import time
import traceback
from contextlib import suppress
from typing import NoReturn

from grader.collector.wipe import remove_everything

__all__ = ["Wiper"]

_WIPE_S = 20.0
#: Longer than it may take itself, on a machine that has much else to do.
_ANSWER_S = 60.0
_LOOK_S = 0.001
_MOST_BYTES = 1 << 12
_CLEAN = b"clean"


class Wiper:
    """The launcher's end of it. It ends with the launcher.

    Root without its capabilities may not remove what a student's uid left, so that each wipe is done by a
    child that becomes that uid.

    Attributes:
        pid: Of the process.
    """

    def __init__(self, pid: int, descriptor: int) -> None:
        self.pid = pid
        # No socket object: kernels are forked from here, and close what they do not know.
        self._descriptor = descriptor
        self._answers = select.poll()
        self._answers.register(descriptor, select.POLLIN)

    @classmethod
    def start(cls) -> Wiper:
        """Forks it from this process, which must have one thread."""
        ours, theirs = (end.detach() for end in socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        pid = os.fork()
        if not pid:
            _serve(theirs)
        os.close(theirs)
        return cls(pid, ours)

    def wipe(self, uid: int) -> list[str]:
        """Removes what `uid` left; gives what went wrong, one line each."""
        try:
            os.write(self._descriptor, str(uid).encode())
            if not self._answers.poll(1000 * _ANSWER_S):
                return ["the wiper does not answer"]
            said = os.read(self._descriptor, _MOST_BYTES)
        except OSError as error:
            return [f"the wiper is gone: {error}"]
        return [] if said == _CLEAN else [said.decode() or "the wiper is gone"]

    def close(self) -> None:
        """Lets it end; no other process may have the launcher's end of it."""
        descriptor, self._descriptor = self._descriptor, -1
        os.close(descriptor)


def _serve(descriptor: int) -> NoReturn:
    """Wipes on request until the launcher hangs up; has no other file of the launcher's."""
    try:
        os.closerange(3, descriptor)
        os.closerange(descriptor + 1, os.sysconf("SC_OPEN_MAX"))
        while request := os.read(descriptor, _MOST_BYTES):
            os.write(descriptor, _wiped(int(request), descriptor).encode() or _CLEAN)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def _wiped(uid: int, descriptor: int) -> str:
    """What went wrong; empty where nothing did."""
    pid = os.fork()
    if not pid:
        _remove(uid, descriptor)
    deadline = time.monotonic() + _WIPE_S
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return f"the wiper ended with {status}" if status else ""
        time.sleep(_LOOK_S)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return f"the wiper took longer than {_WIPE_S:g} s"


def _remove(uid: int, descriptor: int) -> NoReturn:
    status = 1
    try:
        os.close(descriptor)
        os.setsid()
        remove_everything(uid)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)
