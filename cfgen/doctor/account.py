"""Whose credentials these are, of which account, and whether this machine's clock is right."""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from botocore import exceptions as boto
from botocore.exceptions import ClientError

from cfgen.aws import FAILURES, brief, is_expired, kind_of
from cfgen.doctor.catalog import found
from cfgen.doctor.findings import Finding, ok

if TYPE_CHECKING:
    from cfgen.aws import Clients

REFUSED_SECONDS, DRIFT_SECONDS = 240, 30
"""From how many seconds on a clock is off, and from how many it drifts. AWS refuses what was signed
more than five minutes before or after its own time (IAM User Guide, "Signature Version 4")."""

_SSO = (boto.SSOTokenLoadError, boto.UnauthorizedSSOTokenError, boto.TokenRetrievalError)
_NONE = (boto.NoCredentialsError, boto.PartialCredentialsError, boto.CredentialRetrievalError)

Trouble = Literal["none", "sso", "expired", "invalid"]


class Identity(msgspec.Struct, frozen=True):
    """Who AWS says is calling. ``skew`` is by how many seconds this machine's clock is fast,
    ``None`` where AWS gave no time."""

    account: str
    arn: str
    skew: float | None = None


class Refusal(msgspec.Struct, frozen=True):
    """Why there is no identity; ``skew`` as of :class:`Identity`."""

    trouble: Trouble
    reason: str
    skew: float | None = None


def read_identity(clients: "Clients", clock: Callable[[], datetime]) -> Identity | Refusal:
    """Ask AWS who is calling. Raises botocore's errors that are not about credentials."""
    try:
        answer = clients.sts.get_caller_identity()
    except FAILURES as error:
        trouble = _trouble(error)
        if trouble is None:
            raise
        response = error.response if isinstance(error, ClientError) else {}
        return Refusal(trouble, brief(error), _skew(response, clock()))
    return Identity(answer["Account"], answer["Arn"], _skew(answer, clock()))


def _trouble(error: Exception) -> Trouble | None:
    if isinstance(error, _SSO):
        return "sso"
    if isinstance(error, _NONE):
        return "none"
    if is_expired(error):
        return "expired"
    return "invalid" if kind_of(error) == "no-credentials" else None


def _skew(response: Any, now: datetime) -> float | None:
    """Seconds that ``now`` is ahead of the answer's Date header (RFC 9110)."""
    said = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
    try:
        return (now - parsedate_to_datetime(said)).total_seconds()
    except (TypeError, ValueError):
        return None


def judge_identity(
    one: Identity | Refusal, allowed: Collection[str], profile: str, file: str
) -> Iterator[Finding]:
    """``profile`` is the option that names the profile, with a space before it, or empty."""
    if isinstance(one, Identity):
        if allowed and one.account not in allowed:
            listed = ", ".join(allowed)
            yield found("account-not-allowed", account=one.account, allowed=listed, file=file)
        else:
            yield ok("credentials", f"account {one.account}, {one.arn}")
    elif one.trouble == "invalid" and one.skew is not None and abs(one.skew) >= REFUSED_SECONDS:
        yield found("credentials-off-clock", reason=one.reason)
    else:
        yield found(f"credentials-{one.trouble}", reason=one.reason, profile=profile)


def judge_clock(skew: float | None, check: str = "clock") -> Iterator[Finding]:
    """Of this machine, or of the host (``host-clock``); nothing where there is nothing to say."""
    if skew is None:
        return
    off = abs(skew)
    facts = {"seconds": f"{off:.0f}", "way": "fast" if skew > 0 else "slow"}
    if check == "host-clock":
        bad = off >= DRIFT_SECONDS
        yield found("host-clock-off", **facts) if bad else ok(check, _right(off))
    elif off >= REFUSED_SECONDS:
        yield found("clock-off", **facts)
    elif off >= DRIFT_SECONDS:
        yield found("clock-drifts", **facts)
    else:
        yield ok(check, _right(off))


def _right(off: float) -> str:
    # AWS gives whole seconds, and the way there takes part of one.
    return f"right to {max(off, 1):.0f} s"
