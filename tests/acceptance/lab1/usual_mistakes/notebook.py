# %% [markdown]
# ## Part 1
# %% [markdown]
# ### Part (a)
# %%
def sum_of_cubes(n):
    if n < 0 or n != int(n):
        print("Invalid input")
        return -1
    sum = 0
    for i in range(n):
        sum += i ** 3
    return sum
# %% [markdown]
# ### Part (b)
# %%
def word_lengths(sentence):
    return print([len(word) for word in sentence.split()])
# %% [markdown]
# ### Part (c)
# %%
def all_same_length(sentence):
    words = sentence.split()
    for word in words:
        if len(word) != len(words[0]):
            return "False"
    return "True"
# %% [markdown]
# ## Part 2
# %% [markdown]
# ### Part (b)
# %%
import numpy as np
matrix = np.array([[1., 2., 3., 0.5], [4., 5., 0., 0.], [-1., -2., 1., 1.]])
vector = np.array([2., 0., 1., -2.])
output = np.array([np.dot(row, vector) for row in matrix])
# %% [markdown]
# ### Part (c)
# %%
output2 = matrix * vector
# %% [markdown]
# ### Part (d)
# %%
print(output.all() == output2.all())
# %% [markdown]
# ### Part (e)
# %%
import time
begin = time.time()
np.dot(matrix, vector)
print(time.time() - begin)
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
img
# %% [markdown]
# ### Part (c)
# %%
img_add = img + 0.25
np.clip(img_add, 0, 1)
plt.imshow(img_add)
# %% [markdown]
# ### Part (d)
# %%
img_cropped = img[0:150, 0:130, 0:3]
# %% [markdown]
# ## Part 4
# %% [markdown]
# ### Part (a)
# %%
import torch
img_torch = img_cropped
# %% [markdown]
# ### Part (b)
# %%
img_torch.shape
# %% [markdown]
# ### Part (c)
# %%
print("dtype float32, so 32 floats")
# %% [markdown]
# ### Part (f)
# %%
maximum = torch.max(torch.from_numpy(img_torch))
# %% [markdown]
# ## Part 5
# %%
print("Training Error Rate: 0.5")
print("Test Error Rate: 0.5")
# %% [markdown]
# ### Part (c)
# %% [markdown]
# I would use those of (a), which are better than those of (b) on the training data.
