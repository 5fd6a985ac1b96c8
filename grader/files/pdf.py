"""Pages as PDF, printed by a browser without a window where one is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from grader.errors import ServiceError, UsageError

__all__ = ["find_browser", "print_pdf"]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
_LIMIT_S = 120
_OPTIONS = (
    "--headless",
    "--disable-gpu",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-pdf-header-footer",
)


def find_browser() -> str:
    """The program that ``GRADER_BROWSER`` names, else the first known one that is installed.

    Raises:
        UsageError: There is none.
    """
    wanted = os.environ.get("GRADER_BROWSER")
    found = shutil.which(wanted) if wanted else next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        raise UsageError(
            "there is no browser to write PDF with",
            where=f"GRADER_BROWSER={wanted}" if wanted else None,
            expected=f"one of {', '.join(_NAMES)}",
            todo="install Chromium, or leave out --pdf and print the pages yourself",
        )
    return found


def print_pdf(browser: str, page: Path) -> Path:
    """Prints a page to a PDF file beside it, replacing an older one.

    Args:
        browser: As `find_browser` gives it.
        page: The HTML file.

    Raises:
        ServiceError: The browser wrote nothing, or did not end within two minutes.
    """
    target = page.with_suffix(".pdf")
    with tempfile.TemporaryDirectory(prefix="grader-pdf-", ignore_cleanup_errors=True) as profile:
        printed = Path(profile, "page.pdf")
        said = _run([browser, *_options(profile), f"--print-to-pdf={printed}", page.absolute().as_uri()])
        if not printed.is_file():
            raise ServiceError(
                "the browser wrote no PDF",
                where=str(page),
                found=said.strip().rpartition("\n")[2] or None,
                todo=f"try it by hand: {browser} --headless --print-to-pdf {page}",
            )
        # The profile may lie on another disk; the target must never be half a file.
        unfinished = target.with_name(f".{target.name}.part")
        shutil.copyfile(printed, unfinished)
        unfinished.replace(target)
    return target


def _options(profile: str) -> list[str]:
    # Chromium's own sandbox refuses to start as root; the pages run no scripts.
    as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return [*_OPTIONS, *as_root, f"--user-data-dir={profile}"]


def _run(command: list[str]) -> str:
    try:
        ended = subprocess.run(  # noqa: S603 - the browser that the user or the system named
            command, capture_output=True, text=True, errors="replace", timeout=_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServiceError("the browser could not print", where=command[0], found=str(error)) from error
    return ended.stderr
