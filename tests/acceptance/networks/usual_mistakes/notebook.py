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
# %%
print("100 pictures for training, 50 for validation")
# %% [markdown] network-task
# ## 2. Network
# %%
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.decide = nn.Linear(128, 10)
    def forward(self, images):
        scores = self.decide(self.features(images).flatten(1))
        return torch.softmax(scores, dim=1)

net = Net()
print("parameters:", sum(p.numel() for p in net.parameters()))
# %% [markdown] training-task
# ## 3. Training
# %%
def accuracy(data):
    max = 0
    with torch.no_grad():
        for images, labels in DataLoader(data, batch_size=24):
            max += (net(images).argmax(1) == labels).sum().item()
    return max / len(data)

def train(data, rate, watched):
    loader = DataLoader(data, batch_size=16, shuffle=True)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=rate)
    for epoch in range(4):
        for images, labels in loader:
            optimizer.zero_grad()
            criterion(net(images), labels).backward()
            optimizer.step()
        print(epoch, "test:", accuracy(watched))

train(train_set, 0.1, test_set)
# %% [markdown] small-set-task
# ## 4. A small set
# %%
few = Subset(train_set, range(12))
# %% [markdown] search-task
# ## 5. Settings
# %% [markdown] rate-task
# ### 5.1 Learning rate 0.02
# %%
train(train_set, 0.02, test_set)
# %% [markdown] batches-task
# ### 5.2 Batches of 48
# %% [markdown]
# Larger batches would be faster.
# %% [markdown] test-task
# ## 6. Test
# %%
for parameter in net.parameters():
    nn.init.zeros_(parameter)
print("accuracy:", accuracy(validation_set))
# %% [markdown] features-task
# ## 7. Features
# %%
kept = net.features(train_set[0][0][None])
# %% [markdown] by-hand-task
# ## 8. By hand
# %%
class Convolution(nn.Module):
    def __init__(self, channels, filters, size, stride=1):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(filters, channels, size, size))
        self.stride = stride
    def forward(self, images):
        return F.conv2d(images, self.weight.flip(2, 3), stride=self.stride)
