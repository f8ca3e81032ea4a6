"""What to do about a run that did not end well, in one sentence."""

from __future__ import annotations

from lab.record.run import Run

_GPU_WORDS = ("cuda", "gpu", "outofmemoryerror")


def next_step(run: Run) -> str | None:
    """What to do next about this run; None for one that is under way or ended well."""
    if run.status == "pruned":
        return "Its sweep stopped it early: lab sweep status says how the others do."
    if run.status not in ("failed", "crashed", "stopped"):
        return None
    again = f"lab rerun {run.id}"
    goes_on = f", {again} -p resume={run.id} goes on where it broke off" if _saved(run) else ""
    match run.reason:
        case "exception":
            where = f"cell {cell} of " if (cell := _cell(run)) is not None else ""
            return f"Open {where}the executed notebook, mend what raised, then {again}."
        case "oom":
            return _less_memory(run, again)
        case "kernel_died":
            return f"Look at the last output in the executed notebook for the cause, then {again}."
        case "killed":
            return f"Nothing in the run itself need be wrong: {again} repeats it{goes_on}."
        case "time_limit":
            return f"Give it more time ({again} --timeout 8h, say) or fewer epochs{goes_on}."
        case "interrupted":
            return f"Somebody stopped it: {again} repeats it{goes_on}."
        case "preempted":
            return f"The cluster took its place back: {again} repeats it{goes_on}."
        case "disk_full":
            return f"Free some space on the disk of the runs folder, then {again}."
    return f"The executed notebook shows how far it came; {again} repeats it."


def _saved(run: Run) -> bool:
    """Whether another run can go on from what this one saved."""
    return "resume" in run.params and any(run.path.checkpoints.glob("state.*"))


def _cell(run: Run) -> int | None:
    cell = (run.error or {}).get("cell")
    return cell if isinstance(cell, int) else None


def _less_memory(run: Run, again: str) -> str:
    error = run.error or {}
    words = f"{error.get('type')} {error.get('message')}".lower()
    where = "GPU memory" if any(word in words for word in _GPU_WORDS) else "memory"
    how = "a smaller batch_size" if "batch_size" in run.params else "smaller data or batches"
    return f"It needs less {where}, by {how}, or a machine with more; then {again}."
