from __future__ import annotations

import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

from grader.cli import execute
from grader.errors import UsageError
from grader.samples.datasets import REAL_SIZES, SPLITS, STAND_INS, read_sizes, write_stand_in
from grader.samples.datasets.drawing import evenly, in_parts


def test_torchvision_takes_the_data_folder_as_the_root_of_its_sets(tmp_path):
    assert write_stand_in("mnist", tmp_path) == tmp_path / "MNIST" / "raw"
    assert (tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte").is_file()


def test_the_data_sets_that_rubrics_name_can_all_be_written():
    assert set(STAND_INS) == set(SPLITS) == {"cifar10", "mnist", "gestures"}


def test_a_stand_in_has_as_many_digits_as_are_asked_for(tmp_path: Path):
    raw = write_stand_in("mnist", tmp_path, (73, 15))
    for split, count in (("train", 73), ("t10k", 15)):
        labels = (raw / f"{split}-labels-idx1-ubyte").read_bytes()
        assert struct.unpack(">I", labels[4:8]) == (count,)
        assert np.ptp(np.bincount(np.frombuffer(labels[8:], np.uint8), minlength=10)) <= 1


def test_a_stand_in_has_as_many_pictures_of_each_class(tmp_path: Path):
    batches = write_stand_in("cifar10", tmp_path, (52, 21))
    read = [(batches / f"data_batch_{number}").read_bytes() for number in range(1, 6)]
    named = [pickle.loads(raw, encoding="bytes") for raw in read]
    counts = np.bincount([label for batch in named for label in batch[b"labels"]], minlength=10)
    assert (counts.sum(), np.ptp(counts)) == (52, 1)
    assert sum(len(batch[b"data"]) for batch in named) == 52


def test_a_stand_in_has_as_many_photos_as_are_asked_for(tmp_path: Path):
    photos = write_stand_in("gestures", tmp_path, (54, 27, 27))
    folders = (*SPLITS["gestures"], "all", "small")
    found = {folder: len(list((photos / folder).rglob("*.jpg"))) for folder in folders}
    assert found == {"train": 54, "val": 27, "test": 27, "all": 108, "small": 27}


@pytest.mark.parametrize(
    ("name", "text", "sizes"),
    [
        ("mnist", "60000,10000", (60000, 10000)),
        ("mnist", "real", (60000, 10000)),
        ("cifar10", " real ", (50000, 10000)),
        ("gestures", "270, 54,54", (270, 54, 54)),
    ],
)
def test_sizes_are_read_as_they_are_typed(name: str, text: str, sizes: tuple[int, ...]):
    assert read_sizes(name, text) == sizes


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("mnist", "60000", "pictures for train, test: --size 60000,10000"),
        ("mnist", "60000,-1", "these are no sizes of mnist"),
        ("mnist", "60000,1e4", "60000,1e4"),
        ("mnist", "60000,9999999", "these are no sizes"),
        ("cifar10", "1,2,3", "--size 50000,10000"),
        ("gestures", "real", "each class's own"),
    ],
)
def test_what_is_no_size_is_refused_with_one_that_is(name: str, text: str, said: str):
    with pytest.raises(UsageError) as raised:
        read_sizes(name, text)
    assert said in str(raised.value)


def test_photos_come_by_whole_hands(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert execute(["data", "gestures", str(tmp_path), "--size", "100,54,54"]) == 2
    assert "take 108" in capsys.readouterr().err


def test_a_large_set_is_drawn_in_parts_and_shared_evenly():
    assert in_parts(12_000) == [5000, 5000, 2000]
    assert in_parts(0) == []
    assert evenly(73, 10) == [8, 8, 8, 7, 7, 7, 7, 7, 7, 7]
    assert all(sum(evenly(size, 10)) == size for sizes in REAL_SIZES.values() for size in sizes)
