"""Recording how an execution ended."""

from __future__ import annotations

from lab.errors import WorkFailed
from lab.notebook.ending import DONE, Ending
from lab.record.files import read_json
from lab.record.paths import RunPaths
from lab.record.redact import Secrets
from lab.record.run import end_run


def record_end(paths: RunPaths, ending: Ending, secrets: Secrets) -> None:
    """Write `ending` into run.json, without secrets.

    A notebook that came to its end keeps what it recorded itself, perhaps that it was pruned.
    Raises WorkFailed where the run's folder is gone.
    """
    try:
        if ending == DONE and read_json(paths.record)["status"] not in ("running", "crashed"):
            return
        error = secrets.value(ending.error)
        end_run(paths, ending.status, ending.reason, error, override=True)
    except FileNotFoundError:
        raise WorkFailed(
            f"The folder of run {paths.id} is gone",
            seen=paths.root,
            do="What it had recorded went with it; run it again.",
        ) from None
