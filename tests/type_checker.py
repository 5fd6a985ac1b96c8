"""What the type checker says of code on trial, by the project's own settings."""

from __future__ import annotations

from pathlib import Path

from mypy import api

__all__ = ["errors_in"]

ROOT = Path(__file__).resolve().parents[1]


def errors_in(folder: Path, code: str) -> list[str]:
    """Its errors, a line for each; the code is written into `folder`."""
    file = folder / "on_trial.py"
    file.write_text(code, encoding="utf-8")
    options = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(ROOT / ".mypy_cache")]
    said, _, _ = api.run([*options, "--disable-error-code", "empty-body", str(file)])
    return [line for line in said.splitlines() if "on_trial.py" in line and ": error:" in line]
