import numpy as np
import pytest

from grader.samples.datasets.mnist import write_mnist


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    directory = tmp_path_factory.mktemp("mnist")
    write_mnist(directory)
    return directory


@pytest.fixture(scope="session")
def splits(torchvision, root):
    return {train: torchvision.datasets.MNIST(root, train=train) for train in (True, False)}


def test_torchvision_reads_enough_for_a_thousand_to_train_and_a_thousand_to_test(splits):
    assert len(splits[True]) >= 2000
    assert len(splits[False]) >= 1000
    assert splits[True].data.shape[1:] == (28, 28)


@pytest.mark.parametrize("train", [True, False])
def test_every_digit_is_drawn_as_often_and_shuffled(splits, train):
    targets = splits[train].targets.numpy()
    assert len(set(np.bincount(targets, minlength=10))) == 1
    assert (np.diff(targets) < 0).any()


def test_the_nearest_mean_picture_names_most_test_digits(splits):
    def pixels(train):
        return splits[train].data.numpy().reshape(len(splits[train]), -1) / 255, splits[train].targets.numpy()

    seen, digits = pixels(True)
    means = np.stack([seen[digits == digit].mean(axis=0) for digit in range(10)])
    unseen, answers = pixels(False)
    distances = ((unseen[:, None] - means[None]) ** 2).sum(axis=2)
    assert np.mean(distances.argmin(axis=1) == answers) > 0.75


def test_writing_again_gives_equal_bytes(root, tmp_path):
    again = write_mnist(tmp_path)
    for path in again.iterdir():
        assert path.read_bytes() == (root / "MNIST" / "raw" / path.name).read_bytes()
