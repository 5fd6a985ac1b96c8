# %% [markdown]
# ## Part 1
# %% [markdown]
# ### Part (a)
# %%
def sum_of_cubes(n):
    """1^3 + ... + n^3"""
# %% [markdown]
# ### Part (b)
# %%
def word_lengths(sentence):
    """The length of each word."""
# %% [markdown]
# ### Part (c)
# %%
def all_same_length(sentence):
    """Whether all words are equally long; word_lengths helps."""
# %% [markdown]
# ## Part 2
# %% [markdown]
# ### Part (b)
# %%
import numpy as np
matrix = np.array([[1., 2., 3., 0.5], [4., 5., 0., 0.], [-1., -2., 1., 1.]])
vector = np.array([2., 0., 1., -2.])
output = np.zeros(3)
for row in range(3):
    for column in range(3):
        output[row] += matrix[row, column] * vector[column]
# %% [markdown]
# ### Part (c)
# %%
output2 = None
# %% [markdown]
# ## Part 3
# %% [markdown]
# ### Part (a)
# %%
img = np.zeros((200, 300, 4))
# %% [markdown]
# ### Part (b)
# %%
print(img.shape)
# %% [markdown]
# ### Part (c)
# %%
img_add = None
# %% [markdown]
# ### Part (d)
# %% [markdown]
# ## Part 4
# %% [markdown]
# ### Part (a)
# %%
img_torch = None
# %% [markdown]
# ### Part (b)
# %% [markdown]
# ### Part (c)
# %% [markdown]
# ### Part (f)
# %% [markdown]
# ## Part 5
# %% [markdown]
# ### Part (a)
# %%
import torch
from torch import nn

torch.manual_seed(1)
images = torch.rand(100, 784)
small = (torch.arange(100) % 2).float()
pigeon = nn.Sequential(nn.Linear(784, 30), nn.ReLU(), nn.Linear(30, 1), nn.Flatten(0))
optimizer = torch.optim.SGD(pigeon.parameters(), lr=1e-9)
loss = nn.functional.binary_cross_entropy_with_logits(pigeon(images), small)
loss.backward()
optimizer.step()
wrong = ((pigeon(images) > 0) != (small > 0.5)).float().mean().item()
print("Training Error Rate:", wrong)
