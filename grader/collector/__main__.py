"""Starts the driver, or the launcher when the driver asks for it."""

from __future__ import annotations

import gc
import sys

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    # What imports make stays; looking through it for garbage again and again takes a third of a start.
    gc.disable()
    # Each imports what the other must not have: the launcher torch, the driver an event loop.
    if arguments[:1] == ["launcher"]:
        from grader.collector.launcher import serve

        return serve(int(arguments[1]))
    from grader.collector.spawn import spawn_fork_server

    server = spawn_fork_server()
    from grader.collector.driver import run

    gc.freeze()
    gc.enable()
    return run(server)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
