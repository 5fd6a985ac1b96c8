"""Each stand-in does what notebooks expect, says that it was used, and goes away again."""

from __future__ import annotations

import pickle
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image


@pytest.fixture
def data_dir(tmp_path):
    """Mounted data: a CIFAR-10 of 60 pictures, an MNIST of 20, gestures with a folder for each split."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "data" / "cifar10" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    for name in [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]:
        batch = {"data": rng.integers(0, 256, (10, 3072), dtype=np.uint8), "labels": list(range(10))}
        (folder / name).write_bytes(pickle.dumps(batch))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list("abcdefghij")}))
    raw = tmp_path / "data" / "mnist" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, shape in (("images-idx3", (20, 28, 28)), ("labels-idx1", (20,))):
        head = bytes([0, 0, 8, len(shape)]) + b"".join(size.to_bytes(4, "big") for size in shape)
        body = rng.integers(0, 10, shape, dtype=np.uint8).tobytes()
        for split in ("train", "t10k"):
            (raw / f"{split}-{name}-ubyte").write_bytes(head + body)
    for split in ("train", "val", "test", "small"):
        for letter in "ABC":
            picture = tmp_path / "data" / "gestures" / split / letter / "1.jpg"
            picture.parent.mkdir(parents=True)
            Image.new("RGB", (8, 8), "red").save(picture)
    return tmp_path / "data"


def kinds(notebook):
    return {use.kind for use in notebook.shims}


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
    assert {"colab.drive", "colab.files"} <= kinds(notebook)


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
    assert "shell" in kinds(notebook)


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


@pytest.mark.parametrize("root", ["./data", "/content/gdrive/My Drive/data"])
def test_cifar10_is_read_from_the_mounted_data(make_notebook, data_dir, root):
    notebook = make_notebook(data_dir)
    notebook.run(
        f"""
        import torchvision
        train = torchvision.datasets.CIFAR10({root!r}, train=True, download=True)
        test = torchvision.datasets.CIFAR10(root={root!r}, train=False)
        """
    )
    assert (len(notebook.namespace["train"]), len(notebook.namespace["test"])) == (50, 10)
    assert "dataset" in kinds(notebook)


def test_mnist_is_read_from_the_mounted_data(make_notebook, data_dir):
    notebook = make_notebook(data_dir)
    notebook.run("from torchvision import datasets; data = datasets.MNIST('data', train=True, download=True)")
    assert len(notebook.namespace["data"]) == 20
    notebook.session.uninstall()
    with pytest.raises(RuntimeError, match="not found"):
        notebook.namespace["datasets"].MNIST("data", train=True)


FOLDERS = {
    "/content/gdrive/MyDrive/Dataset/training/": "train",
    "C:\\Users\\student\\Gestures_Validation": "val",
    "/content/drive/My Drive/Lab 3/Lab_3b_Gesture_Dataset_Testing": "test",
    "overfit_train_dataset": "small",
    "/content/gdrive/My Drive/Downloads/Gestures": "train",
    "somewhere": "train",
}


@pytest.mark.parametrize(("asked", "part"), FOLDERS.items(), ids=FOLDERS)
def test_missing_picture_folders_find_the_fitting_part(make_notebook, data_dir, asked, part):
    notebook = make_notebook(data_dir)
    notebook.run(f"import torchvision; data = torchvision.datasets.ImageFolder({asked!r})")
    data = notebook.namespace["data"]
    assert data.root == asked
    assert {Path(path).resolve().parents[1] for path, _ in data.samples} == {data_dir / "gestures" / part}


@pytest.mark.parametrize("asked", ["D:/lab3/Gestures", "Gestures", "/content/drive/MyDrive/Gestures"])
def test_missing_picture_folders_can_be_listed_before_they_are_read(make_notebook, data_dir, asked):
    notebook = make_notebook(data_dir)
    notebook.run(
        f"""
        import os, torchvision
        letters = os.listdir({asked!r})
        data = torchvision.datasets.ImageFolder({asked!r})
        """
    )
    assert sorted(notebook.namespace["letters"]) == notebook.namespace["data"].classes


@pytest.mark.parametrize("asked", ["checkpoints", "D:/lab3/saved_models", "/proc/none", ".cache"])
def test_other_missing_folders_stay_missing(make_notebook, data_dir, asked):
    notebook = make_notebook(data_dir)
    notebook.run(f"import os; os.listdir({asked!r})", check=False)
    assert isinstance(notebook.error, FileNotFoundError)


def test_features_can_be_saved_beside_the_pictures_and_read_again(make_notebook, data_dir):
    notebook = make_notebook(data_dir)
    notebook.run(
        """
        import os, torch
        from torchvision.datasets import DatasetFolder, ImageFolder
        path = 'D:/lab3/train'
        pictures = ImageFolder(path)
        for number, (_, label) in enumerate(pictures):
            torch.save(torch.full((2,), label), f'{path}/{pictures.classes[label]}/{number}.tensor')
        features = DatasetFolder(path, loader=torch.load, extensions=('.tensor',))
        """
    )
    names = notebook.namespace
    assert len(names["features"]) == len(names["pictures"])
    written = [file.path for collected in notebook.collected for file in collected.files]
    assert written
    assert all(path.endswith(".tensor") for path in written)


def test_classes_without_files_are_empty_but_not_all_of_them(notebook):
    notebook.run(
        """
        import os
        from torchvision.datasets import DatasetFolder
        for letter in 'AB': os.makedirs('features/' + letter)
        read = lambda: DatasetFolder('features', loader=torch.load, extensions=('.tensor',))
        """
    )
    notebook.run("read()", check=False)
    assert isinstance(notebook.error, FileNotFoundError)
    notebook.run("torch.save(torch.zeros(1), 'features/A/0.tensor'); data = read()")
    assert notebook.namespace["data"].classes == ["A", "B"]
    assert len(notebook.namespace["data"]) == 1


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
    assert "colab.drive" in kinds(notebook)
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
    assert "folder" not in kinds(notebook)


def test_cells_still_have_the_shell_s_own_open_which_refuses_standard_output(notebook):
    notebook.run("open(1)", check=False)
    assert isinstance(notebook.error, ValueError)
    assert notebook.namespace["open"] is notebook.shell.user_ns_hidden["open"]


def test_picture_folders_of_the_notebook_s_own_are_left_alone(make_notebook, data_dir):
    notebook = make_notebook(data_dir)
    notebook.run(
        """
        import torchvision, pathlib
        from PIL import Image
        pathlib.Path('own/cat').mkdir(parents=True); Image.new('RGB', (4, 4)).save('own/cat/1.png')
        data = torchvision.datasets.ImageFolder('own')
        """
    )
    assert notebook.namespace["data"].classes == ["cat"]
    assert not notebook.shims


CIFAR = """
import torchvision, torchvision.transforms as T
steps = [T.ToTensor(), T.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))]
data = torchvision.datasets.CIFAR10('data', train=True, transform=T.Compose(steps))
plain = torchvision.datasets.CIFAR10('data', train=True)
def expected(i):
    picture, label = plain[i]
    for step in data.transform.transforms: picture = step(picture)
    return picture, label
def right(i):
    return all((data[i][0] == expected(i)[0]).all() and data[i][1] == expected(i)[1] for _ in range(2))
"""
EDITS = {
    "nothing": "pass",
    "an item is written into": "data[3][0].zero_()",
    "the pictures are edited": "data.data[3] = 7; plain.data[3] = 7",
    "the labels are edited": "data.targets[3] = 1; plain.targets[3] = 1",
    "the transform is replaced": "data.transform = T.Compose([T.ToTensor()])",
    "the transform grows in place": "data.transform.transforms.append(T.CenterCrop(5))",
    "a step is edited": "steps[1].mean = (0.1, 0.2, 0.3)",
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_remembered_items_are_what_the_data_set_would_give(make_notebook, data_dir, edit):
    notebook = make_notebook(data_dir)
    notebook.run(CIFAR, "before = right(3)", edit, "after = right(3)")
    assert notebook.namespace["before"]
    assert notebook.namespace["after"]


def test_random_transforms_are_never_remembered(make_notebook, data_dir):
    notebook = make_notebook(data_dir)
    notebook.run(
        CIFAR,
        """
        data.transform = T.Compose([T.RandomCrop(20), T.ToTensor()])
        distinct = len({data[0][0].sum().item() for _ in range(20)})
        """,
    )
    assert notebook.namespace["distinct"] > 1


@pytest.mark.parametrize("call", ["alexnet(pretrained=True)", "alexnet(weights='DEFAULT')"])
@pytest.mark.filterwarnings("ignore:The parameter 'pretrained'", "ignore:Arguments other than a weight enum")
def test_pretrained_weights_are_seeded_and_cost_no_random_number(make_notebook, call):
    notebook = make_notebook(seed=4)
    notebook.run(
        f"""
        import torch, torchvision
        before = torch.get_rng_state()
        weights = torchvision.models.AlexNet_Weights.DEFAULT.get_state_dict()
        same = bool((before == torch.get_rng_state()).all())
        net = torchvision.models.{call}
        """
    )
    first = notebook.namespace["net"].features[0].weight
    assert torch.equal(first, notebook.namespace["weights"]["features.0.weight"])
    assert notebook.namespace["same"]
    assert "pretrained" in kinds(notebook)


def test_a_picture_by_url_has_a_stand_in(notebook):
    notebook.run(
        """
        import matplotlib.pyplot as plt, urllib.request
        from PIL import Image
        url = 'https://example.org/uc?export=view&id=1'
        read = plt.imread(url)
        with urllib.request.urlopen(url) as response: opened = plt.imread(response)
        pillow = np.array(Image.open(urllib.request.urlopen(url)))
        urllib.request.urlretrieve(url, 'dog.png'); saved = plt.imread('dog.png')
        """
    )
    read = notebook.namespace["read"]
    assert (read.dtype, read.shape[2]) == (np.float32, 4)
    assert min(read.shape[:2]) >= 400
    assert read[..., :3].max() > 0.75 > read[..., :3].min() >= 0
    for name in ("opened", "saved"):
        assert np.array_equal(notebook.namespace[name], read)
    assert np.array_equal(notebook.namespace["pillow"] / np.float32(255), read)
    assert "imread" in kinds(notebook)


@pytest.mark.parametrize(("channels", "mode"), [(4, "RGBA"), (3, "RGB")])
def test_the_picture_that_stands_in_has_the_size_that_the_rubric_says(make_notebook, channels, mode):
    notebook = make_notebook(picture={"height": 350, "width": 210, "channels": channels})
    notebook.run(
        """
        import matplotlib.pyplot as plt, urllib.request, numpy as np
        from PIL import Image
        url = 'https://example.org/KTVgggV.png'
        read = plt.imread(url)
        pillow = Image.open(urllib.request.urlopen(url))
        urllib.request.urlretrieve(url, 'dog.png'); saved = plt.imread('dog.png')
        rows = read.reshape(350, 210, -1)
        crop = read[220:, 60:, :3]
        """
    )
    found = notebook.namespace
    assert found["read"].shape == found["saved"].shape == found["rows"].shape == (350, 210, channels)
    assert (found["pillow"].size, found["pillow"].mode) == ((210, 350), mode)
    assert found["crop"].shape == (130, 150, 3)


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
    assert "network" in kinds(notebook)


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
    assert "cuda" in kinds(notebook)


def test_a_conversion_of_type_is_no_use_of_a_gpu(notebook):
    notebook.run("found = torch.ones(2).to(torch.float64)")
    assert notebook.namespace["found"].dtype is torch.float64
    assert "cuda" not in kinds(notebook)


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
