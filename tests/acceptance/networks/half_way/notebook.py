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
# %% [markdown] network-task
# ## 2. Network
# %%
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.decide = nn.Linear(64, 3)
    def forward(self, images):
        return self.decide(self.features(images).flatten(1))

net = Net()
# %% [markdown] training-task
# ## 3. Training
# %%
def train(net, data, rate=0.1, size=16, epochs=4):
    loader = DataLoader(data, batch_size=size, shuffle=True)
    optimizer = torch.optim.SGD(net.parameters(), lr=rate)
    for epoch in range(epochs):
        for images, labels in loader:
            optimizer.zero_grad()
            F.cross_entropy(net(images), labels).backward()
            optimizer.step()

train(net, train_set)
# %% [markdown] small-set-task
# ## 4. A small set
# %%
small_net = Net()
train(small_net, Subset(train_set, range(12)), rate=1e-4, size=12, epochs=3)
# %% [markdown] search-task
# ## 5. Settings
# %% [markdown] rate-task
# ### 5.1 Learning rate 0.02
# %%
slow = Net()
train(slow, train_set, rate=0.02)
# %% [markdown] batches-task
# ### 5.2 Batches of 48
# %%
print("Larger batches were not tried.")
# %% [markdown] test-task
# ## 6. Test
# Print the accuracy of the network that you choose.
# %% [markdown] features-task
# ## 7. Features
# %%
kept = [net.features(images) for images, _ in DataLoader(train_set, batch_size=48)]
# %% [markdown] by-hand-task
# ## 8. By hand
# Write `Convolution(channels, filters, size, stride)`, an `nn.Module` with weights of its own, without `nn.Conv2d`.
