# %% [markdown]
# ## Part 1. Convolution
# %%
import torch
import torch.nn as nn
import torch.nn.functional as F
# %% [markdown]
# ### 1.1 One channel, one kernel
# %%
def conv2d(image, kernel):
    turned = torch.flip(kernel, (0, 1))
    height, width = kernel.shape
    output = torch.zeros(image.shape[0] - height + 1, image.shape[1] - width + 1)
    for r in range(output.shape[0]):
        for c in range(output.shape[1]):
            output[r, c] = (image[r:r + height, c:c + width] * turned).sum()
    return output
# %% [markdown]
# ### 1.2 Many channels, many kernels
# %%
def conv2d_multichannel(image, kernels, bias):
    _, _, height, width = kernels.shape
    output = torch.zeros(len(kernels), image.shape[1] - height + 1, image.shape[2] - width + 1)
    for f in range(len(kernels)):
        for r in range(output.shape[1]):
            for c in range(output.shape[2]):
                output[f, r, c] = (image[0, r:r + height, c:c + width] * kernels[f, 0]).sum() + bias[f]
    return output
# %% [markdown]
# ### 1.3 Zero padding
# %%
def zero_padding(image, padding):
    return F.pad(image, (padding, padding, padding, padding)).T
# %% [markdown]
# ### 1.4 Stride
# %%
def strided_conv2d(image, kernel, stride):
    height, width = kernel.shape
    output = torch.zeros(image.shape[0] - height + 1, image.shape[1] - width + 1)
    for r in range(output.shape[0]):
        for c in range(output.shape[1]):
            output[r, c] = (image[r:r + height, c:c + width] * kernel).sum()
    return output
# %% [markdown]
# ### 1.5 Without loops over the image
# %%
def conv2d_fast(image, kernel):
    return strided_conv2d(image, kernel, 1)
# %% [markdown]
# ## Part 2. Pooling
# %% [markdown]
# ### 2.1 Max pooling
# %%
def max_pool2d(image, size, stride):
    rows = (image.shape[0] - size) // stride + 1
    columns = (image.shape[1] - size) // stride + 1
    output = torch.zeros(rows, columns)
    for r in range(rows):
        for c in range(columns):
            for value in image[r * stride:r * stride + size, c * stride:c * stride + size].flatten():
                if value > output[r, c]:
                    output[r, c] = value
    return output
# %% [markdown]
# ### 2.2 Average pooling
# %%
def average_pool2d(image, size, stride):
    rows = (image.shape[0] - size) // stride + 1
    columns = (image.shape[1] - size) // stride + 1
    output = torch.zeros(rows, columns)
    for r in range(rows):
        for c in range(columns):
            sum = 0
            for value in image[r * stride:r * stride + size, c * stride:c * stride + size].flatten():
                sum += value
            output[r, c] = sum
    return output
# %% [markdown]
# ## Part 3. Edges
# %% [markdown]
# ### 3.1 The two Sobel kernels
# %%
sobel_horizontal = torch.tensor([[-1., 0., 1.], [-2., 0., 2.], [-1., 0., 1.]])
sobel_vertical = sobel_horizontal.T
# %% [markdown]
# ## Part 4. Counting
# %% [markdown]
# ### 4.1 Units
# %%
units_a = 49
units_b = 25
units_c = 25
units_d = 30
# %% [markdown]
# ### 4.2 Weights and biases
# %%
weights_a, biases_a = 10, 1
weights_b, biases_b = 9, 1
weights_c, biases_c = 135, 135
weights_d, biases_d = 45, 10
weights_e, biases_e = 40000 * 500, 500
# %% [markdown]
# ### 4.3 Why so few?
# %% [markdown]
# ## Part 5. Two networks
# %% [markdown]
# ### 5.1 A fully connected network
# %%
class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(784, 50, bias=False), nn.Linear(50, 20), nn.Linear(20, 10))

    def forward(self, x):
        return self.layers(x)
# %% [markdown]
# ### 5.2 LeNet-5
# %%
class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 6 * 6, 120)
        self.fc2 = nn.Linear(120, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))
