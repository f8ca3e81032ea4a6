"""Which configuration comes next: recovered ones, then random ones, then those of the sampler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.record import liveness
from lab.sweep.quiet import quiet_optuna
from lab.sweep.space import Parameter, Space
from lab.sweep.storage import OURS

if TYPE_CHECKING:
    import optuna

DIED = "the process that ran it is gone"
INTERRUPTED = "interrupted"
AGAIN = (DIED, INTERRUPTED)  # such trials are asked for again, and count for nothing


def counted_trials(study: optuna.Study) -> int:
    """Trials that use up the budget: all that began, but for those that are asked for again and
    those taken over from another study."""
    return sum(
        trial.state.name != "WAITING"
        and trial.user_attrs.get(f"{OURS}problem") not in AGAIN
        and f"{OURS}carried_from" not in trial.user_attrs
        for trial in study.get_trials(deepcopy=False)
    )


def ask(study: optuna.Study, space: Space, budget: int) -> optuna.Trial | None:
    """The next trial with its parameters chosen; None when the study has `budget` trials.

    Whoever asks holds the lock of the study: else two processes would pass the budget together.
    """
    if counted_trials(study) >= budget:
        return None
    # Trials without a value, such as failed ones, teach the sampler nothing.
    phase = "random" if _phase_trials(study) < space.n_random else "adaptive"
    study.sampler = _sampler(space, phase, len(study.get_trials(deepcopy=False)))
    with quiet_optuna():
        trial = study.ask()
        if f"{OURS}phase" not in trial.user_attrs:
            trial.set_user_attr(f"{OURS}phase", phase)
        trial.set_user_attr(f"{OURS}owner", liveness.identity())
        suggest(trial, space)
    return trial


def suggest(trial: optuna.Trial, space: Space) -> None:
    """Choose every active parameter, those that conditions name before those they govern."""
    params: dict[str, Any] = {}
    for parameter in space.in_order():
        if space.is_active(parameter, params):
            params[parameter.name] = _suggest(trial, parameter)


def _suggest(trial: optuna.Trial, parameter: Parameter) -> Any:
    if parameter.kind == "categorical":
        return trial.suggest_categorical(parameter.name, parameter.choices)
    low, high = parameter.low or 0, parameter.high or 0
    if parameter.kind == "int":
        step = int(parameter.step or 1)
        last = int(low) + (int(high) - int(low)) // step * step
        return trial.suggest_int(parameter.name, int(low), last, step=step, log=parameter.log)
    return trial.suggest_float(parameter.name, low, high, step=parameter.step, log=parameter.log)


def _phase_trials(study: optuna.Study) -> int:
    return sum(
        t.state.name in ("COMPLETE", "PRUNED", "RUNNING")
        and t.user_attrs.get(f"{OURS}phase") == "random"
        for t in study.get_trials(deepcopy=False)
    )


def _sampler(space: Space, phase: str, begun: int) -> optuna.samplers.BaseSampler:
    """A new sampler for each trial, so that a resumed study does not draw the same ones again."""
    from optuna.samplers import RandomSampler, TPESampler

    seed = (int(space.sampler.get("seed", 0)) * 1_000_003 + begun) % 2**32
    with quiet_optuna():
        if phase == "random":
            return RandomSampler(seed=seed)
        return TPESampler(n_startup_trials=1, multivariate=True, group=True, seed=seed)


def pruner(space: Space) -> optuna.pruners.BasePruner:
    """Optuna's pruner for what the space says."""
    from optuna.pruners import HyperbandPruner, MedianPruner, NopPruner

    options = {key: value for key, value in space.pruner.items() if key != "name"}
    with quiet_optuna():
        if space.pruner["name"] == "median":
            return MedianPruner(**options)
        if space.pruner["name"] == "hyperband":
            return HyperbandPruner(**options)
        return NopPruner()


def put_back(study: optuna.Study, frozen: optuna.trial.FrozenTrial, why: str) -> None:
    """Give a trial up and ask for its configuration again."""
    with quiet_optuna():
        from optuna.trial import Trial, TrialState

        Trial(study, frozen._trial_id).set_user_attr(f"{OURS}problem", why)
        study.tell(frozen.number, state=TrialState.FAIL, skip_if_finished=True)
        attrs = {f"{OURS}phase": frozen.user_attrs.get(f"{OURS}phase", "random")}
        study.enqueue_trial(dict(frozen.params), user_attrs=attrs)


def adopt(study: optuna.Study, frozen: optuna.trial.FrozenTrial) -> optuna.Trial:
    """Make an abandoned trial one of this process."""
    with quiet_optuna():
        from optuna.trial import Trial

        trial = Trial(study, frozen._trial_id)
        trial.set_user_attr(f"{OURS}owner", liveness.identity())
    return trial


def abandoned(study: optuna.Study, silent: set[int]) -> list[optuna.trial.FrozenTrial]:
    """Running trials whose process on this machine is gone, or silent on another one."""
    return [
        trial
        for trial in study.get_trials(deepcopy=False)
        if trial.state.name == "RUNNING"
        and (trial._trial_id in silent or _is_gone(trial.user_attrs.get(f"{OURS}owner")))
    ]


def _is_gone(owner: dict[str, Any] | None) -> bool:
    if owner is None:
        return True  # it died between asking and signing, both under the lock that is held now
    return owner.get("host") == liveness.host_name() and liveness.process_is_gone(owner)
