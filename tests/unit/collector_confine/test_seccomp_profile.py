"""The containers' profile and the kernels' filter say the same about what both refuse."""

from __future__ import annotations

import json
from typing import Any

import pytest

from grader.collector.confine.syscalls import REFUSED
from grader.sandbox.resources import seccomp_profile


@pytest.fixture(scope="session")
def profile() -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(seccomp_profile())
    return parsed


@pytest.fixture(scope="session")
def always_allowed(profile: dict[str, Any]) -> set[str]:
    return {name for rule in profile["syscalls"] if "args" not in rule for name in _allowed(rule)}


def _allowed(rule: dict[str, Any]) -> list[str]:
    return list(rule["names"]) if rule["action"] == "SCMP_ACT_ALLOW" else []


def test_what_is_not_named_is_refused(profile: dict[str, Any]) -> None:
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"


def test_nothing_that_the_kernels_filter_refuses_is_allowed(always_allowed: set[str]) -> None:
    refused = {name for group in REFUSED.values() for name in group}
    assert not refused & always_allowed


def test_what_driver_launcher_and_kernels_need_is_allowed(always_allowed: set[str]) -> None:
    needed = {
        *(
            "execve",
            "fork",
            "futex",
            "kill",
            "mmap",
            "openat",
            "pidfd_open",
            "pidfd_send_signal",
            "prlimit64",
        ),
        *("prctl", "seccomp", "setgroups", "setresgid", "setresuid", "unlinkat", "wait4", "memfd_create"),
        *("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"),
    }
    assert needed <= always_allowed


def test_calls_that_depend_on_arguments_are_not_allowed_without(
    profile: dict[str, Any], always_allowed: set[str]
) -> None:
    assert not {"clone", "clone3", "socket", "socketpair", "personality"} & always_allowed
    families = {
        rule["args"][0]["value"]
        for rule in profile["syscalls"]
        if "socket" in rule["names"] and "args" in rule
    }
    assert families == {1, 2, 10, 16}


def test_of_second_numberings_only_x32_is_answered_and_only_with_an_error(
    profile: dict[str, Any],
) -> None:
    # Without an entry for it the engine's filter would kill a thread that makes an x32 call, in place of
    # an error that the evidence can tell of; 32-bit x86 stays away altogether.
    assert {each["architecture"]: each["subArchitectures"] for each in profile["archMap"]} == {
        "SCMP_ARCH_X86_64": ["SCMP_ARCH_X32"],
        "SCMP_ARCH_AARCH64": [],
    }
