"""The broker's keys in the secret."""

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from cfgen.doctor.catalog import found
from cfgen.doctor.findings import Finding, ok
from cfgen.errors import ConfigError
from cfgen.secret.check import key_states
from cfgen.secret.intake import told
from cfgen.secret.keys import Mode, lacking

if TYPE_CHECKING:
    from cfgen.aws import Clients


def read_keys(clients: "Clients", stack: str) -> Mapping[str, str] | ConfigError:
    """The secret's keys, or why there is no such secret. Raises botocore's errors."""
    from cfgen.secret.store import KeyStore

    try:
        return KeyStore(clients.secretsmanager, stack).read()
    except ConfigError as error:
        return error


def judge_keys(keys: Mapping[str, str] | ConfigError, modes: Collection[Mode]) -> Iterator[Finding]:
    """By name and by shape. No value is in any text."""
    if isinstance(keys, ConfigError):
        if keys.hint.startswith("aws "):
            yield found("secret-deleted", text=str(keys), command=keys.hint)
        else:
            yield found("secret-absent", text=str(keys), hint=keys.hint)
        return
    if not keys:
        yield found("secret-empty")
        return
    missing = lacking(modes, keys)
    if missing:
        yield found("keys-missing", modes=", ".join(modes), names=", ".join(missing))
    wrong = [one for one in key_states(keys, modes) if one.wrong and one.name not in missing]
    for one in wrong:
        yield found("keys-wrong", name=one.name, text=one.text)
    doubts = [text for text in told(keys, modes) if "cannot run; missing" not in text]
    for text in doubts:
        yield found("keys-doubtful", text=text)
    if not missing and not wrong and not doubts:
        yield ok("keys", f"all that a bot in {' and '.join(modes)} mode needs")
