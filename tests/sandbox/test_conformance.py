"""What every sandbox does, whatever it is made of."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from grader.evidence.codec import Bundle, decode, encode
from grader.evidence.frames import CellDone, CellStarted, Ran
from grader.evidence.plan import Call, FunctionProbe, Limits, NormalInput, Plan, Target, ValueProbe, probe_id
from grader.evidence.record import CellRun, FunctionRecord, Outcome, ValueRecord
from grader.evidence.values import ArrayValue, IntValue
from grader.sandbox.base import Job, Worker

pytestmark = pytest.mark.docker

Run = Callable[..., Bundle]


def cell_run(bundle: Bundle, index: int) -> CellRun:
    run = bundle.evidence.cells[index].run
    assert run is not None
    return run


def text(bundle: Bundle, index: int) -> str:
    return "".join(output.text for output in cell_run(bundle, index).outputs)


def test_a_notebook_runs_and_its_outputs_are_recorded(worker: Worker, run: Run) -> None:
    bundle = run(worker, "import torch\nprint('a', torch.ones(2).sum().item())", "6 * 7")
    assert bundle.evidence.outcome is Outcome.COMPLETED
    assert text(bundle, 0) == "a 2.0\n"
    assert [(one.kind, one.text) for one in cell_run(bundle, 1).outputs] == [("execute_result", "42")]
    assert decode(encode(bundle)).evidence == bundle.evidence


def test_a_cell_that_raises_is_recorded_and_the_notebook_goes_on(worker: Worker, run: Run) -> None:
    bundle = run(worker, "x = 1\n\nraise ValueError('no')", "some prose, not code", "print('here')")
    assert bundle.evidence.outcome is Outcome.CELL_ERROR
    error = cell_run(bundle, 0).error
    assert error is not None
    assert (error.type, error.message, error.line) == ("ValueError", "no", 3)
    assert "\x1b" not in error.traceback
    assert cell_run(bundle, 1).error.type == "SyntaxError"  # type: ignore[union-attr]
    assert text(bundle, 2) == "here\n"


def test_nothing_of_a_submission_reaches_the_next(worker: Worker, run: Run) -> None:
    first = run(
        worker,
        "import os, subprocess, pathlib\n"
        "for folder in ('/content', '/tmp', '/dev/shm'):\n"
        "    hidden = pathlib.Path(folder) / 'deep' / '.hidden'\n"
        "    hidden.mkdir(parents=True); (hidden / 'left').write_text('x'); os.chmod(hidden, 0)\n"
        "subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
        "os.environ['LEFT'] = '1'; left = 1; import builtins; builtins.left = 1",
    )
    assert first.evidence.outcome is Outcome.COMPLETED, cell_run(first, 0).error
    assert first.evidence.anomalies == ()
    second = run(
        worker,
        # bubblewrap shows this Python where it is on the host, which may be a folder under /tmp.
        "import os, glob, sys\n"
        "folders = ('/content', '/tmp', '/dev/shm')\n"
        "there = [p for f in folders for p in glob.glob(f + '/*') if p != '/tmp/home']\n"
        "print([p for p in there if not sys.prefix.startswith(p + '/')])",
        "print(os.environ.get('LEFT'), 'left' in dir(__builtins__), 'left' in globals())",
        "print(sum(b'sleep' in open(f'/proc/{p}/cmdline', 'rb').read() "
        "for p in os.listdir('/proc') if p.isdigit()))",
    )
    assert [text(second, index) for index in range(3)] == ["[]\n", "None False False\n", "0\n"]


def test_each_kernel_has_a_uid_of_its_own_and_no_privileges(worker: Worker, run: Run) -> None:
    look = (
        "import os, re\n"
        "status = open('/proc/self/status').read()\n"
        "print(os.getuid(), os.getgroups(), re.findall(r'Cap(?:Prm|Eff|Amb):\\s*(\\w+)', status),"
        " re.findall(r'NoNewPrivs:\\s*(\\d)', status))"
    )
    told = text(run(worker, look), 0)
    uid, rest = told.split(maxsplit=1)
    assert int(uid) >= 20_000
    assert rest == f"[] {['0' * 16] * 3} ['1']\n"


def test_no_uid_is_used_twice_in_a_container(fork_worker: Worker, run: Run) -> None:
    uids = {text(run(fork_worker, "import os; print(os.getuid())"), 0) for _ in range(3)}
    assert len(uids) == 3


def test_there_is_no_network(worker: Worker, run: Run) -> None:
    bundle = run(
        worker,
        "import socket; print([name for _, name in socket.if_nameindex()])",
        "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)",
    )
    assert text(bundle, 0) == "['lo']\n"
    assert cell_run(bundle, 1).error is not None


def test_only_the_work_folders_can_be_written(worker: Worker, run: Run) -> None:
    bundle = run(
        worker,
        "import os, sys\n"
        "for folder in [*'/ /etc /opt/code /data /run/grader /var/tmp /content'.split(), sys.prefix]:\n"
        "    try: open(folder + '/written', 'w').close(); print(folder, True)\n"
        "    except OSError: print(folder, False)",
        "open('mine.txt', 'w').write('x'); print(os.getcwd())",
    )
    writable = [line.split()[0] for line in text(bundle, 0).splitlines() if line.endswith("True")]
    assert writable == ["/content"]
    assert text(bundle, 1) == "/content\n"


def test_the_drivers_memory_files_and_signals_are_out_of_reach(worker: Worker, run: Run) -> None:
    bundle = run(
        worker,
        "import os, signal\n"
        "denied, mine = 0, os.readlink('/proc/self')\n"
        "for pid in ['1', *[p for p in os.listdir('/proc') if p.isdigit()]]:\n"
        "    if pid == mine: continue\n"
        "    for name in ('mem', 'environ', 'fd/0', 'fd/1', 'fd/3'):\n"
        "        try: open(f'/proc/{pid}/{name}', 'rb').close(); print('opened', pid, name)\n"
        "        except (PermissionError, FileNotFoundError): denied += 1\n"
        "    if os.stat(f'/proc/{pid}').st_uid == os.getuid(): continue\n"
        "    try: os.kill(int(pid), signal.SIGTERM); print('signalled', pid)\n"
        "    except PermissionError: denied += 1\n"
        "print(denied >= 6)",
    )
    assert text(bundle, 0) == "True\n"


def test_plots_are_kept_as_pictures(fork_worker: Worker, run: Run) -> None:
    bundle = run(fork_worker, "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()")
    (picture,) = [output for output in cell_run(bundle, 0).outputs if output.kind == "display_data"]
    assert picture.data["image/png"].startswith("iVBOR")


def test_cells_stream_to_the_host_in_order(fork_worker: Worker, run: Run) -> None:
    events: list[CellStarted | CellDone | Ran] = []
    run(fork_worker, "1", "1 / 0", "", progress=events.append)
    seen = [(event.type, getattr(event, "index", None)) for event in events]
    assert [kind for kind, _ in seen] == ["cell_started", "cell_done"] * 3 + ["ran"]
    assert [index for kind, index in seen if kind == "cell_started"] == [0, 1, 2]


def test_input_raises_instead_of_waiting(fork_worker: Worker, run: Run) -> None:
    error = cell_run(run(fork_worker, "input('name? ')"), 0).error
    assert error is not None
    assert error.type == "StdinNotImplementedError"


def test_generators_start_from_the_plans_seed(fork_worker: Worker, run: Run) -> None:
    draw = "import random, numpy, torch; print(random.random(), numpy.random.rand(), torch.rand(1).item())"
    same = [text(run(fork_worker, draw, seed=7), 0) for _ in range(2)]
    assert same[0] == same[1] != text(run(fork_worker, draw, seed=8), 0)


def test_probes_see_the_namespace_as_the_last_cell_left_it(fork_worker: Worker, run: Run) -> None:
    probe = ValueProbe(expression="x + 1")
    result = run(fork_worker, "x = 1", "x = 41", probes=(probe,)).evidence.probes[probe_id(probe)]
    assert result.status == "ok"
    assert isinstance(result.record, ValueRecord)
    assert result.record.value == IntValue(value=42)


def test_hidden_inputs_are_recorded_as_sent_and_drawn_afresh(fork_worker: Worker, run: Run) -> None:
    call = Call(args=(NormalInput(shape=(3,)),))
    probe = FunctionProbe(target=Target(names=("double",)), calls=(call,))
    drawn = []
    for _ in range(2):
        bundle = run(
            fork_worker, "def double(x):\n    y = 2 * x\n    x.zero_()\n    return y", probes=(probe,)
        )
        record = bundle.evidence.probes[probe_id(probe)].record
        assert isinstance(record, FunctionRecord)
        sent, returned = record.calls[0].args[0], record.calls[0].returned[0]
        assert isinstance(sent, ArrayValue)
        assert isinstance(returned, ArrayValue)
        given, got = bundle.array(sent), bundle.array(returned)
        assert given is not None
        assert got is not None
        np.testing.assert_array_equal(got, 2 * given)
        drawn.append(given.tolist())
    assert drawn[0] != drawn[1]


def test_hidden_inputs_are_not_there_while_cells_run(fork_worker: Worker, run: Run) -> None:
    secret = "probe_of_a_name_that_no_cell_mentions"
    probe = ValueProbe(expression="".join(["1 if '", secret, "' else 0"]))
    look = (
        "import gc\n"
        "word = 'probe_of_a_name_' + 'that_no_cell_mentions'\n"
        "for thing in gc.get_objects():\n"
        "    if type(thing) is dict:\n"
        "        for value in list(thing.values()):\n"
        "            if type(value) in (str, bytes, bytearray) and len(value) < 10**6:\n"
        "                if (word if type(value) is str else word.encode()) in value and value != word:\n"
        "                    print('found')"
    )
    bundle = run(fork_worker, look, probes=(probe,))
    assert bundle.evidence.probes[probe_id(probe)].status == "ok"
    assert text(bundle, 0) == ""


def test_what_is_no_notebook_is_an_invalid_submission(fork_worker: Worker) -> None:
    for raw in (b"", b"[]", b"{}", b'{"cells": 3}', b"\xff\xfe"):
        bundle = fork_worker.run(
            Job("attempt", raw, Plan(assignment="test", limits=Limits(memory_bytes=2048 * 1024 * 1024)))
        )
        assert bundle.evidence.outcome is Outcome.INVALID_SUBMISSION
        assert bundle.evidence.outcome_detail
