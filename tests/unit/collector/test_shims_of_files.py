"""Files that notebooks write: folders made by hand elsewhere are there, and checkpoints find room."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

SAVE = "for epoch in range(4): torch.save(torch.full((9000,), epoch), f'net_epoch{epoch}.pt')"
LOAD = "loaded = [int(torch.load(f'net_epoch{epoch}.pt')[0]) for epoch in range(4)]"


def test_checkpoints_are_kept_apart_while_there_is_room(notebook):
    notebook.run(SAVE, LOAD)
    assert notebook.namespace["loaded"] == [0, 1, 2, 3]


def test_older_checkpoints_share_a_file_where_room_gets_short(notebook, monkeypatch):
    full = SimpleNamespace(f_bavail=1, f_frsize=4096)
    monkeypatch.setattr("grader.collector.shims.checkpoints.os.statvfs", lambda folder: full)
    notebook.run(SAVE, LOAD)
    assert notebook.namespace["loaded"] == [2, 2, 2, 3]
    assert len({Path(f"net_epoch{epoch}.pt").stat().st_ino for epoch in range(4)}) == 2
    notebook.run("torch.save(torch.full((9000,), 7), 'net_epoch1.pt')", LOAD)
    assert notebook.namespace["loaded"] == [3, 7, 3, 3]
    assert [use.cell for use in notebook.shims if "share" in use.detail] == [1, 3]


@pytest.mark.parametrize("name", ["net_bs{}_lr0.1_epoch1", "lr{}/net_1.h5", "net{}_1.pth.tar"])
def test_checkpoints_of_different_trainings_share_nothing(notebook, monkeypatch, name):
    full = SimpleNamespace(f_bavail=1, f_frsize=4096)
    monkeypatch.setattr("grader.collector.shims.checkpoints.os.statvfs", lambda folder: full)
    for number in range(3):
        path = Path(name.format(number))
        path.parent.mkdir(exist_ok=True)
        notebook.run(f"torch.save(torch.full((9000,), {number}), {str(path)!r})")
    notebook.run(f"loaded = [int(torch.load({name!r}.format(n))[0]) for n in range(3)]")
    assert notebook.namespace["loaded"] == [0, 1, 2]


def test_folders_made_by_hand_on_drive_are_there(make_notebook, tmp_path):
    notebook = make_notebook()
    notebook.run(
        f"""
        import os, torch, numpy as np
        from google.colab import drive
        drive.mount({str(tmp_path / "drive")!r})
        os.mkdir({str(tmp_path / "drive/MyDrive/lab/features/A")!r})
        torch.save(torch.zeros(1), {str(tmp_path / "drive/MyDrive/lab/nets/best.pt")!r})
        np.savetxt({str(tmp_path / "drive/MyDrive/lab/curves/loss.csv")!r}, np.zeros(2))
        """
    )
    assert (tmp_path / "drive/My Drive/lab/features/A").is_dir()
    assert "colab.drive" in notebook.kinds
    nowhere = str(tmp_path / "elsewhere/no/such/folder")
    for line in (f"os.mkdir({nowhere!r})", f"os.chdir({nowhere!r})", f"open({nowhere!r}, 'w')"):
        notebook.run(line, check=False)
        assert isinstance(notebook.error, FileNotFoundError)


WRITTEN = (
    "os.mkdir('@./checkpoints/run1')",
    "with open('@logs/of/training.txt', 'w') as file: file.write('1')",
    "Path('@curves/loss.txt').write_text('1')",
    "with open('@bytes/net.bin', mode='xb') as file: file.write(b'1')",
    "plt.savefig('@plots/loss.png')",
    "plt.gcf().savefig('@plots/more/loss.pdf')",
    "with open('@kept/list.pkl', 'wb') as file: pickle.dump([1], file)",
    "torch.save(torch.zeros(1), '@nets/best.pt')",
)


@pytest.mark.parametrize("line", WRITTEN)
@pytest.mark.parametrize("folder", ["", "/drive/My Drive/Lab 2/"])
def test_a_folder_made_by_hand_is_there_for_whatever_is_written_into_it(
    make_notebook, tmp_path, line, folder
):
    notebook = make_notebook()
    notebook.run(
        f"""
        import os, pickle, torch, matplotlib.pyplot as plt
        from pathlib import Path
        from google.colab import drive
        drive.mount({str(tmp_path / "drive")!r})
        """
    )
    before = len(notebook.shims)
    there = f"{tmp_path}{folder}" if folder else ""
    notebook.run(line.replace("@", there))
    (made,) = (use for use in notebook.shims[before:] if "was made" in use.detail)
    assert made.kind == ("colab.drive" if folder else "folder")


def test_a_notebook_may_go_to_a_folder_of_its_author_s_drive(make_notebook, tmp_path):
    notebook = make_notebook(files={"helper.py": b"def half(x): return x / 2", "data/a.csv": b"1,2"})
    notebook.run(
        f"""
        import os
        from google.colab import drive
        drive.mount({str(tmp_path / "drive")!r})
        os.chdir({str(tmp_path / "drive/My Drive/Colab Notebooks/Lab 2")!r})
        with open('helper.py') as file: exec(file.read())
        with open('data/a.csv') as file: table = file.read()
        with open('mine.txt', 'w') as file: file.write('1')
        """
    )
    assert notebook.namespace["half"](3) == 1.5
    assert notebook.namespace["table"] == "1,2"
    assert (tmp_path / "drive/My Drive/Colab Notebooks/Lab 2/mine.txt").read_text() == "1"


def test_what_is_read_and_is_not_there_is_no_folder_of_ours(notebook):
    for line in ("open('no/such/file.txt')", "open('no/such/file.txt', 'r+')", "np.load('no/such/file.npy')"):
        notebook.run(line, check=False)
        assert isinstance(notebook.error, FileNotFoundError)
    assert not Path("no").exists()
    assert "folder" not in notebook.kinds


def test_cells_still_have_the_shell_s_own_open_which_refuses_standard_output(notebook):
    notebook.run("open(1)", check=False)
    assert isinstance(notebook.error, ValueError)
    assert notebook.namespace["open"] is notebook.shell.user_ns_hidden["open"]
