"""The forked kernel that Jupyter's own clients talk to: an ordinary IPython kernel."""

from __future__ import annotations

import os
import sys

from ipykernel.kernelapp import IPKernelApp


def serve(ready: int) -> None:
    """Run the kernel that the command line in sys.argv describes until it is shut down.

    The descriptor `ready` is closed as soon as its sockets are there.
    """
    # The lifeline tells of the owner's end, at once. (A subclass would lose its options' names.)
    IPKernelApp.init_poller = lambda _: None  # type: ignore[method-assign]
    app = IPKernelApp.instance(parent_handle=os.getppid())
    app.initialize(sys.argv[1:])  # type: ignore[no-untyped-call]
    os.close(ready)
    app.start()  # type: ignore[no-untyped-call]
