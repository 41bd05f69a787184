import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torchvision import datasets, transforms

seed = 42
torch.manual_seed(seed)

print('fine so far')
value = undefined_name + 1
