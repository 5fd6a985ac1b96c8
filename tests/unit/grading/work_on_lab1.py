"""Work on Lab 1: right, or wrong in everything."""

from __future__ import annotations

import sys

import numpy as np
import torch

from reference import FUNCTIONS
from tests import factories
from tests.unit.grading.handed_in import Work

__all__ = ["work"]

_LAB1_CODE = {
    "part1a": "def sum_of_cubes(n):\n    return n",
    "part1b": "def word_lengths(sentence):\n    return list(map(len, sentence.split()))",
    "part1c": "def all_same_length(sentence):\n    return len(set(word_lengths(sentence))) == 1",
    "part2b": "for i in range(3):\n    for j in range(4):\n        output[i] += matrix[i, j] * vector[j]",
    "part2c": "output2 = np.dot(matrix, vector)",
    "part2d": "print((output == output2).all())",
    "part2e": (
        "start = time.time()\nfor i in range(3): ...\nloops = time.time() - start\n"
        "start = time.time()\nnp.dot(matrix, vector)\nprint(loops, time.time() - start)"
    ),
    "part3a": "img = plt.imread(address)",
    "part3b": "plt.imshow(img)",
    "part3c": "img_add = np.clip(img + 0.25, 0, 1)",
    "part3d": "img_cropped = img[5:135, 10:160, :3]",
    "part4a": "img_torch = torch.from_numpy(img_cropped)",
    "part4b": "img_torch.shape",
    "part4c": "img_torch.numel()",
    "part4f": "maximum = img_torch.amax(dim=(0, 1))",
    "part5": "train(pigeon)",
}
_LAB1_WRONG_CODE = {
    "part1c": "def all_same_length(sentence):\n    return sum(sentence)",
    "part2b": "output = np.dot(matrix, vector)\nsum = 3",
    "part3a": "img = np.zeros((140, 170, 4))",
    "part3b": "print(img)",
    "part2d": "print(output.all() == output2.all())",
    "part2e": "print('faster')",
}


def work(*, right: bool) -> Work:
    shape = (140, 170, 4) if right else (6, 8, 4)
    image = np.random.default_rng(3).uniform(0, 1, shape).astype(np.float32)
    brighter = np.clip(image + np.float32(0.25), 0, 1)
    cropped = image[5:135, 10:160, :3]
    variables = [
        ("part2b", "output", np.array([4.0, 8.0, -3.0]) if right else np.array([4.0, 7.0, -3.0])),
        ("part2c", "output2", np.array([4.0, 8.0, -3.0]) if right else np.array([4.0, 8.0, -2.0])),
        ("part3a", "img", image),
        ("part3c", "img_add", brighter if right else image + 0.3),
        ("part3d", "img_cropped", cropped if right else brighter[:3, :5]),
        ("part4a", "img_torch", torch.from_numpy(cropped.copy()) if right else torch.zeros(3, 4, 5)),
        ("part4f", "maximum", torch.from_numpy(cropped.max(axis=(0, 1))) if right else torch.ones(3)),
    ]
    functions = {name: FUNCTIONS[name] for name in ("sum_of_cubes", "word_lengths", "all_same_length")}
    wrong = {
        "sum_of_cubes": lambda n: n + 0.5,
        "word_lengths": lambda text: sys.stdout.write(f"{text}\n") and None,
        "all_same_length": lambda text: sys.stdout.write("True\n") and None,
    }
    return Work(
        code=_LAB1_CODE if right else {**_LAB1_CODE, **_LAB1_WRONG_CODE},
        printed={
            "part4c": "58500" if right else "32 floats",
            "part5": "Training Error Rate: 0.01\nTest Error Rate: 0.06"
            if right
            else "Training Error Rate: 0.08\nTest Error Rate: 0.09",
        },
        words={"part5c": "I would use (b)." if right else "I would use (a)."},
        variables=variables,
        functions=functions if right else wrong,
        training=lambda cells: factories.history(factories.training_run(0, cells["part5"])),
    )
