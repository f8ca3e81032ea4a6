"""Parts of lab that are installed when somebody wants them."""

from __future__ import annotations

import importlib.util

from lab.errors import InputError


def need(module: str, extra: str) -> None:
    """Raise InputError unless `module`, which the extra of that name brings, is installed."""
    if importlib.util.find_spec(module) is None:
        raise InputError(
            f"The package {module} is not installed",
            seen=f"the extra {extra}",
            do=f'Install it: pip install -e ".[{extra}]" in the folder of lab.',
        )
