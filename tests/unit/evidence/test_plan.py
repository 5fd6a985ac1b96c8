import pytest
from pydantic import ValidationError

from grader.evidence.frames import Job, driver_frames, host_frames
from grader.evidence.plan import (
    Call,
    FunctionProbe,
    Limits,
    ModuleProbe,
    NormalInput,
    Picture,
    Plan,
    Target,
    Training,
    probe_id,
)

NET = ModuleProbe(target=Target(names=("net",)), inputs=(NormalInput(shape=(2, 3, 32, 32)),))


def test_equal_probes_share_an_id_and_different_ones_do_not() -> None:
    twin = ModuleProbe.model_validate_json(NET.model_dump_json())
    assert probe_id(twin) == probe_id(NET)
    other = NET.model_copy(update={"target": Target(names=("other",))})
    call = FunctionProbe(target=NET.target, calls=(Call(),))
    assert len({probe_id(NET), probe_id(other), probe_id(call)}) == 3


def test_a_plan_survives_json_with_its_digest() -> None:
    plan = Plan(assignment="lab2", probes=(NET,), watch=("img",), training=Training(batches_per_pass=3))
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
    assert Plan.model_validate_json(plan.model_dump_json()).digest == plan.digest


@pytest.mark.parametrize(
    "change",
    [{"seed": 1}, {"watch": ("x",)}, {"limits": Limits(notebook_s=1)}, {"picture": Picture()}],
)
def test_anything_changed_in_a_plan_changes_its_digest(change: dict[str, object]) -> None:
    plan = Plan(assignment="lab2")
    assert plan.model_copy(update=change).digest != plan.digest


def test_a_plan_that_says_nothing_of_a_picture_is_written_as_before_there_was_one() -> None:
    assert "picture" not in Plan(assignment="lab2").model_dump_json()


def test_a_budget_of_no_batches_is_refused() -> None:
    with pytest.raises(ValidationError):
        Training(batches_per_pass=0)


def test_frames_are_told_apart_by_type_and_direction() -> None:
    job = Job(seq=3, attempt="a", plan=Plan(assignment="lab2"))
    assert host_frames.validate_json(host_frames.dump_json(job)) == job
    with pytest.raises(ValidationError):
        driver_frames.validate_json(host_frames.dump_json(job))
