"""Drawn photos, one of each sign that a test needs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from grader.photos.apart import Apart
from grader.samples.datasets.gestures import draw_looks, draw_photos


@pytest.fixture(scope="session")
def photos() -> list[Image.Image]:
    """Three takes each of two hands that sign D."""
    rng = np.random.default_rng(11)
    return [Image.fromarray(each) for each in draw_photos(rng, "D", draw_looks(rng, 2))]


@pytest.fixture(scope="session")
def apart() -> Iterator[Apart]:
    with Apart() as reader:
        yield reader
