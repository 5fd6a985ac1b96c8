"""Shell lines: what needs a network or Colab is answered at once, the rest runs under a time limit."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from IPython.utils.text import LSString, SList

from grader.collector.shims.context import Context
from grader.evidence.record import ShimKind

__all__ = ["answer_without_running", "install"]

_TIME_LIMIT_S = 60
_MAX_OUTPUT = 200_000
_CUT_SHORT = "\n[sandbox] the rest of the output was left out\n"
_NEEDS_NETWORK = frozenset({
    "apt", "apt-get", "aria2c", "conda", "curl", "gdown", "gh", "git", "gsutil", "huggingface-cli",
    "kaggle", "mamba", "npm", "pip", "pip3", "rsync", "scp", "ssh", "sudo", "wget",
})  # fmt: skip
_STEP = re.compile(r"&&|\|\||;|\n")
_ASSIGNMENT = re.compile(r"^[A-Za-z_]\w*=")


def install(context: Context) -> None:
    """Takes over ``!cmd``, ``x = !cmd``, ``%%shell``, ``%pip`` and ``%conda`` of this shell."""
    lines = _ShellLines(context)
    shell = context.shell
    context.patches.replace(shell, "system", lines.system)
    context.patches.replace(shell, "getoutput", lines.getoutput)
    magics = shell.magics_manager.magics
    for kind, name, function in (
        ("cell", "shell", lines.cell_magic),
        ("line", "pip", lines.installer("pip")),
        ("line", "conda", lines.installer("conda")),
    ):
        before = magics[kind].get(name)
        magics[kind][name] = function
        context.undo.append(_restorer(magics[kind], name, before))


def _restorer(table: dict[str, Any], name: str, before: Any) -> Callable[[], None]:
    def restore() -> None:
        if before is None:
            table.pop(name, None)
        else:
            table[name] = before

    return restore


def answer_without_running(command: str) -> str | None:
    """The line that stands for a command's output, or None for commands that can run here."""
    for step in _STEP.split(command):
        words = _words(step)
        if not words:
            continue
        program = Path(words[0]).name
        if program in _NEEDS_NETWORK or words[:3] in (["python", "-m", "pip"], ["python3", "-m", "pip"]):
            return f"[sandbox] not run, there is no network here: {command.strip()}"
        if program == "jupyter" or "nbconvert" in words[:3]:
            return f"[sandbox] not run, notebooks are not converted here: {command.strip()}"
        if program == "nvidia-smi":
            return "[sandbox] nvidia-smi: there is no GPU here"
        if program in ("unzip", "unrar", "7z", "tar"):
            missing = _missing_archive(words[1:])
            if missing:
                return f"[sandbox] {program}: {missing} is not here"
    return None


def _words(step: str) -> list[str]:
    try:
        words = shlex.split(step)
    except ValueError:
        words = step.split()
    while words and (_ASSIGNMENT.match(words[0]) or words[0] in ("nohup", "time", "yes", "|")):
        words.pop(0)
    return words


def _missing_archive(arguments: list[str]) -> str | None:
    archives = [word for word in arguments if re.search(r"\.(zip|rar|7z|tar|tgz|gz|bz2|xz)$", word)]
    return next((word for word in archives if not Path(word).expanduser().exists() and "*" not in word), None)


class _ShellLines:
    """The shell's ways to run a command."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def system(self, command: str) -> None:
        """``!command``: prints what it printed, keeps its exit status in ``_exit_code``."""
        expanded = self._context.shell.var_expand(command, depth=1)
        output, status = self._run(expanded)
        sys.stdout.write(output)
        self._context.shell.user_ns["_exit_code"] = status

    def getoutput(self, command: str, split: bool = True, depth: int = 0) -> Any:
        """``x = !command``: gives the lines that it printed."""
        output, _ = self._run(self._context.shell.var_expand(command, depth=depth + 1))
        return SList(output.splitlines()) if split else LSString(output)

    def cell_magic(self, line: str, cell: str) -> None:
        """``%%shell``, which only Colab has."""
        self._context.log.note(ShimKind.SHELL, "%%shell")
        output, _ = self._run(cell)
        sys.stdout.write(output)

    def installer(self, name: str) -> Callable[[str], None]:
        def magic(line: str) -> None:
            self.system(f"{name} {line}")

        return magic

    def _run(self, command: str) -> tuple[str, int]:
        answer = answer_without_running(command)
        if answer is not None:
            self._context.log.note(ShimKind.SHELL, command.strip())
            return answer + "\n", 0
        try:
            ran = subprocess.run(  # noqa: S602 - the student's own command, in the sandbox
                command,
                shell=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=_TIME_LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            self._context.log.note(ShimKind.SHELL, f"stopped after {_TIME_LIMIT_S} s: {command.strip()}")
            return f"[sandbox] stopped after {_TIME_LIMIT_S} s: {command.strip()}\n", 124
        shown = ran.stdout[:_MAX_OUTPUT].decode("utf-8", "replace")
        return shown + (_CUT_SHORT if len(ran.stdout) > _MAX_OUTPUT else ""), ran.returncode
