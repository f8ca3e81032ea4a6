"""The options that every domain's model has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal, get_args, get_origin

from pydantic import Field

from cvkan.config.options import Needs, Options
from cvkan.errors import ConfigError

# Tokens as complex numbers, and two twins to ask whether that matters: the same model with the
# update computed on real and imaginary parts, or on log-magnitudes and angles as plain numbers.
Kan = Literal["cvkan", "real_cartesian", "real_polar"]
KANS = get_args(Kan)
Layer = Literal["polarizing", "gated", "phase_attention", "hierarchical"]
Aggregation = Literal[
    "mean", "magnitude_weighted", "local_window", "causal", "attention", "graph_neighborhood"
]
Interaction = Literal["interference", "pointwise", "broadcast"]
Heads = Literal["emergent", "offset", "factored"]
Norm = Literal["none", "layer", "rms", "batch"]
Pooling = Literal["mean", "max", "attention", "last", "covariance", "spectral"]
Positions = Literal["none", "fixed", "learned"]
LevelSharing = Literal["shared", "per_level", "per_direction", "hybrid"]
TopDown = Literal["none", "mirror", "learned"]

_HIERARCHICAL = Needs("layer", ("hierarchical",))
_POLARIZING = Needs("layer", ("polarizing", "hierarchical"))
_PERCEPTRONS = Needs("layer", ("polarizing", "gated", "hierarchical"))


class ModelConfig(Options):
    """Options of the stack of layers, whatever its tokens are."""

    model: str = Field("cvkan", description="which model: cvkan, a twin of it, or a baseline")
    match_params_of: str | None = Field(
        None, description="a model whose number of parameters this one is to have, to 3%"
    )
    seed: int = Field(0, ge=0, description="initial weights; order of batches and dropout too")
    d_complex: int = Field(64, gt=0, description="complex dimensions of a token")
    n_layers: int = Field(2, ge=0, description="layers in which tokens interact; 0: the control")
    layer: Layer = Field("polarizing", description="how tokens interact")
    interaction: Interaction = Field(
        "interference", description="updates from token and product, token and context, or context"
    )
    aggregation: Aggregation = Field(
        "magnitude_weighted", description="how a block sums up the tokens it lets interact"
    )
    window: int = Field(7, gt=0, description="tokens across the window of aggregation local_window")
    graph: str = Field(
        "grid", description="who is whose neighbour: on the grid, or by an .npz file of edges"
    )
    heads: Heads = Field("emergent", description="groups of dimensions that interact on their own")
    n_heads: int = Field(4, gt=0, description="how many; they divide d_complex")
    kan_hidden: int = Field(32, gt=0, description="base width of the perceptrons")
    mlp_expansion: int = Field(4, gt=0, description="a block's hidden width is kan_hidden times it")
    mlp_hidden: int | None = Field(
        None, gt=0, description="a block's hidden width itself; null: kan_hidden * mlp_expansion"
    )
    per_dim: bool = Field(
        True, description="dense over all dimensions; false: one shared 1-D function (KAN-like)"
    )
    # small, so that blocks begin near the identity and grow as far as they help
    mag_scale: float = Field(0.01, description="initial size of a block's update (it is learned)")
    norm: Norm = Field("none", description="normalisation after each layer")
    center_magnitudes: bool = Field(
        True, description="divide each dimension by its geometric mean over tokens after each layer"
    )
    levels: int | None = Field(
        None, gt=0, description="levels of a hierarchy; null: until one group holds all tokens"
    )
    level_sharing: LevelSharing = Field(
        "per_level", description="which levels have a block of their own; hybrid: the first ones"
    )
    hybrid_levels: int = Field(2, gt=0, description="levels with a block of their own if hybrid")
    top_down: TopDown = Field("none", description="the way back: none, the same blocks, or others")
    phase_shifting: bool = Field(False, description="turn a group's tokens by learned angles")
    n_paths: int = Field(1, gt=0, description="hierarchies side by side, path i shifted by i")
    path_combination: Literal["mean", "learned", "kan"] = Field(
        "mean", description="how paths become one"
    )
    path_sharing: bool = Field(False, description="one hierarchy for all paths, not one each")
    dropout: float = Field(0.0, ge=0.0, lt=1.0, description="rate inside perceptrons and heads")
    complex_dropout: float = Field(
        0.0, ge=0.0, lt=1.0, description="rate at which whole complex numbers of tokens are dropped"
    )
    positions: Positions = Field("fixed", description="how a token is turned by its place")
    pooling: Pooling = Field("attention", description="how tokens become one feature vector")

    @property
    def block_hidden(self) -> int:
        """The hidden width of a block's perceptrons."""
        return self.mlp_hidden or self.kan_hidden * self.mlp_expansion

    @property
    def n_groups(self) -> int:
        """How many groups of dimensions interact on their own; it divides d_complex."""
        return self.n_heads if self._has_heads else 1

    # what layers in which tokens interact read, and nothing else does
    of_layers: ClassVar[tuple[str, ...]] = (
        "layer",
        "interaction",
        "aggregation",
        "window",
        "graph",
        "heads",
        "n_heads",
        "mlp_expansion",
        "mlp_hidden",
        "per_dim",
        "mag_scale",
        "norm",
        "center_magnitudes",
        "levels",
        "level_sharing",
        "hybrid_levels",
        "top_down",
        "phase_shifting",
        "n_paths",
        "path_combination",
        "path_sharing",
        "complex_dropout",
    )
    # what no baseline reads; domains add theirs
    of_kans: ClassVar[tuple[str, ...]] = (
        *of_layers,
        "d_complex",
        "kan_hidden",
        "positions",
        "pooling",
    )

    needs: ClassVar = {
        "window": Needs("aggregation", ("local_window",)),
        "graph": Needs("aggregation", ("graph_neighborhood",)),
        "heads": Needs("layer", ("polarizing",)),
        "interaction": _POLARIZING,
        "per_dim": _POLARIZING,
        "mag_scale": _POLARIZING,
        "mlp_expansion": _PERCEPTRONS,
        "mlp_hidden": _PERCEPTRONS,
        "levels": _HIERARCHICAL,
        "level_sharing": _HIERARCHICAL,
        "hybrid_levels": Needs("level_sharing", ("hybrid",)),
        "top_down": _HIERARCHICAL,
        "phase_shifting": _HIERARCHICAL,
        "n_paths": _HIERARCHICAL,
        "path_combination": _HIERARCHICAL,
        "path_sharing": _HIERARCHICAL,
    }

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        wrong = [found for is_wrong, *found in self._contradictions() if is_wrong]
        if wrong:
            option, why, do = wrong[0]
            alike = [other for other, its_why, _ in wrong[1:] if its_why == why]
            also = f" The same goes for {', '.join(alike)}." if alike else ""
            raise ConfigError(f"option {option} {why}", seen=getattr(self, option), do=do + also)

    def _contradictions(self) -> Iterator[tuple[bool, str, str, str]]:
        """Combinations of several options that contradict each other, or of which one is idle."""
        yield from self._contradictions_of_models()
        yield from self._contradictions_of_baselines()
        yield from self._contradictions_of_heads()
        yield from self._contradictions_of_hierarchies()
        yield from self._contradictions_of_aggregations()
        yield (
            self.mlp_hidden is not None and self._changed("mlp_expansion"),
            "mlp_expansion",
            f"has no effect beside mlp_hidden {self.mlp_hidden}",
            "Leave one of them out.",
        )
        yield (
            self.interaction == "interference" and self._changed("mag_scale"),
            "mag_scale",
            "has no effect with interaction interference, whose size is in its weights",
            "Leave it out, or set interaction to pointwise or broadcast.",
        )
        yield (
            self._is_twin and self.layer != "polarizing",
            "layer",
            f"has no twin of the kind {self.model}",
            "Use layer polarizing, or model cvkan.",
        )

    def _contradictions_of_models(self) -> Iterator[tuple[bool, str, str, str]]:
        known = _named(type(self).model_fields["model"].annotation)
        yield (
            self.match_params_of is not None and bool(known) and self.match_params_of not in known,
            "match_params_of",
            "names no model of this domain",
            f"Allowed: {', '.join(known)}.",
        )

    def _contradictions_of_baselines(self) -> Iterator[tuple[bool, str, str, str]]:
        # a baseline that takes the size of a cvkan model depends on all of that model's options
        for option in () if self._has_layers else self.of_kans:
            yield (
                self._changed(option),
                option,
                f"has no effect with model {self.model}",
                f"Leave it out or at its default, {self._default(option)}, "
                "or set match_params_of to cvkan, whose size it may change.",
            )
        for option in self.of_layers if self.n_layers == 0 else ():
            yield (
                self._changed(option),
                option,
                "has no effect without layers",
                f"Leave it out or at its default, {self._default(option)}, "
                "or set n_layers to 1 or more.",
            )

    def _contradictions_of_heads(self) -> Iterator[tuple[bool, str, str, str]]:
        yield (
            self._changed("n_heads") and not self._has_heads,
            "n_heads",
            "has no effect where all dimensions interact as one group",
            "Leave it out, or set heads to offset or factored, or layer to phase_attention.",
        )
        yield (
            self.d_complex % self.n_groups != 0,
            "n_heads",
            f"does not divide d_complex {self.d_complex}",
            "Change one of them.",
        )
        yield (
            self._is_twin and self.heads != "emergent",
            "heads",
            f"has no effect with model {self.model}",
            "Leave it out, or use model cvkan.",
        )

    def _contradictions_of_hierarchies(self) -> Iterator[tuple[bool, str, str, str]]:
        yield (
            self.level_sharing == "shared" and self.top_down == "learned",
            "top_down",
            "would have blocks of its own, but level_sharing shared has one for everything",
            "Use level_sharing per_direction for one block up and one down, or top_down mirror.",
        )
        yield (
            self.level_sharing == "per_direction" and self.top_down != "learned",
            "top_down",
            "has no second direction for level_sharing per_direction",
            "Use top_down learned, or level_sharing shared.",
        )
        for option in ("path_combination", "path_sharing"):
            yield (
                self.n_paths == 1 and self._changed(option),
                option,
                "has no effect with a single path",
                "Leave it out, or set n_paths to 2 or more.",
            )
        yield (
            self.levels is not None and self.n_paths > 1 << self.levels,
            "n_paths",
            f"repeats paths: the largest groups have {1 << (self.levels or 0)} tokens",
            "Lower it to that at most, or raise levels.",
        )

    def _contradictions_of_aggregations(self) -> Iterator[tuple[bool, str, str, str]]:
        yield (
            self.layer == "hierarchical" and self.aggregation not in ("mean", "magnitude_weighted"),
            "aggregation",
            "cannot sum up the groups of layer hierarchical",
            "Use mean or magnitude_weighted.",
        )
        yield (
            self.layer == "phase_attention"
            and self.aggregation not in ("attention", "causal")
            and self._changed("aggregation"),
            "aggregation",
            "has no effect with layer phase_attention",
            "Use attention, or causal for attention to the past alone.",
        )
        for option in ("window", "graph"):
            yield (
                self.layer == "phase_attention" and self._changed(option),
                option,
                "has no effect with layer phase_attention",
                "Leave it out.",
            )
        yield (
            self.graph != "grid" and not self.graph.endswith(".npz"),
            "graph",
            "is neither grid nor an .npz file",
            "Name a file with an array edges of shape (edges, 2), numbers of tokens from 0.",
        )
        yield (
            self.model == "real_polar" and self.aggregation == "attention",
            "aggregation",
            "weighs by interference of phases, which model real_polar does without",
            "Use another aggregation.",
        )

    @property
    def _has_layers(self) -> bool:
        """Whether the model, or the one whose size it takes, is made of complex tokens."""
        return bool(set(KANS) & set(self._all_of("model")))

    @property
    def _has_heads(self) -> bool:
        return self.layer == "phase_attention" or self.heads != "emergent"

    @property
    def _is_twin(self) -> bool:
        return self.model in ("real_cartesian", "real_polar")

    def _default(self, option: str) -> Any:
        return type(self).model_fields[option].default

    def _changed(self, option: str) -> bool:
        return bool(getattr(self, option) != self._default(option))

    def _all_of(self, option: str) -> tuple[object, ...]:
        # a model that takes the size of another depends on what that one reads
        both = option == "model" and self.match_params_of is not None
        return (self.model, self.match_params_of) if both else super()._all_of(option)


def _named(annotation: Any) -> tuple[str, ...]:
    """The values of a Literal, or of a union of some; none of any other annotation."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(name for part in get_args(annotation) for name in _named(part))
