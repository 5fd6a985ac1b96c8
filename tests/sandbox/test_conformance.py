"""What every sandbox does with a notebook, whatever it is made of.

Most tests look at one of two notebooks, which run one after the other: a submission costs seconds where each
gets a sandbox of its own.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from grader.evidence.codec import Bundle
from grader.evidence.plan import Call, FunctionProbe, NormalInput, Plan, Target, probe_id
from grader.evidence.record import CellRun, FunctionRecord, Outcome
from grader.evidence.values import ArrayValue, IntValue
from grader.sandbox.base import Job, Worker
from tests.factories import value_probe

from .conftest import ROOMY

Run = Callable[..., Bundle]

#: Cells of the two notebooks; each stands with its test below.
FIRST: list[str] = []
SECOND: list[str] = []

SEED = 7
DOUBLE = FunctionProbe(target=Target(names=("double",)), calls=(Call(args=(NormalInput(shape=(3,)),)),))
LAST_VALUE = value_probe("last + 1")
SECRET = "probe_of_a_name_that_no_cell_mentions"
SECRET_PROBE = value_probe(f"1 if '{SECRET}' else 0")
PROBES = (DOUBLE, LAST_VALUE, SECRET_PROBE)


def cell(notebook: list[str], source: str) -> int:
    """Adds a cell to a notebook and gives its index."""
    notebook.append(source)
    return len(notebook) - 1


@pytest.fixture(scope="module")
def first(worker: Worker, run: Run) -> Bundle:
    """A notebook with errors, which leaves behind what it can."""
    return run(worker, *FIRST, probes=PROBES)


@pytest.fixture(scope="module")
def second(worker: Worker, run: Run, first: Bundle) -> Bundle:
    """A notebook without errors, run right after the first."""
    return run(worker, *SECOND, probes=PROBES, seed=SEED)


def cell_run(bundle: Bundle, index: int) -> CellRun:
    run = bundle.evidence.cells[index].run
    assert run is not None
    return run


def text(bundle: Bundle, index: int) -> str:
    return "".join(output.text for output in cell_run(bundle, index).outputs)


# Before any cell that may draw numbers.
DRAWN = cell(
    SECOND,
    "import random, numpy, torch\n"
    "def draw(): return random.random(), numpy.random.rand(), torch.rand(1).item()\n"
    "print(draw())",
)
DRAWN_AGAIN = cell(
    SECOND, f"random.seed({SEED}); numpy.random.seed({SEED}); torch.manual_seed({SEED})\nprint(draw())"
)


def test_generators_start_from_the_plans_seed(second: Bundle) -> None:
    assert text(second, DRAWN) == text(second, DRAWN_AGAIN) != ""


PRINTED = cell(SECOND, "import torch\nprint('a', torch.ones(2).sum().item())")
EVALUATED = cell(SECOND, "6 * 7")


def test_a_notebook_runs_and_its_outputs_are_recorded(second: Bundle) -> None:
    assert second.evidence.outcome is Outcome.COMPLETED
    assert text(second, PRINTED) == "a 2.0\n"
    assert [(one.kind, one.text) for one in cell_run(second, EVALUATED).outputs] == [("execute_result", "42")]


LITTER = cell(
    FIRST,
    "import os, subprocess, pathlib\n"
    "for folder in ('/content', '/tmp', '/dev/shm'):\n"
    "    hidden = pathlib.Path(folder) / 'deep' / '.hidden'\n"
    "    hidden.mkdir(parents=True); (hidden / 'left').write_text('x'); os.chmod(hidden, 0)\n"
    "subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
    "os.environ['LEFT'] = '1'; left = 1; import builtins; builtins.left = 1",
)
FILES_FOUND = cell(
    SECOND,
    # bubblewrap shows this Python where it is on the host, which may be a folder under /tmp.
    "import os, glob, sys\n"
    "folders = ('/content', '/tmp', '/dev/shm')\n"
    "there = [p for f in folders for p in glob.glob(f + '/*') if p != '/tmp/home']\n"
    "print([p for p in there if not sys.prefix.startswith(p + '/')])",
)
NAMES_FOUND = cell(SECOND, "print(os.environ.get('LEFT'), 'left' in dir(__builtins__), 'left' in globals())")
PROCESSES_FOUND = cell(
    SECOND,
    "print(sum(b'sleep' in open(f'/proc/{p}/cmdline', 'rb').read() "
    "for p in os.listdir('/proc') if p.isdigit()))",
)


def test_nothing_of_a_submission_reaches_the_next(first: Bundle, second: Bundle) -> None:
    assert cell_run(first, LITTER).status == "ok", cell_run(first, LITTER).error
    assert first.evidence.anomalies == ()
    assert text(second, FILES_FOUND) == "[]\n"
    assert text(second, NAMES_FOUND) == "None False False\n"
    assert text(second, PROCESSES_FOUND) == "0\n"


RAISING = cell(FIRST, "x = 1\n\nraise ValueError('no')")
PROSE = cell(FIRST, "some prose, not code")
HERE = cell(FIRST, "print('here')")


def test_a_cell_that_raises_is_recorded_and_the_notebook_goes_on(first: Bundle) -> None:
    assert first.evidence.outcome is Outcome.CELL_ERROR
    error = cell_run(first, RAISING).error
    assert error is not None
    assert (error.type, error.message, error.line) == ("ValueError", "no", 3)
    assert "\x1b" not in error.traceback
    assert cell_run(first, PROSE).error.type == "SyntaxError"  # type: ignore[union-attr]
    assert text(first, HERE) == "here\n"


ASKING = cell(FIRST, "input('name? ')")


def test_input_raises_instead_of_waiting(first: Bundle) -> None:
    error = cell_run(first, ASKING).error
    assert error is not None
    assert error.type == "StdinNotImplementedError"


USER = cell(
    SECOND,
    "import os, re\n"
    "status = open('/proc/self/status').read()\n"
    "print(os.getuid(), os.getgroups(), re.findall(r'Cap(?:Prm|Eff|Amb):\\s*(\\w+)', status),"
    " re.findall(r'NoNewPrivs:\\s*(\\d)', status))",
)


def test_each_kernel_has_a_uid_of_its_own_and_no_privileges(second: Bundle) -> None:
    uid, rest = text(second, USER).split(maxsplit=1)
    assert int(uid) >= 20_000
    assert rest == f"[] {['0' * 16] * 3} ['1']\n"


# Only there do several submissions share a container.
@pytest.mark.docker
def test_no_uid_is_used_twice_in_a_container(fork_worker: Worker, run: Run) -> None:
    source = "import os, subprocess; print(os.getuid()); _ = subprocess.run(['true'])"
    first, *others = [int(text(run(fork_worker, source), 0)) for _ in range(3)]
    # In a row: nothing that an honest notebook does makes its container be replaced.
    assert others == [first + 1, first + 2]


INTERFACES = cell(SECOND, "import socket; print([name for _, name in socket.if_nameindex()])")
CONNECTING = cell(FIRST, "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)")


def test_there_is_no_network(first: Bundle, second: Bundle) -> None:
    assert text(second, INTERFACES) == "['lo']\n"
    assert cell_run(first, CONNECTING).error is not None


WRITING = cell(
    SECOND,
    "import os, sys\n"
    "for folder in [*'/ /etc /opt/code /data /run/grader /var/tmp /content'.split(), sys.prefix]:\n"
    "    try: open(folder + '/written', 'w').close(); print(folder, True)\n"
    "    except OSError: print(folder, False)",
)
WORKING = cell(SECOND, "open('mine.txt', 'w').write('x'); print(os.getcwd())")


def test_only_the_work_folders_can_be_written(second: Bundle) -> None:
    writable = [line.split()[0] for line in text(second, WRITING).splitlines() if line.endswith("True")]
    assert writable == ["/content"]
    assert text(second, WORKING) == "/content\n"


REACHING = cell(
    SECOND,
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


def test_the_drivers_memory_files_and_signals_are_out_of_reach(second: Bundle) -> None:
    assert text(second, REACHING) == "True\n"


PLOTTING = cell(SECOND, "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()")


def test_plots_are_kept_as_pictures(second: Bundle) -> None:
    (picture,) = [output for output in cell_run(second, PLOTTING).outputs if output.kind == "display_data"]
    assert picture.data["image/png"].startswith("iVBOR")


TALKING = cell(SECOND, "print('x' * 3_000_000)")


def test_a_long_output_within_the_attempts_limit_is_cut_without_blame(second: Bundle) -> None:
    assert cell_run(second, TALKING).cut
    assert cell_run(second, TALKING).status == "ok"
    assert second.evidence.outcome is Outcome.COMPLETED


ASSIGNED = [cell(SECOND, "last = 1"), cell(SECOND, "last = 41")]


def test_probes_see_the_namespace_as_the_last_cell_left_it(second: Bundle) -> None:
    result = second.evidence.probes[probe_id(LAST_VALUE)]
    assert result.status == "ok"
    assert isinstance(result.record, FunctionRecord)
    assert result.record.calls[0].returned == (IntValue(value=42),)


DEFINED = [
    cell(each, "def double(x):\n    y = 2 * x\n    x.zero_()\n    return y") for each in (FIRST, SECOND)
]


def test_hidden_inputs_are_recorded_as_sent_and_drawn_afresh(first: Bundle, second: Bundle) -> None:
    drawn = []
    for bundle in (first, second):
        record = bundle.evidence.probes[probe_id(DOUBLE)].record
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


SEARCHING = cell(
    SECOND,
    "import gc\n"
    "word = 'probe_of_a_name_' + 'that_no_cell_mentions'\n"
    "for thing in gc.get_objects():\n"
    "    if type(thing) is dict:\n"
    "        for value in list(thing.values()):\n"
    "            if type(value) in (str, bytes, bytearray) and len(value) < 10**6:\n"
    "                if (word if type(value) is str else word.encode()) in value and value != word:\n"
    "                    print('found')",
)


def test_hidden_inputs_are_not_there_while_cells_run(second: Bundle) -> None:
    assert second.evidence.probes[probe_id(SECRET_PROBE)].status == "ok"
    assert cell_run(second, SEARCHING).status == "ok"
    assert text(second, SEARCHING) == ""


# A submission for each, which costs nothing only where they share a container; the reader is the same in all.
@pytest.mark.docker
@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"cells": 3}', b"\xff\xfe"])
def test_what_is_no_notebook_is_an_invalid_submission(fork_worker: Worker, raw: bytes) -> None:
    bundle = fork_worker.run(Job("attempt", raw, Plan(assignment="test", limits=ROOMY)))
    assert bundle.evidence.outcome is Outcome.INVALID_SUBMISSION
    assert bundle.evidence.outcome_detail
