"""Which Python notebooks meet in a sandbox, and how it stands beside Colab's."""

from __future__ import annotations

import re

__all__ = ["COLAB_PYTHON", "DEBIAN_PYTHON", "PYTHONS", "is_older_than_colab", "said_of"]

#: Of Debian bookworm; no package of it brings another.
DEBIAN_PYTHON = "3.11"
#: What students' notebooks run in, mostly. Source: Colab's release notes; raise it as Colab does.
COLAB_PYTHON = "3.12"
#: That an image can be made with: the pinned wheels are to be had for each.
PYTHONS = ("3.11", "3.12", "3.13")

_VERSION = re.compile(r"(\d+)\.(\d+)")


def is_older_than_colab(version: str) -> bool | None:
    """Whether a version, as 3.11.2, is older than Colab's; None for a text that names none."""
    found, colab = _VERSION.match(version), _VERSION.match(COLAB_PYTHON)
    if found is None or colab is None:
        return None
    return tuple(map(int, found.groups())) < tuple(map(int, colab.groups()))


def said_of(version: str) -> str:
    """In plain words what a sandbox's Python means for notebooks that were written in Colab."""
    older = is_older_than_colab(version)
    if older is None:
        return "the sandbox did not say which it has"
    if not older:
        return f"{version}, as new as Colab's ({COLAB_PYTHON})"
    return (
        f"{version}, older than Colab's ({COLAB_PYTHON}): what only a newer Python reads does not run;"
        " it is named as such and costs nobody points, but a TA has to look at it"
    )
