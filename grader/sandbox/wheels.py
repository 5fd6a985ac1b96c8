"""Fetches the image's wheels with the host's own pip, which knows its mirrors and certificates."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from grader.errors import ImageError
from grader.sandbox.resources import docker_folder

__all__ = ["cache_folder", "fetch_wheels", "pip_command"]

_TIMEOUT_S = 3600


def cache_folder() -> Path:
    """Where fetched wheels and locks lie between builds."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(base) / "grader"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def fetch_wheels(target: Path, torch: str, python: str, progress: Callable[[str], None]) -> None:
    """Downloads all pinned wheels for the image's Python, as 3.12, into `target`.

    The environment variable TORCH_INDEX names a further package index, such as PyTorch's own of CPU builds.
    Where nobody offers PyTorch's wheels without CUDA, the general ones are taken: larger, equally right.

    Raises:
        ImageError: pip cannot find or fetch one of them; its last lines are shown.
    """
    folder = docker_folder()
    target.mkdir(parents=True, exist_ok=True)
    _pip(target, python, ["--no-deps", "-r", str(folder / "requirements-alone.txt")])
    pinned = ["-r", str(folder / "requirements-sandbox.txt")]
    try:
        _pip(target, python, [*pinned, "-r", str(folder / f"requirements-torch-{torch}.txt")])
    except ImageError as error:
        if torch != "cpu" or "torch==" not in (error.found or ""):
            raise
        progress("No PyTorch wheel without CUDA in reach; fetching the general one (larger)")
        _pip(target, python, [*pinned, "-r", str(folder / "requirements-torch-cuda.txt")])


def pip_command(target: Path, python: str, requirements: Sequence[str]) -> list[str]:
    """What fetches wheels for another Python than the host's."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--only-binary=:all:", "--implementation=cp", f"--python-version={python}"]
    if os.environ.get("TORCH_INDEX"):
        command += ["--extra-index-url", os.environ["TORCH_INDEX"]]
    return [*command, "--dest", str(target), *requirements]


def _pip(target: Path, python: str, requirements: Sequence[str]) -> None:
    command = pip_command(target, python, requirements)
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ImageError("pip did not run", found=str(error)[:300]) from error
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if not line.startswith("WARNING: Location")]
        raise ImageError(
            "the image's wheels cannot be fetched",
            where=" ".join(requirements[-2:]),
            found="\n".join(lines[-5:]) or f"pip ended with {done.returncode}",
            todo="check that `pip download` works here: network, index-url, find-links",
        )
