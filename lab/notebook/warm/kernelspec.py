"""Put `lab-warm` behind the environment's own `python3` kernel; `make setup` does it.

python -m lab.notebook.warm.kernelspec [--off]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from lab.record.files import write_atomic

PROVISIONER = "lab-warm"


def set_provisioner(prefix: Path, *, warm: bool) -> Path | None:
    """Name `lab-warm` in the python3 kernelspec of the environment at `prefix`, or take it out.

    Returns the file, or None where the environment has no such kernelspec.
    """
    file = prefix / "share" / "jupyter" / "kernels" / "python3" / "kernel.json"
    if not file.is_file():
        return None
    spec = json.loads(file.read_text(encoding="utf-8"))
    metadata = spec.setdefault("metadata", {})
    metadata.pop("kernel_provisioner", None)
    if warm:
        metadata["kernel_provisioner"] = {"provisioner_name": PROVISIONER}
    write_atomic(file, (json.dumps(spec, indent=1) + "\n").encode())
    return file


def main() -> None:
    warm = "--off" not in sys.argv[1:]
    if set_provisioner(Path(sys.prefix), warm=warm) is None:
        sys.exit("This environment has no python3 kernelspec. Install ipykernel first.")


if __name__ == "__main__":
    main()
