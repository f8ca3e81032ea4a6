"""Which model answers to which name in which domain."""

from __future__ import annotations

from importlib import import_module

from cvkan.errors import CvkanError, UnknownNameError
from cvkan.models.makers import Maker

# "module:maker", imported on use: a run needs one model, not those of seven domains
_KAN = {name: "cvkan.models.{domain}:KAN" for name in ("cvkan", "real_cartesian", "real_polar")}
_BASELINES: dict[str, dict[str, str]] = {
    "image": {"vit": "vit:VIT", "resnet": "resnet:RESNET", "mixer": "mixer:MIXER"},
    "audio": {
        "m5": "audio:M5",
        "lstm": "audio:LSTM",
        "transformer": "audio:TRANSFORMER",
        "perceptron": "audio:PERCEPTRON",
    },
    "timeseries": {
        "lstm": "timeseries:LSTM",
        "tcn": "timeseries:TCN",
        "transformer": "timeseries:TRANSFORMER",
        "dlinear": "linear_forecasts:DLINEAR",
        "nlinear": "linear_forecasts:NLINEAR",
        "naive": "linear_forecasts:NAIVE",
    },
    "text": {
        "textcnn": "text:TEXTCNN",
        "bag_of_words": "text:BAG_OF_WORDS",
        "lstm": "text:LSTM",
        "transformer": "text:TRANSFORMER",
    },
    "synthetic": {"mean_linear": "synthetic:MEAN_LINEAR"},
    "scanline": {"vit": "scanline:VIT", "lrcn": "scanline:LRCN"},
    "grid": {"cnn": "grid:CNN", "context": "grid:CONTEXT"},
}

MODELS: dict[str, dict[str, str]] = {
    domain: {name: home.format(domain=domain) for name, home in _KAN.items()}
    | {name: f"cvkan.baselines.{home}" for name, home in baselines.items()}
    for domain, baselines in _BASELINES.items()
}


def find_model(domain: str, name: str) -> Maker:
    """What makes the model `name` of a domain."""
    if domain not in MODELS:
        raise UnknownNameError("domain", domain, MODELS)
    if name not in MODELS[domain]:
        elsewhere = [other for other, models in MODELS.items() if name in models]
        if elsewhere:
            raise CvkanError(
                f"model {name!r} does not exist for this domain",
                seen=domain,
                do=f"{name} is for {', '.join(elsewhere)}; "
                f"{domain} has {', '.join(MODELS[domain])}.",
            )
        raise UnknownNameError("model", name, MODELS[domain])
    module, _, attribute = MODELS[domain][name].partition(":")
    maker: Maker = getattr(import_module(module), attribute)
    return maker
