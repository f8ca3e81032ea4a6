"""What a model is made of."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from cvkan.baselines.matching import count_parameters


@dataclass(frozen=True)
class Part:
    """One part of a model; `parameters` counts real numbers that are learned."""

    part: str
    kind: str
    parameters: int


def outline(model: nn.Module) -> tuple[Part, ...]:
    """The model's direct parts, and the layers of its backbone, in the order of their names."""
    parts = []
    for name, child in model.named_children():
        layers = getattr(child, "layers", None)
        if isinstance(layers, nn.ModuleList):
            parts += [_part(f"{name} {i}", layer) for i, layer in enumerate(layers, 1)]
        else:
            parts.append(_part(name, child))
    return tuple(parts)


def _part(name: str, module: nn.Module) -> Part:
    kinds = [type(module).__name__]
    if kinds == ["Layer"]:  # its parts say more than its name
        kinds = [type(child).__name__ for child in module.children()]
        kinds = [kind for kind in kinds if kind != "NoNorm"]
    return Part(name, " + ".join(kinds), count_parameters(module))
