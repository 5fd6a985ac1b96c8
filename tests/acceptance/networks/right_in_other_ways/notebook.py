# %% [markdown] data-task
# ## 1. Data
# How many pictures are for training, for validation and for the test?
# %% given-data
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, Subset

class Rows(Dataset):
    """Pictures of 8 x 8 pixels with one bright row; its place is the class."""
    def __init__(self, train):
        self.train = train
        generator = torch.Generator().manual_seed(1 if train else 2)
        self.labels = torch.arange(144 if train else 24) % 3
        self.images = 0.3 * torch.randn(len(self.labels), 1, 8, 8, generator=generator)
        for image, label in zip(self.images, self.labels):
            image[0, 3 * label] += 2
    def __len__(self):
        return len(self.labels)
    def __getitem__(self, index):
        return self.images[index], self.labels[index]

pictures = Rows(train=True)
train_set, validation_set = Subset(pictures, range(96)), Subset(pictures, range(96, 144))
test_set = Rows(train=False)
# %% [markdown]
# 96 for training, 48 for validation, and 24 for the test.
# %% [markdown] network-task
# ## 2. Network
# %%
class Features(nn.Module):
    def __init__(self):
        super().__init__()
        self.filters = nn.Conv2d(1, 4, kernel_size=(3, 3), padding="same")
    def forward(self, x):
        return F.max_pool2d(self.filters(x).relu(), 2)

class Rower(nn.Sequential):
    @property
    def features(self):
        return self[0]

net = Rower(Features(), nn.Flatten(), nn.Linear(4 * 4 * 4, 3))
# %% [markdown]
# 4 * 9 + 4 weights and biases in the filters and 64 * 3 + 3 in the last layer: 235 parameters.
# %% [markdown] training-task
# ## 3. Training
# %%
def start_again():
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.reset_parameters()

def run(loader, optimizer, epochs, axes=None):
    losses = []
    while epochs > 0:
        epochs -= 1
        for x, y in loader:
            loss = F.nll_loss(F.log_softmax(net(x), dim=1), y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.item())
    if axes is not None:
        axes.plot(losses)

def right(data):
    with torch.inference_mode():
        return sum(int((net(x).argmax(1) == y).sum()) for x, y in DataLoader(data, batch_size=8))

import matplotlib.pyplot as plt
figure, axes = plt.subplots()
axes.set(xlabel="step", ylabel="loss")
run(DataLoader(train_set, 16, shuffle=True), torch.optim.SGD(net.parameters(), lr=0.1), 4, axes)
torch.save(net, "net.pt")
print(right(validation_set), "of 48")
# %% [markdown] small-set-task
# ## 4. A small set
# %%
start_again()
few = [train_set[i] for i in range(12)]
run(DataLoader(few, batch_size=12), torch.optim.Adam(net.parameters(), lr=0.02), 100)
# %% [markdown] search-task
# ## 5. Settings
# %% [markdown] rate-task
# ### 5.1 Learning rate 0.02
# %%
start_again()
run(DataLoader(train_set, 16, shuffle=True), torch.optim.SGD(net.parameters(), lr=0.02), 4)
print(right(validation_set), "of 48")
# %% [markdown] batches-task
# ### 5.2 Batches of 48
# %%
start_again()
run(DataLoader(train_set, 48, shuffle=True), torch.optim.SGD(net.parameters(), lr=0.1), 4)
print(right(validation_set), "of 48")
# %% [markdown] test-task
# ## 6. Test
# %%
net.load_state_dict(torch.load("net.pt", weights_only=False).state_dict())
print(f"accuracy: {right(test_set) / 24:.2f}")
# %% [markdown] features-task
# ## 7. Features
# %%
outputs = []
for x, _ in DataLoader(train_set, batch_size=96):
    outputs.append(net.features(x).detach().numpy())
import numpy as np
np.save("features.npy", np.concatenate(outputs))
# %% [markdown]
# So that nothing flows back into the filters.
# %% [markdown] by-hand-task
# ## 8. By hand
# %%
class Convolution(nn.Module):
    def __init__(self, channels, filters, size, stride):
        super().__init__()
        self.kernels = nn.Parameter(torch.rand(filters, channels, size, size) - 0.5)
        self.stride = stride
    def forward(self, images):
        n, _, height, width = images.shape
        filters, _, size, _ = self.kernels.shape
        down, right = (height - size) // self.stride + 1, (width - size) // self.stride + 1
        result = torch.zeros(n, filters, down, right)
        for i in range(down):
            for j in range(right):
                top, left = i * self.stride, j * self.stride
                window = images[:, None, :, top : top + size, left : left + size]
                result[:, :, i, j] = (window * self.kernels).sum(dim=(2, 3, 4))
        return result
