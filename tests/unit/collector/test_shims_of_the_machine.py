"""What Colab has and the sandbox has not: packages, a GPU by its number, a compiler, a browser, a restart."""

from __future__ import annotations

import os
import pickle

import pytest
import torch

from grader.evidence.plan import FunctionProbe, Target


def details(notebook, kind):
    return [use.detail for use in notebook.shims if use.kind == kind]


def test_a_missing_package_costs_only_what_uses_it(notebook):
    notebook.run(
        """
        import not_here_at_all as nope
        nope.set_theme()
        import torch
        from torch import nn
        net = nn.Linear(2, 1)
        """,
        check=False,
    )
    assert isinstance(notebook.error, ModuleNotFoundError)
    assert isinstance(notebook.namespace["net"], torch.nn.Linear)
    assert details(notebook, "missing_package") == ["not_here_at_all"]


@pytest.mark.parametrize(
    "statement",
    [
        "import not_here.deep.inside",
        "from not_here import a, b as c",
        "from not_here.deep import *",
        "try:\n    import not_here\nexcept ImportError:\n    import not_here",
        "if True:\n    from not_here import a",
        "with open('/dev/null'):\n    import not_here as a",
    ],
)
def test_however_it_is_imported_the_cell_goes_on(notebook, statement):
    notebook.run(f"{statement}\nreached = 1", check=False)
    assert "reached" in notebook.namespace
    assert details(notebook, "missing_package") == ["not_here"]


def test_a_fallback_of_the_students_own_is_left_alone(notebook):
    notebook.run("try:\n    import not_here\n    fast = True\nexcept ImportError:\n    fast = False")
    assert notebook.namespace["fast"] is False
    assert "not_here" not in notebook.namespace
    assert notebook.shims == []


def test_what_a_missing_package_was_to_give_raises_on_every_use(notebook):
    notebook.run("from not_here import Metric", check=False)
    for use in ("Metric()", "Metric.value", "class Mine(Metric): pass", "[x for x in Metric]", "Metric[0]"):
        notebook.run(use, check=False)
        assert isinstance(notebook.error, ModuleNotFoundError), use
        assert "not available in the grading sandbox" in str(notebook.error)


def test_a_name_that_was_there_before_is_kept(notebook):
    notebook.run("def helper():\n    return 1", "from not_here import helper", check=False)
    assert notebook.namespace["helper"]() == 1


def test_other_errors_end_their_cell(notebook):
    notebook.run("raise ValueError('x')\nreached = 1", check=False)
    notebook.run("import torch.not_here\nreached = 1", check=False)
    notebook.run("from torch import not_here\nreached = 1", check=False)
    assert "reached" not in notebook.namespace


def test_a_function_of_a_missing_module_is_not_the_students_answer(notebook):
    notebook.run("from helper_beside import double_all", check=False)
    probe = FunctionProbe(target=Target(names=("double_all",)), calls=())
    result, _ = notebook.probe(probe)
    assert result.status == "not_found"


# IPython says how to end it instead.
@pytest.mark.filterwarnings("ignore:To exit")
@pytest.mark.parametrize(
    "how",
    [
        "import sys; sys.exit()",
        "import sys; sys.exit('done')",
        "raise SystemExit",
        "import os; os.kill(os.getpid(), 9)",
        "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
        "import os; os._exit(0)",
        "import os; os.abort()",
        "try:\n    import os; os._exit(0)\nexcept Exception:\n    pass",
    ],
)
def test_a_notebook_that_ends_its_kernel_goes_on(notebook, how):
    notebook.run("before = 1", how, "after = before + 1")
    assert notebook.namespace["after"] == 2
    assert len(details(notebook, "exit")) >= 1


def test_a_process_of_the_notebooks_own_still_ends_as_it_likes(notebook):
    notebook.run(
        """
        import os
        child = os.fork()
        if child == 0:
            os._exit(7)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        import signal, subprocess
        sleeper = subprocess.Popen(['sleep', '60'])
        os.kill(sleeper.pid, signal.SIGKILL)
        killed = sleeper.wait()
        """
    )
    assert notebook.namespace["status"] == 7
    assert notebook.namespace["killed"] == -9
    assert details(notebook, "exit") == []


DEVICES = [
    "nn.Linear(2, 2).to(0)",
    "nn.Linear(2, 2).cuda(0)",
    "nn.Linear(2, 2, device='cuda:0')",
    "nn.Linear(2, 2).to(torch.device(0))",
    "nn.Linear(2, 2).to(device=0)",
    "nn.DataParallel(nn.Linear(2, 2), device_ids=[0]).cuda()",
    "torch.zeros(2).to(0)",
    "torch.zeros(2, device=0)",
    "torch.zeros(2).cuda(non_blocking=True)",
    "torch.zeros(2).new_ones(3, device='cuda')",
    "torch.zeros(2).type(torch.cuda.FloatTensor)",
    "torch.zeros(2).type('torch.cuda.FloatTensor')",
    "torch.cuda.FloatTensor([1, 2])",
    "torch.zeros(2).pin_memory()",
]


@pytest.mark.parametrize("made", DEVICES)
def test_whatever_was_meant_for_a_gpu_is_on_the_cpu(notebook, made):
    notebook.run(f"import torch, torch.nn as nn\nmade = {made}")
    made = notebook.namespace["made"]
    tensors = made.parameters() if isinstance(made, torch.nn.Module) else [made]
    assert {tensor.device.type for tensor in tensors} == {"cpu"}


def test_what_notebooks_ask_a_gpu_is_answered(notebook):
    notebook.run(
        """
        import torch
        torch.cuda.set_device(0)
        name = torch.cuda.get_device_name(torch.cuda.current_device())
        total = torch.cuda.get_device_properties(0).total_memory / 1e9
        torch.cuda.reset_peak_memory_stats()
        used = torch.cuda.max_memory_allocated() / 2**20
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record(); end.record(); torch.cuda.synchronize()
        took = start.elapsed_time(end)
        with torch.cuda.stream(torch.cuda.Stream()):
            pass
        with torch.cuda.device(0), torch.cuda.device_of(torch.ones(1)), torch.cuda.device("cuda:0"):
            torch.cuda.default_stream().synchronize()
        free, whole = torch.cuda.mem_get_info()
        there = torch.cuda.is_available()
        """
    )
    assert "grading sandbox" in notebook.namespace["name"]
    assert notebook.namespace["there"] is False
    assert notebook.namespace["took"] >= 0


def test_a_device_stays_a_device(notebook, tmp_path):
    notebook.run(
        """
        import copy, pickle, torch
        device = torch.device('cpu')
        known = isinstance(device, torch.device) and not isinstance('cpu', torch.device)
        same = pickle.loads(pickle.dumps(device)) == device == copy.deepcopy(device)
        torch.save({'device': device, 'w': torch.zeros(2)}, 'saved.pt')
        back = torch.load('saved.pt')['device']
        with torch.device('cpu'):
            inside = torch.zeros(2)
        """
    )
    assert notebook.namespace["known"]
    assert notebook.namespace["same"]
    assert notebook.namespace["back"] == torch.device("cpu")


def test_afterwards_devices_are_pytorchs_own(make_notebook):
    before = torch.device
    notebook = make_notebook()
    notebook.session.uninstall()
    assert torch.device is before
    assert pickle.loads(pickle.dumps(torch.device("cuda", 1))) == torch.device("cuda", 1)


def test_a_compiled_network_is_the_network(notebook):
    notebook.run(
        """
        import torch, torch.nn as nn
        class Net(nn.Linear): pass
        net = torch.compile(Net(2, 1), mode='max-autotune')
        net.compile()
        @torch.compile
        def double(x): return 2 * x
        @torch.compile(dynamic=True)
        def triple(x): return 3 * x
        numbers = double(torch.ones(1)).item(), triple(torch.ones(1)).item()
        """
    )
    assert type(notebook.namespace["net"]).__name__ == "Net"
    assert notebook.namespace["numbers"] == (2.0, 3.0)
    assert details(notebook, "compile")


def test_plots_and_bars_need_no_browser(notebook, capsys):
    notebook.run(
        """
        %matplotlib widget
        %matplotlib notebook
        %load_ext tensorboard
        %tensorboard --logdir runs
        from tqdm.notebook import tqdm, trange
        seen = [n for n in tqdm(range(3))] + [n for n in trange(2)]
        """
    )
    assert notebook.namespace["seen"] == [0, 1, 2, 0, 1]
    assert len(details(notebook, "display")) == 4


@pytest.mark.parametrize(
    "asked",
    ["matplotlib.use('TkAgg')", "matplotlib.use('Qt5Agg', force=True)", "plt.switch_backend('macosx')"],
)
def test_a_window_for_plots_stays_closed_and_what_follows_runs(notebook, asked):
    notebook.run(f"import matplotlib\nimport matplotlib.pyplot as plt\nbefore = plt.get_backend()\n{asked}")
    notebook.run("same = plt.get_backend() == before", "matplotlib.use('nonsense')", check=False)
    assert notebook.namespace["same"]
    assert isinstance(notebook.error, ValueError)
    assert len(details(notebook, "display")) == 1


def test_styles_by_their_older_names_are_those_by_the_newer(make_notebook):
    notebook = make_notebook()
    notebook.run(
        "import matplotlib.pyplot as plt\nplt.style.use('seaborn-darkgrid')\nplt.style.use('seaborn')"
    )
    styles = notebook.namespace["plt"].style.library
    notebook.run("plt.style.use('seaside')", check=False)
    assert isinstance(notebook.error, OSError)
    notebook.session.uninstall()
    assert "seaborn" not in styles


def test_other_extensions_are_loaded(notebook):
    notebook.run("%load_ext autoreload\n%autoreload 2")
    assert details(notebook, "display") == []


def test_exit_is_taken_back_with_the_rest(make_notebook):
    ended = os._exit
    notebook = make_notebook()
    assert os._exit is not ended
    notebook.session.uninstall()
    assert os._exit is ended


def test_f_strings_of_a_newer_python_are_read(notebook, capsys):
    notebook.run(
        """
        history = {"loss": [0.5]}
        print(f"loss {history["loss"][-1]:.2f}")
        """,
        '%time print(f"{", ".join(["a", "b"])}")',
    )
    printed = capsys.readouterr().out
    assert "loss 0.50" in printed
    assert "a, b" in printed


def test_code_that_no_python_reads_stays_an_error(notebook):
    notebook.run('print(f"{history["loss]}")', check=False)
    assert isinstance(notebook.error, SyntaxError)


def test_weights_from_a_file_handed_in_are_noted_until_it_is_written_anew(make_notebook, tmp_path):
    import io

    made = io.BytesIO()
    torch.save(torch.nn.Linear(2, 1).state_dict(), made)
    notebook = make_notebook(files={"saved/net.pt": made.getvalue(), "other.txt": b""})
    notebook.run(
        "import torch\nnet = torch.nn.Linear(2, 1)",
        "net.load_state_dict(torch.load('saved/net.pt'))",
        "with open('saved/net.pt', 'rb') as file:\n    torch.load(file)",
        "torch.save(net.state_dict(), 'saved/net.pt')\ntorch.save(net.state_dict(), 'mine.pt')",
        "torch.load('saved/net.pt')\ntorch.load('mine.pt')",
    )
    noted = [use.cell for use in notebook.shims if use.kind == "handed_in_file"]
    assert noted == [1, 2]
