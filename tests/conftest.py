"""What holds for every test run?"""

import signal

from hypothesis import HealthCheck, settings

settings.register_profile("howdah", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("howdah")  # how long an example takes says how busy the machine is, and nothing of the code


def pytest_configure() -> None:
    """End on SIGTERM as on Ctrl-C: every test ends its processes and removes its directories on the way out."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
