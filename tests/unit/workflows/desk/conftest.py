from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from grader.store import Store
from tests import desk_class


@pytest.fixture
def readers(tmp_path: Path, clock: Callable[[], datetime]) -> Iterator[Store]:
    """Three wrote the same to `why-validation`, one nearly so, one the contrary, one nothing, one other."""
    reason = "Settings are chosen on the validation set, since the training error hides overfitting."
    works = {
        "s1": desk_class.work(reason, "they part at 5"),
        "s2": desk_class.work(f"*{reason}*", "they part at 5"),
        "s3": desk_class.work(reason.upper(), "they part at 7"),
        "s4": desk_class.work(reason.replace("chosen", "selected"), "nothing is seen"),
        "s5": desk_class.work(reason.replace("are chosen", "are not chosen"), "flat"),
        "s6": desk_class.work("...", "falls"),
        "s7": desk_class.work("One must not look at the test set while tuning.", "rises"),
    }
    with desk_class.grade(tmp_path, clock, works) as opened:
        yield opened
