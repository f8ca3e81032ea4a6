"""An IPython shell in this very process whose outputs go to the terminal and into a notebook."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from lab.errors import InputError

Sink = Callable[[dict[str, Any]], None]  # is given each output as a notebook holds it


class _Publisher(DisplayPublisher):
    shell: Shell

    def publish(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        source: Any = None,
        *,
        transient: dict[str, Any] | None = None,
        update: bool = False,
        **_: Any,
    ) -> None:
        self.shell.emit(
            {"output_type": "display_data", "data": data, "metadata": metadata or {}},
            display_id=(transient or {}).get("display_id"),
            update=update,
        )

    def clear_output(self, wait: bool = False) -> None:
        self.shell.emit({"output_type": "clear_output", "wait": wait})


class _Hook(DisplayHook):
    shell: Shell

    def write_output_prompt(self) -> None:
        """Nothing: the terminal shows the value alone."""

    def write_format_data(self, format_dict: dict[str, Any], md_dict: Any = None) -> None:
        self.shell.emit(
            {
                "output_type": "execute_result",
                "execution_count": self.prompt_count,
                "data": format_dict,
                "metadata": md_dict or {},
            }
        )


class Shell(InteractiveShell):
    """Runs cells here; `outputs` is set to what takes the outputs of the cell that runs.

    `told_secrets` is set to what takes the secrets that a cell gives to its run.
    """

    outputs: Callable[..., None]
    told_secrets: Callable[[Mapping[str, str]], None]
    wants_to_stop = False

    def emit(self, output: dict[str, Any], **how: Any) -> None:
        self.outputs(output, **how)

    def ask_exit(self) -> None:
        """exit() and quit(): the cell ends as usual, and no other follows."""
        self.wants_to_stop = True

    def _showtraceback(self, etype: type, evalue: Any, stb: list[str]) -> None:
        self.emit(
            {
                "output_type": "error",
                "ename": etype.__name__,
                "evalue": str(evalue),
                "traceback": list(stb),
            }
        )


class Tee:
    """Standard output that is also kept; everything else about it is that of the terminal."""

    def __init__(self, terminal: TextIO, keep: Callable[[str], None]) -> None:
        self._terminal = terminal
        self._keep = keep

    def write(self, text: str) -> int:
        if text:
            self._keep(text)
        return self._terminal.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._terminal, name)


@contextmanager
def shell_here() -> Iterator[Shell]:
    """A shell that is this process's IPython for a while; afterwards the process is as before."""
    if InteractiveShell.initialized():
        raise InputError(
            "A notebook cannot run inline inside another one",
            seen="this process is an IPython session",
            do="Run it with on='pool'.",
        )
    main, argv, path = sys.modules["__main__"], sys.argv, list(sys.path)
    config = Config()
    config.HistoryManager.enabled = False
    shell = Shell.instance(
        config=config, display_pub_class=_Publisher, displayhook_class=_Hook, colors="nocolor"
    )
    try:
        sys.path.insert(0, "")  # as kernels do: modules beside the notebook can be imported
        with warnings.catch_warnings():
            # sys.exit() ends a notebook here; advice on how else to leave IPython is no help.
            warnings.filterwarnings("ignore", "To exit: use", UserWarning)
            yield shell
    finally:
        shell.restore_sys_module_state()  # type: ignore[no-untyped-call]
        Shell.clear_instance()
        sys.modules["__main__"], sys.argv, sys.path[:] = main, argv, path
