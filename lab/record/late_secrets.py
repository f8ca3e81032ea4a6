"""Secrets that a run is given after its folder was made: `lab.start({"api_key": ...})`.

The executor writes the notebook and the error of such a run, so it has to be told of them; that
goes over the kernel's own channel and touches no file.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from lab.record.files import write_atomic
from lab.record.paths import RunPaths
from lab.record.redact import Secrets, is_secret

MESSAGE = "lab_secrets"  # the type of the message to the executor


def hide(paths: RunPaths, given: Mapping[str, Any], shell: Any) -> None:
    """Keep the secrets in `given` out of the run's files, those that are still to come included."""
    secrets = {name: v for name, v in given.items() if isinstance(v, str) and v and is_secret(name)}
    if not secrets:
        return
    _tell(shell, secrets)
    with contextlib.suppress(FileNotFoundError):  # a clean work tree has no diff
        patch = paths.diff.read_bytes()
        write_atomic(paths.diff, Secrets(secrets).bytes(patch))


def _tell(shell: Any, secrets: dict[str, str]) -> None:
    kernel = getattr(shell, "kernel", None)
    if kernel is not None:
        channel, parent = kernel.iopub_socket, kernel.get_parent()
        kernel.session.send(channel, MESSAGE, secrets, parent=parent)
    elif (told := getattr(shell, "told_secrets", None)) is not None:
        told(secrets)  # the shell of an executor in this very process
