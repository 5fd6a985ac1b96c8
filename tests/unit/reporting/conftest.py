"""The sample's report, written once for all tests that read it."""

from __future__ import annotations

import pytest

from grader.reporting import render_report
from tests.unit.reporting import samples
from tests.unit.reporting.pages import Outline


@pytest.fixture(scope="session")
def page() -> str:
    return render_report(samples.report())


@pytest.fixture(scope="session")
def outline(page: str) -> Outline:
    return Outline(page)
