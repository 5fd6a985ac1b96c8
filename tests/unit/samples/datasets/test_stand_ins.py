from grader.samples.datasets import STAND_INS, write_stand_in


def test_torchvision_takes_the_data_folder_as_the_root_of_its_sets(tmp_path):
    assert write_stand_in("mnist", tmp_path) == tmp_path / "MNIST" / "raw"
    assert (tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte").is_file()


def test_the_data_sets_that_rubrics_name_can_all_be_written():
    assert set(STAND_INS) == {"cifar10", "mnist", "gestures"}
