"""Which version of Howdah is this?"""

from importlib.metadata import PackageNotFoundError, version


def release() -> str:
    """Such as "0.1.0"."""
    try:
        return version("howdah")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "0"
