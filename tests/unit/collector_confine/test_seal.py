"""Changes to the code that measures are seen; running ordinary notebooks breaks no seal."""

from __future__ import annotations

import builtins
from types import SimpleNamespace
from typing import Any

import pytest

from grader.collector import values
from grader.collector.probes import module as probing
from grader.collector.seal import Seal
from grader.collector.values import Encoder
from grader.evidence.record import ProbeResult


def replaced_global(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "parameters", lambda network: [])


def replaced_method(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Encoder, "tensor", lambda self, value, depth: None)


def replaced_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def encode(value: Any, arrays: Any) -> Any:
        return None

    monkeypatch.setattr(values.encode, "__code__", encode.__code__)


def replaced_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values.encode, "__defaults__", (None,))


def replaced_serialiser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pydantic.BaseModel.model_dump_json", lambda self: "{}")


def replaced_way_into_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ProbeResult, "__pydantic_serializer__", object())


def shadowed_attribute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Encoder, "_kept", property(lambda self: ()), raising=False)


def overruled_attributes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Encoder, "__getattribute__", lambda self, name: None)


def removed_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(__import__("sys").modules, "grader.collector.values")


def replaced_builtin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtins, "issubclass", lambda *things: True)


@pytest.mark.parametrize(
    ("tamper", "named"),
    [
        (replaced_global, "grader.collector.probes.module.parameters"),
        (replaced_method, "grader.collector.values.Encoder.tensor"),
        (replaced_code, "grader.collector.values.encode"),
        (replaced_defaults, "grader.collector.values.encode"),
        (replaced_serialiser, "pydantic.BaseModel.model_dump_json"),
        (replaced_way_into_json, "grader.evidence.record.ProbeResult.__pydantic_serializer__"),
        (shadowed_attribute, "grader.collector.values.Encoder._kept"),
        (overruled_attributes, "grader.collector.values.Encoder.__getattribute__"),
        (removed_module, "the module grader.collector.values"),
        (replaced_builtin, "the built-in issubclass"),
    ],
)
def test_a_change_is_named_and_seen_no_more_when_undone(tamper: Any, named: str) -> None:
    seal = Seal()
    with pytest.MonkeyPatch.context() as monkeypatch:
        tamper(monkeypatch)
        assert f"the notebook changed {named}" in seal.broken()
    assert seal.broken() == ()


def test_an_attribute_hung_on_an_object_of_ours_is_seen() -> None:
    thing = SimpleNamespace(kept=1)
    seal = Seal({"the session": thing})
    thing.kept = 2
    assert seal.broken() == ()
    thing.probe = print
    assert seal.broken() == ("the notebook changed the session.probe",)


def test_an_attribute_that_is_never_bound_anew_is_watched_where_that_is_said() -> None:
    thing = SimpleNamespace(runs=[1], count=1)
    seal = Seal({"the recorder": thing}, kept={"the recorder": ("runs",)})
    thing.count = 2
    thing.runs.append(2)
    assert seal.broken() == ()
    thing.runs = thing.runs[:1]
    assert seal.broken() == ("the notebook changed the recorder.runs",)


def test_an_object_that_changed_its_class_is_seen() -> None:
    class Ours: ...

    class Forged(Ours): ...

    thing = Ours()
    seal = Seal({"the session": thing}, kept={"the session": ()})
    thing.__class__ = Forged  # type: ignore[assignment]
    assert seal.broken() == ("the notebook changed the session's class",)


def test_an_entry_that_must_stay_is_watched() -> None:
    handlers = {"grader_request": print}
    seal = Seal(entries=(("the handler", handlers, "grader_request"),))
    handlers["other"] = print
    assert seal.broken() == ()
    handlers["grader_request"] = repr
    assert seal.broken() == ("the notebook changed the handler",)


def test_using_our_code_breaks_no_seal() -> None:
    seal = Seal()
    ProbeResult.model_validate_json(ProbeResult(status="ok").model_dump_json())
    assert seal.broken() == ()
