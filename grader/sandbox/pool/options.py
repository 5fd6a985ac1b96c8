"""Where a pool is and how its hosts run notebooks, in words that travel as JSON to the pool's processes."""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

from grader.errors import UsageError

__all__ = [
    "GPU",
    "LAUNCHERS",
    "MEMORY",
    "HostOptions",
    "Pool",
    "Tls",
    "is_loopback",
    "parse_resources",
    "require_scheduler",
]

#: What Dask's workers may declare that they have; bytes of memory, and cards or slices.
GPU = "GPU"
MEMORY = "MEMORY"
LAUNCHERS = ("slurm", "kubernetes", "ssh")
_SCHEDULER = re.compile(r"(tcp|tls)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9._-]*):\d{1,5}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class Tls:
    """Files by which the parts of a pool know each other; all three, or none.

    Attributes:
        ca: Certificates that may vouch for any of them.
        cert: This one's own.
        key: The key to it.
    """

    ca: str = ""
    cert: str = ""
    key: str = ""

    @classmethod
    def of(cls, ca: Path | None, cert: Path | None, key: Path | None) -> Tls:
        """Of options.

        Raises:
            UsageError: Some are given and some are not, or a file is not there.
        """
        files = (ca, cert, key)
        if not any(files):
            return cls()
        if not all(files):
            raise UsageError("TLS in a pool needs three files", expected="--dask-ca, --dask-cert, --dask-key")
        for file in files:
            if file is not None and not file.is_file():
                raise UsageError("this file is not there", where=str(file))
        return cls(*(str(file.resolve()) for file in files if file is not None))

    def __bool__(self) -> bool:
        return bool(self.ca)


@dataclass(frozen=True)
class Pool:
    """A cluster that is there, or is to be launched.

    Attributes:
        scheduler: Its address, ``tcp://HEAD:8786`` or ``tls://...``; empty where it is launched.
        launch: One of `LAUNCHERS`; empty where it is there.
        hosts: For ``ssh``: where the scheduler goes, and then where each worker goes.
        slots: Of each worker that is launched: how many notebooks it runs at a time.
        needs: What one notebook takes of what a worker declares, by name.
        most: Notebooks at a time, at the most; None takes as many as there are slots.
    """

    scheduler: str = ""
    launch: str = ""
    hosts: tuple[str, ...] = ()
    slots: int = 1
    tls: Tls = field(default_factory=Tls)
    needs: tuple[tuple[str, float], ...] = ()
    most: int | None = None

    def to_json(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, raw: bytes) -> Pool:
        told = json.loads(raw)
        told["tls"] = Tls(**told["tls"])
        told["hosts"] = tuple(told["hosts"])
        told["needs"] = tuple((name, amount) for name, amount in told["needs"])
        return cls(**told)


@dataclass(frozen=True)
class HostOptions:
    """How each host of the pool runs notebooks; paths are the hosts' own.

    Attributes:
        image: What it has to run them in; empty takes what the host has.
    """

    sandbox: str = "auto"
    isolation: str = "fork"
    runtime: str | None = None
    gpus: str = "none"
    data: str | None = None
    image: str = ""

    def to_json(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, raw: bytes) -> HostOptions:
        return cls(**json.loads(raw))


def require_scheduler(address: str) -> str:
    """An address that looks like one of a scheduler.

    Raises:
        UsageError: It does not.
    """
    if not _SCHEDULER.fullmatch(address):
        raise UsageError(
            "this is no address of a Dask scheduler",
            expected="tcp://HOST:8786, or tls://HOST:8786",
            found=address[:200],
        )
    return address


def parse_resources(text: str) -> tuple[tuple[str, float], ...]:
    """What a notebook takes, from ``GPU=1,SSD=0.5``.

    Raises:
        UsageError: A name or an amount is none.
    """
    found: dict[str, float] = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        name, _, amount = part.partition("=")
        try:
            number = float(amount)
        except ValueError:
            number = 0.0
        if not _NAME.fullmatch(name) or not 0 < number < 1e18:
            raise UsageError("this is no resource of a pool", expected="NAME=AMOUNT, as GPU=1", found=part)
        found[name] = number
    return tuple(found.items())


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name or address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
