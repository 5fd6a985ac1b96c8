from __future__ import annotations

from pathlib import Path

import pytest

from grader.errors import GraderError, SandboxUnavailable, UsageError
from grader.evidence.plan import Limits
from grader.sandbox.container import ContainerSpec, host_options
from grader.sandbox.doctor import _engine
from grader.sandbox.resources import code_files, docker_folder, seccomp_profile
from grader.sandbox.select import _check_runtime, choose_sandbox


def options(**fields: object) -> dict[str, object]:
    return host_options(ContainerSpec("image", Limits(), "run", **fields))  # type: ignore[arg-type]


def test_the_wall_has_no_door() -> None:
    wall = options()
    assert wall["network_mode"] == "none"
    assert wall["cap_drop"] == ["ALL"]
    assert sorted(wall["cap_add"]) == ["KILL", "SETGID", "SETUID"]  # type: ignore[call-overload]
    assert wall["security_opt"] == ["no-new-privileges", f"seccomp={seccomp_profile()}"]
    assert wall["read_only"] is True
    assert wall["mem_limit"] == wall["memswap_limit"] == Limits().memory_bytes
    assert "privileged" not in wall


def test_data_sets_are_mounted_read_only(tmp_path: Path) -> None:
    (mount,) = options(data_dir=tmp_path)["mounts"]  # type: ignore[misc]
    assert (mount["Target"], mount["Source"], mount["ReadOnly"]) == ("/data", str(tmp_path), True)


def test_only_the_collector_and_what_it_needs_goes_into_the_image() -> None:
    parts = {name.split("/")[1] for name in code_files()}
    assert parts == {"__init__.py", "errors.py", "own_time.py", "evidence", "collector"}


def test_every_requirement_of_the_image_is_pinned() -> None:
    for path in docker_folder().glob("requirements-*.txt"):
        lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
        assert lines
        assert all("==" in line for line in lines)


@pytest.mark.parametrize(
    "wrong", [{"name": "podman"}, {"name": "docker", "isolation": "none"}], ids=["sandbox", "isolation"]
)
def test_options_that_do_not_exist_are_the_users_error(wrong: dict[str, str]) -> None:
    given = {"isolation": "fork", **wrong}
    with pytest.raises(UsageError, match="does not exist"):
        choose_sandbox(**given, gpus="none", data_dir=None, run_id="t", notify=print)  # type: ignore[arg-type]


def test_no_engine_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    with pytest.raises(SandboxUnavailable) as caught:
        choose_sandbox("docker", isolation="fork", gpus="none", data_dir=None, run_id="t", notify=print)
    assert "start Docker" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("auto", {"runtime": "runsc"}, "no Docker engine"),
        ("bubblewrap", {"runtime": "runsc"}, "--runtime is for Docker"),
        ("auto", {"gpus": "all"}, "no GPU"),
        ("bubblewrap", {"gpus": "all"}, "no GPU"),
    ],
)
def test_what_only_docker_has_is_not_dropped_in_silence_without_an_engine(
    monkeypatch: pytest.MonkeyPatch, name: str, given: dict[str, str], said: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    options = {"isolation": "fork", "gpus": "none", "data_dir": None, "run_id": "t", "notify": print, **given}
    with pytest.raises(GraderError, match=said):
        choose_sandbox(name, **options)  # type: ignore[arg-type]


def test_a_runtime_that_the_engine_does_not_have_is_named_beside_those_it_has() -> None:
    _check_runtime("runc", {"Runtimes": {"runc": {}}})
    with pytest.raises(SandboxUnavailable, match="no runtime runsc") as caught:
        _check_runtime("runsc", {"Runtimes": {"runc": {}, "nvidia": {}}})
    assert caught.value.expected == "nvidia, runc"
    assert options(runtime="runsc")["runtime"] == "runsc"


def test_an_engine_that_cannot_limit_is_found_out() -> None:
    info = {"MemoryLimit": False, "PidsLimit": True, "CpuCfsQuota": True, "SecurityOptions": []}
    bad = {finding.name for finding in _engine({"Version": "1"}, info) if not finding.ok}
    assert bad == {"memory limits", "seccomp"}
