"""The optimizers take torch's own steps, and a training does not import a compiler for them."""

from __future__ import annotations

import copy
import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import nn

import cvkan
from cvkan.training.optimizers import optimizer_for

THEIRS: dict[str, Any] = {
    "adamw": lambda parameters: torch.optim.AdamW(parameters, lr=0.1, weight_decay=0.02),
    "sgd": lambda parameters: torch.optim.SGD(
        parameters, lr=0.1, weight_decay=0.02, momentum=0.9, nesterov=True
    ),
}
BOTH = pytest.mark.parametrize("name", list(THEIRS))


def pair(name: str) -> list[tuple[nn.Module, torch.optim.Optimizer]]:
    """Two equal models: one with our optimizer, one with torch's."""
    models = []
    for _ in range(2):
        torch.manual_seed(3)
        models.append(nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2)))
    config = cvkan.config_for("image", optimizer=name, lr=0.1, weight_decay=0.02)
    ours, theirs = optimizer_for(models[0], config), THEIRS[name](models[1].parameters())
    return list(zip(models, (ours, theirs), strict=True))


def take_steps(model: nn.Module, optimizer: torch.optim.Optimizer, count: int) -> None:
    inputs = torch.randn(8, 4, generator=torch.Generator().manual_seed(1))
    for step in range(count):
        optimizer.param_groups[0]["lr"] = 0.1 / (1 + step)
        optimizer.zero_grad()
        model(inputs).square().mean().backward()
        optimizer.step()


def check_same(first: nn.Module, second: nn.Module) -> None:
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)


@BOTH
def test_steps_are_those_of_torch_to_the_last_bit(name: str) -> None:
    (model, ours), (other, theirs) = pair(name)
    before = [value.clone() for value in model.parameters()]
    for each, optimizer in ((model, ours), (other, theirs)):
        take_steps(each, optimizer, 5)
    check_same(model, other)
    assert not any(map(torch.equal, model.parameters(), before))
    assert all(value.grad is not None and value.is_leaf for value in model.parameters())


@BOTH
def test_a_state_of_torchs_own_goes_on(name: str) -> None:
    (model, ours), (other, theirs) = pair(name)
    take_steps(other, theirs, 3)
    model.load_state_dict(other.state_dict())
    ours.load_state_dict(copy.deepcopy(theirs.state_dict()))  # else they share its tensors
    for each, optimizer in ((model, ours), (other, theirs)):
        take_steps(each, optimizer, 3)
    check_same(model, other)
    assert ours.state_dict().keys() == theirs.state_dict().keys()


def test_training_imports_neither_a_compiler_nor_scikit_learn() -> None:
    code = """
import sys, cvkan
sizes = dict(train_size=32, validation_size=16, test_size=16, d_complex=4, epochs=1)
config = cvkan.config_for("image", device="cpu", **sizes)
splits = cvkan.load(config)
cvkan.fit(cvkan.build(config, splits.info), splits, config)
print(sorted({"torch._dynamo", "sympy", "sklearn", "scipy", "pandas"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
