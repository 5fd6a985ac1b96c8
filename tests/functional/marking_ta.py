"""A TA who gives COUNT marks, one after another, as soon as the file GO is there; a program for tests.

Usage: marking_ta.py DATABASE EVIDENCE GO ACTOR COUNT
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from grader.store import open_store
from grader.workflows.marking import MarkOrder, give_marks

database, evidence, go, actor, count = sys.argv[1:]
with open_store(database, evidence=Path(evidence)) as store:
    Path(f"{go}.{actor}").touch()
    while not Path(go).exists():
        time.sleep(0.001)
    for number in range(int(count)):
        order = MarkOrder(f"s{number % 2 + 1}", "why", float(number % 4), f"mark {number}")
        give_marks(store, "mini", [order], actor=actor)
