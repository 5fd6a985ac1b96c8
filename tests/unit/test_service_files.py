"""The files that start a course's service say what the program understands."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

from grader.cli.app import app

SERVICE = Path(__file__).parents[2] / "docker" / "service"
COMPOSE: dict[str, Any] = YAML(typ="safe").load((SERVICE / "compose.yaml").read_text())
UNITS = sorted((SERVICE / "systemd").iterdir())
VARIABLE = re.compile(r"\$\{([A-Z_]+)(?::[-?][^}]*)?\}")


def options_of(command: str) -> set[str]:
    found = typer.main.get_command(app).commands[command]  # type: ignore[attr-defined]
    return {name for parameter in found.params for name in parameter.opts}


def started_by(unit: Path) -> list[list[str]]:
    lines = [
        line for line in unit.read_text().splitlines() if line.startswith("ExecStart=/opt/grader/bin/grader ")
    ]
    return [line.split()[1:] for line in lines]


def test_services_start_the_grader_with_options_that_it_has() -> None:
    commands = [
        service["command"] for name, service in COMPOSE["services"].items() if name in ("web", "worker")
    ]
    commands += [command for unit in UNITS for command in started_by(unit)]
    assert len(commands) == 4
    for name, *words in commands:
        given = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert given <= options_of(name), name


def test_every_variable_has_a_default_or_stands_in_the_example() -> None:
    text = (SERVICE / "compose.yaml").read_text()
    without = {found[1] for found in VARIABLE.finditer(text) if ":-" not in found[0]}
    example = set(re.findall(r"^([A-Z_]+)=", (SERVICE / "env.example").read_text(), re.MULTILINE))
    assert without <= example


def test_only_the_proxy_can_be_reached_from_elsewhere() -> None:
    services = COMPOSE["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["caddy"]
    outside = {name for name, service in services.items() if "outside" in service.get("networks", ())}
    assert outside == {"caddy", "worker"}
    assert COMPOSE["networks"]["inside"]["internal"] is True


def test_the_worker_gets_no_secret_but_its_token() -> None:
    worker = COMPOSE["services"]["worker"]
    assert "environment" not in worker
    assert worker["secrets"] == ["worker-token"]
    [unit] = [unit for unit in UNITS if unit.name == "grader-worker.service"]
    assert "web.env" not in unit.read_text()


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_reads_the_units(unit: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed here")
    copy = tmp_path / unit.name
    for each in UNITS:
        text = each.read_text().replace("/opt/grader/bin/grader", "/bin/true")
        (tmp_path / each.name).write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if unit.name in line]
    assert ours == []
