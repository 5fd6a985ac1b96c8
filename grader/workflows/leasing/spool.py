"""Evidence on its way: what a worker has sent and not ended its job with yet, one file for each lease."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Hashable
from pathlib import Path

from grader.errors import EvidenceError

__all__ = ["Spool"]


class Spool:
    """A folder of this process alone: whoever finds nothing in it sends the same once more.

    A lease is named by whatever prints as no other. Safe to share between threads.
    """

    def __init__(self) -> None:
        folder = tempfile.mkdtemp(prefix="grader-worker-")
        self._folder = Path(folder)
        # Goes with this object, whoever holds it.
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._lock = threading.Lock()
        self._kept = dict[Hashable, Path]()

    def keep(self, lease: Hashable, sha256: str, raw: bytes) -> bool:
        """Keeps what comes of a lease, in place of what came before.

        Returns:
            Whether it was there already.

        Raises:
            EvidenceError: It is not what its digest says; nothing is kept.
        """
        path = self._path(lease, sha256)
        if path.exists():
            return True
        found = hashlib.sha256(raw).hexdigest()
        if found != sha256:
            raise EvidenceError("this is not what its digest says", expected=sha256, found=found)
        self.forget(lease)
        with self._lock:
            self._kept[lease] = path
        _begun(path).write_bytes(raw)
        _begun(path).rename(path)
        with self._lock:
            is_newest = self._kept.get(lease) == path
        if not is_newest:
            path.unlink(missing_ok=True)
        return False

    def read(self, lease: Hashable, sha256: str) -> bytes | None:
        """What was kept; None where nothing was, or something else."""
        try:
            return self._path(lease, sha256).read_bytes()
        except FileNotFoundError:
            return None

    def forget(self, lease: Hashable) -> None:
        with self._lock:
            path = self._kept.pop(lease, None)
        if path is not None:
            path.unlink(missing_ok=True)
            _begun(path).unlink(missing_ok=True)

    def sweep(self, is_needed: Callable[[Hashable], bool]) -> int:
        """Forgets what came of leases by which nobody can end a job any more.

        Args:
            is_needed: Whether somebody still can by this one. One that is over is so for good, so that
                nothing comes of it between the question and its end.

        Returns:
            How many leases there were.
        """
        with self._lock:
            known = list(self._kept)
        over = [lease for lease in known if not is_needed(lease)]
        for lease in over:
            self.forget(lease)
        return len(over)

    def _path(self, lease: Hashable, sha256: str) -> Path:
        return self._folder / f"{_name(str(lease))}-{_name(sha256)}"


def _begun(path: Path) -> Path:
    return path.with_suffix(".begun")


def _name(text: str) -> str:
    """Texts come from elsewhere, and name no path."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
