# %% [markdown]
# ## Part 1
# %% [markdown]
# ### Part (a)
# %%
def sum_of_cubes(n):
    if n < 0:
        return -1
    return sum(i ** 3 for i in range(n + 1))
# %% [markdown]
# ### Part (b)
# %%
def word_lengths(sentence)
    return [len(word) for word in sentence.split()]
# %% [markdown]
# ### Part (c)
# %%
def all_same_length(sentence):
    return len(set(word_lengths(sentence))) == 1
# %% [markdown]
# ## Part 2
# %% [markdown]
# ### Part (b)
# %%
output = matrix_times(vector)
# %% [markdown]
# ### Part (c)
# %%
import numpy as np
result = np.dot(np.array([[1., 2., 3., 0.5], [4., 5., 0., 0.], [-1., -2., 1., 1.]]), [2., 0., 1., -2.])
# %% [markdown]
# ## Part 3
# %% [markdown]
# ### Part (a)
# %%
import matplotlib.pyplot as plt
img = plt.imread("https://example.org/dog.png")
# %% [markdown]
# ### Part (b)
# %%
plt.imshow(image)
# %% [markdown]
# ### Part (c)
# %%
img_add = img + 0.3
# %% [markdown]
# ### Part (d)
# %%
img_cropped = img_add[0:130, 0:150, 0:3]
# %% [markdown]
# ## Part 4
# %% [markdown]
# ### Part (a)
# %%
import torch
img_torch = torch.from_numpy(img_cropped).permute(2, 0, 1)
# %% [markdown]
# ### Part (b)
# %% [markdown]
# ### Part (c)
# %% [markdown]
# ### Part (f)
# %%
answer = img_torch.max()
# %% [markdown]
# ## Part 5
# %%
I changed the learning rate to 0.01 and the training error went down to 0.02.
