"""Whether credentials could be at hand, told without AWS's SDK, which takes long to wake."""

import os
from collections.abc import Mapping
from pathlib import Path

VARIABLES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_CONFIG_FILE",
)
FILES = (".aws/credentials", ".aws/config")
"""Where boto3 looks (boto3, "Credentials"), less the instance metadata, which one must wait for."""


def could_be_at_hand(
    profile: str | None, environment: Mapping[str, str], home: Path | None
) -> bool:
    """False only where there are none that can be read; ``home`` may be unknown."""
    return (
        bool(profile)
        or any(environment.get(name) for name in VARIABLES)
        or (home is not None and any(os.access(home / name, os.R_OK) for name in FILES))
    )
