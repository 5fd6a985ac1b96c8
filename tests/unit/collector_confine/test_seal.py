"""Changes to the code that measures are seen; running ordinary notebooks breaks no seal."""

from __future__ import annotations

import builtins
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from grader.collector import seal as seal_module
from grader.collector import values
from grader.collector.probes import module as probing
from grader.collector.seal import Seal, look_ahead
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


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our modules are looked at as a fork server does."""
    monkeypatch.setattr(seal_module, "_LOOKED_AT", {})
    look_ahead()


def parts(seal: Seal) -> list[tuple[object, ...]]:
    found = [(name, id(before)) for name, _, before in seal._places]
    return [*found, *((name, id(kind), names) for name, kind, names in seal._classes)]


def test_a_seal_by_what_was_looked_at_ahead_is_of_the_same_parts(ahead: None) -> None:
    by_ahead = parts(Seal())
    seal_module._LOOKED_AT.clear()
    assert by_ahead == parts(Seal())


def other_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "encode", lambda value: None)


def new_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "added", lambda: 1, raising=False)


def new_method(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values.Encoder, "added", lambda self: 1, raising=False)


@pytest.mark.parametrize(
    "change", [other_function, new_name, new_method, replaced_method, replaced_code, replaced_defaults]
)
def test_what_our_own_set_up_changes_after_the_look_is_sealed_as_it_is_then(
    ahead: None, change: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(monkeypatch)
    seal = Seal()
    assert seal.broken() == ()
    by_ahead = parts(seal)
    seal_module._LOOKED_AT.clear()
    assert by_ahead == parts(Seal())


def test_a_module_that_came_after_the_look_is_sealed_too(
    ahead: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = ModuleType("grader.collector.late")
    exec("def measure(): return 1", vars(late))
    late.measure.__module__ = late.__name__
    monkeypatch.setitem(sys.modules, late.__name__, late)
    seal = Seal()
    monkeypatch.setattr(late, "measure", lambda: 2)
    assert seal.broken() == ("the notebook changed grader.collector.late.measure",)


@pytest.mark.parametrize("tamper", [replaced_global, replaced_method, replaced_code, overruled_attributes])
def test_a_change_shows_as_well_by_what_was_looked_at_ahead(
    ahead: None, tamper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal = Seal()
    tamper(monkeypatch)
    assert seal.broken() != ()
