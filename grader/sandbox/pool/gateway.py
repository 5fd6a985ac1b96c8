"""The process that alone speaks Dask: jobs in as bytes, answers out as bytes. It holds no token or database.

Started as ``python -m grader.sandbox.pool.gateway`` with frames on its input and output; the end of its input
ends it. It belongs to the pool's side of the wall: whatever it says is read as `wire` reads it, by a process
that loads no pickle. Where the scheduler is lost it ends, and is begun anew with what was not answered.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import resource
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from grader.sandbox.pool.wire import Frame, FrameReader, Kind, RunHead, unpack_run, write_frame

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["main"]

_CONNECT_S = 30.0
_TELL_S = 5.0
#: A host that answers with more than fits fails the gateway, and not this machine.
_MEMORY_BYTES = 8 * 1024**3
#: Of Dask's own settings: results are never spilled, and no scheduler is waited for by guesses.
_DASK = {
    "distributed.client.scheduler-info-interval": "2s",
    "distributed.admin.large-graph-warning-threshold": "1GB",
}


class _Gateway:
    """All of it while it is connected."""

    def __init__(self, client: Client, needs: dict[str, float], options: bytes) -> None:
        self._client = client
        self._scheduler: Any = client.scheduler
        self._needs = needs
        self._options = options
        self._lock = threading.Lock()
        self._described: dict[str, Any] = {}
        self._declared: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Tells how the pool stands, now and then, and asks a host what it runs notebooks in."""
        self._keep(self._describe())
        self._keep(self._tell())

    def take(self, frame: Frame) -> None:
        if frame.kind is Kind.RUN:
            self._keep(self._run(frame.number, *unpack_run(frame.payload)))

    def _keep(self, coroutine: Any) -> None:
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, number: int, head: RunHead, parcel: bytes) -> None:
        from grader.sandbox.pool.calls import run_job

        needs = {name: each for name, each in head.needs.items() if name in self._needs or self._has(name)}
        answer = await self._answer(run_job, head.options, parcel, key=head.key, resources=needs or None)
        if not isinstance(answer, bytes) or answer[:1] != b"E":
            self._send(Kind.FAILED, number, _reason(answer))
        elif len(answer) > head.most_bytes:
            self._send(Kind.FAILED, number, b"a host of the pool answered with more than evidence may be")
        else:
            self._send(Kind.DONE, number, answer[1:])

    async def _describe(self) -> None:
        from grader.sandbox.pool.calls import describe_host

        answer = await self._answer(
            describe_host,
            self._options,
            key=f"grader-host-{os.urandom(8).hex()}",
            resources=self._needs or None,
        )
        if isinstance(answer, bytes) and answer[:1] == b"E":
            self._described = json.loads(answer[33:])
            self._send_told(await self._identity())
        else:
            self._send(Kind.FAILED, 0, _reason(answer))

    async def _answer(self, function: Any, *arguments: bytes, **more: Any) -> Any:
        """What a task gave, or why it gave nothing; ends this process where the scheduler is lost."""
        future = self._client.submit(function, *arguments, pure=False, **more)
        try:
            return await future.result()
        except BaseException as error:
            if future.status not in ("error", "finished"):
                _end(f"the scheduler was lost: {type(error).__name__}")
            return "the hosts that ran it were lost one after another, or raised in place of answering"

    def _has(self, name: str) -> bool:
        return name in self._declared

    async def _tell(self) -> None:
        while True:
            self._send_told(await self._identity())
            await asyncio.sleep(_TELL_S)

    async def _identity(self) -> dict[str, Any]:
        try:
            return dict(await self._scheduler.identity(n_workers=-1))
        except OSError as error:
            _end(f"the scheduler was lost: {type(error).__name__}")
            raise

    def _send_told(self, identity: dict[str, Any]) -> None:
        workers = list(identity.get("workers", {}).values())
        self._declared = {name for each in workers for name in each.get("resources", {})}
        slots = sum(_slots(each, self._needs) for each in workers)
        told = {
            "workers": len(workers),
            "slots": slots,
            "dashboard": self._client.dashboard_link or "",
            "image": str(self._described.get("image", "")),
        }
        self._send(Kind.TOLD, 0, json.dumps(told).encode())

    def _send(self, kind: Kind, number: int, payload: bytes) -> None:
        with self._lock:
            write_frame(1, kind, number, payload)


def _slots(worker: dict[str, Any], needs: dict[str, float]) -> int:
    """How many notebooks one worker takes at a time."""
    declared = worker.get("resources", {})
    return min(
        [int(worker.get("nthreads", 0)), *(int(declared.get(n, 0) / each) for n, each in needs.items())]
    )


def _reason(answer: Any) -> bytes:
    """Why there is no evidence, as plain text; a host's own words come after an ``F``."""
    if isinstance(answer, bytes) and answer[:1] == b"F":
        return answer[1:2000]
    return answer.encode() if isinstance(answer, str) else b"a host of the pool gave no evidence"


def _end(why: str) -> None:
    os.write(2, f"{why}\n".encode("ascii", "replace"))
    os._exit(1)


async def _work(reader: FrameReader, told: dict[str, Any]) -> None:
    import dask
    from distributed import Client, Security

    from grader.sandbox.pool.pickles import refuse_pickles

    dask.config.set(_DASK)
    tls = told["tls"]
    security = (
        Security(
            tls_ca_file=tls["ca"],
            tls_client_cert=tls["cert"],
            tls_client_key=tls["key"],
            require_encryption=True,
        )
        if tls["ca"]
        else None
    )
    loop = asyncio.get_running_loop()
    # Asks a program for the machine's name, once, which nothing may any more after the next line.
    platform.processor()
    # Before a byte of the pool is read.
    refuse_pickles()
    try:
        client = await Client(told["scheduler"], security=security, asynchronous=True, timeout=_CONNECT_S)
    except Exception as error:
        _end(f"no scheduler answers at {told['scheduler']}: {type(error).__name__}")
        raise
    gateway = _Gateway(client, told["needs"], told["options"].encode())
    gateway.start()
    over = asyncio.Event()

    def listen() -> None:
        with suppress(Exception):
            while (frame := reader.read()) is not None:
                loop.call_soon_threadsafe(gateway.take, frame)
        loop.call_soon_threadsafe(over.set)

    threading.Thread(target=listen, daemon=True).start()
    await over.wait()
    os._exit(0)


def main() -> int:
    """Works until its input ends."""
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    reader = FrameReader(0, lambda _kind, _number: sys.maxsize)
    first = reader.read()
    if first is not None:
        asyncio.run(_work(reader, json.loads(first.payload)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
