# %% [markdown] block-task
# ## 1. A block
# Build `block`, a residual block of 8 channels: two convolutions of 3 x 3 that keep the size, each with batch
# normalisation, ReLU after the first; the block's input is added, then ReLU.
# %% given-imports
import torch
from torch import nn
# %%
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels))
        self.first = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels))

    def forward(self, x):
        y = self.second(torch.relu(self.first(x)))
        return torch.relu(y)

block = ResidualBlock(8)
# %% [markdown] twins-task
# ## 2. Twins
# Build `twins`, whose `left` and `right` are one and the same convolution.
# %%
class Twins(nn.Module):
    def __init__(self):
        super().__init__()
        self.left = nn.Conv2d(3, 8, 3)
        self.right = nn.Conv2d(3, 8, 3)

    def forward(self, a, b):
        return self.left(a) - self.right(b)

twins = Twins()
# %% [markdown] head-task
# ## 3. A head
# Build `head`: the mean of each of 8 channels, and a fully connected layer from these to ten scores.
# %%
class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.scores = nn.Linear(8, 12)

    def forward(self, x):
        return self.scores(x.mean(dim=(2, 3)))

head = Head()
