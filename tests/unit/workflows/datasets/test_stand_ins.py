from grader.workflows.datasets import STAND_INS, write_stand_in


def test_every_stand_in_has_a_folder_of_its_own_in_the_data_folder(tmp_path):
    folder = write_stand_in("mnist", tmp_path)
    assert folder == tmp_path / "mnist"
    assert (folder / "MNIST" / "raw" / "train-images-idx3-ubyte").is_file()


def test_the_data_sets_that_rubrics_name_can_all_be_written():
    assert set(STAND_INS) == {"cifar10", "mnist", "gestures"}
