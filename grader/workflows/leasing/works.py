"""What was read of a job when it was leased, kept for the requests that follow on that lease."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from grader.evidence.record import CellRecord
from grader.workflows.running.execution import Order

__all__ = ["Work", "Works"]


@dataclass(frozen=True)
class Work:
    """A job that can be run.

    Attributes:
        cells: Of the file that was handed in.
        clean: SHA-256 of the copy that workers get.
        parcel: What a worker needs.
    """

    order: Order
    cells: tuple[CellRecord, ...]
    clean: str
    parcel: bytes


class Works:
    """Of the newest leases, as many as fit; others are read again. Safe to share between threads.

    Args:
        most: So many.
        most_bytes: So much of parcels.
    """

    def __init__(self, most: int = 1024, most_bytes: int = 64 * 1024 * 1024) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[object, Work] = OrderedDict()
        self._bytes = 0

    def keep(self, lease: object, work: Work) -> None:
        self.forget(lease)
        with self._lock:
            self._kept[lease] = work
            self._bytes += len(work.parcel)
            while self._kept and (len(self._kept) > self._most or self._bytes > self._most_bytes):
                _, gone = self._kept.popitem(last=False)
                self._bytes -= len(gone.parcel)

    def of(self, lease: object) -> Work | None:
        with self._lock:
            return self._kept.get(lease)

    def forget(self, lease: object) -> None:
        with self._lock:
            gone = self._kept.pop(lease, None)
            self._bytes -= len(gone.parcel) if gone else 0
