"""The driver's end of a kernel's channels: bounded, watched, and deaf to what is no message."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from queue import Empty
from typing import Any

import zmq
from zmq.utils.monitor import recv_monitor_message

from grader.collector.provisioner import ForkedKernel, ForkedKernelManager
from grader.evidence.plan import Limits

__all__ = ["Connection"]

_DEATH_S = 0.25
_ENVELOPE_BYTES = 1024 * 1024
_QUEUED_MESSAGES = 64
_RECONNECT_MS = 2
_ECHO_S = 0.01
_NOTES = 10


class Connection:
    """Channels for requests and outputs.

    Args:
        forked: The kernel.
        limits: Bound its messages.
        flooded: Set when the kernel lost its outputs' channel by a message larger than allowed.

    Attributes:
        manager: jupyter_client's, around the kernel.
        client: jupyter_client's, once `open` was called.
        malformed: Notes on what was received and no message, a few at most.
    """

    def __init__(self, forked: ForkedKernel, limits: Limits, flooded: asyncio.Event) -> None:
        self.manager = ForkedKernelManager(forked)
        self.client: Any = None
        self.malformed: list[str] = []
        self._forked = forked
        self._limits = limits
        self._flooded = flooded
        self._watch: asyncio.Future[None] | None = None

    async def open(self) -> None:
        """Opens the channels; `wait_ready` tells when the kernel answers."""
        await self.manager.start_kernel()
        # jupyter_client would give the client a context of its own, in which the bounds did not hold.
        self.client = self.manager.client(context=self.manager.context)
        self._open_channels()
        self.client.allow_stdin = False

    def _open_channels(self) -> None:
        """Connects; a larger message than allowed costs its sender the connection, not us the memory."""
        context, limits = self.manager.context, self._limits
        # The kernel is still starting: who comes to a closed door waits a tenth of a second by default.
        context.setsockopt(zmq.RECONNECT_IVL, _RECONNECT_MS)
        context.setsockopt(zmq.RCVHWM, _QUEUED_MESSAGES)
        context.setsockopt(zmq.MAXMSGSIZE, limits.output_bytes + _ENVELOPE_BYTES)
        self.client.start_channels(shell=False, stdin=False, hb=False, control=False)
        context.setsockopt(zmq.MAXMSGSIZE, max(limits.array_bytes, limits.output_bytes) + _ENVELOPE_BYTES)
        self.client.start_channels(iopub=False, stdin=False, hb=False, control=False)
        monitor = self.client.iopub_channel.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        self._watch = asyncio.ensure_future(self._watch_connection(monitor))

    async def _watch_connection(self, monitor: Any) -> None:
        """Takes outputs for too many when the connection that they come by was cut, unless by a death."""
        await recv_monitor_message(monitor)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._forked.died.wait(), _DEATH_S)
            return
        self._flooded.set()

    async def wait_ready(self) -> None:
        """Until requests arrive and outputs come back: subscriptions are not acknowledged."""
        while True:
            message_id = self.client.kernel_info()
            await self.reply(message_id)
            with suppress(Empty):
                await self.client.iopub_channel.get_msg(timeout=_ECHO_S)
                return

    def close(self) -> None:
        """Closes the channels; the process is the wipe's business."""
        if self._watch is not None:
            self._watch.cancel()
        if self.client is not None:
            self.client.iopub_channel.socket.disable_monitor()
            self.client.stop_channels()
        self.manager.context.destroy(linger=0)
        self._forked.close()

    async def reply(self, message_id: str) -> dict[str, Any]:
        """The answer to one request; what else comes by that channel is dropped."""
        while True:
            message = await self.message(self.client.shell_channel)
            if message["parent_header"].get("msg_id") == message_id:
                return message

    async def message(self, channel: Any) -> dict[str, Any]:
        """The next message that is one: with a wrong signature or shape it is noted and dropped."""
        while True:
            try:
                message: dict[str, Any] = await channel.get_msg(timeout=None)
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                self.note(error)
                continue
            if isinstance(message.get("parent_header"), dict) and isinstance(message.get("content"), dict):
                return message
            self.note(TypeError("a message without header or content"))

    def note(self, error: Exception) -> None:
        """Remembers what was wrong with a message."""
        said = f"{type(error).__name__}: {error}"
        if isinstance(error, RecursionError):
            said = "lists or dictionaries within each other, too deep to be read; it was left out"
        if len(self.malformed) < _NOTES:
            self.malformed.append(f"malformed message: {said}"[:200])
