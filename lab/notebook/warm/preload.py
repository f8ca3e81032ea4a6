"""Which modules a zygote imports for its children, and how their threads are capped afterwards.

Only packages that are known to start no thread, touch no GPU and not to look for a notebook when
they are imported (optuna and rich do). Nothing of the workspace is ever among them.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import random
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

# What the kernel itself imports, some of it only while it starts.
BASE = (
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "IPython.utils.wildcard",
    "sqlite3",
    "faulthandler",
    "pdb",
    "tornado.gen",
    "tornado.locks",
    "tornado.platform.asyncio",
    "tornado.queues",
    "unicodedata",
    "orjson",
    "psutil",
)
# By the name a notebook imports: the modules to have ready.
ON_DEMAND = {
    "numpy": ("numpy",),
    "pandas": ("pandas",),
    "scipy": ("scipy", "scipy.stats", "scipy.special"),
    "sklearn": ("sklearn", "sklearn.metrics", "sklearn.linear_model"),
    "matplotlib": ("matplotlib.pyplot",),
    "seaborn": ("seaborn",),
    "torch": ("torch",),
    "torchvision": ("torchvision",),
    "torchaudio": ("torchaudio",),
    "pydantic": ("pydantic",),
    "yaml": ("yaml",),
    "PIL": ("PIL.Image",),
}

INLINE = "module://matplotlib_inline.backend_inline"  # what kernels set MPLBACKEND to

_IMPORT = re.compile(r"^\s*(?:import|from)\s+([\w, .]+)", re.MULTILINE)


def wanted(sources: Iterable[str]) -> set[str]:
    """The keys of ON_DEMAND that these cells import by name."""
    names = set()
    for source in sources:
        for found in _IMPORT.findall(source):
            names |= {part.split()[0].split(".")[0] for part in found.split(",") if part.split()}
    return names & ON_DEMAND.keys()


def loaded() -> list[str]:
    """The keys of ON_DEMAND that are imported in this process."""
    return [name for name in ON_DEMAND if ON_DEMAND[name][0] in sys.modules]


def rehearse() -> None:
    """Have the patterns compiled by which every kernel takes its cells apart."""
    from IPython.core.inputtransformer2 import TransformerManager

    TransformerManager().transform_cell("1")  # type: ignore[no-untyped-call]


def preload(names: Iterable[str]) -> None:
    """Import these keys of ON_DEMAND; one that cannot be imported is left to the notebook."""
    for name in names:
        for module in ON_DEMAND[name]:
            with contextlib.suppress(Exception):
                importlib.import_module(module)


def shadowed(folder: Path) -> str | None:
    """A module beside the notebook that has the name of one imported already, if there is one."""
    for name in ON_DEMAND:
        if (folder / f"{name}.py").exists() or (folder / name / "__init__.py").exists():
            return name
    return None


def thread_pools() -> Any:
    """The numerical libraries that are loaded, to be capped in the children."""
    if not sys.modules.keys() & {"numpy", "torch", "scipy"}:
        return None
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def cap_threads(pools: Any, env: Mapping[str, str]) -> None:
    """Give the libraries the threads that `env` asks for, as they would have read it at import."""
    asked = _number(env.get("OMP_NUM_THREADS"))
    for library in pools.lib_controllers if pools is not None else ():
        if library.internal_api == "openblas":
            own = _number(env.get("OPENBLAS_NUM_THREADS")) or asked or _cores()
            library.set_num_threads(own)
        elif library.internal_api == "mkl":
            if number := _number(env.get("MKL_NUM_THREADS")) or asked:
                library.set_num_threads(number)
        elif asked:
            library.set_num_threads(asked)
    if (torch := sys.modules.get("torch")) is not None:
        number = asked or _number(env.get("MKL_NUM_THREADS"))
        if number and torch.get_num_threads() != number:
            torch.set_num_threads(number)


def reseed() -> None:
    """New random numbers, as in every new process."""
    random.seed()
    if (numpy := sys.modules.get("numpy.random")) is not None:
        numpy.seed()
    if (torch := sys.modules.get("torch")) is not None:
        torch.default_generator.seed()


def _number(text: str | None) -> int | None:
    first = (text or "").split(",")[0].strip()
    return int(first) if first.isdecimal() and int(first) > 0 else None


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
