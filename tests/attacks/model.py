"""Attacks as data: what is handed in, what may come of it, and a harmless twin that must keep its marks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from ruamel.yaml import YAML

from grader.evidence.record import Outcome

__all__ = ["CASES", "Attack", "Twin", "attacks", "load"]

CASES = Path(__file__).parent / "cases"

Status = Literal["ok", "error", "timeout", "output_limit", "died", "not_run"]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Twin(_Data):
    """Harmless code close to the attack.

    Attributes:
        shows: Text that its outputs must contain.
    """

    cells: tuple[str, ...]
    shows: str


class Attack(_Data):
    """One hostile submission.

    Attributes:
        group: File that it stands in.
        prelude: A cell run before the others and not counted in `status`.
        cells: Source of each code cell. A cell that gets what it wants prints ``ESCAPED``; one that is
            refused prints ``refused``.
        outcomes: Terminal outcomes that are safe.
        in_bubblewrap: Further ones that are safe there.
        status: What must be recorded of single cells, by index among `cells`.
        refuses: Lines with ``refused`` that must at least be there, so that a case cannot pass by silence.
        sandboxes: Kinds of sandbox in which it must fail.
        layer: Layer of the kernel's confinement without which the case succeeds.
        check: A measurement of the runner's that must hold as well.
    """

    name: str = Field(pattern=r"^[a-z0-9-]+$")
    group: str
    prelude: str = ""
    cells: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    in_bubblewrap: tuple[Outcome, ...] = ()
    status: Mapping[int, Status] = Field(default_factory=dict)
    refuses: int = 0
    limits: Mapping[str, Any] = Field(default_factory=dict)
    data: bool = False
    needs: Literal["gpu"] | None = None
    sandboxes: tuple[Literal["docker", "bubblewrap"], ...] = ("docker", "bubblewrap")
    layer: Literal["seccomp", "landlock", "limits"] | None = None
    check: Literal["host_clock", "flat_memory"] | None = None
    twin: Twin

    @property
    def id(self) -> str:
        return f"{self.group}/{self.name}"


def load(path: Path) -> list[Attack]:
    """Reads one group; what stands at the top of the file holds for all its cases."""
    document = YAML(typ="safe").load(path.read_text())
    common = {key: value for key, value in document.items() if key != "cases"}
    return [
        Attack.model_validate({**common, "group": path.stem, **case, **_merged(common, case)})
        for case in document["cases"]
    ]


def _merged(common: Mapping[str, Any], case: Mapping[str, Any]) -> dict[str, Any]:
    limits = {**common.get("limits", {}), **case.get("limits", {})}
    return {"limits": limits} if limits else {}


def attacks(needs: Literal["gpu"] | None = None) -> list[Attack]:
    """The cases that are notebooks and need just that of a sandbox, in order of file and place."""
    found = [attack for path in sorted(CASES.glob("*.yaml")) for attack in load(path)]
    return [attack for attack in found if attack.needs == needs]
