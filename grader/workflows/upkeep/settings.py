"""Every option and where its value comes from: command line, environment, ``grader.toml``, default."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from grader.errors import UsageError
from grader.rubric.problems import nearest

__all__ = ["FILE_NAME", "Settings", "read_settings"]

FILE_NAME = "grader.toml"
_PATHS = ("data", "reference", "dask_ca", "dask_cert", "dask_key")
_PLACES = ("db", "evidence")


class Settings(BaseModel):
    """The options of `grader run` and its neighbours; each is a key of ``grader.toml``.

    Attributes:
        rubric: A file, or the name of a rubric; found by the handout where it is None.
        db: A file, or an SQLAlchemy URL.
        evidence: Folder or URL of stored evidence; as the database says, else beside it, where it is None.
        jobs: Submissions graded at the same time; by cores and memory where it is None.
        data: Folder of data sets.
        training: None leaves it to the rubric.
        gpus: ``none``, ``all``, or device numbers.
        runtime: What the engine runs containers with, as ``runsc``; its own choice where it is None.
        fresh: Whether finished work is done again.
        reference: Folder of reference answers.
        user: Who acts, for the history.
        format: Layout of the submissions; recognised by itself where it is None.
        contact: Whom a student can ask about a mark, as an address or a link.
        busy_timeout_s: How long to wait while another program writes to the database.
        lease_s: How long a run that is not heard of keeps what it was working at.
        dask: Scheduler of a Dask pool that runs notebooks in place of this machine.
        dask_ca: With the next two, by what the parts of the pool know each other (``tls://``).
        dask_resources: What a notebook takes of what the pool's workers declare, as ``GPU=1``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rubric: str | None = None
    db: str = "grader.db"
    evidence: str | None = None
    jobs: int | None = Field(default=None, ge=1)
    data: Path | None = None
    sandbox: Literal["auto", "docker", "bubblewrap"] = "auto"
    isolation: Literal["fork", "container"] = "fork"
    training: Literal["budget", "full"] | None = None
    gpus: str = "none"
    runtime: str | None = None
    fresh: bool = False
    reference: Path | None = None
    user: str | None = None
    format: str | None = None
    contact: str | None = None
    busy_timeout_s: float = Field(default=30.0, ge=0)
    lease_s: float = Field(default=30.0, gt=0, le=600)
    dask: str | None = None
    dask_ca: Path | None = None
    dask_cert: Path | None = None
    dask_key: Path | None = None
    dask_resources: str | None = None


def read_settings(
    given: Mapping[str, Any],
    *,
    environ: Mapping[str, str] | None = None,
    places: Iterable[Path] = (),
    no_code_from: Collection[Path] = (),
) -> Settings:
    """Merges all sources; a value given nearer to the command wins.

    Args:
        given: Options of the command line; None means not given.
        environ: ``GRADER_<OPTION>`` variables; the process's own where it is None.
        places: Folders where ``grader.toml`` may lie, the first one found is read.
        no_code_from: Those of them whose file may not name reference answers, which are Python.

    Raises:
        UsageError: An unknown key or a value that cannot be, named with its source.
    """
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    variables = os.environ if environ is None else environ
    layers = (_from_file(places), _from_environment(variables), _from_command(given))
    for layer in layers:
        for key, (value, source) in layer.items():
            values[key], sources[key] = value, source
    _refuse_code(sources.get("reference"), values, no_code_from)
    _refuse_pool(sources.get("dask"), values, no_code_from)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise _explain(error, sources) from error


def _refuse_code(source: str | None, values: Mapping[str, Any], no_code_from: Collection[Path]) -> None:
    if source in {f"{place / FILE_NAME}: reference" for place in no_code_from}:
        raise UsageError(
            "reference answers are Python that would run on this machine, and this file could be a student's",
            where=source,
            todo=f"if it is the course's: --reference {values['reference']}, or start in that folder",
        )


def _refuse_pool(source: str | None, values: Mapping[str, Any], no_code_from: Collection[Path]) -> None:
    if source in {f"{place / FILE_NAME}: dask" for place in no_code_from}:
        raise UsageError(
            "a pool gets every student's notebook, and this file could be a student's",
            where=source,
            todo=f"if it is the course's: --dask {values['dask']}, or start in that folder",
        )


_Layer = Mapping[str, tuple[Any, str]]


def _from_file(places: Iterable[Path]) -> _Layer:
    path = next((place / FILE_NAME for place in places if (place / FILE_NAME).is_file()), None)
    if path is None:
        return {}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise UsageError("this file cannot be read as TOML", where=str(path), found=str(error)) from error
    unknown = [key for key in table if key not in Settings.model_fields]
    if unknown:
        raise UsageError(
            f"unknown key '{unknown[0]}'{nearest(unknown[0], Settings.model_fields)}", where=str(path)
        )
    return {key: (_anchored(key, value, path.parent), f"{path}: {key}") for key, value in table.items()}


def _anchored(key: str, value: Any, folder: Path) -> Any:
    """Paths in a file are meant from the file, not from where the command runs."""
    if not isinstance(value, str):
        return value
    is_path = (
        key in _PATHS or (key in _PLACES and "://" not in value) or (key == "rubric" and _looks_a_file(value))
    )
    return str(folder / value) if is_path else value


def _looks_a_file(rubric: str) -> bool:
    return "/" in rubric or rubric.endswith((".yaml", ".yml"))


def _from_environment(environ: Mapping[str, str]) -> _Layer:
    names = {key: f"GRADER_{key.upper()}" for key in Settings.model_fields}
    return {key: (environ[name], name) for key, name in names.items() if environ.get(name)}


def _from_command(given: Mapping[str, Any]) -> _Layer:
    return {key: (value, f"--{key.replace('_', '-')}") for key, value in given.items() if value is not None}


def _explain(error: ValidationError, sources: Mapping[str, str]) -> UsageError:
    first = error.errors(include_url=False)[0]
    key = str(first["loc"][0])
    return UsageError(
        "this option has a value that cannot be",
        where=sources.get(key, key),
        expected=first["msg"].removeprefix("Input should be "),
        found=repr(first["input"]),
    )
