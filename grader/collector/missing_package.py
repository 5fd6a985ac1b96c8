"""What stands for a package that is not in the sandbox; whoever reads a notebook's names passes it over."""

from __future__ import annotations

from typing import Any

__all__ = ["MissingPackage", "StandIn"]


class MissingPackage(ModuleNotFoundError):
    """A package is used that is not in the sandbox."""


class StandIn:
    """What a name holds whose package is not here: every use raises `MissingPackage`."""

    def __init__(self, package: str) -> None:
        object.__setattr__(self, "_package", package)

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        package = object.__getattribute__(self, "_package")
        raise MissingPackage(f"`{package}` is not available in the grading sandbox", name=package)

    __call__ = __getitem__ = __setitem__ = __iter__ = __enter__ = __len__ = __setattr__ = _refuse
    __mro_entries__ = _refuse

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            # Python and IPython ask objects for such names to learn what they are.
            raise AttributeError(name)
        return self._refuse()

    def __repr__(self) -> str:
        return f"<`{object.__getattribute__(self, '_package')}` is not available in the grading sandbox>"
