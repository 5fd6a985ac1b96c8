"""Finds what goes into images: the ``docker/`` folder and the code that runs inside."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import grader
from grader.errors import ImageError

__all__ = ["code_files", "docker_folder", "package_folder", "seccomp_profile"]

#: All of the package that the image gets: the collector and what it imports.
_INSIDE = ("__init__.py", "errors.py", "own_time.py", "evidence", "collector")


def package_folder() -> Path:
    return Path(grader.__file__).parent


def docker_folder() -> Path:
    """The folder with the Dockerfiles and pinned requirements: in the wheel, else in the checkout.

    Raises:
        ImageError: It is in neither, so the installation is damaged.
    """
    package = package_folder()
    candidates = (package / "bundled" / "docker", package.parent / "docker")
    for folder in candidates:
        if (folder / "Dockerfile").is_file():
            return folder
    raise ImageError(
        "the Dockerfile is missing from this installation",
        where=str(candidates[0]),
        todo="install the grader again",
    )


@cache
def seccomp_profile() -> str:
    """System calls that a container may make, as the JSON that Docker takes; all others are refused.

    Raises:
        ImageError: As `docker_folder`.
    """
    return (docker_folder() / "seccomp.json").read_text()


def code_files() -> dict[str, bytes]:
    """The package's files that run in the sandbox, by their path below the package's parent."""
    package = package_folder()
    paths = [path for part in _INSIDE for path in _python_files(package / part)]
    return {path.relative_to(package.parent).as_posix(): path.read_bytes() for path in sorted(paths)}


def _python_files(path: Path) -> list[Path]:
    return [path] if path.is_file() else list(path.rglob("*.py"))
