"""The sandbox image: base, wheels, collector code; each layer named by the hash of what went into it."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import docker
from docker.errors import BuildError

from grader.errors import ImageError, UsageError
from grader.sandbox.base_image import (
    DEBOOTSTRAP,
    ensure_debootstrap,
    ensure_registry,
    has_image,
    python_of,
    registry_image,
)
from grader.sandbox.engine import ENGINE_ERRORS, connect
from grader.sandbox.pythons import COLAB_PYTHON, DEBIAN_PYTHON, PYTHONS, said_of
from grader.sandbox.resources import code_files, docker_folder
from grader.sandbox.wheels import cache_folder, fetch_wheels

__all__ = [
    "Base",
    "ImageRef",
    "Torch",
    "build_image",
    "find_image",
    "list_images",
    "possible_bases",
    "prune_images",
]

Base = Literal["registry", "debootstrap", "auto"]
Torch = Literal["cpu", "cuda"]

_WHEELS = "grader-sandbox-wheels"
_SANDBOX = "grader-sandbox"
_LABEL = "grader.image"
_BUILD_S = 3600


@dataclass(frozen=True)
class ImageRef:
    """A sandbox image that is there.

    Attributes:
        tag: Name by which it is run; the part after the colon is the hash of its contents.
        id: The engine's digest of it, recorded in evidence.
        base: Image below the wheels.
        torch: ``cpu`` or ``cuda`` wheels.
        python: As 3.12; empty for an image of an older version of the grader.
        size_bytes: With all layers.
        current: Holds this version's code.
    """

    tag: str
    id: str
    base: str
    torch: str
    size_bytes: int
    current: bool = True
    python: str = ""


def find_image(client: docker.DockerClient, *, torch: Torch = "cpu") -> ImageRef | None:
    """The image of this version's code, whatever base it stands on; None where it has not been built.

    Where there are several, Colab's Python comes first, then the newer one.
    """
    for base in _bases():
        tag = _sandbox_tag(_wheels_tag(base, torch))
        if has_image(client, tag):
            return _describe(client.images.get(tag), tag)
    return None


def build_image(
    base: Base, torch: Torch, progress: Callable[[str], None], *, python: str | None = None
) -> ImageRef:
    """Builds what is missing: base, wheels, code.

    Args:
        base: ``auto`` takes a registry's image, or makes one from Debian packages where none answers.
        torch: Which PyTorch wheels.
        python: As 3.12, which must be had; None takes Colab's where a registry answers, else Debian's.
        progress: Gets one line for each step.

    Raises:
        UsageError: This base has no such Python.
        ImageError: A step failed; says which and why.
        SandboxUnavailable: No engine answers.
    """
    bases = possible_bases(base, python)
    with closing(connect(timeout_s=_BUILD_S)) as client, _lock(progress):
        wheels = _ensure_wheels(client, bases, torch, progress)
        return _ensure_code(client, wheels, torch, progress)


def list_images() -> list[ImageRef]:
    """All sandbox images of any version, this version's first."""
    current = {_sandbox_tag(wheels) for wheels in _current_wheels()}
    with closing(connect()) as client:
        found = [
            _describe(image, tag, current=tag in current)
            for image in client.images.list(filters={"label": f"{_LABEL}=code"})
            for tag in image.tags
        ]
    return sorted(found, key=lambda image: (not image.current, image.tag))


def prune_images() -> tuple[list[str], list[str]]:
    """Removes the images of other versions, and the layers that only these used.

    Returns:
        Tags that were removed, and those that containers still use.

    Raises:
        SandboxUnavailable: No engine answers.
    """
    removed: list[str] = []
    used: list[str] = []
    wheels = _current_wheels()
    current = {*wheels, *map(_sandbox_tag, wheels)}
    with closing(connect()) as client:
        # An image goes before the one that it stands on.
        for kind in ("code", "wheels"):
            found = client.images.list(filters={"label": f"{_LABEL}={kind}"})
            for tag in sorted({tag for image in found for tag in image.tags} - current):
                (removed if _is_removed(client, tag) else used).append(tag)
    return removed, used


def _is_removed(client: docker.DockerClient, tag: str) -> bool:
    try:
        client.images.remove(tag)
    except ENGINE_ERRORS:
        return False
    return True


def _current_wheels() -> set[str]:
    return {_wheels_tag(base, torch) for base in _bases() for torch in ("cpu", "cuda")}


def _bases() -> list[str]:
    """Every base image that this version can stand on, the best first."""
    newest_first = sorted(PYTHONS, key=lambda python: (python != COLAB_PYTHON, PYTHONS[::-1].index(python)))
    return [*map(registry_image, newest_first), DEBOOTSTRAP]


def possible_bases(base: Base, python: str | None) -> tuple[str, ...]:
    """The base images that a wish leaves, in the order in which they are tried.

    Raises:
        UsageError: It leaves none.
    """
    if python is not None and python not in PYTHONS:
        raise UsageError(
            f"no image is made with Python {python}", expected=f"--python with one of {', '.join(PYTHONS)}"
        )
    if base == "debootstrap" and python not in (None, DEBIAN_PYTHON):
        raise UsageError(
            f"Debian's packages have Python {DEBIAN_PYTHON} only",
            found=f"--base debootstrap --python {python}",
            todo="leave out one of the two; another Python comes from an image registry",
        )
    from_registry = registry_image(python or COLAB_PYTHON)
    of_debian = (DEBOOTSTRAP,) if python in (None, DEBIAN_PYTHON) else ()
    return {"registry": (from_registry,), "debootstrap": of_debian, "auto": (from_registry, *of_debian)}[base]


def _describe(image: docker.models.images.Image, tag: str, *, current: bool = True) -> ImageRef:
    labels = image.labels
    return ImageRef(
        tag=tag,
        id=str(image.id),
        base=labels.get("grader.base", "?"),
        torch=labels.get("grader.torch", "?"),
        size_bytes=int(image.attrs.get("Size", 0)),
        current=current,
        python=python_of(labels.get("grader.base", "")),
    )


def _hash(parts: Mapping[str, bytes]) -> str:
    total = hashlib.sha256()
    for name, content in sorted(parts.items()):
        total.update(f"{name}\0{len(content)}\0".encode() + content)
    return total.hexdigest()[:16]


def _wheels_tag(base: str, torch: str) -> str:
    folder = docker_folder()
    names = (
        "Dockerfile",
        "requirements-sandbox.txt",
        "requirements-alone.txt",
        f"requirements-torch-{torch}.txt",
    )
    parts = {name: (folder / name).read_bytes() for name in names}
    return f"{_WHEELS}:{_hash({**parts, 'base': base.encode()})}"


def _sandbox_tag(wheels_tag: str) -> str:
    dockerfile = (docker_folder() / "code.Dockerfile").read_bytes()
    return f"{_SANDBOX}:{_hash({**code_files(), 'dockerfile': dockerfile, 'wheels': wheels_tag.encode()})}"


def _ensure_wheels(
    client: docker.DockerClient, bases: Sequence[str], torch: Torch, progress: Callable[[str], None]
) -> str:
    for base in bases:
        tag = _wheels_tag(base, torch)
        if has_image(client, tag):
            return tag
    return _build_wheels(client, _ensure_base(client, bases, progress), torch, progress)


def _ensure_base(client: docker.DockerClient, bases: Sequence[str], progress: Callable[[str], None]) -> str:
    """The first of the base images that can be had."""
    if bases[0] == DEBOOTSTRAP:
        return ensure_debootstrap(client, progress)
    try:
        return ensure_registry(client, python_of(bases[0]), progress)
    except ImageError:
        if DEBOOTSTRAP not in bases:
            raise
        progress("No image registry answers")
        if python_of(bases[0]) != DEBIAN_PYTHON:
            progress(f"The image gets Debian's Python: {said_of(DEBIAN_PYTHON)}")
        return ensure_debootstrap(client, progress)


def _build_wheels(
    client: docker.DockerClient, base: str, torch: Torch, progress: Callable[[str], None]
) -> str:
    tag = _wheels_tag(base, torch)
    context = cache_folder() / tag.replace(":", "-")
    progress("Fetching the wheels")
    fetch_wheels(context / "wheels", torch, python_of(base), progress)
    progress("Installing the wheels into the image (some minutes, once)")
    shutil.copy(docker_folder() / "Dockerfile", context / "Dockerfile")
    labels = {_LABEL: "wheels", "grader.base": base, "grader.torch": torch}
    _build(client, context, tag, {"BASE_IMAGE": base}, labels)
    shutil.rmtree(context)
    return tag


def _ensure_code(
    client: docker.DockerClient, wheels: str, torch: Torch, progress: Callable[[str], None]
) -> ImageRef:
    tag = _sandbox_tag(wheels)
    if not has_image(client, tag):
        progress("Adding this version's code to the image")
        with tempfile.TemporaryDirectory(prefix="grader-image-") as folder:
            context = Path(folder)
            for name, content in code_files().items():
                (context / name).parent.mkdir(parents=True, exist_ok=True)
                (context / name).write_bytes(content)
            shutil.copy(docker_folder() / "code.Dockerfile", context / "Dockerfile")
            _build(client, context, tag, {"WHEELS_IMAGE": wheels}, {_LABEL: "code"})
    return _describe(client.images.get(tag), tag)


def _build(
    client: docker.DockerClient,
    context: Path,
    tag: str,
    arguments: dict[str, str],
    labels: dict[str, str],
) -> None:
    try:
        # All that a step needs lies in the context.
        client.images.build(
            path=str(context),
            tag=tag,
            buildargs=arguments,
            labels=labels,
            rm=True,
            forcerm=True,
            network_mode="none",
        )
    except BuildError as error:
        log = "".join(str(line.get("stream", "")) for line in error.build_log)
        raise ImageError(
            f"{tag} cannot be built",
            found=f"{error.msg}\n" + "\n".join(log.strip().splitlines()[-8:]),
            todo="mend what the last lines name and build again; wheels fetched so far are kept",
        ) from error
    except ENGINE_ERRORS as error:
        raise ImageError(f"{tag} cannot be built", found=str(error)[:300]) from error


@contextmanager
def _lock(progress: Callable[[str], None]) -> Iterator[None]:
    """Lets one process build at a time. The file stays: unlinking it would let two in."""
    with (cache_folder() / "image.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("another process is building an image: waiting until it is done")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
