# %% [markdown] block-task
# ## 1. A block
# Build `block`, a residual block of 8 channels: two convolutions of 3 x 3 that keep the size, each with batch
# normalisation, ReLU after the first; the block's input is added, then ReLU.
# %% given-imports
import torch
from torch import nn
# %% [markdown] twins-task
# ## 2. Twins
# Build `twins`, whose `left` and `right` are one and the same convolution.
# %% [markdown] head-task
# ## 3. A head
# Build `head`: the mean of each of 8 channels, and a fully connected layer from these to ten scores.
