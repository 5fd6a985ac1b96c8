"""The library's convolution, hidden in a function to be written by hand; and honest ones that pass."""

from __future__ import annotations

import textwrap

import numpy as np
import pytest

from grader.checks.code import forbids_call
from grader.checks.code.forbids_call import ForbidsCall
from grader.collector.probes import function as probing
from grader.evidence.frames import ProbeInputs
from grader.evidence.values import ArrayValue
from grader.facts.code import functions
from grader.judging.judgement import Status
from tests.factories import answers, case, code_cells, evidence
from tests.unit.collector.conftest import COMMON

FORBIDDEN = [
    "conv1d", "conv2d", "conv3d", "Conv2d", "unfold", "convolve", "convolve2d", "correlate", "correlate2d",
]  # fmt: skip
BY_HAND = ForbidsCall(
    functions=[
        {"name": "conv2d", "args": [{"kind": "normal", "shape": [5, 6]}, {"kind": "normal", "shape": [3, 3]}]}
    ],
    forbidden=FORBIDDEN,
)
NUMBERS = np.random.default_rng(1).standard_normal
HIDDEN = {
    "in a thread": (
        """
        import threading
        def conv2d(i, k):
            found = []
            go = lambda: found.append(vars(F)['conv' + '2d'](i[None, None], k[None, None]))
            work = threading.Thread(target=go); work.start(); work.join()
            return found[0][0, 0]
        """,
        Status.NEEDS_TA,
    ),
    "in a pool from before, by another module's name": (
        """
        import concurrent.futures, types
        pool = concurrent.futures.ThreadPoolExecutor(1); pool.submit(print).result()
        kit = types.SimpleNamespace(go=F.conv2d)
        def conv2d(i, k):
            return pool.submit(kit.go, i[None, None], k[None, None]).result()[0, 0] * 1
        """,
        Status.NEEDS_TA,
    ),
    "with torch's own look switched off": (
        """
        kit = {'go': F.conv2d}
        def conv2d(i, k):
            with torch._C.DisableTorchFunction():
                return kit['go'](i[None, None], k[None, None])[0, 0] * 1
        """,
        Status.FAIL,
    ),
    "within an operation of a made-up name": (
        """
        kit = {'go': F.conv2d}
        def conv2d(i, k):
            with torch._C.DisableTorchFunction(), torch.autograd.profiler.record_function('aten::mul'):
                return kit['go'](i[None, None], k[None, None])[0, 0] * 1
        """,
        Status.FAIL,
    ),
    "by a name put together": (
        """
        def conv2d(i, k):
            return getattr(F, 'co' + 'nv2d')(i[None, None], k[None, None])[0, 0] * 1
        """,
        Status.FAIL,
    ),
    "by another library": (
        """
        import importlib
        def conv2d(i, k):
            kit = importlib.import_module('sci' + 'py.signal')
            return torch.as_tensor(vars(kit)['correlate' + '2d'](i.numpy(), k.numpy(), 'valid')) * 1
        """,
        Status.FAIL,
    ),
    "by NumPy, row by row": (
        """
        kit = [np.correlate]
        def conv2d(i, k):
            rows = [[kit[0](a, b, 'valid') for a, b in zip(i[r:r + 3].numpy(), k.numpy())] for r in range(3)]
            return torch.as_tensor(np.array([sum(row) for row in rows]))
        """,
        Status.FAIL,
    ),
    "after many harmless operations": (
        """
        names = [n for n in dir(torch) if n in ('abs', 'sin', 'cos', 'exp', 'neg', 'sqrt', 'floor', 'ceil')]
        kit = {'go': F.conv2d}
        def conv2d(i, k):
            for n in names * 40: getattr(torch, n)(i)
            return kit['go'](i[None, None], k[None, None])[0, 0] * 1
        """,
        Status.FAIL,
    ),
    "turned round": (
        """
        kit = {'go': F.conv_transpose2d}
        def conv2d(i, k):
            return kit['go'](i[None, None], k.flip(0, 1)[None, None])[0, 0, 2:-2, 2:-2] * 1
        """,
        Status.NEEDS_TA,
    ),
    "by a name looked up": (
        "import operator\ndef conv2d(i, k):\n    return operator.attrgetter(NAME)(kit)(i, k) * 1",
        Status.NEEDS_TA,
    ),
    "by a name in a table": ("def conv2d(i, k):\n    return kit.__dict__[NAME](i, k) * 1", Status.NEEDS_TA),
    "by another name for getattr": (
        "def conv2d(i, k):\n    find = getattr\n    return find(kit, NAME)(i, k) * 1",
        Status.NEEDS_TA,
    ),
    "by SciPy in a pool from before": (
        """
        import concurrent.futures
        from scipy import signal
        pool = concurrent.futures.ThreadPoolExecutor(1); pool.submit(print).result()
        kit = [signal.correlate2d]
        def conv2d(i, k):
            return torch.as_tensor(pool.submit(kit[0], i.numpy(), k.numpy(), 'valid').result()) * 1
        """,
        Status.NEEDS_TA,
    ),
    "by SciPy in a thread that waits for work": (
        """
        import threading, time
        from scipy import signal
        todo, done = [], []
        def wait_for_work(go=signal.correlate2d):
            while not done:
                time.sleep(0.001)
                if todo: done.append(go(*todo.pop(), 'valid'))
        threading.Thread(target=wait_for_work, daemon=True).start()
        def conv2d(i, k):
            todo.append((i.numpy(), k.numpy()))
            while not done: time.sleep(0.001)
            return torch.as_tensor(done.pop()) * 1
        """,
        Status.NEEDS_TA,
    ),
    "by SciPy in another process": (
        """
        import multiprocessing
        from scipy import signal
        kit = [signal.correlate2d]
        def conv2d(i, k):
            with multiprocessing.get_context('fork').Pool(1) as pool:
                return torch.as_tensor(pool.apply(kit[0], (i.numpy(), k.numpy(), 'valid'))) * 1
        """,
        Status.NEEDS_TA,
    ),
    "by SciPy in a fork": (
        """
        import os, pickle
        from scipy import signal
        kit = [signal.correlate2d]
        def conv2d(i, k):
            reading, writing = os.pipe()
            if os.fork() == 0:
                os.write(writing, pickle.dumps(kit[0](i.numpy(), k.numpy(), 'valid')))
                os._exit(0)
            return torch.as_tensor(pickle.loads(os.read(reading, 1 << 20))) * 1
        """,
        Status.NEEDS_TA,
    ),
    "by SciPy, Python's look switched off": (
        """
        import sys
        from scipy import signal
        kit = [signal.correlate2d]
        def conv2d(i, k):
            looking = sys.getprofile()
            sys.setprofile(None)
            found = torch.as_tensor(kit[0](i.numpy(), k.numpy(), 'valid')) * 1
            sys.setprofile(looking)
            return found
        """,
        Status.NEEDS_TA,
    ),
    "by SciPy below its functions": (
        """
        from scipy.signal import _sigtools
        kit = [_sigtools._convolve2d]
        def conv2d(i, k):
            return torch.as_tensor(kit[0](i.numpy(), k.numpy(), 0, 0, 0, 0.0)) * 1
        """,
        Status.NEEDS_TA,
    ),
    "compiled from a text": (
        """
        body = 'return torch.conv2d(i[None, None], k[None, None])[0, 0]'
        kit = torch.jit.CompilationUnit('def go(i, k):\\n    ' + body + '\\n')
        def conv2d(i, k):
            return kit.go(i, k) * 1
        """,
        Status.FAIL,
    ),
    "compiled by torch": (
        """
        kit = torch.compile(lambda i, k: F.conv2d(i[None, None], k[None, None])[0, 0], backend='eager')
        def conv2d(i, k):
            return kit(i, k) * 1
        """,
        Status.FAIL,
    ),
    "by the operator itself": (
        """
        kit = [torch.ops.aten.convolution.default]
        def conv2d(i, k):
            rest = None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1
            return kit[0](i[None, None], k[None, None], *rest)[0, 0] * 1
        """,
        Status.NEEDS_TA,
    ),
    "as a gradient of the library's": (
        """
        kit = [torch.nn.grad.conv2d_input]
        def conv2d(i, k):
            back = kit[0]((1, 1, 7, 8), k.flip(0, 1)[None, None], i[None, None])
            return back[0, 0, 2:-2, 2:-2] * 1
        """,
        Status.NEEDS_TA,
    ),
    "by a layer made before": (
        """
        layer = nn.Conv2d(1, 1, 3, bias=False)
        def conv2d(i, k):
            layer.weight.data = k[None, None]
            return layer(i[None, None])[0, 0].detach() * 1
        """,
        Status.FAIL,
    ),
    "batched by vmap": (
        """
        kit = torch.func.vmap(lambda i, k: F.conv2d(i[None, None], k[None, None])[0, 0])
        def conv2d(i, k):
            return kit(i[None], k[None])[0] * 1
        """,
        Status.FAIL,
    ),
    "without any work of its own": ("def conv2d(i, k):\n    return kit.go(i, k)", Status.NEEDS_TA),
}
HONEST = {
    "loops": """
        def conv2d(i, k):
            out = torch.zeros(i.shape[0] - 2, i.shape[1] - 2)
            for r in range(out.shape[0]):
                for c in range(out.shape[1]):
                    out[r, c] = (i[r:r + 3, c:c + 3] * k).sum()
            return out
        """,
    "windows and a product": """
        def conv2d(i, k):
            h, w = i.shape[0] - 2, i.shape[1] - 2
            windows = i.as_strided((h, w, 3, 3), (i.shape[1], 1, i.shape[1], 1))
            return (windows.reshape(h * w, 9) @ k.reshape(9)).reshape(h, w)
        """,
    "einsum": """
        def conv2d(i, k):
            h, w = i.shape[0] - 2, i.shape[1] - 2
            return torch.einsum('hwab,ab->hw', i.as_strided((h, w, 3, 3), (i.shape[1], 1, i.shape[1], 1)), k)
        """,
    "numbers of a list": """
        def conv2d(i, k):
            i, k = i.tolist(), k.tolist()
            return torch.tensor([[sum(i[r + a][c + b] * k[a][b] for a in range(3) for b in range(3))
                                  for c in range(len(i[0]) - 2)] for r in range(len(i) - 2)])
        """,
    "NumPy": """
        def conv2d(i, k):
            i, k = np.asarray(i), np.asarray(k)
            out = np.zeros((i.shape[0] - 2, i.shape[1] - 2))
            for r in range(3):
                for c in range(3):
                    out += k[r, c] * i[r:r + out.shape[0], c:c + out.shape[1]]
            return out
        """,
    "a helper": """
        def window(i, r, c):
            return i[r:r + 3, c:c + 3]
        def conv2d(i, k):
            rows = [[torch.sum(torch.mul(window(i, r, c), k)) for c in range(4)] for r in range(3)]
            return torch.stack([torch.stack(row) for row in rows])
        """,
    "windows by unfold's relative": """
        def conv2d(i, k):
            rows = torch.stack([i[r:r + 3] for r in range(i.shape[0] - 2)])
            windows = torch.stack([rows[..., c:c + 3] for c in range(i.shape[1] - 2)], dim=1)
            return torch.tensordot(windows, k, dims=([2, 3], [0, 1]))
        """,
    "by the Fourier transform": """
        def conv2d(i, k):
            size = i.shape
            product = torch.fft.rfft2(i) * torch.fft.rfft2(k, s=size).conj()
            return torch.fft.irfft2(product, s=size)[:size[0] - 2, :size[1] - 2]
        """,
    "compiled": """
        @torch.compile(backend='eager')
        def conv2d(i, k):
            out = torch.zeros(i.shape[0] - 2, i.shape[1] - 2)
            for r in range(3):
                for c in range(3):
                    out += k[r, c] * i[r:r + out.shape[0], c:c + out.shape[1]]
            return out
        """,
    "with a bar and printing": """
        from tqdm import tqdm
        def conv2d(i, k):
            out = torch.zeros(i.shape[0] - 2, i.shape[1] - 2)
            for r in tqdm(range(out.shape[0])):
                print('row', r)
                for c in range(out.shape[1]):
                    out[r, c] = (i[r:r + 3, c:c + 3] * k).sum()
            return out
        """,
    "beside a thread that has ended": """
        import threading
        thread = threading.Thread(target=print); thread.start(); thread.join()
        def conv2d(i, k):
            return sum(k[r, c] * i[r:r + 3, c:c + 4] for r in range(3) for c in range(3))
        """,
    "NumPy's windows and a product": """
        def conv2d(i, k):
            i, k = i.numpy(), k.numpy()
            windows = np.lib.stride_tricks.as_strided(i, (3, 4, 3, 3), i.strides * 2)
            return torch.as_tensor(np.einsum('hwab,ab->hw', windows, k))
        """,
    "vmap over rows": """
        def conv2d(i, k):
            rows = torch.stack([i[r:r + 3] for r in range(i.shape[0] - 2)])
            one = lambda row: torch.stack([(row[:, c:c + 3] * k).sum() for c in range(4)])
            return torch.func.vmap(one)(rows)
        """,
    "getattr with a plain name": """
        def conv2d(i, k):
            high = getattr(k, 'shape')[0]
            return sum(k[r, c] * i[r:r + 3, c:c + 4] for r in range(high) for c in range(3))
        """,
}  # fmt: skip
KIT = "import types\nNAME = 'go'\nkit = types.SimpleNamespace(go=lambda i, k: i[:3, :4] * k.sum())"


def judged(notebook, source):
    source = textwrap.dedent(source)
    notebook.run(KIT, source)
    inputs = [NUMBERS((5, 6)).astype(np.float32), NUMBERS((3, 3)).astype(np.float32)]
    described = tuple(
        ArrayValue(type="torch.Tensor", dtype="float32", shape=each.shape, array=place)
        for place, each in enumerate(inputs)
    )
    probe = BY_HAND.probes()[0]
    result, arrays = notebook.probe(probe, (ProbeInputs(args=described),), tuple(inputs))
    assert result.record.calls[0].error is None, result.record.calls[0].error
    given = evidence(code_cells(COMMON, KIT, source), probes=answers([(probe, result.record)]))
    return BY_HAND.judge(case(BY_HAND, given, arrays=list(arrays)))


@pytest.mark.parametrize(("source", "status"), HIDDEN.values(), ids=HIDDEN)
def test_a_hidden_convolution_does_not_pass(notebook, source, status):
    judgement = judged(notebook, source)
    assert judgement.status is status, (judgement.message, judgement.open)


@pytest.mark.parametrize("source", HONEST.values(), ids=HONEST)
def test_what_is_written_by_hand_passes(notebook, source):
    judgement = judged(notebook, source)
    assert judgement.status is Status.PASS, (judgement.message, judgement.open)


class Blind:
    """Watches nothing."""

    operators, elsewhere, library, cut = None, frozenset(), frozenset(), False

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        return None


@pytest.mark.parametrize(
    "name",
    [
        "in a pool from before, by another module's name",
        "with torch's own look switched off",
        "within an operation of a made-up name",
        "by NumPy, row by row",
        "by SciPy in a pool from before",
        "by SciPy in a thread that waits for work",
        "by SciPy in another process",
        "by SciPy, Python's look switched off",
    ],
)
def test_without_the_look_below_python_it_passes(notebook, monkeypatch, name):
    monkeypatch.setattr(probing, "Watched", Blind)
    assert judged(notebook, HIDDEN[name][0]).status is Status.PASS


@pytest.mark.parametrize(
    "name", ["by a name looked up", "by a name in a table", "by another name for getattr"]
)
def test_without_the_look_for_names_put_together_it_passes(notebook, monkeypatch, name):
    monkeypatch.setattr(functions, "unclear_call", lambda tree: "")
    assert judged(notebook, HIDDEN[name][0]).status is Status.PASS


def test_without_the_look_for_its_own_work_it_passes(notebook, monkeypatch):
    monkeypatch.setattr(forbids_call, "own_work", lambda functions, written: written.text)
    assert judged(notebook, HIDDEN["without any work of its own"][0]).status is Status.PASS
