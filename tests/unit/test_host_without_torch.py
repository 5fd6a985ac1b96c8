"""The host needs nothing of what notebooks run with: that is the image's, or the extra `sandbox`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from grader.sandbox.bubblewrap import PACKAGES

ROOT = Path(__file__).resolve().parents[2]

#: Imports modules where some packages cannot be imported; prints those modules that asked for one.
IMPORTER = """
import importlib, json, sys


class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in refused:
            raise ImportError(f"{name} is not on this host")


refused, modules = json.loads(sys.argv[1])
sys.meta_path.insert(0, Refuse())
failed = {}
for module in modules:
    try:
        importlib.import_module(module)
    except ImportError as error:
        failed[module] = str(error)
print(json.dumps(failed))
"""


def host_modules() -> list[str]:
    """All modules of the host's side, and the course's references, which it loads."""
    files = [*(ROOT / "grader").rglob("*.py"), *(ROOT / "reference").glob("*.py")]
    names = [path.relative_to(ROOT).with_suffix("").parts for path in files]
    return sorted(
        ".".join(parts).removesuffix(".__init__")
        for parts in names
        if parts[1] != "collector" and "versions" not in parts and parts[-1] not in ("__main__", "env")
    )


def failing_without(*packages: str, modules: list[str]) -> dict[str, str]:
    command = [sys.executable, "-c", IMPORTER, json.dumps([packages, modules])]
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(ended.stdout))


def test_every_module_of_the_host_imports_without_what_notebooks_run_with() -> None:
    modules = host_modules()
    assert {"grader.cli.run", "grader.sandbox.docker", "grader.workflows.regrading.regrade"} <= set(modules)
    assert failing_without(*PACKAGES, modules=modules) == {}


def test_a_module_that_imports_torch_would_be_found() -> None:
    (failed,) = failing_without(*PACKAGES, modules=["grader.collector.session", "grader.errors"]).items()
    assert failed == ("grader.collector.session", "torch is not on this host")
