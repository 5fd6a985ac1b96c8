"""Is a variable a piece of an image, cut out in the right size and channels?"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from grader.facts.case import Case
from grader.facts.known import Known, Unknown
from grader.facts.values.compare import as_array
from grader.facts.values.crops import found_in
from grader.facts.values.variables import Absent, Held, variable
from grader.facts.words.shapes import shape_handed_in
from grader.judging.check import AnswerNames, Check
from grader.judging.exhibits import Table
from grader.judging.judgement import Judgement
from grader.judging.nothing import missing_variable
from grader.judging.shares import PartFinding, alone, judge_parts

__all__ = ["ImageCrop"]


class ImageCrop(Check):
    """Looks for the student's crop within the student's image, number by number.

    Size and channels are a half of the points each. A crop that is no piece of the image (resized, or cut
    from a changed copy) goes to a TA, and what it should show is for a human eye. So does one that is wrong
    on a picture of ours that stood in for the student's, where the file handed in shows the right shape.

    Attributes:
        name: Variable that holds the crop.
        image: Variable that holds the image, (H, W, C).
        size: Height and width.
        either_way: Whether width and height may be exchanged, where the handout does not say which is which.
        channels: Channels to keep, the first ones of the image.
    """

    example: ClassVar[str] = """\
- id: image-cropped
  title: A crop of 130 x 150 pixels without alpha
  points: 2
  check: image_crop
  name: img_cropped
  image: img
  size: [130, 150]
  channels: 3
"""

    check: Literal["image_crop"] = "image_crop"
    name: AnswerNames
    image: AnswerNames
    size: tuple[int, int]
    channels: int = Field(ge=1)
    either_way: bool = False

    def watches(self) -> tuple[str, ...]:
        return (*self.name, *self.image)

    def judge(self, case: Case) -> Judgement:
        held = variable(case, self.name)
        if isinstance(held, Absent):
            return alone(missing_variable(self.name[0], held))
        value = held.known
        if isinstance(value, Unknown):
            text = f"`{held.name}` is not known."
            return Judgement.needs_ta(text, open=f"The reason is that {value.why}.", where=(held.where,))
        crop, image = as_array(held.value), self._image(case)
        if crop is None or crop.ndim not in (2, 3):
            return Judgement.failed(f"`{held.name}` is no image.", on=value, where=(held.where,))
        if image is None:
            text = f"`{held.name}` is to be a piece of `{self.image[0]}`."
            why = f"It cannot be looked for, as `{self.image[0]}` is not known."
            return Judgement.needs_ta(text, open=why, where=(held.where,))
        if found_in(crop, image) is None:
            text = f"`{held.name}` is no unchanged piece of `{self.image[0]}`."
            why, shape = "It may be cut out in another way.", Table.of("crop", [{"shape": list(crop.shape)}])
            return Judgement.needs_ta(text, open=why, where=(held.where,), exhibits=(shape,))
        parts = [self._size(held, value, crop), self._channels(held, value, crop)]
        shown = shape_handed_in(case, (*self.size, self.channels), self.name)
        if shown is not None and any(part.state == "wrong" for part in parts):
            why = f"The file handed in shows the shape {[*self.size, self.channels]} in cell {shown.cell}."
            text = " ".join(part.text for part in parts if part.state == "wrong")
            return Judgement.needs_ta(f"On our test picture: {text}", open=why, where=(shown, held.where))
        return judge_parts(parts)

    def _image(self, case: Case) -> np.ndarray | None:
        held = variable(case, self.image)
        array = as_array(held.value) if isinstance(held, Held) else None
        return array if array is not None and array.ndim == 3 else None

    def _size(self, held: Held, value: Known[Any], crop: np.ndarray) -> PartFinding:
        found = crop.shape[:2]
        right = found == self.size or (self.either_way and found == self.size[::-1])
        text = f"`{held.name}` is {found[0]} x {found[1]} pixels"
        if not right:
            exchanged = " (height and width are exchanged)" if found == self.size[::-1] else ""
            other = f", or {self.size[1]} x {self.size[0]}" if self.either_way else ""
            text += f"{exchanged}; expected {self.size[0]} x {self.size[1]}{other}"
        shown = {"found": list(found), "expected": list(self.size)}
        return _part("size", right, f"{text}.", on=value, where=(held.where,), **shown)

    def _channels(self, held: Held, value: Known[Any], crop: np.ndarray) -> PartFinding:
        found = crop.shape[2] if crop.ndim == 3 else 1
        right = found == self.channels
        text = f"`{held.name}` has {found} channels" + ("" if right else f"; expected {self.channels}")
        shown = {"found": found, "expected": self.channels}
        return _part("channels", right, f"{text}.", on=value, where=(held.where,), **shown)


def _part(name: str, right: bool, text: str, *, on: Known[Any], **more: Any) -> PartFinding:
    make = PartFinding.right if right else PartFinding.wrong
    return make(name, text, on=on, **more)
