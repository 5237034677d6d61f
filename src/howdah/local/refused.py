"""How does a command say that it will not, or could not, do what was asked?"""


class Refused(Exception):
    """The sentence names the thing and the mend. The command prints it and ends with status 1."""


class NotServing(Refused):
    """Everything was started and goes on, but the cluster does not serve in time."""
