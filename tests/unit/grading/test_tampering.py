"""Notebooks that reach for what measures them go to a TA; ordinary ones never do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import pytest

from grader.evidence.codec import Bundle
from grader.facts.case import Case, Reference
from grader.facts.fields import Where
from grader.facts.known import Known
from grader.grading.grade import grade
from grader.grading.tampering import held_back, signs_of_tampering
from grader.judging.check import Check
from grader.judging.judgement import Judgement, Status
from tests.factories import cell, code_cells, evidence, rubric


class Passing(Check):
    check: Literal["passing"] = "passing"

    def judge(self, case: Case) -> Judgement:
        return Judgement.passed("Right.", on=Known(True))


REACHING = [
    "import ctypes",
    "from ctypes import pythonapi",
    "import grader.collector.session as s",
    "import sys; f = sys._getframe()",
    "from sys import settrace",
    "import gc; gc.get_objects()",
    "get_ipython().kernel.shell_handlers.clear()",
    "torch.optim.optimizer._global_optimizer_pre_hooks.clear()",
    "def f(): pass\nf.__code__ = g.__code__",
    "__import__('grader.collector.values')",
    "%matplotlib inline\nimport ctypes",
    "r = nn.Module.__call__.__closure__",
    "for c in f.__closure__: c.cell_contents",
    "ip = get_ipython()\nk = ip.kernel",
    "g = get_ipython\nif (ip := g()): vars(ip)['kernel']",
    "from IPython import get_ipython as g\nk = g().kernel",
    "k = get_ipython.__self__.parent",
    "exit._ip.kernel",
    "session = vars(k)['_graded']",
    "f = getattr(sys, '_getframe')()",
    "%%capture\n%%time\nimport gc\ngc.get_objects()",
    "%time gc.get_objects()",
    "%%timeit gc.get_objects()\npass",
    "%%writefile helper.py\nimport gc\ngc.get_objects()",
    "exec('import gc\\ngc.get_objects()')",
    "exec('gc.get_' + 'objects()')",
    "exec(b'import ctypes')",
    "exec('exec(\"import ctypes\")')",
    "get_ipython().run_cell('k = get_ipython().kernel')",
    "c = get_ipython().kernel.do_shutdown(True)",
    "get_ipython().kernel.do_shutdown(get_ipython().kernel)",
    "import sys\nfor name, module in list(sys.modules.items()): pass",
    "import sys\nall_of_them = sys.modules",
    "import sys as s\ns.modules['torch'] = fake",
    "from sys import modules",
    "names = error.__traceback__.tb_frame.f_globals",
    "from ipykernel.kernelapp import IPKernelApp",
    "import ipykernel.kernelapp",
    "frame = generator.gi_frame",
    "for kind in object.__subclasses__(): pass",
    "collected.__pydantic_serializer__ = forged",
    "importlib.import_module('ctypes')",
    "match thing:\n    case object(f_locals=names): pass",
    "gc.g\uff45t_objects()",
    "text = '''\n" + "x = %\n" * 150 + "'''\nfor o in gc.get_objects():  # = %\n    pass",
    "text = '''\n" + "x = %\n" * 150 + "'''\nimport ctypes  # = %",
    "!python -c 'import gc; gc.get_objects()'\nthis is no Python",
]
ORDINARY = [
    "get_ipython().kernel.do_shutdown(True)",
    "import IPython\nIPython.get_ipython().kernel.do_shutdown(restart=True)",
    "import torch, gc\ngc.collect()",
    "net.eval()\nnet.kernel_size = 3\nconv.kernel = 2",
    "print(f.__code__.co_name)",
    "get_ipython().run_line_magic('matplotlib', 'inline')",
    "torch.backends.cudnn.deterministic = True",
    "grader = 'the grader will read this'",
    "this is prose, not code",
    "!pip install ctypes",
    "ip = get_ipython()\nif ip is not None:\n    ip.run_line_magic('matplotlib', 'inline')",
    "shell = get_ipython().__class__.__name__\nfiles = !ls",
    "class Filter:\n    def __init__(self): self.kernel, self.parent = 3, None\nFilter().kernel",
    "import sys\nprint('google.colab' in sys.modules, sys.modules['torch'], sys.modules.get('PIL'))",
    "import sys, importlib\nimportlib.reload(sys.modules[helper.__name__])\nsys.modules.pop('helper', None)",
    "for module in net.modules(): print(module)",
    "vars(args)['kernel']\nnet.__dict__",
    "exec('y = 1')\neval('y + 1')",
    "print('What is the kernel of a filter? 100% of points from grader')",
    "%%capture\n%%time\nnet = train(net)",
    "%%writefile helper.py\ndef double(x):\n    return 2 * x",
    "import gc, inspect\ngc.collect(); print(inspect.getsource(f))",
    "\n".join(["%time x = 1"] * 150),
    "# the stack frame, f_back and friends, is not for us\nx = 1",
]


@pytest.mark.parametrize("source", REACHING)
def test_reaching_for_the_machinery_is_seen(source: str) -> None:
    assert signs_of_tampering(code_cells("x = 1", source))[0][0].cell == 1


@pytest.mark.parametrize("source", ORDINARY)
def test_ordinary_code_gives_no_sign(source: str) -> None:
    assert signs_of_tampering(code_cells(source)) == ()


def test_the_line_is_the_students_own() -> None:
    (where, name), *_ = signs_of_tampering(code_cells("%matplotlib inline\n\nx = 1\nimport ctypes"))
    assert (where, name) == (Where(cell=0, line=4), "ctypes")


def test_text_of_markdown_cells_is_not_code() -> None:
    assert signs_of_tampering((cell(0, "import ctypes", kind="markdown"),)) == ()


def test_earned_points_wait_for_a_ta_and_nothing_is_taken_off() -> None:
    signs = signs_of_tampering(code_cells("import ctypes"))
    held = held_back(Judgement.partial(0.5, "Half of it.", on=Known(True)), signs)
    assert (held.status, held.share, held.open_share) == (Status.NEEDS_TA, 0.0, 0.5)
    assert "Cell 0 uses `ctypes`" in held.open
    assert held.where[-1] == Where(cell=0, line=1)


def test_what_was_lost_anyway_stays_lost() -> None:
    signs = signs_of_tampering(code_cells("import ctypes"))
    failed = Judgement.failed("Wrong.", on=Known(True))
    assert held_back(failed, signs) == failed


def test_the_judge_holds_back_every_point_of_such_a_notebook() -> None:
    given = evidence(code_cells("import ctypes"))
    verdict = grade(rubric(Passing()), Bundle(given), Reference())
    assert (verdict.points, verdict.pending) == (0.0, 1.0)


@pytest.mark.parametrize(
    "source", ["import ctypes.util", "from ctypes import CDLL", "exec('import ctypes')", "!x\nimport ctypes"]
)
def test_a_module_that_the_lab_asks_for_is_no_sign(source: str) -> None:
    assert signs_of_tampering(code_cells(source), ["ctypes"]) == ()
    given = Bundle(evidence(code_cells(source)))
    allowing = rubric(Passing()).model_copy(update={"may_import": ("ctypes",)})
    assert grade(allowing, given, Reference()).points == 1.0
    assert grade(rubric(Passing()), given, Reference()).points == 0.0


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("from ctypes import pythonapi", "pythonapi"),
        ("import ctypes; ctypes.pythonapi", "pythonapi"),
        ("exec('import ctypes; ctypes.pythonapi')", "pythonapi"),
        ("import ctypes, grader.collector", "grader.collector"),
        ("exec('import ctypes\\nimport grader')", "grader"),
        ("import cffi", "cffi"),
    ],
)
def test_what_reaches_for_the_machinery_is_a_sign_beside_it(source: str, name: str) -> None:
    assert [found for _, found in signs_of_tampering(code_cells(source), ["ctypes"])] == [name]


@pytest.mark.corpus
def test_no_real_notebook_gives_a_sign(corpus: Path) -> None:
    paths = sorted(corpus.rglob("*.ipynb"))
    assert paths
    for path in paths:
        sources = ["".join(each["source"]) for each in json.loads(path.read_text())["cells"]]
        assert signs_of_tampering(code_cells(*sources)) == (), path
