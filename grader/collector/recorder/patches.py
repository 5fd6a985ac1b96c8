"""Replaced attributes that can be put back, and told apart from a student's own replacement."""

from __future__ import annotations

from typing import Any

__all__ = ["Patches"]

_ABSENT = object()


class Patches:
    """Attributes of classes and modules replaced by ours, newest last."""

    def __init__(self) -> None:
        self._made: list[tuple[Any, str, Any, Any]] = []

    def replace(self, owner: Any, name: str, replacement: Any) -> Any:
        """Sets `owner.name` and gives what stood there, as stored in the owner itself."""
        original = vars(owner).get(name, _ABSENT)
        setattr(owner, name, replacement)
        self._made.append((owner, name, original, vars(owner)[name]))
        return None if original is _ABSENT else original

    def altered(self) -> tuple[str, ...]:
        """Names that no longer hold what was put there: someone replaced them in turn."""
        latest = {(owner, name): ours for owner, name, _, ours in self._made}
        return tuple(
            f"{getattr(owner, '__name__', type(owner).__name__)}.{name}"
            for (owner, name), ours in latest.items()
            if vars(owner).get(name) is not ours
        )

    def undo(self) -> None:
        """Puts everything back, newest first."""
        while self._made:
            owner, name, original, _ = self._made.pop()
            if original is _ABSENT:
                if name in vars(owner):
                    delattr(owner, name)
            else:
                setattr(owner, name, original)
