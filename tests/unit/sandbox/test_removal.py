"""Removing a container from an engine that is busy: it is asked again, and what is gone is gone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import requests
from docker.errors import APIError, NotFound

from grader.errors import SandboxUnavailable
from grader.evidence.plan import Limits
from grader.sandbox import container
from grader.sandbox.container import Container, ContainerSpec
from grader.sandbox.docker import DockerSandbox
from grader.sandbox.image import ImageRef
from grader.sandbox.reaper import labels


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


class Engine:
    """Keeps what was created by its name; `fails` says at which step, and with what."""

    def __init__(self, **fails: BaseException) -> None:
        self.api = self
        self.containers = self
        self.there: dict[str, dict[str, str]] = {}
        self._fails = fails

    def create_host_config(self, **options: Any) -> dict[str, Any]:
        return options

    def create_container(self, _image: str, *, name: str, labels: dict[str, str], **_: Any) -> dict[str, str]:
        self.there[name] = labels
        self._may_fail("create")
        return {"Id": name}

    def attach_socket(self, *_: Any, **__: Any) -> None:
        self._may_fail("attach")

    def remove_container(self, name: str, **_: Any) -> None:
        if name not in self.there:
            raise NotFound("no such container")
        del self.there[name]

    def list(self, *, filters: dict[str, list[str]], **_: Any) -> list[SimpleNamespace]:
        asked = dict(label.split("=", 1) for label in filters["label"])
        return [
            SimpleNamespace(remove=lambda name=name, **_: self.remove_container(name))
            for name, found in self.there.items()
            if asked.items() <= found.items()
        ]

    def close(self) -> None:
        """Nothing is held."""

    def _may_fail(self, step: str) -> None:
        if step in self._fails:
            raise self._fails[step]


@pytest.mark.parametrize("step", ["create", "attach"])
@pytest.mark.parametrize(
    "error",
    [KeyboardInterrupt(), requests.ReadTimeout("no answer"), MemoryError()],
    ids=lambda one: type(one).__name__,
)
def test_what_was_starting_when_it_was_broken_off_does_not_stay(step: str, error: BaseException) -> None:
    engine = Engine(**{step: error})
    expected = SandboxUnavailable if isinstance(error, requests.ReadTimeout) else type(error)
    with pytest.raises(expected):
        Container(engine, ContainerSpec(image="sha256:1", limits=Limits(), run_id="run"))  # type: ignore[arg-type]
    assert engine.there == {}


def test_closing_a_sandbox_removes_what_it_lost_sight_of_and_nothing_of_others_of_its_run() -> None:
    engine = Engine()
    image = ImageRef(tag="t", id="sha256:1", base="b", torch="cpu", size_bytes=1)
    sandbox = DockerSandbox(engine, image, isolation="fork", run_id="mine")  # type: ignore[arg-type]
    engine.there["late"] = labels("mine", lifetime_s=60, sandbox=sandbox.token)
    engine.there["beside"] = labels("mine", lifetime_s=60, sandbox="another")
    engine.there["other"] = labels("other", lifetime_s=60)
    sandbox.close()
    assert set(engine.there) == {"other", "beside"}
