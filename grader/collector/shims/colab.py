"""``google.colab``: Drive becomes a folder, uploads are empty, downloads stay where they are."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from grader.collector.shims.context import Context
from grader.evidence.record import ShimKind

__all__ = ["install"]


class _Colab(ModuleType):
    """A module with the names given, whose missing names say that this is no Colab."""

    def __init__(self, name: str, **content: Any) -> None:
        super().__init__(name)
        vars(self).update(content)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{self.__name__}.{name} is not available in the grading sandbox")


def install(context: Context) -> None:
    """Makes ``google.colab`` importable with ``drive``, ``files`` and ``runtime``."""
    drive, files = _drive(context), _files(context)
    runtime = _Colab(
        "google.colab.runtime", unassign=lambda: context.log.note(ShimKind.EXIT, "runtime.unassign()")
    )
    colab = _Colab("google.colab", __path__=[], drive=drive, files=files, runtime=runtime)
    modules: dict[str, ModuleType] = {
        "google.colab": colab,
        "google.colab.drive": drive,
        "google.colab.files": files,
        "google.colab.runtime": runtime,
    }
    if importlib.util.find_spec("google") is None:
        google = ModuleType("google")
        google.__path__ = []
        modules["google"] = google
    before = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    importlib.import_module("google").__dict__["colab"] = colab
    context.undo.append(lambda: _restore(before))


def _restore(before: dict[str, ModuleType | None]) -> None:
    for name, module in before.items():
        if module is None:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = module


def _drive(context: Context) -> ModuleType:
    def mount(mountpoint: Any, *args: Any, **kwargs: Any) -> None:
        """Makes an empty Drive folder, under both names that Colab has used for it."""
        folder = context.local(str(mountpoint))
        (folder / "My Drive").mkdir(parents=True, exist_ok=True)
        link = folder / "MyDrive"
        if not link.exists():
            link.symlink_to("My Drive", target_is_directory=True)
        context.log.note(ShimKind.COLAB_DRIVE, f"drive.mount({str(mountpoint)!r}) made an empty folder")
        print(f"Mounted at {mountpoint}")  # noqa: T201 - what Colab prints

    def flush_and_unmount(*args: Any, **kwargs: Any) -> None:
        """Leaves the folder as it is."""

    return _Colab("google.colab.drive", mount=mount, flush_and_unmount=flush_and_unmount)


def _files(context: Context) -> ModuleType:
    def upload(*args: Any, **kwargs: Any) -> dict[str, bytes]:
        context.log.note(ShimKind.COLAB_FILES, "files.upload() gave no files")
        return {}

    def download(path: Any) -> None:
        if not Path(path).exists():
            raise FileNotFoundError(f"Cannot find file: {path}")
        context.log.note(ShimKind.COLAB_FILES, f"files.download({str(path)!r}) left the file where it is")

    return _Colab("google.colab.files", upload=upload, download=download)
