"""What looking at photos needs beside the grader itself: the extra `photos`."""

from __future__ import annotations

from importlib.util import find_spec

from grader.errors import UsageError

__all__ = ["PACKAGES", "require_packages"]

#: By the names that are imported.
PACKAGES = {
    "PIL": "pillow",
    "pillow_heif": "pillow-heif",
    "imagehash": "ImageHash",
    "skimage": "scikit-image",
}


def require_packages() -> None:
    """Makes sure that photos can be looked at before any is opened.

    Raises:
        UsageError: A package is missing; says how to install it.
    """
    missing = [name for module, name in PACKAGES.items() if find_spec(module) is None]
    if missing:
        raise UsageError(
            "photos cannot be looked at on this host: packages are missing",
            expected=", ".join(PACKAGES.values()),
            found=f"no {', no '.join(missing)}",
            todo="pip install 'grader[photos]'; in a checkout: pip install -c constraints.txt -e '.[photos]'",
        )
