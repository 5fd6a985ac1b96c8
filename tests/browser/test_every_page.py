"""Every page of the route table: it fits a phone, a tablet and a desktop, has no barrier, complains of nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Opened as Shown
from tests.browser.inspection import serious_barriers
from tests.browser.sights import Fair, fair, sights

__all__ = ["shown"]


@pytest.fixture(scope="module")
def shown(browser: Browser) -> Iterator[Fair]:
    with fair(browser) as shown:
        yield shown
