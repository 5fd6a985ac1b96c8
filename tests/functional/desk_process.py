"""A real server for workers in a process of its own, for tests that kill it and benchmarks that load it.

Usage: desk_process.py DATABASE FOLDER PORT LEASE_S

The rubrics lie in FOLDER/rubrics, evidence in FOLDER/evidence.
"""

from __future__ import annotations

import sys
from pathlib import Path

from grader.facts.case import Reference
from grader.store import open_store
from grader.web.serve import Opened, listen
from grader.workflows.leasing.remote import RemoteDesk
from grader.workflows.regrading.pool import shared_pool


def main(location: str, folder: str, port: str, lease_s: str) -> None:
    with (
        open_store(location, evidence=f"{folder}/evidence", busy_timeout_s=5.0) as store,
        listen("127.0.0.1", int(port)) as listening,
    ):
        places = [Path(folder)]
        desk = Opened(store, Reference(), listening, places=places)
        desk.courses.remote = RemoteDesk(
            {store.course.name: store}, Reference(), places, pool=shared_pool(), lease_s=float(lease_s)
        )
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        desk.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
