"""One kernel as the driver uses it: cells through nbclient's message handling, and requests of our own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Literal

import nbformat
import numpy as np
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionComplete

from grader.collector.connection import Connection
from grader.collector.outputs import OutputBox, cell_error
from grader.collector.provisioner import ForkedKernel
from grader.errors import EvidenceError
from grader.evidence.codec import pack, unpack
from grader.evidence.plan import Limits
from grader.evidence.record import CellRun
from grader.own_time import OwnTime

__all__ = ["CellClient", "KernelGone", "KernelSilent"]

_READY_S = 30.0
_INTERRUPT_S = 3.0
_IOPUB_S = 4.0
_SHORTEST_WAIT_S, _LONGEST_WAIT_S = 0.2, 10.0
_SILENT_WAITS = 3
# Parsed, a part of JSON takes some hundred bytes. The reports of a whole lab have thousands of parts.
_ANSWER_PARTS = 200_000
# What a message costs us apart from its content, so that very many empty ones are too much as well.
_MESSAGE_BYTES = 256

Ending = Literal["ok", "timeout", "output_limit", "died"]


class KernelGone(Exception):
    """The kernel's process has ended."""


class KernelSilent(Exception):
    """The kernel did not answer a request in time, or answered nonsense."""


class CellClient(NotebookClient):
    """Runs cells in a forked kernel and asks it things, each within its time.

    nbclient's message handling is kept (status, clear_output, displays); its outputs go through an
    `OutputBox`, and its waiting is replaced, because an attempt also ends on output or a kernel's death, at
    once rather than at the next poll.

    Attributes:
        outputs_missing: Whether the last cell's outputs never came to their announced end, though it replied.
    """

    def __init__(
        self, forked: ForkedKernel, limits: Limits, clock: OwnTime, beat: Callable[[float], None]
    ) -> None:
        self._flooded = asyncio.Event()
        self._connection = Connection(forked, limits, self._flooded)
        super().__init__(nbformat.v4.new_notebook(), km=self._connection.manager)
        self.store_widget_state = False
        self.record_timing = False
        self._forked = forked
        self._limits = limits
        self._clock = clock
        self._beat = beat
        self._box = OutputBox(0)
        self._received = 0
        self.outputs_missing = False

    async def connect(self) -> None:
        """Opens the channels and waits until the kernel answers.

        Raises:
            KernelGone: It died before.
            KernelSilent: It did not come up in time.
        """
        await self._connection.open()
        self.kc = self._connection.client
        await self._until_done(self._connection.wait_ready(), _READY_S)

    def disconnect(self) -> None:
        """Closes the channels; the process is the wipe's business."""
        self._connection.close()

    async def request(
        self,
        operation: str,
        *,
        timeout_s: float,
        body: bytes | None = None,
        arrays: Sequence[np.ndarray] | None = None,
        **content: Any,
    ) -> tuple[bytes, list[np.ndarray]]:
        """Asks the kernel's session something and gives its JSON and arrays.

        Args:
            operation: ``set_up``, ``begin_cell``, ``collect`` or ``probe``.
            timeout_s: After it the kernel is interrupted, once.
            body: JSON to send along.
            arrays: If given, packed with the body as a frame.
            content: Plain fields of the request.

        Raises:
            KernelGone: It died.
            KernelSilent: No answer in time, an error, or bytes that are no answer.
        """
        assert self.kc is not None
        payload = [] if body is None else [body if arrays is None else pack(body, arrays)]
        message = self.kc.session.send(
            self.kc.shell_channel.socket, "grader_request", {"op": operation, **content}, buffers=payload
        )
        reply = await self._patiently(self._connection.reply(message["header"]["msg_id"]), timeout_s)
        return self._opened(operation, reply)

    def _opened(self, operation: str, reply: dict[str, Any]) -> tuple[bytes, list[np.ndarray]]:
        content, buffers = reply.get("content"), reply.get("buffers") or []
        if not isinstance(content, dict) or not content.get("ok") or not buffers:
            said = content.get("error") if isinstance(content, dict) else None
            raise KernelSilent(f"{operation}: {said or 'no answer that makes sense'}"[:300])
        try:
            body, arrays = unpack(bytes(buffers[0]), limit_bytes=self._limits.evidence_bytes)
        except EvidenceError as error:
            raise KernelSilent(f"{operation}: {error.what}") from error
        if body.count(b",") > _ANSWER_PARTS:
            raise KernelSilent(f"{operation}: an answer of more parts than anything asked for has")
        return body, arrays

    async def _patiently(self, work: Coroutine[Any, Any, dict[str, Any]], timeout_s: float) -> dict[str, Any]:
        """Waits for an answer; interrupts the kernel once when it takes too long."""
        task = asyncio.ensure_future(work)
        try:
            ending = await self._first_of(task, timeout_s)
            if ending == "timeout":
                await self._interrupt()
                ending = await self._first_of(task, _INTERRUPT_S)
            if ending == "died":
                raise KernelGone("the kernel died")
            if ending != "ok":
                raise KernelSilent(f"no answer within {timeout_s:g} s")
            return task.result()
        finally:
            task.cancel()

    async def run_cell(self, source: str, *, timeout_s: float) -> CellRun:
        """Runs one code cell.

        Args:
            source: As submitted.
            timeout_s: Then it is interrupted, and killed if that does not help.

        Returns:
            What happened; status ``died`` where no kernel is left.
        """
        assert self.kc is not None
        self.outputs_missing = False
        self._box = OutputBox(min(self._limits.cell_output_bytes, self._limits.output_bytes))
        started = time.monotonic()
        message_id = self.kc.execute(source, store_history=True, stop_on_error=False)
        reading = asyncio.ensure_future(self._read_outputs(message_id))
        reply = asyncio.ensure_future(self._connection.reply(message_id))
        try:
            ending = await self._first_of(reply, timeout_s, self._flooded)
            duration = time.monotonic() - started
            if ending in ("timeout", "output_limit"):
                await self._stop_cell(reply)
            if ending == "ok":
                self.outputs_missing = not await self._drained(reading)
                ending = "output_limit" if self.flooded else "ok"
        finally:
            reading.cancel()
            reply.cancel()
        return self._described(ending, duration, reply)

    def _described(self, ending: Ending, duration_s: float, reply: asyncio.Future[Any]) -> CellRun:
        finished = reply.done() and not reply.cancelled() and reply.exception() is None
        content = reply.result().get("content") if finished else None
        failed = isinstance(content, dict) and content.get("status") == "error"
        count = content.get("execution_count") if isinstance(content, dict) else None
        status = "error" if ending == "ok" and failed else ending
        return CellRun(
            status=status,
            duration_s=duration_s,
            outputs=self._box.outputs,
            error=cell_error(content, count if isinstance(count, int) else None)
            if failed and isinstance(content, dict)
            else None,
            cut=self._box.cut or self.outputs_missing or ending == "output_limit",
        )

    async def _stop_cell(self, reply: asyncio.Future[Any]) -> None:
        await self._interrupt()
        if await self._first_of(reply, _INTERRUPT_S) != "ok":
            self._forked.send_signal(9)
            await self._forked.died.wait()

    async def _interrupt(self) -> None:
        await self._connection.manager.interrupt_kernel()

    async def _drained(self, reading: asyncio.Future[Any]) -> bool:
        """Whether all outputs of a finished cell arrived within the limit; they travel apart from the reply.

        Those of a cell that printed one enormous line never do: its message is refused. On a busy machine
        they may take long, so they are waited for while anything arrives, and a while longer.
        """
        silent = 0
        while not reading.done() and not self.flooded and silent < _SILENT_WAITS:
            before = self._received
            await asyncio.wait([reading], timeout=_IOPUB_S)
            silent = 0 if self._received > before else silent + 1
        return reading.done() and reading.exception() is None and not self.flooded

    async def _first_of(
        self, work: asyncio.Future[Any], timeout_s: float, flooded: asyncio.Event | None = None
    ) -> Ending:
        """Waits for the work, the kernel's death, too much output, or the time, whichever is first.

        The time is the submission's own; where that takes longer by the wall, a beat says so.
        """
        deadline = self._clock.now() + timeout_s
        others = {"died": asyncio.ensure_future(self._forked.died.wait())}
        if flooded is not None:
            others["output_limit"] = asyncio.ensure_future(flooded.wait())
        try:
            left_s = timeout_s
            while True:
                await asyncio.wait(
                    [work, *others.values()], timeout=max(0.0, left_s), return_when=asyncio.FIRST_COMPLETED
                )
                if work.done():
                    return "ok"
                ended = [name for name, task in others.items() if task.done()]
                left_s = deadline - self._clock.now()
                if ended or left_s <= 0:
                    return ended[0] if ended else "timeout"  # type: ignore[return-value]  # keys are Endings
                self._beat(left_s)
                # What is left by its own clock is the least that it takes by the wall.
                left_s = min(max(left_s, _SHORTEST_WAIT_S), _LONGEST_WAIT_S)
        finally:
            for task in others.values():
                task.cancel()

    async def _until_done(self, work: Coroutine[Any, Any, None], timeout_s: float) -> None:
        task = asyncio.ensure_future(work)
        try:
            ending = await self._first_of(task, timeout_s)
        finally:
            task.cancel()
        if ending == "died":
            raise KernelGone("the kernel died while it started")
        if ending != "ok":
            raise KernelSilent(f"the kernel did not start within {timeout_s:g} s")
        task.result()

    async def _read_outputs(self, message_id: str) -> None:
        assert self.kc is not None
        cell = nbformat.v4.new_code_cell()
        while True:
            message = await self._connection.message(self.kc.iopub_channel)
            self._count(message)
            if message["parent_header"].get("msg_id") == message_id and self._completes(message, cell):
                return

    def _completes(self, message: dict[str, Any], cell: nbformat.NotebookNode) -> bool:
        """Processes a message; true for the last one of a cell."""
        try:
            self.process_message(message, cell, 0)
        except CellExecutionComplete:
            return True
        except Exception as error:
            # Whatever nbclient runs into, the student's interpreter wrote the message.
            self._connection.note(error)
        return False

    def _count(self, message: dict[str, Any]) -> None:
        """Counts all that arrives, stored or not, from this cell or from threads of earlier ones."""
        self._received += _MESSAGE_BYTES + _size(message["content"])
        if self._received > self._limits.output_bytes:
            self._flooded.set()

    def output(self, outs: Any, msg: dict[str, Any], display_id: str | None, cell_index: int) -> None:
        """Takes the place of nbclient's list of outputs."""
        self._box.add(msg["msg_type"], msg["content"])

    def clear_output(self, outs: Any, msg: dict[str, Any], cell_index: int) -> None:
        """As above."""
        self._box.clear(wait=bool(msg["content"].get("wait")))

    def _update_display_id(self, display_id: str, msg: dict[str, Any]) -> None:
        if msg["msg_type"] == "update_display_data":
            self._box.update(msg["content"])

    @property
    def malformed(self) -> list[str]:
        """Notes on what was received and no message."""
        return self._connection.malformed

    @property
    def flooded(self) -> bool:
        """Whether more output arrived than the attempt may have."""
        return self._flooded.is_set()


def _size(value: Any) -> int:
    """Characters of all text in parsed JSON, and something for what is no text, however deep it is nested."""
    size, parts = 0, [value]
    while parts:
        part = parts.pop()
        if isinstance(part, str):
            size += len(part)
        elif isinstance(part, dict):
            parts += part.values()
        elif isinstance(part, list):
            parts += part
        else:
            size += 8
    return size
