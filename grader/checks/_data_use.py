"""Which recorded data are test data, and how sure that is."""

from __future__ import annotations

import re
from typing import Literal

from grader.evidence.training import DataSource, TrainingHistory

__all__ = ["Likeness", "TestData"]

Likeness = Literal["test", "unsure", "other"]
_TEST = re.compile(r"(^|[^a-z])te?st", re.IGNORECASE)
_SAME = 0.5
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
        self._trained_on = [self._sources[run.source] for run in history.runs if run.source in self._sources]
        splits = [source.split for source in self._trained_on]
        self._split_tells = not splits or any(split != "test" for split in splits)

    def likeness(self, token: int | None) -> Likeness:
        source = self._sources.get(token) if token is not None else None
        if source is None:
            return "other"
        if source.split == "test":
            return "test" if self._split_tells else "unsure"
        if source.split == "train":
            return "other"
        return "unsure" if _named_test(source) else "other"

    def is_other(self, token: int | None, code: str) -> bool:
        """Whether data are surely no test data, which "other" does not say: a loader without a name may be.

        They are where a network was trained on them, where the data set is called the training part of one
        with a test part that this notebook reads as well, or where `code`, the cell that uses them, names
        them so.
        """
        source = self._sources.get(token) if token is not None else None
        if source is None:
            return False
        if any(_shared(source, trained) >= _SAME for trained in self._trained_on):
            return True
        if source.split == "train" and any(other.split == "test" for other in self._sources.values()):
            return True
        named = [name for name in source.names if re.search(rf"\b{re.escape(name)}\b", code)]
        return any(_OTHER.search(name) and not _TEST.search(name) for name in named)

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


def _shared(source: DataSource, trained: DataSource) -> float:
    """Share of one source's items among another's."""
    if source.token == trained.token:
        return 1.0
    return max(dict(source.overlap).get(trained.token, 0.0), dict(trained.overlap).get(source.token, 0.0))


def _named_test(source: DataSource) -> bool:
    return any(_TEST.search(name) for name in source.names) and not any(
        _OTHER.search(name) for name in source.names if not _TEST.search(name)
    )
