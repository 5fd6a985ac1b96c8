# %% [markdown]
# # Cats vs dogs
# %%
import os
import time

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Subset
from torchvision import datasets, transforms

PETS = ("cat", "dog")
photos = datasets.CIFAR10("data", train=True, download=True, transform=transforms.ToTensor())
unseen = datasets.CIFAR10("data", train=False, download=True, transform=transforms.ToTensor())


def pets_in(data):
    wanted = [data.class_to_idx[name] for name in PETS]
    return np.flatnonzero(np.isin(data.targets, wanted))


order = np.random.default_rng(1000).permutation(pets_in(photos))
cut = len(order) * 4 // 5


def get_loaders(batch_size):
    parts = (Subset(photos, order[:cut]), Subset(photos, order[cut:]), Subset(unseen, pets_in(unseen)))
    return [DataLoader(part, batch_size=batch_size, shuffle=place == 0) for place, part in enumerate(parts)]


def is_dog(labels):
    return (labels == photos.class_to_idx["dog"]).float()
# %% [markdown]
# ## Part 1
# %% [markdown]
# ### Part (a)
# %%
images, labels = next(iter(get_loaders(4)[0]))
for place, image in enumerate(images):
    plt.subplot(1, 4, place + 1)
    plt.imshow(image.permute(1, 2, 0))
# %% [markdown]
# ### Part (b)
# %%
for name, loader in zip(("train", "validation", "test"), get_loaders(1)):
    print(name, len(loader))
# %% [markdown]
# ### Part (c)
# %% [markdown]
# On the training data a network that only memorises looks best; what it is worth shows on other data.
# %% [markdown]
# ## Part 2
# %%
class LargeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.name = "large"
        self.first, self.second = nn.Conv2d(3, 5, 5), nn.Conv2d(5, 10, 5)
        self.hidden, self.score = nn.Linear(250, 32), nn.Linear(32, 1)

    def forward(self, x):
        for filters in (self.first, self.second):
            x = F.max_pool2d(F.relu(filters(x)), 2)
        return self.score(F.relu(self.hidden(x.flatten(1)))).squeeze(1)


class SmallNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.name = "small"
        self.filters, self.score = nn.Conv2d(3, 5, 3), nn.Linear(245, 1)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.filters(x)), 2)
        return self.score(F.max_pool2d(x, 2).flatten(1)).squeeze(1)


small_net, large_net = SmallNet(), LargeNet()
# %% [markdown]
# ### Part (a)
# %%
for one in (small_net, large_net):
    print(f"{one.name}_net has", sum(p.numel() for p in one.parameters()), "parameters")
# %% [markdown]
# ### The function train_net
# %%
def get_model_name(name, batch_size, learning_rate, epoch):
    return f"model_{name}_bs{batch_size}_lr{learning_rate}_epoch{epoch}"


def evaluate(net, loader):
    """Error and loss on all that the loader gives."""
    wrong = loss = seen = 0
    with torch.no_grad():
        for images, labels in loader:
            scores, wanted = net(images), is_dog(labels)
            wrong += ((scores > 0) != (wanted > 0.5)).sum().item()
            loss += F.binary_cross_entropy_with_logits(scores, wanted, reduction="sum").item()
            seen += len(labels)
    return wrong / seen, loss / seen


def train_net(net, batch_size=64, learning_rate=0.01, num_epochs=30):
    torch.manual_seed(1000)
    train_loader, val_loader, _ = get_loaders(batch_size)
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=learning_rate, momentum=0.9)
    curves = {"train_err": [], "train_loss": [], "val_err": [], "val_loss": []}
    for epoch in range(num_epochs):
        for images, labels in train_loader:
            optimizer.zero_grad()
            criterion(net(images), is_dog(labels)).backward()
            optimizer.step()
        for part, loader in (("train", train_loader), ("val", val_loader)):
            error, loss = evaluate(net, loader)
            curves[part + "_err"].append(error)
            curves[part + "_loss"].append(loss)
        path = get_model_name(net.name, batch_size, learning_rate, epoch)
        torch.save(net.state_dict(), path)
        print(f"epoch {epoch}: training error {curves['train_err'][-1]:.3f}, validation {curves['val_err'][-1]:.3f}")
    for name, curve in curves.items():
        np.savetxt(f"{path}_{name}.csv", curve)
# %% [markdown]
# ### Part (b)
# %% [markdown]
# batch_size is 64, learning_rate is 0.01 and num_epochs is 30.
# %% [markdown]
# ### Part (c)
# %%
train_net(small_net, num_epochs=5)
print("\n".join(sorted(name for name in os.listdir() if name.startswith("model_small"))))
# %% [markdown]
# A checkpoint after each epoch; four tables with error and loss of each epoch.
# %% [markdown]
# ### Part (d)
# %%
EPOCHS = 2  # fewer than 30, to save time
small_net = SmallNet()
for one in (small_net, large_net):
    begin = time.time()
    train_net(one, num_epochs=EPOCHS)
    print(one.name, "took", time.time() - begin, "seconds")
# %% [markdown]
# ### Part (e)
# %%
def plot(name, batch_size, learning_rate):
    path = get_model_name(name, batch_size, learning_rate, EPOCHS - 1)
    for what in ("err", "loss"):
        for part in ("train", "val"):
            plt.plot(np.loadtxt(f"{path}_{part}_{what}.csv"), label=part)
        plt.legend()
        plt.show()


plot("small", 64, 0.01)
plot("large", 64, 0.01)
# %% [markdown]
# ### Part (f)
# %% [markdown]
# The small network underfits; the large one overfits in the end.
# %% [markdown]
# ## Part 3
# %% [markdown]
# ### Part (a)
# %%
large_net = LargeNet()
train_net(large_net, learning_rate=0.001, num_epochs=EPOCHS)
plot("large", 64, 0.001)
# %% [markdown]
# Slower.
# %% [markdown]
# ### Part (b)
# %%
large_net = LargeNet()
train_net(large_net, learning_rate=0.1, num_epochs=EPOCHS)
plot("large", 64, 0.1)
# %% [markdown]
# It jumps about.
# %% [markdown]
# ### Part (c)
# %%
large_net = LargeNet()
train_net(large_net, batch_size=512, num_epochs=EPOCHS)
plot("large", 512, 0.01)
# %% [markdown]
# Quicker, with fewer steps.
# %% [markdown]
# ### Part (d)
# %%
large_net = LargeNet()
train_net(large_net, batch_size=16, num_epochs=EPOCHS)
plot("large", 16, 0.01)
# %% [markdown]
# More steps, so it overfits sooner.
# %% [markdown]
# ## Part 4. Hyperparameter search
# %% [markdown]
# ### Part (a)
# %% [markdown]
# The large network, batches of 256, learning rate 0.02: its validation curve still fell.
# %% [markdown]
# ### Part (b)
# %%
large_net = LargeNet()
train_net(large_net, batch_size=256, learning_rate=0.02, num_epochs=EPOCHS)
plot("large", 256, 0.02)
# %% [markdown]
# ### Part (c)
# %% [markdown]
# The large network with a learning rate of 0.02 again, but batches of 128, as the steps were few.
# %% [markdown]
# ### Part (d)
# %%
large_net = LargeNet()
train_net(large_net, batch_size=128, learning_rate=0.02, num_epochs=EPOCHS)
plot("large", 128, 0.02)
# %% [markdown]
# ## Part 5. Evaluating the best model
# %% [markdown]
# ### Part (a)
# %%
net = LargeNet()
net.load_state_dict(torch.load(get_model_name("large", 128, 0.02, EPOCHS - 1)))
# %% [markdown]
# ### Part (b)
# %% [markdown]
# Its validation error is the lowest.
# %% [markdown]
# ### Part (c)
# %%
test_loader = get_loaders(64)[2]
print("test error", evaluate(net, test_loader)[0])
# %% [markdown]
# ### Part (d)
# %% [markdown]
# A little higher than the validation error, by which settings and epoch were chosen.
# %% [markdown]
# ### Part (e)
# %% [markdown]
# What is chosen by the test data looks better than it is.
# %% [markdown]
# ### Part (f)
# %%
class Connected(nn.Module):
    def __init__(self):
        super().__init__()
        self.name = "connected"
        self.hidden, self.score = nn.Linear(3 * 32 * 32, 20), nn.Linear(20, 1)

    def forward(self, x):
        return self.score(F.relu(self.hidden(x.flatten(1)))).squeeze(1)


connected = Connected()
train_net(connected, num_epochs=EPOCHS)
print("test error", evaluate(connected, test_loader)[0])
# %% [markdown]
# The convolutional network does better with fewer weights.
