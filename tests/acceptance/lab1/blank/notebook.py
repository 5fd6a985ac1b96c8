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
output = None
# %% [markdown]
# ### Part (c)
# %%
output2 = None
# %% [markdown]
# ## Part 3
# %% [markdown]
# ### Part (a)
# %%
img = None
# %% [markdown]
# ### Part (b)
# %%

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
