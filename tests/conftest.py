"""What holds for every test run?"""

import signal


def pytest_configure() -> None:
    """End on SIGTERM as on Ctrl-C: every test ends its processes and removes its directories on the way out."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
