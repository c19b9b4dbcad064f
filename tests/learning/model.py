# SPDX-License-Identifier: Apache-2.0
"""LeNet on images of 12 by 12 pixels, which tests train. A row is a label and 144 bytes."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

PIXELS = 144


def read_rows(path):
    with open(path, "rb") as file:
        data = torch.frombuffer(bytearray(file.read()), dtype=torch.uint8).reshape(-1, 1 + PIXELS)
    return TensorDataset(data[:, 1:].float().reshape(-1, 1, 12, 12) / 255, data[:, 0].long())


class LeNet:
    metrics = ("accuracy",)

    def __init__(self):
        torch.set_num_threads(1)
        torch.manual_seed(20)
        self.net = nn.Sequential(
            nn.Conv2d(1, 6, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 3),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(16 * 3 * 3, 84),
            nn.ReLU(),
            nn.Linear(84, 10),
        )
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=0.1, momentum=0.9)

    def make_train_dataloader(self, data):
        order = torch.Generator().manual_seed(20)
        return DataLoader(read_rows(data["train"]), batch_size=32, shuffle=True, generator=order)

    def make_validate_dataloader(self, data):
        return DataLoader(read_rows(data["validate"]), batch_size=256)

    def train(self, batches):
        self.net.train()
        for images, labels in batches:
            self.optimizer.zero_grad()
            nn.functional.cross_entropy(self.net(images), labels).backward()
            self.optimizer.step()

    def validate(self, batches):
        self.net.eval()
        right = rows = 0
        for images, labels in batches:
            right += int((self.net(images).argmax(1) == labels).sum())
            rows += len(labels)
        return {"accuracy": right / rows}

    def state_dict(self):
        return self.net.state_dict()
