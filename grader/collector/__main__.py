"""Starts the driver, or the launcher when the driver asks for it."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    # Each imports what the other must not have: the launcher torch, the driver an event loop.
    if arguments[:1] == ["launcher"]:
        from grader.collector.launcher import serve

        return serve(int(arguments[1]))
    from grader.collector.driver import run

    return run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
