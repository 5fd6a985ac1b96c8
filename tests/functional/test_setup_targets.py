"""What `make` installs, and when: the real Makefile and script, with a pip that notes what it is asked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = """#!/bin/sh
case "$*" in
  *"pip install"*) for last; do :; done; echo "$last" >>installed ;;
esac
"""


class Checkout:
    """A copy of what sets up, in which tools do nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in ("Makefile", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, folder)
        (folder / "scripts").mkdir()
        for name in ("venv.sh", "root.sh"):
            shutil.copy(ROOT / "scripts" / name, folder / "scripts")
        nothing = [folder / "scripts" / f"{name}.sh" for name in ("engine", "browser", "postgresql", "demo")]
        programs = [folder / ".venv" / "bin" / name for name in ("grader", "pytest")]
        for path in (*nothing, *programs):
            self._program(path, "#!/bin/sh\n")
        self._program(folder / ".venv" / "bin" / "python", PYTHON)

    def _program(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def make(self, target: str) -> list[str]:
        """Runs a target; gives what was installed."""
        log = self._folder / "installed"
        log.write_text("")
        # A make around this one would pass its own flags on.
        plain = {name: text for name, text in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
        subprocess.run(
            ["make", "--no-print-directory", target, f"PYTHON={sys.executable}"],
            cwd=self._folder, env=plain, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return log.read_text().split()

    def change(self, name: str) -> None:
        """As if a file was edited after all that was installed."""
        for path in self._folder.rglob("*"):
            os.utime(path, (1000, 1000))
        for stamp in (self._folder / ".venv").glob(".*"):
            os.utime(stamp, (2000, 2000))
        os.utime(self._folder / name, (3000, 3000))


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_the_demo_installs_only_what_grading_needs_and_only_once(checkout: Checkout) -> None:
    assert checkout.make("demo") == [".[web]"]
    assert checkout.make("demo") == []


@pytest.mark.parametrize("target", ["setup", "test", "shuffled", "corpus", "gpu"])
def test_tests_and_checks_install_their_tools_in_one_go(checkout: Checkout, target: str) -> None:
    assert checkout.make(target) == [".[dev]"]
    assert checkout.make(target) == []


def test_the_demo_after_tests_installs_nothing(checkout: Checkout) -> None:
    checkout.make("test")
    assert checkout.make("demo") == []


def test_tests_after_the_demo_install_what_is_missing(checkout: Checkout) -> None:
    checkout.make("demo")
    assert checkout.make("test") == [".[dev]"]


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_changed_pins_are_installed_by_whichever_comes_next(checkout: Checkout, name: str) -> None:
    checkout.make("test")
    checkout.change(name)
    assert checkout.make("test") == [".[dev]"]
    checkout.change(name)
    assert checkout.make("demo") == [".[web]"]
    assert checkout.make("test") == [".[dev]"]
