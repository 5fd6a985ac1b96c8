"""Which images `grader image prune` removes. The engine is played: a real one has others' images."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError

from grader.sandbox import image
from grader.sandbox.base_image import DEBOOTSTRAP

WHEELS = image._wheels_tag(DEBOOTSTRAP, "cpu")
CODE = image._sandbox_tag(WHEELS)


class PlayedEngine:
    """Images by the kind that their label names."""

    def __init__(self, code: list[str], wheels: list[str], in_use: tuple[str, ...] = ()) -> None:
        self._tags = {"code": code, "wheels": wheels}
        self._in_use = in_use
        self.removed: list[str] = []
        self.images = self

    def list(self, filters: dict[str, Any]) -> list[Any]:
        kind = filters["label"].partition("=")[2]
        # Without a tag: one that a newer build took the tag from.
        return [*(SimpleNamespace(tags=[tag]) for tag in self._tags[kind]), SimpleNamespace(tags=[])]

    def remove(self, tag: str) -> None:
        if tag in self._in_use:
            raise APIError("conflict: a container uses it")
        self.removed.append(tag)

    def close(self) -> None:
        """As a client does."""


@pytest.fixture
def prune(monkeypatch: pytest.MonkeyPatch) -> Any:
    def prune_on(engine: PlayedEngine) -> tuple[list[str], list[str]]:
        monkeypatch.setattr(image, "connect", lambda: engine)
        return image.prune_images()

    return prune_on


def test_other_versions_go_code_before_what_it_stands_on(prune: Any) -> None:
    engine = PlayedEngine(["grader-sandbox:old", CODE], ["grader-sandbox-wheels:old", WHEELS])
    assert prune(engine) == (["grader-sandbox:old", "grader-sandbox-wheels:old"], [])
    assert engine.removed == ["grader-sandbox:old", "grader-sandbox-wheels:old"]


def test_what_a_container_uses_stays_and_is_named(prune: Any) -> None:
    engine = PlayedEngine(["grader-sandbox:a", "grader-sandbox:b"], [], in_use=("grader-sandbox:a",))
    assert prune(engine) == (["grader-sandbox:b"], ["grader-sandbox:a"])


def test_this_versions_images_are_never_touched(prune: Any) -> None:
    engine = PlayedEngine([CODE], [WHEELS])
    assert prune(engine) == ([], [])
    assert engine.removed == []
