from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader.store import Store, open_store
from grader.store.hand_ins import Way
from grader.workflows.handing_in.reading import Readers
from grader.workflows.handing_in.taking import Sender, Sent, Taken, take
from tests import course
from tests.unit.workflows.conftest import Clock

LATE = 'late: {due: "2026-03-11T12:00+00:00", per_day: 0.1, until: "2026-03-14T12:00+00:00"}\n'
#: Hands in bytes for a student, by account unless said otherwise.
HandIn = Callable[..., Taken]


@pytest.fixture(scope="session")
def readers() -> Iterator[Readers]:
    """Two processes that read, for all tests."""
    shared = Readers(2)
    yield shared
    shared.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A course's folder with one rubric that says what lateness costs."""
    course.write_rubric(tmp_path / "rubrics", course.RUBRIC + LATE)
    return tmp_path


@pytest.fixture
def store(folder: Path, clock: Clock) -> Iterator[Store]:
    with open_store(str(folder / "grader.db"), clock=clock) as opened:
        yield opened


@pytest.fixture
def hand_in(folder: Path, store: Store, clock: Clock, readers: Readers) -> HandIn:
    def hand_in(
        raw: bytes, student: str = "s1", name: str = "lab.ipynb", way: Way = Way.ACCOUNT, link: str = ""
    ) -> Taken:
        with tempfile.TemporaryFile() as content:
            content.write(raw)
            content.flush()
            sent = Sent(content, name, clock())
            return take(store, [folder], "mini", Sender(student, way, student, link), sent, readers=readers)

    return hand_in


def zipped(**files: bytes) -> bytes:
    """A zip of files by name, with ``__`` for a dot."""
    import zipfile

    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return made.getvalue()
