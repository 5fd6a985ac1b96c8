"""What every shim is given, and how it says that it was used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grader.collector.recorder.cells import Cells
from grader.collector.recorder.patches import Patches
from grader.evidence.plan import Plan
from grader.evidence.record import ShimKind, ShimUse
from grader.evidence.text import shortened

__all__ = ["Context", "ShimLog"]

_MAX_USES = 200
_MAX_DETAIL = 200


class ShimLog:
    """Uses of shims, each kind and detail once for each cell, up to a number of them for each kind.

    Attributes:
        cut: There were more.
    """

    def __init__(self, cells: Cells) -> None:
        self._cells = cells
        self._seen: set[tuple[ShimKind, int | None, str]] = set()
        self._of_kind: Counter[ShimKind] = Counter()
        self._new: list[ShimUse] = []
        self.cut = False

    def note(self, kind: ShimKind, detail: str) -> None:
        use = (kind, self._cells.current, shortened(detail, _MAX_DETAIL))
        if use in self._seen:
            return
        if self._of_kind[kind] >= _MAX_USES:
            self.cut = True
            return
        self._of_kind[kind] += 1
        self._seen.add(use)
        self._new.append(ShimUse(kind=kind, cell=use[1], detail=use[2]))

    def drain(self) -> tuple[ShimUse, ...]:
        drained = tuple(self._new)
        self._new.clear()
        return drained


@dataclass
class Context:
    """Surroundings of a kernel session.

    Attributes:
        data_dir: Where the plan's data sets are mounted read-only; None where there are none.
        work_dir: The kernel's working folder, ``/content`` in the container.
        handed_in: Files that came with the notebook and lie below the working folder.
        undo: Called in reverse order when the session is taken out again.
    """

    plan: Plan
    namespace: dict[str, Any]
    data_dir: Path | None
    work_dir: Path
    shell: Any
    patches: Patches
    log: ShimLog
    undo: list[Callable[[], None]] = field(default_factory=list)
    handed_in: frozenset[Path] = frozenset()

    def local(self, path: str) -> Path:
        """A Colab path in this sandbox: below the work folder where that is not ``/content`` itself."""
        given = Path(path)
        colab = Path("/content")
        if self.work_dir != colab and given.is_relative_to(colab):
            return self.work_dir / given.relative_to(colab)
        return given
