"""``python -m grader.worker``: a worker where nothing else of the grader is installed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from grader.errors import GraderError
from grader.worker.main import Given, work

__all__ = ["main"]

_PATHS = ("token_file", "ca", "data", "dask_ca", "dask_cert", "dask_key")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m grader.worker", description=__doc__)
    parser.add_argument("--server", required=True, metavar="URL", help="the server, https://...")
    parser.add_argument("--token-file", required=True, metavar="F", help="file with this worker's token")
    parser.add_argument("--ca", metavar="FILE", help="certificates that may vouch for the server")
    parser.add_argument("--pin", default="", metavar="sha256/...", help="SHA-256 of the server's certificate")
    parser.add_argument("--jobs", type=int, metavar="N", help="notebooks at a time")
    parser.add_argument("--gpus", default="none", metavar="none|all|IDS", help="GPUs to use")
    parser.add_argument("--sandbox", default="auto", metavar="auto|docker|bubblewrap")
    parser.add_argument("--isolation", default="fork", metavar="fork|container")
    parser.add_argument("--runtime", metavar="NAME", help="what the engine runs containers with")
    parser.add_argument("--data", metavar="DIR", help="folder of data sets")
    pool = parser.add_argument_group("a pool that runs them in place of this machine")
    pool.add_argument("--dask", default="", metavar="ADDRESS", help="its scheduler, tls://HEAD:8786")
    pool.add_argument("--launch", default="", metavar="slurm|kubernetes|ssh", help="launch one")
    pool.add_argument("--hosts", default="", metavar="A,B,...", help="for ssh: scheduler, then workers")
    pool.add_argument("--slots", type=int, default=1, metavar="N", help="notebooks on each launched worker")
    pool.add_argument(
        "--dask-resources", default="", metavar="NAME=N", help="what a notebook takes, as GPU=1"
    )
    for name, what in (("ca", "authority"), ("cert", "own certificate"), ("key", "key to that")):
        pool.add_argument(f"--dask-{name}", metavar="FILE", help=f"for tls://: {what}")
    told = vars(parser.parse_args())
    paths = {name: Path(told[name]) for name in _PATHS if told[name] is not None}
    try:
        work(Given(**told | paths), _say)
    except GraderError as error:
        _say(str(error))
        return error.exit_code
    return 0


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
