"""Reading and writing the stack's secret."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cfgen.aws import code_of
from cfgen.errors import ConfigError
from cfgen.secret.keys import problem

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


def secret_name(stack: str) -> str:
    """The name of a stack's secret (``cfgen/template/secret.py``)."""
    return f"{stack}/kis-api"


class KeyStore:
    """The secret of one stack. ``note`` is told what happened, never a value."""

    def __init__(
        self, client: "SecretsManagerClient", stack: str, note: Callable[[str], None]
    ) -> None:
        self._client = client
        self._note = note
        self.name = secret_name(stack)

    def read(self) -> dict[str, str]:
        """The keys; none where the secret is still empty.

        Raises :class:`ConfigError` where there is no secret, or one that is no JSON object of
        strings: it is not ours to overwrite.
        """
        try:
            # An empty secret and one that is not there give the same error to GetSecretValue.
            described = self._client.describe_secret(SecretId=self.name)
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":
                raise ConfigError(
                    f"there is no secret {self.name}", "the stack's first deploy makes it"
                ) from error
            raise
        if described.get("DeletedDate"):
            raise ConfigError(
                f"secret {self.name} is being deleted",
                f"aws secretsmanager restore-secret --secret-id {self.name}",
            )
        if not described.get("VersionIdsToStages"):
            return {}
        text = self._client.get_secret_value(SecretId=self.name).get("SecretString", "")
        try:
            keys = json.loads(text)
        except ValueError:
            keys = None
        if not isinstance(keys, dict) or not all(isinstance(one, str) for one in keys.values()):
            raise ConfigError(
                f"secret {self.name} holds something else than a JSON object of strings",
                "look at it in the console; cfgen does not overwrite what it does not know",
            )
        return keys

    def merge(self, new: Mapping[str, str], token: str) -> bool:
        """Lay keys over those that are there, and say whether anything changed.

        Raises :class:`ConfigError` for a key that does not look like one; nothing is written then.
        """
        problems = [what for name, value in sorted(new.items()) if (what := problem(name, value))]
        if problems:
            raise ConfigError("\n  ".join(problems), "nothing was stored")
        before = self.read()
        after = {**before, **new}
        if after == before:
            self._note(f"{self.name} holds these keys already")
            return False
        self._client.put_secret_value(
            SecretId=self.name,
            SecretString=json.dumps(after, sort_keys=True),
            ClientRequestToken=token,
        )
        for name in sorted(new):
            if before.get(name) != new[name]:
                self._note(f"{name}: {'replaced' if name in before else 'stored'}")
        return True
