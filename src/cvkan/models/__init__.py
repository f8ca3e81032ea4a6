"""Models, one file a domain; `build` makes one from a configuration."""

from cvkan.models.build import build

__all__ = ["build"]
