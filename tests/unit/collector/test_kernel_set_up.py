"""What a kernel leaves out while it is made is there again before a notebook runs."""

from __future__ import annotations

import sys

import pytest
from ipykernel import ipkernel

from grader.collector.kernel import KernelApp, _no_modules_named


def test_ipykernel_sees_no_modules_while_it_makes_a_kernel_and_all_of_them_afterwards() -> None:
    with _no_modules_named():
        assert not ipkernel.sys.modules and ipkernel.sys.path is sys.path
        assert sys.modules["sys"] is sys
    assert ipkernel.sys is sys


def test_modules_are_seen_again_where_making_it_fails() -> None:
    with pytest.raises(RuntimeError), _no_modules_named():
        raise RuntimeError
    assert ipkernel.sys is sys


def test_there_is_no_command_line() -> None:
    app = KernelApp()
    app.parse_command_line(["--Session.key=other"])
    assert (app.extra_args, app.cli_config) == ([], {})
