"""The forked kernel that Jupyter's own clients talk to: an ordinary IPython kernel."""

from __future__ import annotations

import sys

from ipykernel.kernelapp import IPKernelApp


class _App(IPKernelApp):
    def init_poller(self) -> None:
        """Nothing: the lifeline tells of the owner's end, at once."""


def serve() -> None:
    """Run the kernel that the command line in sys.argv describes until it is shut down."""
    app = _App.instance()
    app.initialize(sys.argv[1:])  # type: ignore[no-untyped-call]
    app.start()  # type: ignore[no-untyped-call]
