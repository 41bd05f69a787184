import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torchvision import datasets, transforms

seed = 42
torch.manual_seed(seed)

transform = transforms.ToTensor()
train_dataset = datasets.FashionMNIST(root='./data', train=True, download=True, transform=transform)
test_dataset = datasets.FashionMNIST(root='./data', train=False, download=True, transform=transform)
train_loader = torch.utils.data.DataLoader(dataset=train_dataset, batch_size=64, shuffle=True)
test_loader = torch.utils.data.DataLoader(dataset=test_dataset, batch_size=64, shuffle=False)

class LeNet5(nn.Module):
    def __init__(self):
        super(LeNet5, self).__init__()
        self.conv1 = nn.Conv2d(1, 6, kernel_size=5, stride=1)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5, stride=1)
        self.fc1 = nn.Linear(256, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = torch.tanh(self.conv1(x))
        x = torch.max_pool2d(x, kernel_size=2, stride=2)
        x = torch.tanh(self.conv2(x))
        x = torch.max_pool2d(x, kernel_size=2, stride=2)
        x = x.view(-1, 256)
        x = torch.tanh(self.fc1(x))
        x = torch.tanh(self.fc2(x))
        x = self.fc3(x)
        return x


def evaluate(model, loader, name):
    model.eval()
    loss, correct = 0, 0
    with torch.no_grad():
        for images, labels in loader:
            output = model(images)
            loss += F.cross_entropy(output, labels).item()
            correct += (output.argmax(1) == labels).sum().item()
    print(f'{name}: Average loss: {loss / len(loader.dataset)}, Accuracy: {correct}/{len(loader.dataset)}')


def train(model, optimizer, steps=10):
    model.train()
    for i, (images, labels) in enumerate(train_loader):
        if i == steps:
            break
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()


first = LeNet5()
train(first, optim.SGD(first.parameters(), lr=0.001))
evaluate(first, test_loader, 'Test set')
second = LeNet5()
optimizer = optim.Adam(second.parameters(), lr=0.001)
for epoch in range(2):
    train(second, optimizer)
    part = torch.utils.data.Subset(train_dataset, range(500))
    evaluate(second, torch.utils.data.DataLoader(part, batch_size=64), 'Train set')
    evaluate(second, test_loader, 'Test set')
