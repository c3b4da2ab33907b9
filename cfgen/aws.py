"""Sessions and clients: made here, nowhere else; and what AWS's errors mean."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore import exceptions as boto
from botocore.config import Config as BotoConfig
from botocore.parsers import ResponseParserError

from cfgen import __version__
from cfgen.errors import AwsError, ConfigError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient

EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
INVALID = {"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch"}
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
THROTTLED = {
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
}

FAILURES = (boto.ClientError, boto.BotoCoreError, ResponseParserError)
"""Everything that a call may raise. The last is what comes of a proxy's answer in AWS's stead."""

# Adaptive: botocore slows down by itself when AWS throttles.
_CONFIG = BotoConfig(
    retries={"mode": "adaptive", "total_max_attempts": 8},
    connect_timeout=10,
    read_timeout=60,
    user_agent_extra=f"cfgen/{__version__}",
)


class Clients:
    """The clients of one region and identity, made when first used.

    ``endpoint_url`` and ``credentials`` (key and secret) are for an AWS that is not AWS; without
    them boto3 finds both as usual. Raises :class:`ConfigError` for an unknown profile.
    """

    def __init__(
        self,
        region: str,
        profile: str | None = None,
        endpoint_url: str | None = None,
        credentials: tuple[str, str] | None = None,
    ) -> None:
        key, secret = credentials or (None, None)
        self.region = region
        self._endpoint_url = endpoint_url
        with aws_errors():
            self._session = boto3.session.Session(
                profile_name=profile,
                region_name=region,
                aws_access_key_id=key,
                aws_secret_access_key=secret,
            )

    def _client(self, service: Any) -> Any:
        try:
            return self._session.client(service, config=_CONFIG, endpoint_url=self._endpoint_url)
        except ValueError as error:
            raise ConfigError(redact(str(error)), "check AWS_ENDPOINT_URL") from error

    @cached_property
    def cloudformation(self) -> "CloudFormationClient":
        """CloudFormation."""
        return self._client("cloudformation")  # type: ignore[no-any-return]

    @cached_property
    def sts(self) -> "STSClient":
        """Security Token Service."""
        return self._client("sts")  # type: ignore[no-any-return]

    @cached_property
    def ssm(self) -> "SSMClient":
        """Systems Manager."""
        return self._client("ssm")  # type: ignore[no-any-return]


def code_of(error: boto.ClientError) -> str:
    """AWS's error code, such as ``ValidationError``."""
    return str(error.response.get("Error", {}).get("Code", ""))


def message_of(error: boto.ClientError) -> str:
    """AWS's own words."""
    return str(error.response.get("Error", {}).get("Message", "")) or str(error)


def brief(error: Exception) -> str:
    """An error in one line."""
    if isinstance(error, boto.ClientError):
        return f"{code_of(error)}: {message_of(error)}"
    return redact(str(error).partition("\n")[0])


def redact(text: str) -> str:
    """Leave out what a URL or a header may carry: a password, a token."""
    text = re.sub(r"://[^/@\s]*@", "://****@", text)
    return re.sub(r"(?s)(header value ).*", r"\1****", text)


def is_transient(error: Exception) -> bool:
    """Whether the same call may work a little later: throttled, or the way to AWS was cut."""
    if isinstance(error, boto.ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return code_of(error) in THROTTLED or status >= 500
    return isinstance(error, boto.HTTPClientError | boto.ConnectionError | ResponseParserError)


def is_expired(error: Exception) -> bool:
    """Whether the credentials ran out."""
    if isinstance(error, boto.ClientError):
        return code_of(error) in EXPIRED
    return isinstance(
        error,
        boto.TokenRetrievalError
        | boto.SSOTokenLoadError
        | boto.UnauthorizedSSOTokenError
        | boto.CredentialRetrievalError,
    )


@contextmanager
def aws_errors() -> Iterator[None]:
    """Turn botocore's errors into ours, with what to do next."""
    try:
        yield
    except boto.ProfileNotFound as error:
        raise ConfigError(f"--profile: {error}", "see: aws configure list-profiles") from error
    except (boto.NoCredentialsError, boto.PartialCredentialsError) as error:
        raise AwsError(
            f"no usable AWS credentials: {error}",
            "aws configure, aws sso login, or --profile; without an account: deploy --rehearse",
        ) from error
    except boto.ClientError as error:
        raise AwsError(f"{error.operation_name}: {message_of(error)}", _hint(error)) from error
    except boto.EndpointConnectionError as error:
        raise AwsError(
            brief(error), "check the network, the region and AWS_ENDPOINT_URL"
        ) from error
    except ResponseParserError as error:
        raise AwsError(
            f"the answer did not come from AWS: {brief(error)}",
            "check the proxy, the network and AWS_ENDPOINT_URL",
        ) from error
    except boto.BotoCoreError as error:
        if is_expired(error):
            raise AwsError(
                f"the credentials have expired: {brief(error)}", "aws sso login"
            ) from error
        raise AwsError(
            brief(error), "check the network, and the credentials for a line break"
        ) from error


def _hint(error: boto.ClientError) -> str:
    code = code_of(error)
    if code in EXPIRED:
        return "the credentials have expired: renew them, for example with aws sso login"
    if code in INVALID:
        return "AWS does not know these credentials: check profile, keys and region"
    if code in DENIED:
        return f"your identity may not call {error.operation_name}: its policy must allow it"
    if code in THROTTLED:
        return "AWS asks to slow down: try again in a minute"
    return ""
