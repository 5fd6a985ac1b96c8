"""GPUs without a GPU: listings as the tools print them, and an engine that is played."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker
import pytest

from grader.errors import SandboxUnavailable, UsageError
from grader.evidence.plan import Limits
from grader.sandbox.container import ContainerSpec, _environment, host_options
from grader.sandbox.gpu_check import given_slots
from grader.sandbox.gpu_slots import GpuSlots
from grader.sandbox.gpus import GpuSlot, find_slots, gpu_trouble, listed_gpus

LISTED = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-aaaa)
  MIG 3g.20gb     Device  0: (UUID: MIG-0000)
  MIG 3g.20gb     Device  1: (UUID: MIG-1111)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-bbbb)
"""
INSTALLED = {"0:0": "MIG-0000", "0:1": "MIG-1111", "1": "GPU-bbbb"}
CDI = {"DiscoveredDevices": [
    {"Source": "cdi", "ID": f"nvidia.com/gpu={name}"} for name in ("0", "GPU-aaaa", "1", "GPU-bbbb", "all")
] + [{"Source": "cdi", "ID": "vendor.org/nic=eth1"}]}  # fmt: skip
SPECIFICATION = """\
cdiVersion: 0.5.0
kind: nvidia.com/gpu
devices:
  - name: "0"
    containerEdits: {deviceNodes: [{path: /dev/nvidia0}]}
  - name: all
    containerEdits: {deviceNodes: [{path: /dev/nvidia0}]}
"""


def names(wanted: str, info: dict[str, Any], installed: dict[str, str] | None = None) -> list[str]:
    return [slot.name for slot in find_slots(wanted, info, installed or {})]


def test_slices_of_a_divided_card_are_listed_instead_of_the_card() -> None:
    assert listed_gpus(LISTED) == INSTALLED


def test_all_gives_a_slot_to_each_card_or_slice() -> None:
    assert names("all", {}, INSTALLED) == ["MIG-0000", "MIG-1111", "GPU-bbbb"]


def test_all_counts_a_card_once_though_cdi_names_it_often() -> None:
    assert names("all", CDI) == ["nvidia.com/gpu=0", "nvidia.com/gpu=1"]


def test_older_engines_tell_where_the_specifications_lie(tmp_path: Path) -> None:
    (tmp_path / "nvidia.yaml").write_text(SPECIFICATION)
    (tmp_path / "broken.yaml").write_text("kind: [")
    (tmp_path / "other.json").write_text('{"kind": "vendor.org/nic", "devices": [{"name": "eth1"}]}')
    folders = {"CDISpecDirs": [str(tmp_path), str(tmp_path / "absent")]}
    assert names("all", folders, INSTALLED) == ["nvidia.com/gpu=0"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [("1, 0:1", ["GPU-bbbb", "MIG-1111"]), ("1,1,GPU-bbbb", ["GPU-bbbb"]), ("MIG-0000", ["MIG-0000"])],
)
def test_named_cards_are_taken_once_each(wanted: str, expected: list[str]) -> None:
    assert names(wanted, {}, INSTALLED) == expected


def test_a_card_that_is_not_there_is_named_beside_those_that_are() -> None:
    with pytest.raises(UsageError) as caught:
        names("0,7", CDI)
    assert caught.value.found == "7"
    assert "GPU-aaaa" in str(caught.value.expected)


def test_no_gpu_at_all_says_what_to_install() -> None:
    with pytest.raises(SandboxUnavailable, match="no GPU was found") as caught:
        names("all", {"CDISpecDirs": None})
    assert "container toolkit" in str(caught.value.todo)


def test_the_engine_is_asked_for_one_slot_and_nothing_else() -> None:
    cdi, plain = GpuSlot("nvidia.com/gpu=0", cdi=True).request, GpuSlot("GPU-bbbb", cdi=False).request
    assert (cdi["Driver"], cdi["DeviceIDs"], cdi["Capabilities"]) == ("cdi", ["nvidia.com/gpu=0"], [])
    assert (plain["Driver"], plain["DeviceIDs"], plain["Capabilities"]) == ("", ["GPU-bbbb"], [["gpu"]])
    assert (cdi["Count"], plain["Count"]) == (0, 0)


@pytest.mark.parametrize(
    ("slot", "requests", "visible"),
    [
        (None, None, "void"),
        (GpuSlot("nvidia.com/gpu=0", cdi=True), 1, "void"),
        (GpuSlot("GPU-bbbb", cdi=False), 1, "GPU-bbbb"),
    ],
    ids=["none", "cdi", "uuid"],
)
def test_a_container_sees_its_slot_alone_whatever_its_image_asks_for(
    slot: GpuSlot | None, requests: int | None, visible: str
) -> None:
    spec = ContainerSpec("image", Limits(), "run", gpu=slot)
    asked = host_options(spec)["device_requests"]
    assert (None if asked is None else len(asked)) == requests
    assert _environment(spec)["NVIDIA_VISIBLE_DEVICES"] == visible


@pytest.mark.parametrize(
    "message",
    [
        'could not select device driver "" with capabilities: [[gpu]]',
        "CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=0",
        "nvidia-container-cli: initialization error: nvml error: driver not loaded: unknown",
    ],
)
def test_refusals_about_gpus_are_told_from_others(message: str) -> None:
    assert gpu_trouble(f"400 Client Error: {message}") is not None
    assert gpu_trouble("no space left on device") is None


class PlayedEngine:
    """Refuses containers with the slots that it does not have."""

    def __init__(self, *has: str) -> None:
        self.api = self
        self.made: list[list[str]] = []
        self.removed = 0
        self._has = has

    def create_host_config(self, **options: Any) -> dict[str, Any]:
        return options

    def create_container(self, image: str, *, host_config: dict[str, Any], **_: Any) -> dict[str, str]:
        self.made.append(host_config["device_requests"][0]["DeviceIDs"])
        return {"Id": str(len(self.made))}

    def start(self, container: str) -> None:
        (name,) = self.made[int(container) - 1]
        if name not in self._has:
            explanation = f"CDI device injection failed: unresolvable CDI devices {name}"
            raise docker.errors.APIError("500", SimpleNamespace(status_code=500), explanation)

    def remove_container(self, container: str, **_: Any) -> None:
        self.removed += 1


BOTH = (GpuSlot("a", cdi=True), GpuSlot("b", cdi=True))


def test_slots_that_the_engine_refuses_are_left_out_and_named() -> None:
    engine, said = PlayedEngine("b"), list[str]()
    given = given_slots(engine, "image", BOTH, said.append)  # type: ignore[arg-type]
    assert [slot.name for slot in given] == ["b"]
    assert len(said) == 1
    assert "GPU a is not used" in said[0]
    assert engine.removed == 2


def test_an_engine_that_gives_none_is_an_error_before_anything_is_queued() -> None:
    with pytest.raises(SandboxUnavailable, match="gives no GPU") as caught:
        given_slots(PlayedEngine(), "image", BOTH, lambda _: None)  # type: ignore[arg-type]
    assert "container toolkit" in str(caught.value.todo)


Closed = Callable[[], bool]


def test_a_slot_is_given_to_one_at_a_time() -> None:
    slots = GpuSlots(BOTH, lambda _: None)
    taken = [slots.take(lambda: False) for _ in BOTH]
    assert {slot.name for slot in taken} == {"a", "b"}
    with pytest.raises(SandboxUnavailable, match="broken off"):
        slots.take(lambda: True)
    slots.give_back(taken[0])
    assert slots.take(lambda: True) == taken[0]


def test_where_every_slot_is_in_quarantine_nobody_waits() -> None:
    said: list[str] = []
    slots = GpuSlots(BOTH[:1], said.append)
    slots.quarantine(slots.take(lambda: False), "fell off the bus")
    assert len(slots) == 0
    with pytest.raises(SandboxUnavailable, match="no GPU is fit") as caught:
        slots.take(lambda: False)
    assert "fell off the bus" in str(caught.value.found)
    assert len(said) == 1
