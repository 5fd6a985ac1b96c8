"""Writes grader/rubric/torch_names.json: the layers and optimizers of torch with their settings.

The host that reads rubrics has no torch. Run it with torch installed after torch's pin has changed:
``.venv/bin/python scripts/torch_names.py``.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from types import ModuleType

import torch

TABLE = Path(__file__).resolve().parents[1] / "grader" / "rubric" / "torch_names.json"


def table() -> dict[str, object]:
    """Classes of ``torch.nn`` and ``torch.optim``, each with the parameters of its constructor."""
    return {
        "torch": torch.__version__.partition("+")[0],
        "layers": _classes(torch.nn, torch.nn.Module),
        "optimizers": _classes(torch.optim, torch.optim.Optimizer),
    }


def _classes(module: ModuleType, base: type) -> dict[str, list[str]]:
    found = inspect.getmembers(
        module, lambda member: inspect.isclass(member) and issubclass(member, base) and member is not base
    )
    return {name: _settings(kind) for name, kind in sorted(found) if not name.startswith("_")}


def _settings(kind: type) -> list[str]:
    parameters = inspect.signature(kind).parameters.values()
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [parameter.name for parameter in parameters if parameter.kind in named]


if __name__ == "__main__":
    TABLE.write_text(json.dumps(table(), indent=1) + "\n", encoding="utf-8")
