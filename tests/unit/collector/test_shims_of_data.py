"""Data sets, pictures and weights that notebooks look for elsewhere: each stand-in gives what they expect."""

from __future__ import annotations

import pickle
from pathlib import Path

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
    assert "dataset" in notebook.kinds


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


IN_ORDER = """
import torch, torchvision, torchvision.transforms as T
from torch.utils.data import DataLoader
def same(data, plain):
    for place in range(len(data)):
        picture, label = plain[place]
        for step in data.transform.transforms: picture = step(picture)
        item = data[place]
        if item[0].dtype != picture.dtype or not torch.equal(item[0], picture) or item[1] != label:
            return False
        item[0].zero_()
    return True
halves = [T.ToTensor(), T.Normalize((0.3,), (0.7,)), T.Normalize((0.1,), (0.9,), inplace=True)]
steps = [T.ToTensor(), T.Normalize((0.1, 0.2, 0.3), (0.4, 0.5, 0.7))]
make = lambda kind, steps: [kind('data', transform=each) for each in (T.Compose(steps), None)]
cifar, digits = make(torchvision.datasets.CIFAR10, steps), make(torchvision.datasets.MNIST, halves)
"""
READ_IN_ORDER = {
    "colours": "found = [same(*cifar) for _ in range(2)]",
    "grey": "found = [same(*digits) for _ in range(2)]",
    "both by turns": (
        "found = [torch.equal(cifar[0][i][0], steps[1](steps[0](cifar[1][i][0]))) and"
        " torch.equal(digits[0][i][0], halves[2](halves[1](halves[0](digits[1][i][0]))))"
        " for i in range(15)]"
    ),
    "edited between two": (
        "cifar[0][0], cifar[0][1]; cifar[0].data[7] = cifar[1].data[7] = 9; found = [same(*cifar)]"
    ),
    "numbers of another type": (
        "found = [same(*cifar)]; torch.set_default_dtype(torch.float64); found.append(same(*cifar))"
    ),
    "a step replaced in its class": (
        "before = T.ToTensor.__call__\nT.ToTensor.__call__ = lambda *given: before(*given) * 2\n"
        "try: found = [same(*cifar)]\nfinally: T.ToTensor.__call__ = before"
    ),
    "another step": "cifar[0].transform.transforms.append(T.CenterCrop(5)); found = [same(*cifar)]",
    "from the end": "found = [torch.equal(cifar[0][-i][0], steps[1](steps[0](cifar[1][-i][0])))"
    " for i in range(len(cifar[0]))]",
}


@pytest.mark.parametrize("code", READ_IN_ORDER.values(), ids=READ_IN_ORDER)
def test_pictures_read_in_order_are_what_the_data_set_would_give_to_the_last_bit(
    make_notebook, data_dir, code
):
    default = torch.get_default_dtype()
    try:
        notebook = make_notebook(data_dir)
        notebook.run(IN_ORDER, code)
    finally:
        torch.set_default_dtype(default)
    assert notebook.namespace["found"]
    assert all(notebook.namespace["found"])


def test_a_transform_that_raises_raises_for_the_picture_that_is_asked_for(make_notebook, data_dir):
    notebook = make_notebook(data_dir)
    bad = "data = torchvision.datasets.MNIST('data', transform=T.Compose(steps))\nread = 0"
    notebook.run(IN_ORDER, bad, "for place in range(20):\n    data[place]; read += 1", check=False)
    assert isinstance(notebook.error, RuntimeError)
    assert notebook.namespace["read"] == 0


def test_pictures_read_in_order_are_transformed_many_at_once(make_notebook, data_dir):
    notebook = make_notebook(data_dir)
    notebook.run(
        IN_ORDER,
        """
        calls = 0
        normalise = T.functional.normalize
        def counted(*args, **kwargs):
            global calls
            calls += 1
            return normalise(*args, **kwargs)
        T.functional.normalize = counted
        try: items = [cifar[0][place] for place in range(50)]
        finally: T.functional.normalize = normalise
        """,
    )
    assert notebook.namespace["calls"] == 2


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
    assert "pretrained" in notebook.kinds


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
    assert "imread" in notebook.kinds


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
