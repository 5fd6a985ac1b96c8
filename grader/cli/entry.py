"""The entry point: every way in which a command can end becomes a message and an exit code."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Sequence

import typer
from typer.exceptions import TyperException

from grader.cli.app import app
from grader.cli.console import plain
from grader.errors import GraderError
from grader.workflows.running.stopping import STOPS

__all__ = ["execute", "main"]

_DEBUG = "--debug"


def main() -> None:
    _read_names_as_utf_8()
    for number in STOPS:
        # Python's own way with Ctrl-C, so that whatever was started is ended and removed.
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    sys.exit(execute(sys.argv[1:]))


def _read_names_as_utf_8() -> None:
    """Starts Python anew where the locale has another encoding.

    Names of files would be read by it, so that one student had another id on each machine.
    """
    if sys.flags.utf8_mode or sys.getfilesystemencoding() == "utf-8":
        return
    os.environ["PYTHONUTF8"] = "1"
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606


def execute(arguments: Sequence[str]) -> int:
    """Runs a command.

    Args:
        arguments: Without the program's name; ``--debug`` may stand anywhere.

    Returns:
        The exit code: 0 done, 1 something needs attention or is our fault, 2 usage or rubric error.
    """
    debug = _DEBUG in arguments
    kept = [argument for argument in arguments if argument != _DEBUG]
    try:
        return int(app(kept, prog_name="grader", standalone_mode=False) or 0)
    except TyperException as error:
        said = error.format_message()
        hint = (
            ""
            if said.startswith("Usage:")
            else f"\n  to do: `{_command_of(error)} --help` shows what there is"
        )
        _say(said + hint)
        return error.exit_code
    except GraderError as error:
        _fail(error, str(error), debug)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        _say("stopped")
        return 130
    except BrokenPipeError:
        # The reader has seen enough; what Python flushes at its end must not raise again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        _fail(error, f"unexpected {type(error).__name__}: {error}\n  to do: run again with --debug", debug)
        return 1


def _command_of(error: TyperException) -> str:
    context = getattr(error, "ctx", None)
    return context.command_path if context else "grader"


def _fail(error: Exception, message: str, debug: bool) -> None:
    if debug:
        _say("".join(traceback.format_exception(error)))
    _say(message)


def _say(message: str) -> None:
    print("\n".join(plain(line) for line in message.splitlines()), file=sys.stderr)  # noqa: T201
