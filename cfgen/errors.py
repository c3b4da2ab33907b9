"""Everything that ends a command early, and the exit codes.

::

    CfgenError (1)
    ├── AwsError (1)            AWS or the way to it refused or failed
    ├── HostFailed (1)          the stack is as wanted, its host is not
    ├── ConfigError (2)         a flag, cfgen.toml or cfgen.lock is wrong
    ├── DeployFailed (3)        failed, and the stack is back in a stable state
    ├── NeedsRepair (4)         failed, and the stack needs repair
    ├── Refused (5)             a guard, a lint error, no terminal and no --yes
    ├── Declined (6)            the user said no
    ├── StillRunning (7)        gave up waiting, the operation goes on
    └── Findings (8)            findings or differences

An error says what is wrong and where; ``hint`` says what to do next. Only the command line's
boundary prints it. These classes know nothing of click.
"""


class CfgenError(Exception):
    """Base of all; exit code 1."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class AwsError(CfgenError):
    """AWS, or the way to it, refused or failed."""


class HostFailed(CfgenError):
    """The stack is as wanted, and its host could not take the change up."""


class ConfigError(CfgenError):
    """A flag, ``cfgen.toml`` or ``cfgen.lock`` is wrong."""

    exit_code = 2


class DeployFailed(CfgenError):
    """The deploy failed; the stack is back in a stable state."""

    exit_code = 3


class NeedsRepair(CfgenError):
    """The deploy failed; the stack needs repair before anything else."""

    exit_code = 4


class Refused(CfgenError):
    """Something that protects the user said no."""

    exit_code = 5


class Declined(CfgenError):
    """The user said no."""

    exit_code = 6


class StillRunning(CfgenError):
    """Gave up waiting; the operation goes on in AWS."""

    exit_code = 7


class Findings(CfgenError):
    """A check found something, or a comparison a difference."""

    exit_code = 8
