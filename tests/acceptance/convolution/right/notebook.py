# %% [markdown] part-1
# ## Part 1. Convolution [12 pt]
# %% imports
import torch
import torch.nn as nn
import torch.nn.functional as F
# %% [markdown] conv2d-task
# ### 1.1 One channel, one kernel [3 pt]
# %% conv2d
def conv2d(image, kernel):
    height, width = kernel.shape
    rows, columns = image.shape[0] - height + 1, image.shape[1] - width + 1
    output = torch.zeros(rows, columns)
    for row in range(rows):
        for column in range(columns):
            window = image[row:row + height, column:column + width]
            output[row, column] = (window * kernel).sum()
    return output
# %% [markdown] conv2d-multichannel-task
# ### 1.2 Many channels, many kernels [3 pt]
# %% conv2d-multichannel
def conv2d_multichannel(image, kernels, bias):
    maps = []
    for kernel, offset in zip(kernels, bias):
        planes = [conv2d(plane, weights) for plane, weights in zip(image, kernel)]
        maps.append(torch.stack(planes).sum(dim=0) + offset)
    return torch.stack(maps)
# %% [markdown] zero-padding-task
# ### 1.3 Zero padding [2 pt]
# %% zero-padding
def zero_padding(image, padding):
    height, width = image.shape
    framed = torch.zeros(height + 2 * padding, width + 2 * padding)
    framed[padding:padding + height, padding:padding + width] = image
    return framed
# %% [markdown] strided-conv2d-task
# ### 1.4 Stride [2 pt]
# %% strided-conv2d
def strided_conv2d(image, kernel, stride):
    return conv2d(image, kernel)[::stride, ::stride]
# %% [markdown] vectorized-task
# ### 1.5 Without loops over the image [2 pt]
# %% vectorized
def conv2d_fast(image, kernel):
    return F.conv2d(image[None, None], kernel[None, None])[0, 0]
# %% [markdown] part-2
# ## Part 2. Pooling [4 pt]
# %% [markdown] max-pool2d-task
# ### 2.1 Max pooling [2 pt]
# %% max-pool2d
def pool(image, size, stride, keep):
    rows = range(0, image.shape[0] - size + 1, stride)
    columns = range(0, image.shape[1] - size + 1, stride)
    return torch.stack([
        torch.stack([keep(image[row:row + size, column:column + size]) for column in columns]) for row in rows
    ])


def max_pool2d(image, size, stride):
    return pool(image, size, stride, torch.max)
# %% [markdown] average-pool2d-task
# ### 2.2 Average pooling [2 pt]
# %% average-pool2d
def average_pool2d(image, size, stride):
    return pool(image, size, stride, torch.mean)
# %% [markdown] part-3
# ## Part 3. Edges [2 pt]
# %% [markdown] sobel-filters-task
# ### 3.1 The two Sobel kernels [2 pt]
# %% sobel-filters
sobel_vertical = torch.tensor([[-1., 0., 1.], [-2., 0., 2.], [-1., 0., 1.]])
sobel_horizontal = sobel_vertical.T
# %% [markdown] part-4
# ## Part 4. Counting [13 pt]
# %% [markdown] output-units-task
# ### 4.1 Units [4 pt]
# %% output-units
units_a = 5 * 5
units_b = 5 * 5
units_c = 5 * 5 * 5
units_d = (10, 30, 30)
# %% [markdown] weight-counts-task
# ### 4.2 Weights and biases [5 pt]
# %% weight-counts
weights_a, biases_a = 9, 1
weights_b, biases_b = 27, 1
weights_c, biases_c = 5 * 27, 5
weights_d, biases_d = 450, 10
weights_e, biases_e = 200 * 200 * 500, 500
# %% [markdown] why-convolution-task
# ### 4.3 Why so few? [4 pt]
# %% [markdown] why-convolution
# Each unit looks at nine pixels only, since what is near belongs together. All units of a map share one kernel,
# since an edge may be anywhere.
# %% [markdown] part-5
# ## Part 5. Two networks [9 pt]
# %% [markdown] mlp-task
# ### 5.1 A fully connected network [2 pt]
# %% mlp
class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(784, 50), nn.ReLU(), nn.Linear(50, 20), nn.ReLU(), nn.Linear(20, 10)
        )

    def forward(self, x):
        return self.layers(x)
# %% [markdown] lenet5-task
# ### 5.2 LeNet-5 [7 pt]
# %% lenet5
class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = F.avg_pool2d(torch.tanh(self.conv1(x)), 2)
        x = F.avg_pool2d(torch.tanh(self.conv2(x)), 2)
        x = torch.tanh(self.fc1(x.flatten(1)))
        return self.fc3(torch.tanh(self.fc2(x)))
