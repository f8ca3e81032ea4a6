"""The command line: each command parses, calls one library function and prints."""

from __future__ import annotations

import sys

import typer

from lab.cli import (
    compare,
    data,
    diff,
    doctor,
    exchange,
    log,
    new,
    next,
    plot,
    presets,
    rerun,
    run,
    runs,
    site,
    suite,
    sweep,
    sweep_analyze,
    sweep_next,
    sweep_run,
    watch,
)

app = typer.Typer(
    name="lab",
    help="Run parameterized notebooks, compare what they measured, and write the lab log from it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # boxes would cost a third of the time that `lab --help` takes
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _options(
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
) -> None:
    """Options of every command."""


run.register(app)
rerun.register(app)
suite.register(app)
sweep.register(app)
sweep_run.register()
sweep_analyze.register()
sweep_next.register()
runs.register(app)
diff.register(app)
exchange.register(app)
watch.register(app)
compare.register(app)
plot.register(app)
log.register(app)
new.register(app)
next.register(app)
site.register(app)
data.register(app)
presets.register(app)
doctor.register(app)


def main() -> None:
    """The console script: every error is one short message, a traceback only with --debug."""
    import gc
    import warnings

    from lab.errors import LabError

    # A command ends soon, and thousands of runs are many objects to go through every time.
    gc.set_threshold(100_000)
    warnings.showwarning = lambda message, *_, **__: _say(str(message))
    debug = "--debug" in sys.argv
    if debug:
        # Accepted behind the command as well, where people add it after an error.
        sys.argv = [sys.argv[0], *(word for word in sys.argv[1:] if word != "--debug")]
    try:
        app(prog_name="lab")
    except LabError as error:
        if debug:
            raise
        _say(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _say("Interrupted.")
        sys.exit(1)
    except BrokenPipeError:
        # The reader of our output (head, less) left; that is no error of ours.
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        if debug:
            raise
        _say(f"{type(error).__name__}: {error}. Run it again with --debug to see where.")
        sys.exit(1)


def _say(text: str) -> None:
    print(f"lab: {text}", file=sys.stderr)
