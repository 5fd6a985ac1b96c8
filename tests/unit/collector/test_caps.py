"""What the recorder and the probes cut: they say so, and honest notebooks do not reach it."""

from __future__ import annotations

import pytest

from grader.checks.code.forbids_call import ForbidsCall
from grader.checks.data.untouched_test_data import TestSetUntouched
from grader.checks.networks.architecture import Architecture
from grader.checks.training.hyperparameter_settings import HyperparameterSettings
from grader.evidence.frames import ProbeInputs
from grader.evidence.plan import Call, Discovery, FunctionProbe, ModuleProbe, NormalInput, Target
from grader.evidence.record import Cut, FunctionRecord, ShimKind
from grader.facts.known import Unknown
from grader.facts.training.data_use import TestData
from grader.judging.judgement import Status
from tests import factories

SET = """
from torch.utils.data import Dataset, SubsetRandomSampler

class Set(Dataset):
    def __init__(self, train):
        self.train = train
        self.items = torch.randn(40, 4)
    def __len__(self): return len(self.items)
    def __getitem__(self, place): return self.items[place], torch.zeros(())

trained_on, test_set = Set(True), Set(False)
net = nn.Linear(4, 1)

def train(loader, net=net):
    stepper = torch.optim.SGD(net.parameters(), lr=0.1)
    for x, y in loader:
        stepper.zero_grad(); F.mse_loss(net(x)[:, 0], y).backward(); stepper.step()
"""


TRAINED = "train(DataLoader(trained_on, batch_size=8))"


def judged(check, notebook, source="train()"):
    cells = factories.code_cells(*[source] * len(notebook.collected))
    return check.judge(factories.case(check, factories.evidence(cells, training=notebook.history)))


def loaders(many: int, *, alike: bool) -> str:
    """Looks at the training data through so many loaders, in batches of one size or of another each."""
    size = 8 if alike else "1 + turn"
    return f"for turn in range({many}):\n    for x, y in DataLoader(trained_on, batch_size={size}): break"


@pytest.mark.parametrize("alike", [True, False])
def test_training_on_test_data_is_found_behind_501_loaders(notebook, alike):
    notebook.run(SET, loaders(501, alike=alike), TRAINED, "train(DataLoader(test_set, batch_size=8))")
    judgement = judged(TestSetUntouched(), notebook, "train(test_set)")
    assert judgement.status is Status.FAIL
    assert "trained on test data in cell 4" in judgement.message


def test_a_loader_for_each_epoch_of_ten_networks_leaves_no_doubt(notebook):
    trainings = """
        for turn in range(10):
            other = nn.Linear(4, 1)
            for epoch in range(30):
                train(DataLoader(trained_on, batch_size=20, shuffle=True), other)
                for x, y in DataLoader(trained_on, batch_size=40): other(x)
    """
    notebook.run(SET, trainings)
    history = notebook.history
    assert history.complete
    assert len(history.sources) == 2
    assert judged(TestSetUntouched(), notebook).status is Status.PASS


def test_two_calls_that_build_loaders_alike_stay_two_runs(notebook):
    notebook.run(SET, f"{TRAINED}\n{TRAINED}")
    first, second = notebook.runs
    assert first.source == second.source
    assert second.start.carried_from == first.index


def test_loaders_of_other_items_are_other_sources(notebook):
    halves = """
        for start in (0, 20, 0):
            train(DataLoader(trained_on, 8, sampler=SubsetRandomSampler(range(start, start + 20))))
    """
    notebook.run(SET, halves)
    assert [run.source for run in notebook.runs] == [0, 1, 0]
    assert notebook.history.sources[1].overlap == ()


def test_data_that_are_not_recorded_may_be_test_data(notebook, monkeypatch):
    monkeypatch.setattr("grader.collector.recorder.sources._MAX_SOURCES", 3)
    notebook.run(SET, loaders(3, alike=False), "train(DataLoader(test_set, batch_size=8))")
    history = notebook.history
    assert not history.complete
    assert "more than 3 sources of data" in history.notes[0]
    assert isinstance(TestData(history).is_test(history.runs[0].source), Unknown)
    judgement = judged(TestSetUntouched(), notebook)
    assert judgement.status is Status.NEEDS_TA
    assert "More data were used than were recorded" in judgement.open


def test_sources_that_were_not_compared_are_neither_apart_nor_shared(notebook, monkeypatch):
    monkeypatch.setattr("grader.collector.recorder.sources._MAX_COMPARED", 1)
    parts = """
        train(DataLoader(trained_on, 8, sampler=SubsetRandomSampler(range(20))))
        for x, y in DataLoader(trained_on, 8, sampler=SubsetRandomSampler(range(10, 30))): net(x)
    """
    notebook.run(SET, parts)
    history = notebook.history
    assert history.sources[1].overlap is None
    test_data, look = TestData(history), history.evaluations[0]
    assert test_data.may_be_trained_on(look)
    assert test_data.training_on(look) is None


DEEP = """
class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.one, self.two = nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width)
    def forward(self, x): return self.two(self.one(x))

def deep(classes):
    blocks = [Block(2) for _ in range(30)]
    return nn.Sequential(*blocks, nn.Flatten(), nn.Linear(8, classes))

def train(net):
    stepper = torch.optim.SGD(net.parameters(), lr=0.1)
    net(torch.randn(2, 2, 2, 2)).mean().backward(); stepper.step()
"""
HEAD = {"layers": [{"type": "Linear", "settings": {"in_features": 8, "out_features": 2}}]}
BODY = [{"type": "Conv2d"}, {"type": "BatchNorm2d"}] * 30


def right_head():
    """Asks for the whole network, whose head stands far beyond 4,000 characters of text."""
    return Architecture(trained_in="all", layers=[*BODY, *HEAD["layers"]])


def judged_in_all(check, notebook):
    cells = (factories.cell(0, "# All", kind="markdown"), *factories.code_cells("", "", "train(net)")[1:])
    evidence = factories.evidence(cells, training=notebook.history)
    sections = {"all": factories.Section(title="all", heading="^All")}
    return check.judge(factories.case(check, evidence, sections=sections))


def test_networks_that_differ_in_their_heads_only_are_two(notebook):
    notebook.run(DEEP, "train(deep(2)); train(deep(3))")
    judgement = judged(HyperparameterSettings(at_least=2, architectural=True), notebook)
    assert (judgement.status, factories.rows(judgement, "different settings")) == (
        Status.PASS,
        [{"different": 2}],
    )
    assert len(notebook.history.layer_lists) == 2


def test_networks_built_alike_share_their_layers_and_are_one(notebook):
    notebook.run(DEEP, "train(deep(2)); train(deep(2))")
    assert len(notebook.history.layer_lists) == 1
    judgement = judged(HyperparameterSettings(at_least=2), notebook)
    assert (judgement.status, factories.rows(judgement, "different settings")) == (
        Status.PARTIAL,
        [{"different": 1}],
    )


@pytest.mark.parametrize(("classes", "status"), [(2, Status.PASS), (3, Status.FAIL)])
def test_the_head_of_a_deep_network_is_judged(notebook, classes, status):
    notebook.run(DEEP, f"train(deep({classes}))")
    assert judged_in_all(right_head(), notebook).status is status


def test_a_head_beyond_the_layers_that_are_listed_is_left_to_a_ta(notebook, monkeypatch):
    monkeypatch.setattr("grader.collector.networks._MAX_LAYERS", 50)
    notebook.run(DEEP, "train(deep(2)); train(deep(3))")
    assert judged_in_all(right_head(), notebook).status is Status.NEEDS_TA
    settings = HyperparameterSettings(at_least=2, architectural=True)
    assert judged(settings, notebook).status is Status.PASS


def test_a_network_of_more_modules_than_are_read_has_no_digest(notebook, monkeypatch):
    monkeypatch.setattr("grader.collector.networks._MAX_MODULES", 50)
    notebook.run(DEEP, "train(deep(2)); train(deep(3))")
    assert [(each.cut, each.digest) for each in notebook.history.layer_lists] == [(True, None)] * 2
    settings = HyperparameterSettings(at_least=2, architectural=True)
    assert judged(settings, notebook).status is Status.NEEDS_TA


def test_layers_of_many_networks_are_told_apart_when_they_are_no_longer_listed(notebook, monkeypatch):
    monkeypatch.setattr("grader.collector.recorder.identity._MAX_LISTED", 100)
    notebook.run(DEEP, "for classes in (2, 3, 3): train(deep(classes))")
    first, second = notebook.history.layer_lists
    assert (first.cut, second.cut, second.layers) == (False, True, ())
    assert first.same_as(second) is False
    assert [run.model.layers for run in notebook.runs] == [0, 1, 1]


def test_settings_too_long_to_keep_still_tell_networks_apart(notebook):
    long = """
        for tail in ("a", "b", "b"):
            net = nn.Linear(2, 2)
            net.note = "x" * 300 + tail
            stepper = torch.optim.SGD(net.parameters(), lr=0.1)
            net(torch.randn(1, 2)).mean().backward(); stepper.step()
    """
    notebook.run(long)
    assert [run.model.layers for run in notebook.runs] == [0, 1, 1]


# Probes.

HIDDEN = """
def conv2d(image, kernel):
    harmless = [name for name in dir(torch) if name.islower() and not name.startswith(('_', 'set_'))]
    for name in harmless:
        try: getattr(torch, name)(image)
        except Exception: pass
    return getattr(F, 'conv' + '2d')(image[None, None], kernel[None, None])
"""


def called(notebook, source):
    arrays = NormalInput(shape=(6, 7)), NormalInput(shape=(3, 3))
    by_hand = ForbidsCall(
        functions=[{"name": "conv2d", "args": [{"kind": "normal", "shape": each.shape} for each in arrays]}],
        forbidden=["conv2d"],
    )
    (probe,) = by_hand.probes()
    given = tuple(factories.ArrayValue(type="torch.Tensor", dtype="float32", shape=each.shape, array=place)
                  for place, each in enumerate(arrays))  # fmt: skip
    notebook.run(source)
    numbers = tuple(factories.np.ones(each.shape, dtype="float32") for each in arrays)
    result, kept = notebook.probe(probe, (ProbeInputs(args=given),), numbers)
    evidence = factories.evidence(
        factories.code_cells("", source), probes=factories.answers([(probe, result)])
    )
    return result, by_hand.judge(factories.case(by_hand, evidence, arrays=kept))


def test_a_library_call_is_seen_behind_hundreds_of_harmless_ones(notebook):
    result, judgement = called(notebook, HIDDEN)
    names = result.record.calls[0].operation_names
    assert len(names) > 250
    assert (judgement.status, result.record.calls[0].operation_names_cut) == (Status.FAIL, False)


def test_names_that_were_cut_leave_the_question_to_a_ta(notebook, monkeypatch):
    monkeypatch.setattr("grader.collector.probes.function._MAX_NAMES", 100)
    monkeypatch.setattr("grader.collector.probes.operators._MOST_NAMES", 100)
    result, judgement = called(notebook, HIDDEN)
    assert result.record.calls[0].operation_names_cut
    assert result.record.calls[0].operators_cut
    assert judgement.status is Status.NEEDS_TA


def test_output_of_a_call_says_that_it_was_cut(notebook):
    probe = FunctionProbe(target=Target(names=("f",)), calls=(Call(),))

    def printed(characters):
        notebook.run(f"def f(): print('x' * {characters}, end='')")
        record = notebook.probe(probe, (ProbeInputs(),))[0].record
        assert isinstance(record, FunctionRecord)
        return record.calls[0].stdout_cut, len(record.calls[0].stdout)

    assert printed(20_000) == (False, 20_000)
    assert printed(20_001) == (True, 20_000)


# The rest.


def test_the_first_uses_of_each_stand_in_are_kept_whatever_others_are_used(notebook, monkeypatch):
    monkeypatch.setattr("grader.collector.shims.context._MAX_USES", 2)
    many = "for place in range(5): get_ipython().system(f'pip install package{place}')"
    collected = notebook.run(f"{many}\ntorch.zeros(1).cuda()")
    kinds = [use.kind for use in collected.shims]
    assert (kinds.count(ShimKind.SHELL), kinds.count(ShimKind.CUDA)) == (2, 1)
    assert collected.cut == (Cut.SHIMS,)


def test_files_beyond_what_is_told_of_are_said_to_be_missing(notebook, monkeypatch):
    monkeypatch.setattr("grader.collector.recorder.files._MAX_NEW", 2)
    write = "for place in range({}): open(f'{{place}}.txt', 'w').close()"
    assert notebook.run(write.format(2)).cut == ()
    assert notebook.run(write.format(6)).cut == (Cut.FILES,)


def test_the_largest_batches_are_kept_and_the_rest_said_to_be_missing(notebook, monkeypatch):
    monkeypatch.setattr("grader.collector.recorder.runs._MAX_BATCH_SIZES", 3)
    steps = """
        net = nn.Linear(2, 1)
        stepper = torch.optim.SGD(net.parameters(), lr=0.1)
        for size in range(1, {}):
            F.mse_loss(net(torch.randn(size, 2)), torch.zeros(size, 1)).backward(); stepper.step()
    """
    notebook.run(steps.format(4), steps.format(9))
    assert [(run.batch_sizes, run.batch_sizes_cut) for run in notebook.runs] == [
        ((3, 2, 1), False),
        ((8, 7, 6), True),
    ]


def test_the_last_loss_is_never_averaged_and_averages_are_said(notebook, monkeypatch):
    monkeypatch.setattr("grader.collector.recorder.runs._MAX_LOSSES", 4)
    passes = """
        net = nn.Linear(1, 1, bias=False)
        stepper = torch.optim.SGD(net.parameters(), lr=0.0)
        data = TensorDataset(torch.ones(4, 1), torch.zeros(4, 1))
        loader = DataLoader(data, batch_size=4)
        for epoch in range({}):
            for x, y in loader:
                stepper.zero_grad(); (net(x) * 0 + epoch).mean().backward(); stepper.step()
    """
    notebook.run(passes.format(4), passes.format(7))
    whole, cut = notebook.runs
    assert (whole.losses, whole.losses_cut) == ((0.0, 1.0, 2.0, 3.0), False)
    assert (cut.losses[-1], cut.losses_cut) == (6.0, True)


def test_optimizer_settings_too_long_to_keep_stay_different(notebook):
    long = """
        for last in (0.5, 0.6):
            net = nn.Linear(1, 1)
            stepper = torch.optim.SGD([{'params': net.parameters(), 'note': 'x' * 100 + str(last)}], lr=0.1)
            net(torch.ones(1, 1)).mean().backward(); stepper.step()
    """
    notebook.run(long)
    first, second = (run.hyperparameters["note"] for run in notebook.runs)
    assert first != second


DISCOVERED = ModuleProbe(target=Target(discover=Discovery(input_shape=(1, 4), output_shape=(3,))))
NETS = """
class First(nn.Module):
    def __init__(self, width): super().__init__()
class Second(First):
    def forward(self, x): return x
nets = [nn.Linear(4, 2) for _ in range(6)]
"""


def test_classes_that_cannot_be_built_are_named_first_the_latest_first(notebook, monkeypatch):
    monkeypatch.setattr("grader.collector.probes.target._MAX_CANDIDATES", 3)
    notebook.run(NETS + "one, two, three = (nn.Sequential(nn.Linear(4, 2)) for _ in range(3))")
    result, _ = notebook.probe(DISCOVERED)
    assert [(each.name, each.not_built is None) for each in result.candidates] == [
        ("Second", False),
        ("First", False),
        ("three", True),
    ]
    assert result.candidates_cut


@pytest.mark.parametrize(("items", "cut"), [(6, False), (5, True)])
def test_networks_in_a_list_too_long_to_look_at_are_said_to_be_left_out(notebook, monkeypatch, items, cut):
    monkeypatch.setattr("grader.collector.probes.target._MAX_ITEMS", items)
    notebook.run(NETS, "numbers = list(range(100))")
    assert notebook.probe(DISCOVERED)[0].candidates_cut is cut
