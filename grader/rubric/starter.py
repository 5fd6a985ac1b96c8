"""The file that a new rubric begins as: short, valid, and saying what goes where."""

from __future__ import annotations

import re

from grader.errors import UsageError

__all__ = ["starter_text"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")

_STARTER = """\
# What one assignment is marked by. Check it with `grader rubric check FILE`; `grader rubric schema` writes a
# JSON Schema by which editors complete the keys.

assignment: {name}
title: {name}
# The sum of the criteria's points; a difference is an error.
total: 6

# The handout's cells by id and hash, written by `grader rubric handout NOTEBOOK`. With it, sections are found
# in students' copies, and what they left unchanged is not held against them.
# handout: handouts/{name}.json

# Data sets that the notebooks read: cifar10, mnist, gestures. `grader data` writes small stand-ins.
data: []

# `budget` ends every pass over a DataLoader after some batches: enough to see what is trained, and how.
# `full` trains as the notebook says, for criteria on accuracy.
training: {{mode: budget, batches_per_pass: 2}}

# Seconds for a notebook and for one of its cells.
limits: {{notebook_s: 900, cell_s: 600}}

# Stretches of the notebook. `ids` are ids of the handout's cells that open them; `heading` is a regular
# expression tried where no id is left; `within` names the section around a heading that repeats.
sections:
  part1: {{title: Part 1, heading: '^Part 1\\b'}}
  part1a: {{title: Part 1 (a), heading: '^Part \\(?a\\b', within: part1}}

# When remark requests are open; a date is in the zone of `grader db zone`, or has an offset.
# remarks:
#   remarks_open_from: 2026-10-01T00:00:00-04:00
#   remarks_open_until: 2026-10-11T23:59:00-04:00

# What handing in late costs: a share of the points for each day begun, late days for nothing, a hard stop.
# late: {{due: 2026-10-01T23:59:00-04:00, per_day: 0.1, tokens: 3, until: 2026-10-08T23:59:00-04:00}}

# `id`, `title`, `points`, `section`, `beside`, `asks`, `hint`, `guide` and `release` belong to every
# criterion. `check` says how it is judged, and which further keys there are.
criteria:
  - id: network-shape
    title: The network gives ten scores for each image
    points: 2
    section: part1a
    asks: Build a network from 1 x 28 x 28 images to ten scores.
    hint: Send `torch.randn(2, 1, 28, 28)` through it and look at the shape.
    check: output_shape
    target: {{names: [net, Net]}}
    input: [2, 1, 28, 28]
    expected: [2, 10]
  - id: fresh-weights
    title: Each training starts from fresh weights
    points: 2
    section: part1a
    hint: Build the network again before each training.
    check: fresh_weights
  - id: explanation
    title: The choice of layers is explained
    points: 2
    section: part1a
    check: manual
    prompt: A reason for each layer.
    # For TAs alone: what earns what, shown wherever they decide.
    guide: 2 for a reason for each layer, 1 where some have none; a description without reasons earns nothing.
  - id: builtin-shadowing
    title: Python's own names are left alone
    points: 0
    check: no_builtin_shadowing
"""


def starter_text(name: str) -> str:
    """A commented rubric for a new assignment.

    Raises:
        UsageError: The name cannot be an assignment's.
    """
    if _NAME.fullmatch(name) is None:
        raise UsageError(
            "this cannot be the name of an assignment",
            expected="lower-case letters, digits, - and _, beginning with a letter or digit",
            found=name[:80],
        )
    return _STARTER.format(name=name)
