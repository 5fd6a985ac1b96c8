"""Each stand-in does what notebooks expect, says that it was used, and goes away again."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest
import torch


def test_drive_is_a_folder_under_both_its_names(notebook, capsys):
    notebook.run(
        """
        from google.colab import drive, files
        drive.mount('/content/gdrive', force_remount=True)
        uploaded = files.upload()
        """
    )
    assert "Mounted at /content/gdrive" in capsys.readouterr().out
    notebook.run(
        "from pathlib import Path; Path('gdrive/My Drive/x.txt').write_text('1')",
        "text = Path('gdrive/MyDrive/x.txt').read_text()",
    )
    assert notebook.namespace["text"] == "1"
    assert notebook.namespace["uploaded"] == {}
    assert {"colab.drive", "colab.files"} <= notebook.kinds


def test_other_parts_of_colab_say_where_they_are_not(notebook):
    notebook.run("from google.colab import auth", check=False)
    assert isinstance(notebook.error, ImportError)
    notebook.run("import google.colab; google.colab.output", check=False)
    assert "not available in the grading sandbox" in str(notebook.error)


ANSWERED = [
    "!pip install torch",
    "%pip install torch",
    "!wget -q https://example.org/x.zip",
    "!cd data && git clone https://example.org/x",
    "!apt-get install -y graphviz",
    "!unzip -q missing.zip -d data",
    "%%shell\njupyter nbconvert --to html /content/a.ipynb",
    "!nvidia-smi",
]


@pytest.mark.parametrize("line", ANSWERED)
def test_lines_that_cannot_run_here_are_answered_without_starting_anything(
    notebook, capsys, monkeypatch, line
):
    started = []
    monkeypatch.setattr(subprocess, "Popen", lambda *given, **_: started.append(given))
    notebook.run(line)
    assert started == []
    output = capsys.readouterr().out
    assert output.startswith("[sandbox] ")
    assert output.count("\n") == 1
    assert "shell" in notebook.kinds


def test_other_lines_run_in_a_real_shell(notebook, capsys):
    notebook.run(
        "name = 'x.txt'", "!echo hello > {name} && cat {name}", "lines = !ls *.txt", "%%shell\nls | wc -l"
    )
    assert capsys.readouterr().out.split() == ["hello", "1"]
    assert list(notebook.namespace["lines"]) == ["x.txt"]
    assert notebook.namespace["_exit_code"] == 0


def test_an_archive_that_is_there_is_unpacked(notebook):
    notebook.run(
        """
        import tarfile, pathlib
        pathlib.Path('a.txt').write_text('1')
        with tarfile.open('a.tar', 'w') as archive: archive.add('a.txt')
        pathlib.Path('a.txt').unlink()
        """,
        "!tar xf a.tar",
        "there = pathlib.Path('a.txt').exists()",
    )
    assert notebook.namespace["there"]


NETWORK = [
    "import urllib.request; urllib.request.urlopen('https://example.org/data.zip')",
    "import requests; requests.get('https://example.org', timeout=30)",
    "torch.hub.load_state_dict_from_url('https://example.org/net.pth')",
    "import socket; socket.create_connection(('example.org', 80))",
]


@pytest.fixture
def reached(monkeypatch):
    """What the system was asked for, name servers and connections; ask for it before the notebook."""
    asked = []

    def reach(*given, **_):
        asked.append(given)
        raise OSError("a test reaches for no network")

    for owner, name in (
        (socket, "getaddrinfo"),
        (socket, "gethostbyname"),
        (socket.socket, "connect"),
    ):
        monkeypatch.setattr(owner, name, reach)
    return asked


@pytest.mark.parametrize("line", NETWORK)
def test_the_network_is_refused_with_a_reason_and_without_waiting_for_anybody(reached, notebook, line):
    notebook.run(line, check=False)
    assert reached == []
    assert "no network in the grading sandbox" in str(notebook.error)
    assert "network" in notebook.kinds


CUDA = [
    "nn.Linear(2, 2).cuda()",
    "nn.Linear(2, 2).to('cuda')",
    "torch.ones(2).cuda()",
    "torch.ones(2).to(torch.device('cuda:0'))",
    "torch.ones(2).to(device='cuda')",
    "torch.zeros(3, device='cuda')",
    "torch.tensor([1.0], device=torch.device('cuda'))",
]


@pytest.mark.parametrize("line", CUDA)
def test_without_a_gpu_all_stays_on_the_cpu(notebook, line):
    notebook.run(f"found = {line}; available = torch.cuda.is_available()")
    found = notebook.namespace["found"]
    tensor = next(found.parameters()) if isinstance(found, torch.nn.Module) else found
    assert tensor.device.type == "cpu"
    assert not notebook.namespace["available"]
    assert "cuda" in notebook.kinds


def test_a_conversion_of_type_is_no_use_of_a_gpu(notebook):
    notebook.run("found = torch.ones(2).to(torch.float64)")
    assert notebook.namespace["found"].dtype is torch.float64
    assert "cuda" not in notebook.kinds


DRIFT = {
    "next": ("next_batch = iter(DataLoader([1, 2])).next()", "iterator.next()"),
    "np.float": ("x = np.zeros(3, dtype=np.float)", "np.float"),
    "np.int": ("x = np.int(3.5)", "np.int"),
    "whole module": (
        "torch.save(nn.Linear(2, 2), 'net.pt'); net = torch.load('net.pt')",
        "torch.load",
    ),
}


@pytest.mark.parametrize(("line", "detail"), DRIFT.values(), ids=DRIFT)
def test_what_older_versions_took_is_taken_and_recorded(notebook, line, detail):
    notebook.run(line)
    assert any(use.kind == "api_drift" and detail in use.detail for use in notebook.shims)


def test_a_checkpoint_from_a_gpu_is_read_on_the_cpu(notebook):
    notebook.run("torch.save(torch.ones(2), 'x.pt'); x = torch.load('x.pt', map_location='cuda')")
    assert notebook.namespace["x"].device.type == "cpu"


def test_everything_is_put_back(make_notebook):
    import socket

    before = (
        torch.load,
        torch.Tensor.to,
        socket.getaddrinfo,
        torch.nn.Module.__call__,
        torch.Tensor.backward,
    )
    notebook = make_notebook()
    assert torch.load is not before[0]
    notebook.session.uninstall()
    after = (torch.load, torch.Tensor.to, socket.getaddrinfo, torch.nn.Module.__call__, torch.Tensor.backward)
    assert after == before
    assert "google.colab" not in sys.modules
