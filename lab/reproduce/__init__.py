"""Running again, and what differs: `lab rerun` and `lab diff`."""

from lab.reproduce.again import rerun
from lab.reproduce.differing import diff

__all__ = ["diff", "rerun"]
