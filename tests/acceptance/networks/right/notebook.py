# %% [markdown] data-task
# ## 1. Data
# How many pictures are for training, for validation and for the test?
# %% given-data
import matplotlib.pyplot as plt
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
# %%
print(len(train_set), len(validation_set), len(test_set))
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
print("parameters:", sum(p.numel() for p in net.parameters()))
# %% [markdown] training-task
# ## 3. Training
# %%
def accuracy(net, data):
    right = 0
    with torch.no_grad():
        for images, labels in DataLoader(data, batch_size=24):
            right += (net(images).argmax(1) == labels).sum().item()
    return right / len(data)

def train(net, data, rate=0.1, size=16, epochs=4):
    loader = DataLoader(data, batch_size=size, shuffle=True)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=rate)
    curve = []
    for epoch in range(epochs):
        for images, labels in loader:
            optimizer.zero_grad()
            criterion(net(images), labels).backward()
            optimizer.step()
        curve.append(accuracy(net, data))
    return curve

plt.plot(train(net, train_set))
plt.xlabel("epoch")
plt.ylabel("accuracy")
plt.show()
torch.save(net.state_dict(), "rows.pt")
print("validation:", accuracy(net, validation_set))
# %% [markdown] small-set-task
# ## 4. A small set
# %%
small_net = Net()
train(small_net, Subset(train_set, range(12)), size=12, epochs=100)
# %% [markdown] search-task
# ## 5. Settings
# %% [markdown] rate-task
# ### 5.1 Learning rate 0.02
# %%
slow = Net()
train(slow, train_set, rate=0.02)
print("validation:", accuracy(slow, validation_set))
# %% [markdown] batches-task
# ### 5.2 Batches of 48
# %%
large = Net()
train(large, train_set, size=48)
print("validation:", accuracy(large, validation_set))
# %% [markdown] test-task
# ## 6. Test
# %%
net = Net()
net.load_state_dict(torch.load("rows.pt"))
print("accuracy:", accuracy(net, test_set))
# %% [markdown] features-task
# ## 7. Features
# %%
with torch.no_grad():
    saved = torch.cat([net.features(images) for images, _ in DataLoader(train_set, batch_size=48)])
torch.save(saved, "features.pt")
# %% [markdown]
# What is trained on them must not change the convolution.
# %% [markdown] by-hand-task
# ## 8. By hand
# %%
class Convolution(nn.Module):
    def __init__(self, channels, filters, size, stride=1):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(filters, channels, size, size))
        self.bias = nn.Parameter(torch.randn(filters))
        self.stride = stride
    def forward(self, images):
        size = self.weight.shape[-1]
        windows = images.unfold(2, size, self.stride).unfold(3, size, self.stride)
        sums = torch.einsum("nchwij,fcij->nfhw", windows, self.weight)
        return sums + self.bias[:, None, None]
