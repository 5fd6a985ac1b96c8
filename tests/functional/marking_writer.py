"""A grader who gives COUNT marks one after another; a program of its own, for tests.

Usage: marking_writer.py DATABASE EVIDENCE NAME COUNT
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from grader.store import open_store
from tests.tampering import mark, write

database, evidence, name, count = sys.argv[1:]
with open_store(database, evidence=Path(evidence)) as store:
    # Neither begins before both can.
    Path(evidence, f"{name}.ready").touch()
    while len(list(Path(evidence).glob("*.ready"))) < 2:
        time.sleep(0.01)
    for number in range(int(count)):
        write(store, mark(name, float(number)))
        # SQLite's lock is not fair: whoever asks again at once may keep all others out.
        time.sleep(0.005)
