"""The connection to the Docker engine."""

from __future__ import annotations

import docker
import requests
from docker.errors import DockerException

from grader.errors import SandboxUnavailable

__all__ = ["ENGINE_ERRORS", "connect"]

#: What docker-py raises when the engine refuses, vanishes or does not answer in time.
ENGINE_ERRORS: tuple[type[Exception], ...] = (
    DockerException,
    requests.exceptions.RequestException,
    ConnectionError,
)

_TIMEOUT_S = 120


def connect(*, timeout_s: int = _TIMEOUT_S) -> docker.DockerClient:
    """Connects to the engine that the environment names (``DOCKER_HOST``, else the local socket).

    Raises:
        SandboxUnavailable: No engine answers.
    """
    client = None
    try:
        client = docker.from_env(timeout=timeout_s)
        client.ping()
    except ENGINE_ERRORS as error:
        if client is not None:
            client.close()
        raise SandboxUnavailable(
            "no Docker engine answers",
            expected="a running engine that this user may use",
            found=str(error).splitlines()[0][:200],
            todo="start Docker, join the group `docker`, or set DOCKER_HOST; `grader doctor` tests it",
        ) from error
    return client
