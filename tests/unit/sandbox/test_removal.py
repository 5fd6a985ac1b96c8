"""Removing a container from an engine that is busy: it is asked again, and what is gone is gone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError, NotFound

from grader.sandbox import container
from grader.sandbox.container import Container


class BusyEngine:
    """Answers each request for removal with the next of `answers`; None removes."""

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = list(answers)
        self.api = self

    def remove_container(self, *_: Any, **__: Any) -> None:
        answer = self.answers.pop(0)
        if answer is not None:
            raise answer


def removed_from(engine: BusyEngine) -> list[Exception | None]:
    """Kills a container there; gives the answers that were not needed."""
    Container.kill(SimpleNamespace(_client=engine, _id="c0ffee"))  # type: ignore[arg-type]
    return engine.answers


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container.time, "sleep", lambda _: None)


def test_an_engine_that_did_not_see_the_end_is_asked_again() -> None:
    unseen = APIError("tried to kill container, but did not receive an exit event")
    assert removed_from(BusyEngine(unseen, unseen, None)) == []


def test_what_is_gone_is_not_asked_for_again() -> None:
    assert removed_from(BusyEngine(NotFound("no such container"), None)) == [None]


def test_an_engine_that_never_removes_it_is_no_error() -> None:
    assert removed_from(BusyEngine(*[APIError("in use")] * 3)) == []
