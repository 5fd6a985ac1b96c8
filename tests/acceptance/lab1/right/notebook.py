# %% [markdown]
# ## Part 1
# %% [markdown]
# ### Part (a)
# %%
def sum_of_cubes(n):
    if not isinstance(n, int) or n < 0:
        print("Invalid input")
        return -1
    total = 0
    for i in range(1, n + 1):
        total += i ** 3
    return total
# %% [markdown]
# ### Part (b)
# %%
def word_lengths(sentence):
    return [len(word) for word in sentence.split(" ")]
# %% [markdown]
# ### Part (c)
# %%
def all_same_length(sentence):
    lengths = word_lengths(sentence)
    return all(length == lengths[0] for length in lengths)
# %% [markdown]
# ## Part 2
# %%
import numpy as np
# %% [markdown]
# ### Part (a)
# %%
matrix = np.array([[1., 2., 3., 0.5], [4., 5., 0., 0.], [-1., -2., 1., 1.]])
vector = np.array([2., 0., 1., -2.])
print(matrix.size, matrix.shape)  # 12 elements in three rows and four columns
# %% [markdown]
# ### Part (b)
# %%
output = []
for row in matrix:
    entry = 0
    for a, b in zip(row, vector):
        entry += a * b
    output.append(entry)
output = np.array(output)
# %% [markdown]
# ### Part (c)
# %%
output2 = np.dot(matrix, vector)
# %% [markdown]
# ### Part (d)
# %%
print(np.array_equal(output, output2))
# %% [markdown]
# ### Part (e)
# %%
import time


def seconds(product):
    begin = time.time()
    for _ in range(1000):
        product()
    return time.time() - begin


print("loops", seconds(lambda: [sum(a * b for a, b in zip(row, vector)) for row in matrix]))
print("np.dot", seconds(lambda: np.dot(matrix, vector)))
# %% [markdown]
# ## Part 3
# %%
import matplotlib.pyplot as plt
# %% [markdown]
# ### Part (a)
# %%
img = plt.imread("https://example.org/dog.png")
# %% [markdown]
# ### Part (b)
# %%
plt.imshow(img)
# %% [markdown]
# ### Part (c)
# %%
img_add = np.clip(img + 0.25, 0, 1)
plt.imshow(img_add)
# %% [markdown]
# ### Part (d)
# %%
img_cropped = img[40:170, 60:210, :3]
plt.imshow(img_cropped)
# %% [markdown]
# ## Part 4
# %%
import torch
# %% [markdown]
# ### Part (a)
# %%
img_torch = torch.from_numpy(img_cropped)
# %% [markdown]
# ### Part (b)
# %%
img_torch.shape
# %% [markdown]
# ### Part (c)
# %%
print(img_torch.numel())
# %% [markdown]
# ### Part (d)
# %%
print(img_torch.transpose(0, 2).shape, img_torch.shape)  # a new view; the tensor itself stays
# %% [markdown]
# ### Part (e)
# %%
print(img_torch.unsqueeze(0).shape, img_torch.shape)  # likewise
# %% [markdown]
# ### Part (f)
# %%
maximum = torch.amax(img_torch, dim=(0, 1))
# %% [markdown]
# ## Part 5
# %%
from torch import nn
from torchvision import datasets, transforms

torch.manual_seed(1)
digits = datasets.MNIST("data", train=True, download=True, transform=transforms.ToTensor())
images, unseen = (torch.stack([digits[start + i][0] for i in range(1000)]) for start in (0, 1000))
small, unseen_small = (torch.tensor([float(digits[start + i][1] < 3) for i in range(1000)]) for start in (0, 1000))
pigeon = nn.Sequential(nn.Flatten(), nn.Linear(784, 60), nn.ReLU(), nn.Linear(60, 1), nn.Flatten(0))
optimizer = torch.optim.Adam(pigeon.parameters(), lr=0.01)
for iteration in range(120):
    loss = nn.functional.binary_cross_entropy_with_logits(pigeon(images), small)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
wrong = ((pigeon(images) > 0) != (small > 0.5)).float().mean().item()
print("Training Error Rate:", wrong)
wrong = ((pigeon(unseen) > 0) != (unseen_small > 0.5)).float().mean().item()
print("Test Error Rate:", wrong)
# Out: Training Error Rate: 0.004
# Out: Test Error Rate: 0.052
# %% [markdown]
# ### Part (a)
# %% [markdown]
# Adam and more iterations.
# %% [markdown]
# ### Part (b)
# %% [markdown]
# More hidden units.
# %% [markdown]
# ### Part (c)
# %% [markdown]
# I would use those of (b), as they are better on data never seen.
