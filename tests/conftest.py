"""What every test relies on."""

from __future__ import annotations

import signal

from hypothesis import HealthCheck, settings

# The same examples everywhere and however busy the machine is. Others are tried with
# `pytest --hypothesis-profile=default`.
settings.register_profile(
    "lab",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("lab")


def pytest_configure() -> None:
    # A runner that was started in the background ignores Ctrl-C, and with it every process that
    # the tests start and interrupt.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
