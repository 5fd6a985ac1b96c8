"""Which GPUs there are, each a slot for one submission at a time, and how the engine is asked for one.

CDI where the engine has it, else the engine's own device requests. A card that is divided into MIG slices is
as many slots.

Source: https://github.com/cncf-tags/container-device-interface/blob/main/SPEC.md (names of devices);
https://docs.docker.com/reference/api/engine/ (``DiscoveredDevices`` and ``CDISpecDirs`` of ``/info``).
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from grader.errors import SandboxUnavailable, UsageError

__all__ = ["GpuSlot", "find_slots", "gpu_trouble", "installed_gpus", "listed_gpus"]

_KIND = "nvidia.com/gpu"
_LISTED = re.compile(r"^(?P<kind>GPU|\s+MIG .*Device)\s+(?P<index>\d+):.*\(UUID: (?P<uuid>[^)]+)\)")
_TOOLKIT = (
    "install the NVIDIA driver and container toolkit and register it with the engine, or use --gpus none"
)
_TROUBLES = re.compile(
    r"could not select device driver"
    r"|CDI device injection failed|unresolvable CDI devices"
    r"|nvidia-container-(?:cli|runtime)|libnvidia-ml|failed to discover GPU|NVML",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class GpuSlot:
    """A GPU or a MIG slice of one.

    Attributes:
        name: What the engine knows it by: ``nvidia.com/gpu=0``, or a UUID or number.
        cdi: Whether the name is one of CDI.
    """

    name: str
    cdi: bool

    @property
    def request(self) -> docker.types.DeviceRequest:
        """Asks the engine for this slot and no other."""
        if self.cdi:
            return docker.types.DeviceRequest(driver="cdi", device_ids=[self.name])
        return docker.types.DeviceRequest(device_ids=[self.name], capabilities=[["gpu"]])


def find_slots(wanted: str, info: Mapping[str, Any], installed: Mapping[str, str]) -> tuple[GpuSlot, ...]:
    """Gives the slots that ``--gpus`` asks for.

    Args:
        wanted: ``all``, or ids separated by commas: numbers, ``card:slice``, or UUIDs.
        info: What the engine says of itself.
        installed: UUIDs on this machine by number, as `installed_gpus` gives them.

    Raises:
        SandboxUnavailable: None is there.
        UsageError: One that is asked for is not there.
    """
    names = _cdi_names(info)
    cdi = bool(names)
    there = {name: f"{_KIND}={name}" for name in names} if cdi else dict(installed)
    ids = list(dict.fromkeys(each.strip() for each in wanted.split(",") if each.strip()))
    if wanted == "all":
        ids = _each_once(there)
    if not ids:
        raise _none_found(wanted)
    return tuple(dict.fromkeys(GpuSlot(_resolve(each, there), cdi) for each in ids))


def _resolve(wanted: str, there: Mapping[str, str]) -> str:
    if wanted in there:
        return there[wanted]
    if wanted in there.values() or not there:
        # Where nothing can be listed, as with an engine elsewhere, the engine itself has to say no.
        return wanted
    raise UsageError("--gpus names a GPU that is not there", expected=", ".join(there), found=wanted)


def _each_once(there: Mapping[str, str]) -> list[str]:
    """CDI gives one card several names: by number, by UUID, and as part of `all`."""
    numbered = [name for name in there if re.fullmatch(r"\d+(:\d+)?", name)]
    return numbered or [name for name in there if name != "all"]


def _none_found(wanted: str) -> SandboxUnavailable:
    return SandboxUnavailable(
        "no GPU was found",
        where=f"--gpus {wanted}",
        expected="a card that `nvidia-smi -L` lists, or CDI devices of the engine",
        found="neither",
        todo=f"{_TOOLKIT}; where the engine runs elsewhere, name the cards: --gpus 0,1",
    )


def _cdi_names(info: Mapping[str, Any]) -> list[str]:
    """Names of NVIDIA's CDI devices without the kind in front, as the engine knows them."""
    found = [str(device.get("ID", "")) for device in info.get("DiscoveredDevices") or ()]
    if not found:
        # Engines before 28.2 tell where the specifications lie and not what is in them.
        found = [name for folder in info.get("CDISpecDirs") or () for name in _specified(Path(folder))]
    kind, names = f"{_KIND}=", dict.fromkeys(found)
    return [name.removeprefix(kind) for name in names if name.startswith(kind)]


def _specified(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("*")) if folder.is_dir() else ():
        if path.suffix in (".yaml", ".yml", ".json"):
            yield from _devices_of(path)


def _devices_of(path: Path) -> list[str]:
    try:
        specification = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
        return [f"{specification['kind']}={device['name']}" for device in specification["devices"]]
    except (OSError, ValueError, KeyError, TypeError, YAMLError):
        return []


def installed_gpus() -> dict[str, str]:
    """UUIDs of this machine's GPUs by number; of a card in slices, those of the slices by ``card:slice``."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return {}
    try:
        listed = subprocess.run([program, "-L"], capture_output=True, text=True, timeout=30, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return {}
    return listed_gpus(listed.stdout)


def listed_gpus(text: str) -> dict[str, str]:
    """Reads what ``nvidia-smi -L`` prints."""
    found: dict[str, str] = {}
    card = ""
    for line in text.splitlines():
        match = _LISTED.match(line)
        if match is None:
            continue
        if match["kind"] == "GPU":
            card = match["index"]
            found[card] = match["uuid"]
        else:
            found.pop(card, None)
            found[f"{card}:{match['index']}"] = match["uuid"]
    return found


def gpu_trouble(message: str) -> str | None:
    """What to do where an engine's refusal is about its GPUs; None where it is not."""
    return _TOOLKIT if _TROUBLES.search(message) else None
