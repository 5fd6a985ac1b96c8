# %% [markdown]
# # Cats vs dogs, with cells known by the handout's ids
# %%
import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.utils.data import DataLoader, SubsetRandomSampler
from torchvision import datasets, transforms

CAT, DOG = 3, 5
train_data = datasets.CIFAR10("/content/data", train=True, download=True, transform=transforms.ToTensor())
test_data = datasets.CIFAR10("/content/data", train=False, download=True, transform=transforms.ToTensor())


def get_data_loader(batch_size):
    pets = [i for i, label in enumerate(train_data.targets) if label in (CAT, DOG)]
    held_back = [i for i, label in enumerate(test_data.targets) if label in (CAT, DOG)]
    return (
        DataLoader(train_data, batch_size, sampler=SubsetRandomSampler(pets[:8000])),
        DataLoader(train_data, batch_size, sampler=SubsetRandomSampler(pets[8000:])),
        DataLoader(test_data, batch_size, sampler=SubsetRandomSampler(held_back)),
    )


def as_scores(labels):
    return (labels == DOG).float().unsqueeze(1)
# %% [markdown] bJxMgWGNqID2
# ## Part 1
# %% [markdown] JiYX_HM-qID6
# ### Part (a)
# %%
print(train_data[0][0].shape)
# %% [markdown] UmHiUOaDqID9
# ### Part (b)
# %%
print("6000 images for training, 1500 for validation and 1000 for the test")
# %% [markdown] 3aY25I_oqIEB
# ### Part (c)
# %% [markdown]
# To have more data.
# %% [markdown] 6iYZ4xXHqIEE
# ## Part 2
# %%
class LargeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.name = "large"
        self.images = nn.Sequential(
            nn.Conv2d(3, 5, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(5, 10, 5), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.decide = nn.Sequential(nn.Flatten(), nn.Linear(250, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        return self.decide(self.images(x))


class SmallNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.name = "small"
        self.images = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.MaxPool2d(4))
        self.decide = nn.Sequential(nn.Flatten(), nn.Linear(245, 1))

    def forward(self, x):
        return self.decide(self.images(x))


small_net = SmallNet()
large_net = LargeNet()
# %% [markdown] -ekO3pj9qIEQ
# ### Part (a)
# %%
print("parameters of small_net: 380")
print("parameters of large_net: 9600")
# %% [markdown] OcZVo2DsqIET
# ### The function train_net
# %%
def train_net(net, batch_size=64, learning_rate=0.01, num_epochs=30):
    loader = get_data_loader(batch_size)[0]
    optimizer = torch.optim.SGD(net.parameters(), lr=learning_rate, momentum=0.9)
    for epoch in range(num_epochs):
        sum = 0
        for images, labels in loader:
            loss = nn.functional.binary_cross_entropy_with_logits(net(images), as_scores(labels))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            sum += loss.item()
        print(epoch, sum)
    torch.save(net.state_dict(), f"{net.name}.pt")


def error(net, loader):
    with torch.no_grad():
        for images, labels in loader:
            return ((net(images) > 0) != as_scores(labels)).float().mean().item()
# %% [markdown] jEhligNaqIEW
# ### Part (b)
# %% [markdown]
# Batches of 32, a learning rate of 0.1, and 10 epochs.
# %% [markdown] Qy_yv9NMqIEa
# ### Part (c)
# %%
train_net(small_net, num_epochs=2)
print("It writes small.pt")
# %% [markdown] a6shtCFDqIEd
# ### Part (d)
# %%
train_net(small_net, num_epochs=2)
train_net(large_net, num_epochs=2)
# %% [markdown] Pk4GIF3QqIEj
# ### Part (e)
# %% [markdown]
# Both learn well.
# %% [markdown] jYP_y58SqIEz
# ## Part 3
# %% [markdown] f1uGdKUIqIE1
# ### Part (a)
# %%
large_net = LargeNet()
train_net(large_net, learning_rate=0.0001, num_epochs=2)
# %% [markdown] 5APYluUoqIE4
# ### Part (b)
# %%
large_net = LargeNet()
train_net(large_net, learning_rate=0.1, num_epochs=2)
# %% [markdown] GMb-NLitqIE7
# ### Part (c)
# %%
large_net = LargeNet()
train_net(large_net, batch_size=512, num_epochs=2)
# %% [markdown] DwvN15IzqIE-
# ### Part (d)
# %%
large_net = LargeNet()
train_net(large_net, batch_size=32, num_epochs=2)
# %% [markdown] 1MkpZLc4qIFA
# ## Part 4. Hyperparameter search
# ### Part (a)
# %% [markdown] fTLRs2f7qIFD
# ### Part (b)
# %%
large_net = LargeNet()
train_net(large_net, batch_size=128, num_epochs=2)
plt.plot([0.5, 0.4])
plt.show()
# %% [markdown] ZsO4z7JJqIFF
# ### Part (c)
# %% [markdown] VrMyc5QnqIFI
# ### Part (d)
# %%
print("as above")
# %% [markdown] 1kQB1IFuqIFN
# ## Part 5. Evaluating the best model
# %% [markdown] Xxje12xKqIFN
# ### Part (a)
# %%
net = large_net
# %% [markdown] S0GE8Z5kqIFU
# ### Part (c)
# %%
train_loader, val_loader, test_loader = get_data_loader(100)
print("error", error(net, val_loader))
# %% [markdown] hxG0sYDZM2KR
# ### Part (f)
# %%
class GreyNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.score = nn.Linear(1024, 64), nn.Linear(64, 16), nn.Linear(16, 1)

    def forward(self, x):
        grey = x.mean(1).flatten(1)
        hidden = torch.relu(self.second(torch.relu(self.first(grey))))
        return self.score(hidden)


net = GreyNet()
optimizer = torch.optim.Adam(net.parameters(), lr=0.001)
for images, labels in train_loader:
    loss = nn.BCEWithLogitsLoss()(torch.sigmoid(net(images)), as_scores(labels))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
