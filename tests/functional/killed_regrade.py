"""A regrade that kills itself with SIGKILL while it writes its COUNT-th verdict, for tests."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from grader.facts.case import Reference
from grader.store import WritableHistory, open_store
from grader.workflows.regrading.judging import Judge
from grader.workflows.regrading.regrade import regrade
from grader.workflows.regrading.rubrics import load_rubric_file
from grader.workflows.views.show import find_results


def main(rubric: str, database: str, evidence: str, count: str) -> None:
    """Changes this process for good: it is to serve this one regrade."""
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
    judge = Judge(load_rubric_file(Path(rubric)), Reference())
    with open_store(database, evidence=Path(evidence)) as store:
        regrade(store, find_results(store, "mini"), lambda _: judge, actor="ta")
