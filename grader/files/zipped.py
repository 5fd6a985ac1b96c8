"""Archives that are either there in full or not at all."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from grader.errors import UsageError

__all__ = ["whole_zip"]

#: Of every file in it, so that equal content gives an equal archive.
_WHEN = (1980, 1, 1, 0, 0, 0)

Add = Callable[[str, bytes], None]


@contextmanager
def whole_zip(path: Path) -> Iterator[Add]:
    """Gives what adds a file to an archive, which is at its place once all of it is written.

    Raises:
        UsageError: The place cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            yield lambda name, raw: archive.writestr(zipfile.ZipInfo(name, _WHEN), raw, zipfile.ZIP_DEFLATED)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise UsageError(
            "this file cannot be written", where=str(path), found=error.strerror or str(error)
        ) from error
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
