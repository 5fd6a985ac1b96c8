"""Which recorded data are test data, and how sure that is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from typing import Literal

from grader.evidence.training import DataSource, EvaluationPass, TrainingHistory, TrainingRun
from grader.facts.case import Case
from grader.facts.code.source import nodes_of, parse_cell
from grader.facts.known import Fact, Known, Unknown
from grader.facts.training.code import names_in, reached_code

__all__ = ["Kind", "TestData", "code_of", "says_test"]

Kind = Literal["test", "trained", "other"]
_NAMED = "only its name says so"
_FLAGGED = "only a `train` of the student's own data set says so, which may mean something else"
_SAME = 0.5
#: How a word of a name begins that says what data are: `val_loader`, `X_train`, `devset`, no `eval_loader`.
_TEST = re.compile(r"x?te?st")
_VALIDATION = re.compile(r"x?val(?!u)")
_OTHER = re.compile(rf"{_VALIDATION.pattern}|x?train|dev(?!ic)")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
#: Data sets of torchvision whose ``train`` says which part they are, and those that are parts of folders.
_TORCHVISION = frozenset(
    {"CIFAR10", "CIFAR100", "EMNIST", "FashionMNIST", "HMDB51", "KMNIST", "MNIST", "PhotoTour", "QMNIST"}
    | {"UCF101", "USPS", "DatasetFolder", "ImageFolder"}
)


class TestData:
    """Tells test data from other data, for one attempt.

    The data set's own word counts (torchvision's ``train=`` flag, a folder called test). A loader's name
    alone proves nothing: functions call any loader ``test_loader``. Nor does the folder where every run
    trained on data of that folder, since then the student split it in another way. A ``train`` of a data set
    of the student's own may mean anything, as whether pictures are shifted: it counts with a name beside it.
    """

    __test__ = False  # no test class, whatever pytest makes of its name

    def __init__(self, history: TrainingHistory, case: Case | None = None) -> None:
        self._history = history
        self._case = case
        self._sources = {source.token: source for source in history.sources}
        self._trained_on = [self._sources[run.source] for run in history.runs if run.source in self._sources]
        splits = [source.split for source in self._trained_on]
        self._split_tells = not splits or any(split != "test" for split in splits)

    def is_unrecorded(self, token: int | None) -> bool:
        """Whether data came from a loader of which nothing was recorded, so that they may be anything."""
        return token is not None and token not in self._sources

    @classmethod
    def of(cls, case: Case) -> TestData:
        """That of an attempt, whose code tells more of data sets that it defines."""
        return cls(case.evidence.training, case)

    def is_test(self, token: int | None, cells: Iterable[int | None] = ()) -> Fact[bool]:
        """Whether a source is test data, used by the code of these cells; false where nothing says so."""
        if self.is_unrecorded(token):
            return Unknown("nothing was recorded of them")
        source = self._sources.get(token) if token is not None else None
        if source is None:
            return Known(False)
        if source.split is not None and self._has_own_flag(source):
            return self._by_own_flag(source, cells)
        if source.split == "test":
            return Known(True) if self._split_tells else Unknown("all training data come from that folder")
        if source.split == "train":
            return Known(False)
        return Unknown(_NAMED) if _named_test(source) else Known(False)

    def _by_own_flag(self, source: DataSource, cells: Iterable[int | None]) -> Fact[bool]:
        """What a ``train`` of a data set of the student's own says, with the names that code uses."""
        if source.split == "train":
            return Unknown(_NAMED) if _named_test(source) else Known(False)
        names = (*source.names, *self._read_in([cell for cell in cells if cell is not None]))
        return Known(True) if any(_says(_TEST, name) for name in names) else Unknown(_FLAGGED)

    def _named_otherwise(self, look: EvaluationPass) -> bool:
        """Whether the cell of an evaluation reads names that say other data, and none that say test."""
        if self._case is None or look.cell is None:
            return False
        tree = parse_cell(look.cell, self._case.evidence.cells[look.cell].source).tree
        names = names_in(tree) if tree is not None else set()
        return any(map(_says_other, names)) and not any(map(says_test, names))

    def _read_in(self, cells: list[int]) -> set[str]:
        """Names of data that code of these cells reads; a function called ``test`` says nothing of them."""
        if self._case is None:
            return set()
        read = {name for node in reached_code(self._case, cells) for name in names_in(node)}
        return read - set(self._case.facts.functions.by_name)

    def _has_own_flag(self, source: DataSource) -> bool:
        """Whether a data set's word is a flag of a class that is not torchvision's, nor derived from one."""
        if (
            source.dataset in _TORCHVISION
            or _says(_TEST, source.root or "")
            or _says(_OTHER, source.root or "")
        ):
            return False
        written = self._case.facts.functions.by_name.get(source.dataset) if self._case else None
        bases = written.node.bases if written is not None and isinstance(written.node, ast.ClassDef) else []
        return not any(ast.unparse(base).rpartition(".")[2] in _TORCHVISION for base in bases)

    def kind_of(self, look: EvaluationPass, case: Case) -> Fact[Kind]:
        """What an evaluation looked at: test data, what its network was trained on, or surely others."""
        if self.training_on(look) is not None:
            return Known("trained")
        if self.may_be_trained_on(look):
            return Unknown("what its network was trained on was not compared with them")
        test = self.is_test(look.source, (look.cell,))
        if test == Known(True) or self._is_kept_apart(look):
            return Known("test")
        if test == Known(False) and self._is_other(look, code_of(look, case)):
            return Known("other")
        return Unknown("whether these are test data could not be told")

    def _is_other(self, look: EvaluationPass, code: str) -> bool:
        """Whether data are surely no test data, which "other" does not say: a loader without a name may be.

        They are where a network was trained on them, where the data set is called the training part of one
        with a test part that this notebook reads as well, where their folder is called validation and they
        were looked at before, or where `code`, the cell that uses them, names them so.
        """
        source = self._sources.get(look.source)
        if source is None:
            return False
        if any(_shared(source, trained) >= _SAME for trained in self._trained_on):
            return True
        own = self._has_own_flag(source)
        if source.split == "train" and own and self._named_otherwise(look):
            return True
        if (
            source.split == "train"
            and not own
            and any(other.split == "test" for other in self._sources.values())
        ):
            return True
        folder = source.root or ""
        of_validation = _says(_VALIDATION, folder) and not _says(_TEST, folder)
        before = self._looked_at_before(look) if of_validation else []
        if any(_shared(source, each) >= _SAME for each in before):
            return True
        return any(_says_other(name) for name in _used_in(code, source))

    def _is_kept_apart(self, look: EvaluationPass) -> bool:
        """Whether data called test data are a part of the training data's own set that nothing used before.

        They are where they share no item with anything that a network was trained on, or that was looked at
        before, and all of this can be told from the items that were drawn.
        """
        source = self._sources.get(look.source)
        if source is None or not _named_test(source) or source.index_digest is None:
            return False
        if self._made_of_others(source, look):
            return False
        if any(self.is_unrecorded(run.source) for run in self._history.runs):
            return False
        of_one_set = [
            used
            for used in (*self._trained_on, *self._looked_at_before(look))
            if used.dataset_token == source.dataset_token or _shared(source, used) > 0
        ]
        return any(used in self._trained_on for used in of_one_set) and all(
            used.index_digest is not None and _is_compared(source, used) and _shared(source, used) == 0
            for used in of_one_set
        )

    def _made_of_others(self, source: DataSource, look: EvaluationPass) -> bool:
        """Whether code makes the loader of data called others: ``test_loader = DataLoader(val_set)``."""
        if self._case is None or look.cell is None:
            return False
        cells = (parse_cell(cell.index, cell.source) for cell in self._case.evidence.cells[: look.cell + 1])
        made = [
            node.value
            for cell in cells
            for node in (nodes_of(cell.tree) if cell.tree is not None else ())
            if isinstance(node, ast.Assign)
            if any(isinstance(each, ast.Name) and each.id in source.names for each in node.targets)
        ]
        drawn = _drawn_from(made[-1]) if made else set()
        return any(map(_says_other, drawn)) and not any(map(says_test, drawn))

    def _looked_at_before(self, look: EvaluationPass) -> list[DataSource]:
        """Sources of earlier evaluations, but for those of the same cell."""
        return [
            self._sources[each.source]
            for each in self._history.evaluations
            if each.order < look.order and each.cell != look.cell and each.source in self._sources
        ]

    def training_on(self, look: EvaluationPass) -> TrainingRun | None:
        """The run that trained the same network before, on the data that are looked at, if there is one."""
        source = self._sources.get(look.source)
        for run, trained in self._trainings_before(look):
            if source is not None and _shared(source, trained) >= _SAME:
                return run
        return None

    def may_be_trained_on(self, look: EvaluationPass) -> bool:
        """Whether the same network was trained before on data that were not compared with those looked at.

        Data of which nothing was recorded are such.
        """
        source = self._sources.get(look.source)
        if any(self.is_unrecorded(run.source) for run in self._runs_before(look)):
            return True
        trainings = self._trainings_before(look)
        return source is not None and any(not _is_compared(source, trained) for _, trained in trainings)

    def _runs_before(self, look: EvaluationPass) -> list[TrainingRun]:
        """Earlier runs of the network that is looked at."""
        return [
            run
            for run in self._history.runs
            if look.model is not None and run.model.token == look.model.token and run.order < look.order
        ]

    def _trainings_before(self, look: EvaluationPass) -> list[tuple[TrainingRun, DataSource]]:
        """Earlier runs of the network that is looked at, with what they trained on, where it was recorded."""
        runs = self._runs_before(look)
        return [(run, self._sources[run.source]) for run in runs if run.source in self._sources]

    def name(self, token: int | None, code: str) -> str:
        """What to call a source in messages about `code`: by a name that stands there, if there is one.

        Others may be a function's own, as ``loader``, which its caller does not know.
        """
        source = self._sources.get(token) if token is not None else None
        if source is None:
            return "data that were not recorded"
        known = _used_in(code, source)
        if known:
            return f"`{known[0]}`"
        if source.root is not None:
            return f"the data in `{source.root}`"
        return f"`{source.names[0]}`" if source.names else f"the {source.split or source.dataset} data"


def code_of(look: EvaluationPass, case: Case) -> str:
    """The cell that evaluates."""
    return case.evidence.cells[look.cell].source if look.cell is not None else ""


def _used_in(code: str, source: DataSource) -> list[str]:
    """Names of a source that stand in a cell."""
    return [name for name in source.names if re.search(rf"\b{re.escape(name)}\b", code)]


def _drawn_from(made: ast.expr) -> set[str]:
    """Names of the data that a loader is made of, and of what picks from them."""
    if not isinstance(made, ast.Call):
        return set()
    picking = [each.value for each in made.keywords if each.arg in ("dataset", "sampler", "batch_sampler")]
    return {name for node in (*made.args[:1], *picking) for name in names_in(node)}


def _shared(source: DataSource, trained: DataSource) -> float:
    """Share of one source's items among another's."""
    if source.token == trained.token:
        return 1.0
    later = max(source, trained, key=lambda each: each.token)
    if later.overlap is None and source.dataset_token == trained.dataset_token:
        return float(source.index_digest == trained.index_digest)
    mine, theirs = dict(source.overlap or ()), dict(trained.overlap or ())
    return max(mine.get(trained.token, 0.0), theirs.get(source.token, 0.0))


def _is_compared(source: DataSource, trained: DataSource) -> bool:
    """Whether the record tells what two sources share; the later of them holds what it shares with others."""
    if source.dataset_token != trained.dataset_token or source.index_digest == trained.index_digest:
        return True
    return max(source, trained, key=lambda each: each.token).overlap is not None


def says_test(name: str) -> bool:
    """Whether a name calls something test data."""
    return _says(_TEST, name)


def _named_test(source: DataSource) -> bool:
    return any(_says(_TEST, name) for name in source.names) and not any(map(_says_other, source.names))


def _says_other(name: str) -> bool:
    return _says(_OTHER, name) and not _says(_TEST, name)


def _says(what: re.Pattern[str], name: str) -> bool:
    """Whether a word of a name begins so; words are set apart by underscores, digits or capitals."""
    return any(what.match(word.lower()) for word in _WORD.findall(name))
