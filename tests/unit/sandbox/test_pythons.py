"""Which Python an image gets: the one asked for, else Colab's, else Debian's; never silently an older one."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError, ImageNotFound

from grader.errors import ImageError, UsageError
from grader.sandbox import base_image, image, pythons
from grader.sandbox.base_image import DEBOOTSTRAP, python_of, registry_image
from grader.sandbox.image import possible_bases
from grader.sandbox.pythons import COLAB_PYTHON, DEBIAN_PYTHON, PYTHONS, is_older_than_colab, said_of


class PlayedEngine:
    """An engine that has some images, and reaches a registry or not."""

    def __init__(self, tags: set[str], *, registry: bool) -> None:
        self.images = self
        self._tags = tags
        self._registry = registry
        self.pulled: list[str] = []

    def get(self, tag: str) -> Any:
        if tag not in self._tags:
            raise ImageNotFound(tag)
        return SimpleNamespace(id="sha256:1", labels={"grader.base": DEBOOTSTRAP}, attrs={"Size": 1})

    def pull(self, tag: str) -> None:
        if not self._registry:
            raise APIError("no route to host")
        self.pulled.append(tag)
        self._tags.add(tag)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def ensure(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> Callable[..., str]:
    """The base image that a wish ends with on a played engine; Debian's is always to be had."""
    monkeypatch.setattr(image, "ensure_debootstrap", lambda *_: DEBOOTSTRAP)

    def ensure_base(engine: PlayedEngine, base: Any = "auto", python: str | None = None) -> str:
        return image._ensure_base(engine, possible_bases(base, python), said.append)  # type: ignore[arg-type]

    return ensure_base


def test_where_a_registry_answers_the_image_has_colabs_python(ensure: Callable[..., str]) -> None:
    engine = PlayedEngine(set(), registry=True)
    assert python_of(ensure(engine)) == COLAB_PYTHON
    assert engine.pulled == [registry_image(COLAB_PYTHON)]


def test_where_none_answers_it_has_debians_and_that_is_said(
    ensure: Callable[..., str], said: list[str]
) -> None:
    assert ensure(PlayedEngine(set(), registry=False)) == DEBOOTSTRAP
    text = " ".join(said)
    assert "No image registry answers" in text
    assert f"{DEBIAN_PYTHON}, older than Colab's ({COLAB_PYTHON})" in text
    assert "costs nobody points" in text


@pytest.mark.parametrize("python", PYTHONS)
def test_a_python_that_was_asked_for_is_pulled(ensure: Callable[..., str], python: str) -> None:
    assert python_of(ensure(PlayedEngine(set(), registry=True), python=python)) == python


def test_a_python_that_cannot_be_had_is_an_error_and_no_older_one(ensure: Callable[..., str]) -> None:
    with pytest.raises(ImageError) as raised:
        ensure(PlayedEngine(set(), registry=False), python="3.12")
    assert "python:3.12-slim-bookworm cannot be pulled" in str(raised.value)
    assert f"has Python {DEBIAN_PYTHON}" in str(raised.value)


def test_debians_own_python_needs_no_registry(ensure: Callable[..., str]) -> None:
    assert ensure(PlayedEngine(set(), registry=False), python=DEBIAN_PYTHON) == DEBOOTSTRAP


@pytest.mark.parametrize(
    ("base", "python"), [("debootstrap", "3.12"), ("auto", "3.9"), ("registry", "colab")]
)
def test_wishes_that_nothing_fits_are_refused_before_anything_is_built(base: Any, python: str) -> None:
    with pytest.raises(UsageError):
        possible_bases(base, python)


def test_an_image_for_one_python_is_never_taken_for_another() -> None:
    tags = {image._wheels_tag(base, "cpu") for base in image._bases()}
    assert len(tags) == len(PYTHONS) + 1


def test_of_several_images_colabs_python_is_found_first() -> None:
    debian, colab = (
        image._sandbox_tag(image._wheels_tag(base, "cpu")) for base in (DEBOOTSTRAP, registry_image("3.12"))
    )
    engine = PlayedEngine({debian, colab}, registry=False)
    found = image.find_image(engine)  # type: ignore[arg-type]
    assert found is not None
    assert found.tag == colab


@pytest.mark.parametrize(
    ("version", "older"),
    [("3.11.2", True), ("3.11", True), ("3.12.0", False), ("3.13.1", False), ("3.9.1", True), ("", None)],
)
def test_versions_are_compared_as_numbers(version: str, older: bool | None) -> None:
    assert is_older_than_colab(version) is older
    assert ("older than Colab's" in said_of(version)) is bool(older)


def test_every_python_that_can_be_asked_for_is_known_by_its_image() -> None:
    assert [python_of(registry_image(python)) for python in PYTHONS] == list(PYTHONS)
    assert python_of("debian:bookworm") == ""
    assert base_image.python_of(DEBOOTSTRAP) == pythons.DEBIAN_PYTHON
