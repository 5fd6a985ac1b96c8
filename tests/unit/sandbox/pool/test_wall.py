"""What the pool's processes on this machine see behind their walls."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from grader.errors import SandboxUnavailable
from grader.sandbox.pool.launched import Launched
from grader.sandbox.pool.options import Pool, Tls
from grader.sandbox.pool.wall import environment, gateway_command, launcher_command, wall_trouble

pytestmark = pytest.mark.skipif(bool(wall_trouble()), reason="no wall can stand on this machine")

#: Says what of some paths can be read or written, and whether a process is seen.
LOOK = """
import json, os, sys
def can(act):
    try:
        act()
    except OSError:
        return False
    return True
told = {}
for path in json.loads(sys.argv[1]):
    told[path] = can(lambda: os.listdir(path) if os.path.isdir(path) else open(path).read(1))
can(lambda: os.mkdir(sys.argv[2]))
print(json.dumps([told, os.path.exists("/proc/" + sys.argv[3])]))
"""


def seen(command: list[str], paths: list[Path], folder: Path) -> tuple[dict[str, bool], bool, bool]:
    words = [json.dumps([str(path) for path in paths]), str(folder / "new"), str(os.getpid())]
    ran = subprocess.run(
        [*command[:-3], sys.executable, "-c", LOOK, *words], env=environment(), capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    told, process = json.loads(ran.stdout)
    # What is written stays in there, and goes with it.
    return told, (folder / "new").exists(), process


def test_the_gateway_sees_its_certificates_and_nothing_of_a_course(tmp_path: Path) -> None:
    for name in ("cert.pem", "worker.token", "grader.db"):
        (tmp_path / name).write_text("secret")
    cert = str(tmp_path / "cert.pem")
    others = [tmp_path / "worker.token", tmp_path / "grader.db", Path(__file__), Path("/etc/shadow")]
    told, written, process = seen(gateway_command(Tls(cert, cert, cert)), [Path(cert), *others], tmp_path)
    assert told == {cert: True, **{str(path): False for path in others}}
    assert not written and not process


def test_a_launcher_sees_the_machine_but_for_what_is_hidden(tmp_path: Path) -> None:
    # Not below /tmp, which no wall shows.
    shown = Path(__file__).resolve().parent / "test_gate.py"
    hidden = Path(__file__).resolve()
    if str(shown).startswith("/tmp/"):
        shown, hidden = Path("/etc/passwd"), Path("/etc/group")
    told, written, process = seen(launcher_command(Tls(), [hidden]), [shown], tmp_path)
    assert told == {str(shown): True} and not written and not process
    content = [*launcher_command(Tls(), [hidden])[:-3], "cat", str(hidden)]
    assert hidden.read_bytes() not in (
        b"",
        subprocess.run(content, env=environment(), capture_output=True).stdout,
    )


def test_a_launcher_starts_behind_its_wall(capfd: pytest.CaptureFixture[str]) -> None:
    launched = Launched(Pool(launch="ssh", hosts=("alone",)), [], lambda _: None)
    with pytest.raises(SandboxUnavailable, match="no pool could be launched by ssh"):
        launched.scheduler()
    launched.close()
    assert "--launch ssh needs --hosts SCHEDULER,WORKER" in capfd.readouterr().err


def test_no_password_is_among_what_they_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADER_DB", "postgresql://ann:secret@db/grader")
    monkeypatch.setenv("PGPASSWORD", "secret")
    assert "secret" not in str(environment())
