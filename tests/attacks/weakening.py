"""Sandboxes with a defence taken out, to see that it is this defence that holds.

Nothing in the product can be switched off: containers get a changed copy of the code mounted over their own,
and changed options.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import docker
import pytest

from grader.sandbox import container
from grader.sandbox.resources import code_files

__all__ = ["Weakness", "weaken"]

#: File of the package, text in it, and what to write in its place.
Change = tuple[str, str, str]


class Weakness:
    """One way to take a defence out.

    Args:
        code: Changes of the code inside: by file, text in it and what stands there instead.
        options: Options of the container to be set instead.
        network: Whether the container gets the engine's default network.
        mounts: Mounts in place of those for the same folders.
    """

    def __init__(
        self,
        code: Mapping[str, tuple[str, str]] | None = None,
        options: Mapping[str, Any] | None = None,
        *,
        network: bool = False,
        mounts: tuple[docker.types.Mount, ...] = (),
    ) -> None:
        self.changes: tuple[Change, ...] = tuple((name, *texts) for name, texts in (code or {}).items())
        self.options = dict(options or {})
        self.network = network
        self.mounts = mounts

    def __or__(self, other: Weakness) -> Weakness:
        both = Weakness(
            options={**self.options, **other.options},
            network=self.network or other.network,
            mounts=(*self.mounts, *other.mounts),
        )
        both.changes = (*self.changes, *other.changes)
        return both


def weaken(weakness: Weakness, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets every container that is started from now on have this weakness."""
    real = container.host_options
    mount = _changed_code(weakness.changes, folder) if weakness.changes else None

    def options(spec: container.ContainerSpec) -> dict[str, Any]:
        chosen = {**real(spec), **weakness.options}
        if mount is not None:
            chosen["mounts"] = [*chosen["mounts"], mount]
        taken = {each["Target"] for each in weakness.mounts}
        kept = [each for each in chosen["mounts"] if each["Target"] not in taken]
        return {**chosen, "mounts": [*kept, *weakness.mounts]}

    monkeypatch.setattr(container, "host_options", options)
    if weakness.network:
        _open_network(monkeypatch)


def _changed_code(changes: Sequence[Change], folder: Path) -> docker.types.Mount:
    for name, content in code_files().items():
        text = content.decode()
        for _, old, new in (change for change in changes if change[0] == name):
            assert text.count(old) == 1, f"{name} no longer holds {old!r} once"
            text = text.replace(old, new)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return docker.types.Mount("/opt/code", str(folder), type="bind", read_only=True)


def _open_network(monkeypatch: pytest.MonkeyPatch) -> None:
    kind: Any = docker.api.container.ContainerApiMixin
    create: Callable[..., Any] = kind.create_container

    def with_network(self: Any, *args: Any, **kwargs: Any) -> Any:
        return create(self, *args, **{**kwargs, "network_disabled": False})

    monkeypatch.setattr(kind, "create_container", with_network)
