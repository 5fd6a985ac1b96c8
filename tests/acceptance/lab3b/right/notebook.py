# %% [markdown]
# # Gestures
# %%
import matplotlib.pyplot as plt
import torch
import torchvision
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchvision import transforms

LETTERS = "ABCDEFGHI"
# %% [markdown]
# ## 1. Data
# %%
def photos(part):
    return torchvision.datasets.ImageFolder(f"/content/gestures/{part}", transforms.ToTensor())


train_set, val_set, test_set = photos("train"), photos("val"), photos("test")
print(len(train_set), len(val_set), len(test_set))
# %% [markdown]
# Each person's hands are in one of the three sets only.
# %% [markdown]
# ## 2. Model
# %% [markdown]
# ### Part (a)
# %%
class Gestures(nn.Module):
    def __init__(self, channels=8):
        super().__init__()
        self.filters = nn.Sequential(
            nn.Conv2d(3, channels, 8, stride=8),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(channels, 16, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.letter = nn.Sequential(nn.Linear(16 * 6 * 6, 32), nn.ReLU(), nn.Linear(32, len(LETTERS)))

    def forward(self, images):
        return self.letter(self.filters(images).flatten(1))
# %% [markdown]
# Two convolutions, as hands are made of a few simple shapes, and two layers that combine them.
# %% [markdown]
# ### Part (b)
# %%
def accuracy(net, data, batch_size=32):
    right = seen = 0
    net.eval()
    with torch.no_grad():
        for images, labels in DataLoader(data, batch_size):
            right += (net(images).argmax(1) == labels).sum().item()
            seen += len(labels)
    net.train()
    return right / seen


def train(net, data, name, validation=None, batch_size=16, learning_rate=0.005, epochs=2):
    loader = DataLoader(data, batch_size, shuffle=True)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=learning_rate)
    losses, curve = [], []
    for epoch in range(epochs):
        for images, labels in loader:
            optimizer.zero_grad()
            loss = criterion(net(images), labels)
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
        if validation is not None:
            curve.append(accuracy(net, validation))
            torch.save(net.state_dict(), f"{name}_epoch{epoch}")
    for values, label in ((losses, "loss"), (curve, "accuracy"), ([1 - value for value in curve], "error")):
        plt.plot(values, label=label)
    plt.legend()
    plt.title(f"{name}: batches of {batch_size}, learning rate {learning_rate}")
    plt.show()
    return net
# %% [markdown]
# Cross-entropy, as there are nine classes; Adam, as it needs little tuning.
# %% [markdown]
# ### Part (c)
# %%
small_set = photos("small")
overfitted = train(Gestures(), small_set, "small", batch_size=len(small_set), epochs=60)
print("training accuracy:", accuracy(overfitted, small_set))
# %% [markdown]
# ## 3. Hyperparameter search
# %% [markdown]
# ### Part (a)
# %% [markdown]
# The learning rate, the batch size and the number of channels.
# %% [markdown]
# ### Part (b)
# %%
tried = {
    "first": train(Gestures(), train_set, "first", val_set),
    "slow": train(Gestures(), train_set, "slow", val_set, learning_rate=0.001),
    "large": train(Gestures(), train_set, "large", val_set, batch_size=36),
    "wide": train(Gestures(channels=12), train_set, "wide", val_set),
}
# %% [markdown]
# ### Part (c)
# %%
best = tried["wide"]
# %% [markdown]
# Its validation accuracy is the highest.
# %% [markdown]
# ### Part (d)
# %%
print("test accuracy:", accuracy(best, test_set))
# %% [markdown]
# ## 4. Transfer learning
# %% [markdown]
# ### Part (a)
# %%
alexnet = torchvision.models.alexnet(pretrained=True)
saved = {}
for part, data in (("train", small_set), ("test", test_set)):  # some of the photos, to save time
    with torch.no_grad():
        batches = [(alexnet.features(images), labels) for images, labels in DataLoader(data, 27)]
    features, labels = (torch.cat(column) for column in zip(*batches))
    saved[part] = TensorDataset(features, labels)
    torch.save((features, labels), f"features_{part}.pt")
# %% [markdown]
# ### Part (b)
# %%
class OnFeatures(nn.Module):
    def __init__(self):
        super().__init__()
        self.letter = nn.Sequential(nn.Linear(256 * 6 * 6, 16), nn.ReLU(), nn.Linear(16, len(LETTERS)))

    def forward(self, features):
        return self.letter(features.flatten(1))
# %% [markdown]
# The features say a lot already, so that two layers will do.
# %% [markdown]
# ### Part (c)
# %%
transferred = train(OnFeatures(), saved["train"], "transferred")
# %% [markdown]
# ### Part (d)
# %%
print("test accuracy:", accuracy(transferred, saved["test"]), "compared with", accuracy(best, test_set))
# %% [markdown]
# ## 5. Additional testing on your own images
# %%
own = photos("own")
print(accuracy(best, own))
# %% [markdown]
# As in 4 (d).
