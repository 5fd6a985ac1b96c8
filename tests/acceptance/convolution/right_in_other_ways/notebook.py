# %% [markdown]
# ## Part 1. Convolution
# %%
import numpy as np
import torch
from torch import nn
# %% [markdown]
# ### 1.1 One channel, one kernel
# %%
def conv2d(image, kernel):
    # NumPy, plain Python floats, and a list of lists as the answer
    pixels, weights = image.numpy(), kernel.numpy()
    output = []
    for top in range(pixels.shape[0] - weights.shape[0] + 1):
        row = []
        for left in range(pixels.shape[1] - weights.shape[1] + 1):
            total = 0.0
            for (down, right), weight in np.ndenumerate(weights):
                total += float(weight) * float(pixels[top + down, left + right])
            row.append(total)
        output.append(row)
    return output
# %% [markdown]
# ### 1.2 Many channels, many kernels
# %%
def conv2d_multichannel(image, kernels, bias):
    filters, channels, height, width = kernels.shape
    rows, columns = image.shape[1] - height + 1, image.shape[2] - width + 1
    output = np.zeros((filters, rows, columns))
    for f in range(filters):
        for r in range(rows):
            for c in range(columns):
                window = image[:, r:r + height, c:c + width].numpy()
                output[f, r, c] = np.sum(window * kernels[f].numpy()) + bias[f].item()
    return output
# %% [markdown]
# ### 1.3 Zero padding
# %%
zero_padding = lambda image, padding: torch.nn.functional.pad(image, (padding, padding, padding, padding))
# %% [markdown]
# ### 1.4 Stride
# %%
def strided_conv2d(image, kernel, stride):
    height, width = kernel.shape
    rows = (image.shape[0] - height) // stride + 1
    columns = (image.shape[1] - width) // stride + 1
    output = torch.empty(1, 1, rows, columns)
    for r in range(rows):
        for c in range(columns):
            top, left = r * stride, c * stride
            output[0, 0, r, c] = torch.sum(image[top:top + height, left:left + width] * kernel)
    return output
# %% [markdown]
# ### 1.5 Without loops over the image
# %%
def conv2d_fast(image, kernel):
    height, width = kernel.shape
    rows, columns = image.shape[0] - height + 1, image.shape[1] - width + 1
    output = torch.zeros(rows, columns)
    for down in range(height):
        for right in range(width):
            output += kernel[down, right] * image[down:down + rows, right:right + columns]
    return output
# %% [markdown]
# ## Part 2. Pooling
# %% [markdown]
# ### 2.1 Max pooling
# %%
def max_pool2d(image, size, stride):
    answer = []
    for top in range(0, len(image) - size + 1, stride):
        answer.append([])
        for left in range(0, len(image[0]) - size + 1, stride):
            answer[-1].append(image[top:top + size, left:left + size].max().item())
    print("pooled to", len(answer), "rows")
    return torch.tensor(answer, dtype=torch.float64)
# %% [markdown]
# ### 2.2 Average pooling
# %%
def average_pool2d(image, size, stride):
    answer = []
    for top in range(0, len(image) - size + 1, stride):
        answer.append([])
        for left in range(0, len(image[0]) - size + 1, stride):
            answer[-1].append(image[top:top + size, left:left + size].mean().item())
    return np.array(answer)
# %% [markdown]
# ## Part 3. Edges
# %% [markdown]
# ### 3.1 The two Sobel kernels
# %%
sobel_vertical = [[1, 0, -1], [2, 0, -2], [1, 0, -1]]
sobel_horizontal = np.array(sobel_vertical).T
# %% [markdown]
# ## Part 4. Counting
# %% [markdown]
# ### 4.1 Units
# %%
units_a = (1, 5, 5)
units_b = 25.0
units_c = torch.zeros(5, 5, 5).shape
units_d = "9,000"
# %% [markdown]
# ### 4.2 Weights and biases
# %%
weights_a, biases_a = (p.numel() for p in nn.Conv2d(1, 1, 3).parameters())
weights_b, biases_b = (p.numel() for p in nn.Conv2d(3, 1, 3).parameters())
weights_c, biases_c = np.int64(135), np.int64(5)
weights_d, biases_d = torch.tensor(450), torch.tensor(10)
weights_e, biases_e = 2e7, 500
# %% [markdown]
# ### 4.3 Why so few?
# %% [markdown]
# Local connections and shared weights.
# %% [markdown]
# ## Part 5. Two networks
# %% [markdown]
# ### 5.1 A fully connected network
# %%
class MLP(nn.Module):
    def __init__(self, sizes=(784, 50, 20, 10)):
        super(MLP, self).__init__()
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in zip(sizes, sizes[1:]))

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = torch.sigmoid(layer(x))
        return self.layers[-1](x)
# %% [markdown]
# ### 5.2 LeNet-5
# %%
LeNet5 = lambda: nn.Sequential(
    nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
)
lenet = LeNet5()
# %%
# Something left over that raises must not cost anything.
undefined_name
