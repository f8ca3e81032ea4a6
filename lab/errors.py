"""Every error a user can meet, as one tree.

LabError                     root; the message is always: what happened, the value seen, what to do
├── InputError               bad input, exit code 2: nothing was written, nothing was lost
│   ├── WorkspaceError       no workspace here, or its [tool.lab] table is wrong
│   ├── NotebookError        not a notebook, or its parameters cell breaks the contract
│   ├── ParameterError       an unknown parameter, or a value its annotation does not allow
│   ├── RunNotFound          no run of that id
│   ├── QueryError           an expression for --where or --runs that cannot be read
│   ├── SuiteError           a suite file that cannot be read or means nothing
│   ├── SweepError           a search space or study that cannot be read or means nothing
│   ├── LogError             a log file or entry that cannot be read or found
│   └── TemplateError        a template that names something undefined, with file and line
└── WorkFailed               the work itself failed, exit code 1: a run failed, a check found drift

Catch ``LabError`` to catch them all::

    try:
        lab.run("notebooks/domains/image.ipynb", {"epochs": 3})
    except lab.LabError as error:
        print(error)
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MOST = 25  # names that are listed where there is a place to see them all
_NEAREST = 5


class LabError(Exception):
    """A problem told in three parts; ``exit_code`` is what the command line ends with."""

    exit_code = 2

    def __init__(self, what: str, *, seen: object = None, do: str = "") -> None:
        self.what = what
        self.seen = seen
        self.do = do
        super().__init__(self.message)

    @property
    def message(self) -> str:
        parts = [self.what.rstrip(".")]
        if self.seen is not None:
            parts[0] += f": {self.seen}"
        text = parts[0] + "."
        return f"{text} {self.do}".strip()


class InputError(LabError):
    """Bad input; nothing was written."""


class WorkspaceError(InputError):
    """There is no workspace, or its configuration is wrong."""


class NotebookError(InputError):
    """A file that is not a notebook, or breaks the notebook contract."""


class ParameterError(InputError):
    """An unknown parameter or a value that its annotation does not allow."""


class RunNotFound(InputError):
    """No run has that id."""


class QueryError(InputError):
    """An expression that cannot be read."""


class SuiteError(InputError):
    """A suite that cannot be read or expands to nothing."""


class SweepError(InputError):
    """A search space or a study that cannot be read or means nothing."""


class LogError(InputError):
    """A log file, entry or action that cannot be read or found."""


class TemplateError(InputError):
    """A template that cannot be rendered."""


class WorkFailed(LabError):
    """The work was started and failed."""

    exit_code = 1


def nearest(word: str, allowed: Iterable[str], *, see: str = "") -> str:
    """Advice naming the closest allowed word, then all of them.

    nearest("epoch", ["epochs", "lr"])  # "Did you mean 'epochs'? Allowed: epochs, lr."

    Where `see` names what shows them all, a long list is cut to the nearest few.
    """
    names = list(allowed)
    match = difflib.get_close_matches(word, names, n=_NEAREST, cutoff=0.5)
    guess = f"Did you mean '{match[0]}'? " if match else ""
    if see and len(names) > _MOST:
        held = [name for name in names if word and word in name and name not in match]
        few = ", ".join([*match, *held][:_NEAREST])
        near = f"The nearest of {len(names)}: {few}. " if few else f"{len(names)} are known. "
        return f"{guess}{near}{see} shows all."
    return f"{guess}Allowed: {', '.join(names) if names else 'none'}."
