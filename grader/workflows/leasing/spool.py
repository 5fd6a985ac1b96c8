"""Evidence on its way: what a worker has sent and not ended its job with yet, one file for each lease."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import weakref
from pathlib import Path

from grader.errors import EvidenceError

__all__ = ["Spool"]


class Spool:
    """A folder of this process alone: whoever finds nothing in it sends the same once more."""

    def __init__(self) -> None:
        folder = tempfile.mkdtemp(prefix="grader-worker-")
        self._folder = Path(folder)
        # Goes with this object, whoever holds it.
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    def keep(self, lease: str, sha256: str, raw: bytes) -> bool:
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
        begun = path.with_suffix(".begun")
        begun.write_bytes(raw)
        begun.rename(path)
        return False

    def read(self, lease: str, sha256: str) -> bytes | None:
        """What was kept; None where nothing was, or something else."""
        try:
            return self._path(lease, sha256).read_bytes()
        except FileNotFoundError:
            return None

    def forget(self, lease: str) -> None:
        for path in self._folder.glob(f"{_name(lease)}-*"):
            path.unlink(missing_ok=True)

    def _path(self, lease: str, sha256: str) -> Path:
        return self._folder / f"{_name(lease)}-{_name(sha256)}"


def _name(text: str) -> str:
    """Texts come from elsewhere, and name no path."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
