"""What went into a loss is told by the graph and by the values; what neither settles is not known."""

from __future__ import annotations

import pytest

SETUP = """
torch.manual_seed(0)
x, y, images = torch.randn(12, 4), torch.arange(12) % 3, torch.randn(12, 1, 8, 8)
net, one, conv = nn.Linear(4, 3), nn.Linear(4, 1), nn.Conv2d(1, 3, 3)
scale = nn.Parameter(torch.zeros(()))
weights, bias = nn.Parameter(torch.randn(4, 3)), nn.Parameter(torch.zeros(3))
mixing, ones = nn.Parameter(torch.randn(3, 3)), nn.Parameter(torch.ones(3))
everything = [*net.parameters(), *one.parameters(), *conv.parameters(), scale, weights, bias, mixing, ones]

class Same(torch.autograd.Function):
    @staticmethod
    def forward(ctx, t): return t.clone()
    @staticmethod
    def backward(ctx, g): return g

def halves(t): return (torch.arange(t.numel()) % 2).float()
def bce(t): return F.binary_cross_entropy(t.reshape(-1), halves(t))
def bce_logits(t): return F.binary_cross_entropy_with_logits(t.reshape(-1), halves(t))
def nll(t): return F.nll_loss(t, y)
def ce(t): return F.cross_entropy(t, y)
def step_on(loss):
    optimizer = torch.optim.SGD(everything, lr=0.1)
    loss.backward()
    optimizer.step()
"""


def _kind(notebook, loss: str) -> str:
    notebook.run(SETUP, f"step_on({loss})")
    assert notebook.history.complete
    return notebook.runs[0].loss.input_kind


@pytest.mark.parametrize(
    "loss",
    [
        "bce(1 / (1 + torch.exp(-one(x))))",
        "bce(0.02 + 0.96 * one(x).sigmoid())",
        "bce(torch.sigmoid(net(x)).mean(1))",
        "bce(1 - one(x).sigmoid())",
        "bce(F.hardsigmoid(one(x)))",
        "bce(one(x).clamp(0, 1))",
        "bce(F.logsigmoid(one(x)).exp())",
        "bce((torch.tanh(one(x)) + 1) / 2)",
        "bce(torch.sigmoid(one(x)) * torch.sigmoid(one(x)))",
        "bce(torch.prod(torch.sigmoid(net(x)), dim=1))",
        "bce(Same.apply(one(x).sigmoid()))",
        "bce(torch.where(one(x) > 0, one(x).sigmoid(), 0.5 * one(x).exp().clamp(max=1)))",
        "bce((one(x) - one(x).min().item()) / (one(x).max().item() - one(x).min().item() + 1e-3))",
        "bce(F.relu6(one(x)) / 6)",
    ],
)
def test_scores_brought_between_0_and_1_in_any_way_are_not_raw(notebook, loss):
    assert _kind(notebook, loss) == "unknown"


@pytest.mark.parametrize(
    "loss",
    [
        "bce(one(x).sigmoid().squeeze(1))",
        "bce(torch.nan_to_num(one(x).sigmoid()))",
        "bce(torch.cat([one(x).sigmoid(), one(x).sigmoid()], dim=1))",
        "ce(F.adaptive_avg_pool2d(conv(images).softmax(1), 1).flatten(1))",
        "ce(net(x).softmax(1))",
        "ce(net(x).softmax(1) + 1e-7)",
        "ce(net(x).softmax(1) * torch.ones(3))",
        "ce((net(x).softmax(1) + net(-x).softmax(1)) / 2)",
        "ce(F.softmax(net(x), dim=1) @ torch.softmax(mixing, dim=1))",
        "ce(net(x).exp() / net(x).exp().sum(1, keepdim=True))",
        "ce(torch.exp(net(x).log_softmax(1)))",
        "ce(Same.apply(net(x).softmax(1)))",
        "F.cross_entropy(torch.cat([1 - one(x).sigmoid(), one(x).sigmoid()], 1), y % 2)",
    ],
)
def test_rows_that_add_up_to_one_are_probabilities_whatever_was_done_to_them(notebook, loss):
    assert _kind(notebook, loss) == "probabilities"


@pytest.mark.parametrize(
    "loss",
    [
        "ce(F.dropout(net(x).softmax(1), 0.4))",
        "ce(10 * net(x).softmax(1))",
        "ce(net(x).softmax(1) * torch.tensor([0.5, 1.0, 3.0]))",
        "bce_logits(one(x).sigmoid() + 1e-7)",
        "bce_logits(one(x).tanh())",
        "ce(net(x) * net(x).sigmoid())",
        "ce(net(x).softmax(1).detach() - net(x).detach() + net(x))",
        "ce(net(x).softmax(1).detach() * ones)",
    ],
)
def test_a_squashing_on_the_way_is_never_called_raw_scores(notebook, loss):
    assert _kind(notebook, loss) == "unknown"


@pytest.mark.parametrize(
    "loss",
    [
        "nll(net(x) - net(x).logsumexp(1, keepdim=True))",
        "nll(net(x) - net(x).exp().sum(1, keepdim=True).log())",
        "nll(torch.log(net(x).softmax(1) + 1e-8))",
        "nll(torch.log((net(x).softmax(1) + net(-x).softmax(1)) / 2))",
        "nll(net(x).log_softmax(1) + 0.0)",
        "nll(torch.log(torch.cat([1 - one(x).sigmoid(), one(x).sigmoid() / 2, one(x).sigmoid() / 2], 1)))",
    ],
)
def test_rows_whose_exponentials_add_up_to_one_are_log_probabilities(notebook, loss):
    assert _kind(notebook, loss) == "log_probabilities"


@pytest.mark.parametrize(
    "loss",
    [
        "nll((net(x).log_softmax(1) + net(-x).log_softmax(1)) / 2)",
        "nll(torch.stack([net(x).log_softmax(1), net(-x).log_softmax(1)]).mean(0))",
        "nll(net(x) - net(x).detach().logsumexp(1, keepdim=True))",
    ],
)
def test_a_mean_of_log_probabilities_is_not_called_raw_scores(notebook, loss):
    assert _kind(notebook, loss) == "unknown"


@pytest.mark.parametrize(
    "loss",
    [
        "ce(net(x))",
        "bce_logits(one(x).squeeze(1).view(-1))",
        "ce(nn.BatchNorm1d(3)(net(x)))",
        "ce(F.dropout(net(x), 0.3))",
        "ce(F.relu(net(x)))",
        "ce(F.adaptive_avg_pool2d(F.relu(conv(images)), 1).flatten(1))",
        "ce(conv(images).mean((2, 3)))",
        "ce(conv(images).amax((2, 3)))",
        "ce(net(torch.sigmoid(net(x)) @ torch.randn(3, 4)))",
        "ce(x @ weights + bias)",
        "ce(x @ weights / 2)",
        "ce(net(x) * scale.exp())",
        "ce(F.linear(x, weights.t(), bias))",
        "ce(net(x) + net(-x))",
        "ce(torch.cat([one(x), one(-x), one(2 * x)], dim=1))",
        "bce_logits((x * weights[:, 0]).sum(1) + bias[0])",
        "bce_logits(-one(x))",
        "ce(nn.Linear(4, 3, bias=False)(net(x) @ torch.randn(3, 4)))",
        "nll(net(x))",
    ],
)
def test_a_layer_s_own_numbers_are_raw_scores_also_after_what_keeps_them_so(notebook, loss):
    assert _kind(notebook, loss) == "logits"


@pytest.mark.parametrize(
    ("loss", "kind"),
    [
        ("nll(net(x).log_softmax(1))", "log_probabilities"),
        ("nll(net(x).bfloat16().log_softmax(1))", "log_probabilities"),
        ("nll(net(x).t().log_softmax(0).t())", "log_probabilities"),
        ("nll(net(x).log_softmax(0))", "unknown"),
        ("nll(torch.log(net(x).softmax(0)))", "unknown"),
        ("nll(F.logsigmoid(net(x)))", "unknown"),
    ],
)
def test_logarithms_are_those_of_probabilities_only_over_the_classes(notebook, loss, kind):
    assert _kind(notebook, loss) == kind


def test_scores_that_are_all_zero_before_the_first_step_are_raw(notebook):
    zeros = "weights.data.zero_(); bias.data.zero_(); step_on(ce(2.0 * (x @ weights + bias)))"
    notebook.run(SETUP, zeros)
    assert notebook.runs[0].loss.input_kind == "logits"


@pytest.mark.parametrize(
    "loss", ["ce(net(x).double().softmax(1).half() + 1e-4)", "ce(net(x).softmax(1).bfloat16() * 1)"]
)
def test_half_precision_rounds_probabilities_and_they_stay_so(notebook, loss):
    assert _kind(notebook, loss) == "probabilities"
