"""Which recorded data are test data, and how sure that is."""

from __future__ import annotations

import re
from typing import Literal

from grader.evidence.training import DataSource, TrainingHistory

__all__ = ["Likeness", "TestData"]

Likeness = Literal["test", "unsure", "other"]
_TEST = re.compile(r"(^|[^a-z])te?st", re.IGNORECASE)
_OTHER = re.compile(r"val|train|dev", re.IGNORECASE)


class TestData:
    """Tells test data from other data, for one attempt.

    The data set's own word counts (torchvision's ``train=`` flag, a folder called test). A loader's name
    alone proves nothing: functions call any loader ``test_loader``. Nor does the folder where every run
    trained on data of that folder, since then the student split it in another way.
    """

    __test__ = False  # no test class, whatever pytest makes of its name

    def __init__(self, history: TrainingHistory) -> None:
        self._sources = {source.token: source for source in history.sources}
        trained_on = [self._sources[run.source].split for run in history.runs if run.source in self._sources]
        self._split_tells = not trained_on or any(split != "test" for split in trained_on)

    def likeness(self, token: int | None) -> Likeness:
        source = self._sources.get(token) if token is not None else None
        if source is None:
            return "other"
        if source.split == "test":
            return "test" if self._split_tells else "unsure"
        if source.split == "train":
            return "other"
        return "unsure" if _named_test(source) else "other"

    def name(self, token: int | None) -> str:
        """What to call a source in messages."""
        source = self._sources.get(token) if token is not None else None
        if source is None:
            return "data that were not recorded"
        return (
            f"`{source.names[0]}`"
            if source.names
            else f"the {source.split or source.root or source.dataset} data"
        )


def _named_test(source: DataSource) -> bool:
    return any(_TEST.search(name) for name in source.names) and not any(
        _OTHER.search(name) for name in source.names if not _TEST.search(name)
    )
