"""A publication that kills itself with SIGKILL while it writes its COUNT-th verdict, for tests."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from grader.facts.case import Reference
from grader.store import WritableHistory, open_store
from grader.workflows.publishing.draft import read_draft, standing_rubric
from grader.workflows.publishing.publish import PublishOrder, publish_rubric


def main(rubric: str, database: str, evidence: str, count: str) -> None:
    """Changes this process for good: it is to serve this one publication."""
    left = int(count)
    add_verdict = WritableHistory.add_verdict

    def dying(*arguments: Any, **more: Any) -> Any:
        """Dies after the row is written and before the transaction is over."""
        nonlocal left
        row = add_verdict(*arguments, **more)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return row

    WritableHistory.add_verdict = dying  # type: ignore[method-assign]
    with open_store(database, evidence=Path(evidence)) as store:
        standing = standing_rubric(store, "mini")
        draft = read_draft(standing, Path(rubric).read_text(encoding="utf-8"), Reference())
        assert draft.loaded is not None
        publish_rubric(store, PublishOrder(draft.loaded, standing.key, "stricter", "ann"), Reference())
