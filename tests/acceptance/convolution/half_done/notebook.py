# %% [markdown]
# ## Part 1. Convolution
# %%
import torch
import torch.nn as nn
# %% [markdown]
# ### 1.1 One channel, one kernel
# %%
def conv2d(image, kernel):
    height, width = kernel.shape
    output = torch.zeros(image.shape[0] - height + 1, image.shape[1] - width + 1)
    for r in range(output.shape[0]):
        for c in range(output.shape[1]):
            window = image[r:r + height, c:c + width]
            output[r, c] = sum(value for value in (window * kernel).flatten())
    return output
# %% [markdown]
# ### 1.2 Many channels, many kernels
# %%
def conv2d_multichannel(image, kernels, bias):
    I did not get further than this: for each kernel, add the planes and the bias
# %% [markdown]
# ### 1.3 Zero padding
# %%
def zero_padding(image, padding):
    height, width = image.shape
    framed = torch.zeros(height + 2, width + 2)
    framed[1:-1, 1:-1] = image
    return framed
# %% [markdown]
# ### 1.4 Stride
# %%
def strided_conv2d(image, kernel, stride):
    rows = image.shape[0] // stride
    columns = image.shape[1] // stride
    output = torch.zeros(rows, columns)
    for r in range(rows):
        for c in range(columns):
            window = image[r * stride:r * stride + 3, c * stride:c * stride + 3]
            output[r, c] = (window * kernel).sum()
    return output
# %% [markdown]
# ### 1.5 Without loops over the image
# %% [markdown]
# ## Part 2. Pooling
# %% [markdown]
# ### 2.1 Max pooling
# %%
def max_pool2d(image, size, stride):
    output = torch.zeros(image.shape[0] // size, image.shape[1] // size)
    for r in range(output.shape[0]):
        for c in range(output.shape[1]):
            output[r, c] = image[r * size:(r + 1) * size, c * size:(c + 1) * size].max()
    return output
# %% [markdown]
# ### 2.2 Average pooling
# %%
def average_pool2d(image, size, stride):
    return max_pool2d(image, size, stride)
# %% [markdown]
# ## Part 3. Edges
# %% [markdown]
# ### 3.1 The two Sobel kernels
# %%
sobel_vertical = torch.tensor([[-1., 0., 1.], [-2., 0., 2.], [-1., 0., 1.]])
# %% [markdown]
# ## Part 4. Counting
# %% [markdown]
# ### 4.1 Units
# %%
units_a = 25
units_b = 25
units_d = side_of_d * side_of_d * 10
# %% [markdown]
# ### 4.2 Weights and biases
# %%
weights_a, biases_a = 9, 1
sum = weights_a + biases_a
# %% [markdown]
# ### 4.3 Why so few?
# %% [markdown]
# ## Part 5. Two networks
# %% [markdown]
# ### 5.1 A fully connected network
# %%
mlp = nn.Sequential(nn.Linear(784, 50), nn.Linear(50, 20), nn.Linear(20, 10))
# %% [markdown]
# ### 5.2 LeNet-5
# %%
class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        return self.fc3(self.fc2(self.fc1(self.conv2(self.conv1(x)))))
