"""Reading and writing the stack's secret."""

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import msgspec
from botocore.exceptions import ClientError

from cfgen.aws import code_of
from cfgen.errors import ConfigError
from cfgen.secret.keys import problem

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


LARGEST = 65_536
"""Bytes of a secret's value (PutSecretValue in the Secrets Manager API Reference)."""


class Change(msgspec.Struct, frozen=True):
    """What was done to each key by name, and all that the secret holds now."""

    done: dict[str, str]
    after: dict[str, str]


def secret_name(stack: str) -> str:
    """The name of a stack's secret (``cfgen/template/secret.py``)."""
    return f"{stack}/kis-api"


class KeyStore:
    """The secret of one stack."""

    def __init__(self, client: "SecretsManagerClient", stack: str) -> None:
        self._client = client
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

    def merge(self, new: Mapping[str, str], token: str) -> Change:
        """Lay keys over those that are there.

        Raises :class:`ConfigError` for a key that does not look like one; nothing is written then.
        """
        problems = [what for name, value in sorted(new.items()) if (what := problem(name, value))]
        if problems:
            raise ConfigError("\n  ".join(problems), "nothing was stored")
        before = self.read()
        after = {**before, **new}
        self._write(before, after, token)
        changed = sorted(name for name in new if before.get(name) != new[name])
        return Change({n: "replaced" if n in before else "stored" for n in changed}, after)

    def remove(self, names: Collection[str], token: str) -> Change:
        """Take keys out. Raises :class:`ConfigError` for a name that is not there."""
        before = self.read()
        if unknown := sorted(set(names) - set(before)):
            held = f"it holds {', '.join(sorted(before))}" if before else "it holds no key"
            raise ConfigError(f"{self.name} has no {' and no '.join(unknown)}", held)
        after = {name: value for name, value in before.items() if name not in names}
        self._write(before, after, token)
        return Change(dict.fromkeys(sorted(names), "removed"), after)

    def _write(self, before: dict[str, str], after: dict[str, str], token: str) -> None:
        if after == before:
            return
        text = json.dumps(after, sort_keys=True)
        if len(text) > LARGEST:
            raise ConfigError(f"{self.name} can hold no more than {LARGEST} bytes")
        self._client.put_secret_value(
            SecretId=self.name, SecretString=text, ClientRequestToken=token
        )
