"""`scripts/engine.sh` in namespaces of its own: the machine's real engine is neither seen nor touched."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APART = ["unshare", "--mount", "--pid", "--fork", "--net", "--mount-proc"]
EMPTY = "mkdir -p .cache && for place in /var/lib/docker /run .cache; do mount -t tmpfs apart $place; done\n"
#: What a machine that lost power leaves: a socket nobody listens to, and numbers that others have by now.
LEFTOVERS = """
mkdir -p /run/docker/containerd
echo 1 > /run/docker.pid
echo 1 > /run/docker/containerd/containerd.pid
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("/run/docker.sock")'
"""
PING = "import docker; docker.from_env().ping()"


@pytest.fixture
def apart():
    """Runs a script as on a machine of its own, from the checkout; skips where that is not allowed."""
    allowed = subprocess.run([*APART, "sh", "-c", "mount -t tmpfs apart /run"], capture_output=True)
    if allowed.returncode != 0 or not shutil.which("dockerd", path="/usr/sbin:/usr/bin:/usr/local/bin"):
        pytest.skip("needs root, namespaces and an installed engine")

    def run(script):
        command = [*APART, "bash", "-c", f"unset DOCKER_HOST\n{EMPTY}{script}"]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)

    return run


def test_a_stopped_engine_is_started_over_what_it_left_behind(apart):
    ended = apart(f"{LEFTOVERS}scripts/engine.sh && .venv/bin/python -c {PING!r}")
    assert ended.returncode == 0, ended.stderr
    assert "starting the Docker engine" in ended.stderr


def test_a_running_engine_is_left_alone(apart):
    once = "scripts/engine.sh && cat /run/docker.pid && echo"
    first, second = (ended := apart(f"{once} && {once}")).stdout.split()
    assert first == second
    assert ended.stderr.count("starting the Docker engine") == 1


def test_the_started_engine_does_not_hold_the_lock(apart):
    ended = apart("scripts/engine.sh && flock --nonblock .cache/engine.lock true")
    assert ended.returncode == 0, ended.stderr


def test_an_engine_elsewhere_that_does_not_answer_is_named_and_not_replaced(apart):
    ended = apart("DOCKER_HOST=unix:///run/elsewhere.sock scripts/engine.sh")
    assert ended.returncode == 1
    assert "DOCKER_HOST=unix:///run/elsewhere.sock" in ended.stderr
    assert "to do:" in ended.stderr
