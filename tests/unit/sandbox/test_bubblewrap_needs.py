"""What bubblewrap needs of this machine, said at once and with how to install it."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
import tomllib
from pathlib import Path

import pytest

from grader.errors import SandboxUnavailable
from grader.sandbox import doctor
from grader.sandbox.bubblewrap import PACKAGES, BubblewrapSandbox
from grader.sandbox.select import choose_sandbox

ROOT = Path(__file__).resolve().parents[3]


def installed(monkeypatch: pytest.MonkeyPatch, *, programs: bool, without: tuple[str, ...] = ()) -> None:
    """Plays a machine that has bubblewrap or not, and all packages but some."""
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}" if programs else None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in without else object())


def test_a_host_without_torch_is_told_what_is_missing_and_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    installed(monkeypatch, programs=True, without=("torch", "torchvision"))
    with pytest.raises(SandboxUnavailable, match=r"not installed: torch, torchvision\n") as caught:
        BubblewrapSandbox()
    assert f"{sys.executable} -m pip install 'grader[sandbox]'" in str(caught.value)
    assert "system packages" not in str(caught.value)
    assert "start a Docker engine" in str(caught.value)


def test_programs_and_packages_that_are_missing_are_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, programs=False, without=("torch",))
    with pytest.raises(SandboxUnavailable, match="not installed: bwrap, prlimit, torch") as caught:
        BubblewrapSandbox()
    assert "install the system packages bubblewrap and util-linux" in str(caught.value)
    assert "grader[sandbox]" in str(caught.value)


def test_a_missing_program_alone_asks_for_no_python_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, programs=False)
    with pytest.raises(SandboxUnavailable, match=r"not installed: bwrap, prlimit\n") as caught:
        BubblewrapSandbox()
    assert "pip install" not in str(caught.value)


def test_where_all_is_installed_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, programs=True)
    BubblewrapSandbox().close()


def test_the_extra_installs_what_is_asked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = [requirement.partition(">")[0] for requirement in project["optional-dependencies"]["sandbox"]]
    assert {name.partition("=")[0] for name in extra} >= set(PACKAGES)


def test_the_extra_has_what_notebooks_import_in_the_image() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    image = (ROOT / "docker" / "requirements-sandbox.txt").read_text(encoding="utf-8")
    pinned = {line.partition("=")[0] for line in image.splitlines() if line and not line.startswith("#")}
    extra = {re.split("[=>]", each)[0] for each in project["optional-dependencies"]["sandbox"]}
    assert extra - {"torch", "torchvision"} <= pinned
    assert {"seaborn", "pandas", "scikit-learn", "torchinfo", "tqdm"} <= extra


def test_without_engine_and_without_torch_both_ways_out_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, programs=True, without=("torch",))
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    with pytest.raises(SandboxUnavailable) as caught:
        choose_sandbox("auto", isolation="fork", gpus="none", data_dir=None, run_id="t", notify=print)
    for words in ("no Docker engine answers", "not installed: torch", "start Docker", "grader[sandbox]"):
        assert words in str(caught.value)


def test_the_doctor_shows_both_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, programs=True, without=("torch",))
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    engine, bubblewrap = doctor.diagnose()
    assert (engine.name, engine.ok) == ("engine", False)
    assert (bubblewrap.name, bubblewrap.ok) == ("bubblewrap", False)
    assert "pip install 'grader[sandbox]'" in bubblewrap.message
    assert "\n" not in engine.message + bubblewrap.message
