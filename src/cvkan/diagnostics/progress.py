"""Training as one line that rewrites itself, in JupyterLab and in saved notebooks alike."""

from __future__ import annotations

import time
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from cvkan.training.metrics import quality

if TYPE_CHECKING:
    from cvkan.config import TrainingConfig
    from cvkan.training.loop import Result

_INTERVAL = 0.5  # seconds between two drawings: short epochs must not flood a saved notebook
_ENDINGS = {
    "finished": "all epochs done",
    "patience": "stopped: no improvement within patience",
    "stopped": "stopped early, as it was told to",
    "diverged": "stopped: the loss is no longer finite",
}


class Progress:
    """A line about the epoch just done; give it to `fit`, and then the result to `finish`.

    progress = Progress(config)
    result = cvkan.fit(model, splits, config, on_epoch=progress)
    progress.finish(result)
    """

    def __init__(self, config: TrainingConfig) -> None:
        self._epochs, self._quality = config.epochs, config.quality
        self._began = time.monotonic()
        self._drawn = float("-inf")
        self._best: tuple[int, tuple[float, ...]] | None = None
        self._line: Any = None  # IPython's handle of the output, from the first drawing on

    def __call__(self, metrics: Mapping[str, float], epoch: int) -> None:
        """Show the metrics of an epoch, counted from 1."""
        validation = _validation(metrics)
        value = quality(validation, self._quality)
        if self._best is None or value > self._best[1]:
            self._best = (epoch, value)
        now = time.monotonic()
        if now - self._drawn < _INTERVAL:
            return
        self._drawn = now
        left = (now - self._began) / epoch * (self._epochs - epoch)
        shown = [f"{name} {value_text(name, metrics[name])}" for name in _shown(metrics)]
        best = f"best so far: epoch {self._best[0]}"
        self._draw(epoch, [f"epoch {epoch} of {self._epochs}", *shown, best, f"{_span(left)} left"])

    def finish(self, result: Result) -> None:
        """Replace the line by what the training came to."""
        epochs = len(result.history)
        metrics = result.history[result.best_epoch - 1]
        shown = [f"{name} {value_text(name, metrics[name])}" for name in _shown(metrics)]
        self._draw(
            epochs,
            [
                f"{epochs} of {self._epochs} epochs in {_span(result.seconds)}",
                _ENDINGS[result.ending],
                f"best epoch {result.best_epoch}: {', '.join(shown)}",
            ],
        )

    def _draw(self, epoch: int, parts: list[str]) -> None:
        from IPython.display import display

        line = _Line(epoch / self._epochs, "  ·  ".join(parts))
        if self._line is None:
            self._line = display(line, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._line.update(line)


class _Line:
    """A bar and a text for Jupyter; the text alone elsewhere."""

    def __init__(self, share: float, text: str) -> None:
        self._share, self._text = share, text

    def __repr__(self) -> str:
        return self._text

    def _repr_html_(self) -> str:
        bar = f'<progress value="{self._share:.4f}" max="1" style="width:10em"></progress>'
        return f"<div>{bar}&ensp;{escape(self._text)}</div>"


def value_text(name: str, value: float) -> str:
    """Accuracies in percent, everything else with four figures.

    value_text("val/accuracy", 0.5)   # "50.0%"
    """
    return f"{value:.1%}" if name.endswith("accuracy") else f"{value:.4g}"


def _validation(metrics: Mapping[str, float]) -> dict[str, float]:
    return {k.removeprefix("val/"): v for k, v in metrics.items() if k.startswith("val/")}


def _shown(metrics: Mapping[str, float]) -> list[str]:
    """The loss of training, and what validation is judged by."""
    names = ("train/loss", "train/mse", "val/accuracy", "val/mse")
    return [name for name in names if name in metrics]


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
