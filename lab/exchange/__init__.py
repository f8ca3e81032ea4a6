"""Runs that leave and arrive: zip files between machines, MLflow, TensorBoard, CSV.

`export_runs` and `import_runs` are what `lab export` and `lab import` call.
"""

from lab.exchange.exporting import export_runs
from lab.exchange.importing import import_runs

__all__ = ["export_runs", "import_runs"]
