import numpy as np
import pytest
from PIL import Image

from grader.samples.datasets.gestures import LETTERS, write_gestures

SPLITS = ("train", "val", "test")


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    return write_gestures(tmp_path_factory.mktemp("gestures"))


def photos(root, split):
    return sorted((root / split).glob("*/*.jpg"))


def hands(root, split):
    return {path.name.split("_")[0] for path in photos(root, split)}


@pytest.mark.parametrize("split", [*SPLITS, "small", "all"])
def test_an_image_folder_gives_the_nine_letters(torchvision, root, split):
    folder = torchvision.datasets.ImageFolder(root / split)
    assert folder.classes == list(LETTERS)
    assert len(set(np.bincount(folder.targets))) == 1


def test_photos_are_224_by_224_rgb_jpeg(root):
    with Image.open(photos(root, "test")[0]) as photo:
        assert (photo.size, photo.mode, photo.format) == ((224, 224), "RGB", "JPEG")


def test_no_hand_is_in_two_splits(root):
    train, val, test = (hands(root, split) for split in SPLITS)
    assert train.isdisjoint(val)
    assert (train | val).isdisjoint(test)


def test_the_whole_set_is_its_splits_together(root):
    assert {path.name for path in photos(root, "all")} == {
        path.name for split in SPLITS for path in photos(root, split)
    }


def test_letters_differ_more_than_hands_do(root):
    def small(path):
        with Image.open(path) as photo:
            grey = np.asarray(photo.convert("L").resize((28, 28)), dtype=float)
        return grey < grey[:3].mean() - 20

    train = {letter: [small(path) for path in (root / "train" / letter).iterdir()] for letter in LETTERS}
    means = {letter: np.mean(pictures, axis=0) for letter, pictures in train.items()}

    def nearest(picture):
        return min(LETTERS, key=lambda letter: np.square(means[letter] - picture).sum())

    guesses = [nearest(small(path)) == path.parent.name for path in photos(root, "test")]
    assert np.mean(guesses) > 0.5  # by chance: one in nine


def test_writing_again_gives_equal_bytes(root, tmp_path):
    write_gestures(tmp_path)
    for path in photos(root, "small"):
        assert path.read_bytes() == (tmp_path / path.relative_to(root)).read_bytes()
