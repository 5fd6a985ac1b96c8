"""The image below the wheels: a slim Python from a registry, or Debian made here."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import docker
from docker.errors import ImageNotFound

from grader.errors import ImageError
from grader.sandbox.engine import ENGINE_ERRORS
from grader.sandbox.pythons import DEBIAN_PYTHON, PYTHONS

__all__ = [
    "DEBOOTSTRAP",
    "ensure_debootstrap",
    "ensure_registry",
    "has_image",
    "python_of",
    "registry_image",
]

DEBOOTSTRAP = "grader-sandbox-base:bookworm-1"

_SUITE = "bookworm"
_PACKAGES = ("python3", "python3-venv", "ca-certificates")
_TIMEOUT_S = 1800


def has_image(client: docker.DockerClient, tag: str) -> bool:
    try:
        client.images.get(tag)
    except ImageNotFound:
        return False
    return True


def registry_image(python: str) -> str:
    """What a registry calls the slim image of a Python, as 3.12."""
    return f"python:{python}-slim-bookworm"


def python_of(base: str) -> str:
    """The Python of a base image, as 3.12; empty for one that this version does not make."""
    if base == DEBOOTSTRAP:
        return DEBIAN_PYTHON
    return next((python for python in PYTHONS if base == registry_image(python)), "")


def ensure_registry(client: docker.DockerClient, python: str, progress: Callable[[str], None]) -> str:
    """Pulls the slim image of a Python unless it is there.

    Raises:
        ImageError: No registry answers, or it refuses.
    """
    image = registry_image(python)
    if has_image(client, image):
        return image
    progress(f"Pulling {image}")
    try:
        client.images.pull(image)
    except ENGINE_ERRORS as error:
        raise ImageError(
            f"{image} cannot be pulled",
            found=str(error)[:300],
            todo="let Docker reach an image registry; or use `grader image build --base debootstrap`, which"
            f" needs none and has Python {DEBIAN_PYTHON}",
        ) from error
    return image


def ensure_debootstrap(client: docker.DockerClient, progress: Callable[[str], None]) -> str:
    """Makes a base image from Debian packages unless it is there.

    Raises:
        ImageError: debootstrap is missing, not root's, or fails; its last lines are shown.
    """
    if has_image(client, DEBOOTSTRAP):
        return DEBOOTSTRAP
    program = shutil.which("debootstrap") or shutil.which("debootstrap", path="/usr/sbin:/sbin")
    if program is None:
        raise ImageError(
            "debootstrap is not installed", todo="apt-get install debootstrap, or let Docker reach a registry"
        )
    progress("Making a base image from Debian packages (about a minute)")
    with tempfile.TemporaryDirectory(prefix="grader-base-") as folder:
        root = Path(folder) / "root"
        _debootstrap(program, root)
        _import(client, root)
    return DEBOOTSTRAP


def _debootstrap(program: str, root: Path) -> None:
    command = [program, "--variant=minbase", f"--include={','.join(_PACKAGES)}", _SUITE, str(root)]
    mirror = _debian_mirror()
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program and arguments
            command + ([mirror] if mirror else []),
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ImageError("debootstrap did not run", found=str(error)[:300]) from error
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-5:])
        raise ImageError(
            "debootstrap failed", found=tail, todo="run it as root, with a Debian mirror in reach"
        )


def _debian_mirror() -> str | None:
    """The mirror that the host itself uses, where the host is Debian."""
    sources = [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]
    for source in sources:
        if source.is_file():
            found = re.search(
                r"^(?:URIs:|deb)\s+(https?://\S+/debian/?)\s*", source.read_text(), re.MULTILINE
            )
            if found:
                return found[1]
    return None


def _import(client: docker.DockerClient, root: Path) -> None:
    repository, tag = DEBOOTSTRAP.split(":")
    tar = shutil.which("tar") or "/bin/tar"
    # Package lists and caches are half of it, and of no use in the image.
    skipped = ("./var/cache/apt/*", "./var/lib/apt/lists/*", "./usr/share/doc/*", "./usr/share/man/*")
    command = [tar, "-C", str(root), *(f"--exclude={path}" for path in skipped), "-c", "."]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # noqa: S603 - as above
        try:
            client.api.import_image_from_stream(process.stdout, repository=repository, tag=tag)
        except ENGINE_ERRORS as error:
            raise ImageError("the base image cannot be imported", found=str(error)[:300]) from error
    if not has_image(client, DEBOOTSTRAP):
        raise ImageError("the engine took the base image but does not list it", where=DEBOOTSTRAP)
