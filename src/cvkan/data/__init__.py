"""Data, one module a domain: an embedded default and a real source behind one `load`."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cvkan.config import TrainingConfig
    from cvkan.data.splits import Splits

__all__ = ["load"]


def load(config: TrainingConfig) -> Splits:
    """The training, validation and test data that `config` asks for.

    They share no sample, and depend on `data_seed` and the sizes only, never on `seed`. A graph
    from a file is one of their sources. Raises DataMissingError for a data set or graph that is
    not on this machine.
    """
    # imported on use, so that the registry beside this file stays free of torch
    splits: Splits = import_module(f"cvkan.data.{config.domain}").load(config)
    if config.graph != "grid":
        source = import_module("cvkan.data.graphs").graph_source(config.graph)
        splits = replace(splits, sources=(*splits.sources, source))
    return splits
