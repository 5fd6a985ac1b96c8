import hashlib
import pickle

import numpy as np
import pytest

from grader.samples.datasets.cifar10 import CLASSES, write_cifar10


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    directory = tmp_path_factory.mktemp("cifar10")
    write_cifar10(directory)
    return directory


@pytest.fixture(scope="session")
def stand_in_class(torchvision, root):
    """torchvision's own class, told the checksums of these files instead of the original's."""
    original = torchvision.datasets.CIFAR10

    def with_md5(name):
        raw = (root / original.base_folder / name).read_bytes()
        return [name, hashlib.md5(raw, usedforsecurity=False).hexdigest()]

    own_checksums = {
        "train_list": [with_md5(name) for name, _ in original.train_list],
        "test_list": [with_md5(name) for name, _ in original.test_list],
        "meta": {**original.meta, "md5": with_md5(original.meta["filename"])[1]},
    }
    return type("StandIn", (original,), own_checksums)


def count(dataset, name):
    return dataset.targets.count(CLASSES.index(name))


def test_torchvision_reads_the_real_sets_counts_of_cats_and_dogs(stand_in_class, root):
    train, test = stand_in_class(root, train=True), stand_in_class(root, train=False)
    assert [count(train, name) for name in ("cat", "dog")] == [5000, 5000]
    assert [count(test, name) for name in ("cat", "dog")] == [1000, 1000]
    assert train.classes == list(CLASSES)


def test_other_classes_are_there_but_few(stand_in_class, root):
    train = stand_in_class(root, train=True)
    others = set(CLASSES) - {"cat", "dog"}
    assert all(0 < count(train, name) <= 50 for name in others)


def test_pictures_come_out_as_32_by_32_rgb(stand_in_class, root):
    picture, _ = stand_in_class(root, train=False)[0]
    assert (picture.size, picture.mode) == ((32, 32), "RGB")


@pytest.mark.parametrize(("encoding", "keys"), [("latin1", str), ("bytes", bytes)])
def test_batches_read_with_both_encodings_that_students_use(root, encoding, keys):
    raw = (root / "cifar-10-batches-py" / "data_batch_1").read_bytes()
    batch = pickle.loads(raw, encoding=encoding)
    assert all(type(key) is keys for key in batch)
    data = batch["data" if keys is str else b"data"]
    assert (data.dtype, data.shape[1]) == (np.uint8, 3072)


def test_a_linear_rule_fitted_on_training_pictures_tells_test_cats_from_dogs(stand_in_class, root):
    def cats_and_dogs(train):
        dataset = stand_in_class(root, train=train)
        labels = np.array(dataset.targets)
        chosen = np.isin(labels, [3, 5])
        pixels = dataset.data[chosen][:, ::2, ::2].reshape(chosen.sum(), -1) / 255 - 0.5
        return np.c_[pixels, np.ones(len(pixels))], np.where(labels[chosen] == 3, -1.0, 1.0)

    pixels, targets = cats_and_dogs(train=True)
    weights = np.linalg.lstsq(pixels, targets, rcond=None)[0]
    unseen, answers = cats_and_dogs(train=False)
    assert np.mean(np.sign(unseen @ weights) == answers) > 0.75


def test_writing_again_gives_equal_bytes(root, tmp_path):
    again = write_cifar10(tmp_path)
    first = root / again.name
    assert {path.name for path in again.iterdir()} == {path.name for path in first.iterdir()}
    assert all(path.read_bytes() == (first / path.name).read_bytes() for path in again.iterdir())
