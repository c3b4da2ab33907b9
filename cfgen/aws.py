"""Sessions and clients: made here, nowhere else; and what AWS's errors mean."""

import logging
import os
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore import UNSIGNED
from botocore import exceptions as boto
from botocore.config import Config as BotoConfig
from botocore.parsers import ResponseParserError

from cfgen import __version__
from cfgen.errors import AwsError, ConfigError
from pricing.errors import SourceError

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient

_log = logging.getLogger(__name__)

EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
INVALID = {
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "AuthFailure",
}
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


def _patience() -> dict[str, Any]:
    """Retries while reading prices: there is something to fall back on."""
    own = "AWS_MAX_ATTEMPTS" in os.environ
    return {"mode": "adaptive"} | ({} if own else {"total_max_attempts": 3})


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
        self.region = region
        self._profile, self._credentials = profile, credentials
        self._endpoint_url = endpoint_url
        with aws_errors():
            self._session = self._new_session()

    def _new_session(self) -> boto3.session.Session:
        key, secret = self._credentials or (None, None)
        return boto3.session.Session(
            profile_name=self._profile,
            region_name=self.region,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
        )

    def renew(self) -> bool:
        """Look for credentials anew, and say whether there are others now.

        What boto3 can refresh it refreshes itself; this finds what somebody has put there since.
        """
        try:
            session = self._new_session()
            before, after = (one.get_credentials() for one in (self._session, session))
            if after is None or after.get_frozen_credentials() == (
                before and before.get_frozen_credentials()
            ):
                return False
        except (*FAILURES, OSError, ValueError, KeyError):
            return False
        self._session = session
        for name, member in vars(type(self)).items():
            if isinstance(member, cached_property):
                vars(self).pop(name, None)
        return True

    def _client(self, service: Any) -> Any:
        try:
            client: Any = self._session.client(
                service, config=_CONFIG, endpoint_url=self._endpoint_url
            )
        except ValueError as error:
            raise ConfigError(redact(str(error)), "check AWS_ENDPOINT_URL") from error
        client.meta.events.register("before-parse", _refuse_page)
        return client

    @cached_property
    def cloudformation(self) -> "CloudFormationClient":
        """CloudFormation."""
        return self._client("cloudformation")  # type: ignore[no-any-return]

    @cached_property
    def sts(self) -> "STSClient":
        """Security Token Service."""
        return self._client("sts")  # type: ignore[no-any-return]

    @cached_property
    def s3(self) -> "S3Client":
        """Simple Storage Service."""
        return self._client("s3")  # type: ignore[no-any-return]

    @cached_property
    def secretsmanager(self) -> "SecretsManagerClient":
        """Secrets Manager."""
        return self._client("secretsmanager")  # type: ignore[no-any-return]

    @cached_property
    def autoscaling(self) -> "AutoScalingClient":
        """EC2 Auto Scaling."""
        return self._client("autoscaling")  # type: ignore[no-any-return]

    @cached_property
    def cloudwatch(self) -> "CloudWatchClient":
        """CloudWatch."""
        return self._client("cloudwatch")  # type: ignore[no-any-return]

    @cached_property
    def ec2(self) -> "EC2Client":
        """Elastic Compute Cloud."""
        return self._client("ec2")  # type: ignore[no-any-return]

    @cached_property
    def kms(self) -> "KMSClient":
        """Key Management Service."""
        return self._client("kms")  # type: ignore[no-any-return]

    @cached_property
    def logs(self) -> "CloudWatchLogsClient":
        """CloudWatch Logs."""
        return self._client("logs")  # type: ignore[no-any-return]

    @cached_property
    def iam(self) -> "IAMClient":
        """Identity and Access Management."""
        return self._client("iam")  # type: ignore[no-any-return]

    @cached_property
    def sns(self) -> "SNSClient":
        """Simple Notification Service."""
        return self._client("sns")  # type: ignore[no-any-return]

    @cached_property
    def ssm(self) -> "SSMClient":
        """Systems Manager."""
        return self._client("ssm")  # type: ignore[no-any-return]


class PriceApis:
    """The AWS that prices are read from: :class:`pricing.sources.interface.Aws` by boto3.

    Unless ``metadata`` is set, the instance metadata service is not asked for credentials: outside
    EC2 one waits seconds for it. Raises :class:`ConfigError` for an unknown profile.
    """

    def __init__(self, profile: str | None = None, *, metadata: bool = False) -> None:
        self.calls: Counter[str] = Counter()
        self._clients: dict[tuple[str, str], Any] = {}
        self._making = threading.Lock()
        try:
            with aws_errors():
                core = botocore.session.Session(profile=profile)
                if not metadata:
                    core.get_component("credential_provider").remove("iam-role")
                self._session = boto3.session.Session(botocore_session=core)
                self._core = core
        except ValueError as error:
            raise ConfigError(f"the AWS configuration is wrong: {redact(str(error))}") from error

    def has_credentials(self) -> bool:
        """Whether there are any, fetched once and for all.

        A program or a service may have to be asked for them. Raises :class:`AwsError`.
        """
        with aws_errors():
            try:
                credentials = self._session.get_credentials()
                return credentials is not None and bool(credentials.get_frozen_credentials())
            except (OSError, ValueError, KeyError) as error:
                raise AwsError(
                    f"no usable AWS credentials: {redact(str(error))}", HINTS["no-credentials"]
                ) from error

    def endpoints(self) -> str:
        """The endpoints of the AWS configuration that stand for AWS's own, if there are any."""
        scoped = self._core.get_scoped_config()
        named = {name: scoped[name] for name in ("endpoint_url", "services") if name in scoped}
        services = self._core.full_config.get("services") if named else None
        return repr((sorted(named.items()), services)) if named else ""

    def pages(
        self, service: str, operation: str, region: str, parameters: Mapping[str, Any]
    ) -> Iterator[Mapping[str, Any]]:
        """See :class:`pricing.sources.interface.Aws`."""
        client = self._client(service, region)
        api = client.meta.method_to_api_mapping[operation]
        try:
            if client.can_paginate(operation):
                yield from client.get_paginator(operation).paginate(**parameters)
            else:
                yield from _by_token(getattr(client, operation), parameters)
        except FAILURES as error:
            raise source_error(error, f"{service}:{api}") from error
        except ValueError as error:
            # A number or a moment that botocore cannot read.
            raise SourceError("malformed", f"{service}:{api}: {error}") from error

    def public_object(self, bucket: str, key: str) -> bytes:
        """See :class:`pricing.sources.interface.Aws`."""
        client = self._client("s3", "us-east-1")
        try:
            with closing(client.get_object(Bucket=bucket, Key=key)["Body"]) as body:
                return bytes(body.read())
        except FAILURES as error:
            raise source_error(error, "s3:GetObject") from error

    def log_calls(self) -> None:
        """Say how many requests were sent, each retry counted."""
        each = ", ".join(f"{name} {count}" for name, count in sorted(self.calls.items()))
        _log.debug("%d calls to AWS%s", self.calls.total(), f": {each}" if each else "")

    def _client(self, service: str, region: str) -> Any:
        # Making clients is not safe in threads, using them is (boto3, "Multithreading").
        with self._making:
            if (service, region) not in self._clients:
                self._clients[service, region] = self._make(service, region)
        return self._clients[service, region]

    def _make(self, service: str, region: str) -> Any:
        config = BotoConfig(
            retries=_patience(),  # type: ignore[arg-type]
            connect_timeout=5,
            read_timeout=10,
            max_pool_connections=64,
            user_agent_extra=f"cfgen/{__version__}",
            signature_version=UNSIGNED if service == "s3" else None,
        )
        make: Any = self._session.client
        try:
            client = make(service, region_name=region, config=config)
        except FAILURES as error:
            raise source_error(error, service) from error
        except ValueError as error:
            raise ConfigError(
                redact(str(error)), "check AWS_ENDPOINT_URL and the AWS configuration"
            ) from error
        client.meta.events.register("before-send", self._count)
        return client

    def _count(self, request: Any, event_name: str, **_: Any) -> None:
        service, operation = event_name.split(".")[1:3]
        self.calls[service] += 1
        _log.debug("%s %s %s", service, operation, redact(request.url))


def _refuse_page(response_dict: Mapping[str, Any], **_: Any) -> None:
    """Raise :class:`ResponseParserError` for a web page, as of a proxy, in AWS's stead.

    Where it is well-formed XML, botocore's own parser stumbles over what it lacks (a KeyError).
    """
    body = response_dict.get("body")
    if isinstance(body, bytes) and re.match(rb"\s*<(!doctype )?html", body, re.IGNORECASE):
        raise ResponseParserError("a web page came in place of AWS's answer")


def _by_token(call: Any, parameters: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The pages of an operation that botocore has no paginator for."""
    token = None
    while True:
        page = call(**parameters, **({"nextToken": token} if token else {}))
        yield page
        last, token = token, page.get("nextToken")
        if not token:
            return
        if token == last:
            raise boto.PaginationError(message=f"The same next token was received twice: {token}")


def source_error(error: Exception, action: str) -> SourceError:
    """What a failed call means for a price; ``action`` as IAM names it."""
    kind = kind_of(error)
    said = {
        "denied": f"{action} is denied",
        "throttled": f"{action} is throttled",
        "expired": "the credentials have expired",
        "no-credentials": f"no usable AWS credentials: {brief(error)}",
    }
    hint = f"allow it: the IAM action {action}" if kind == "denied" else HINTS[kind]
    return SourceError(kind, said.get(kind, f"{action}: {brief(error)}"), hint)


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


def kind_of(error: Exception) -> str:
    """Why a call failed, in a word: one of the keys of ``HINTS``."""
    if isinstance(error, boto.CredentialRetrievalError):
        return "no-credentials"
    if is_expired(error):
        return "expired"
    if isinstance(error, boto.ClientError):
        known = {"denied": DENIED, "throttled": THROTTLED, "no-credentials": INVALID}
        return next((kind for kind, codes in known.items() if code_of(error) in codes), "failed")
    if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError):
        return "no-credentials"
    cut = boto.PaginationError | boto.ResponseStreamingError | boto.IncompleteReadError
    if isinstance(error, ResponseParserError | cut):
        return "malformed"
    if isinstance(error, boto.HTTPClientError | boto.ConnectionError):
        return "unreachable"
    return "failed"


HINTS = {
    "expired": "renew the credentials, for example with aws sso login",
    "denied": "your identity's policy must allow it",
    "throttled": "AWS asks to slow down: try again in a minute",
    "no-credentials": "aws configure, aws sso login, or --profile",
    "malformed": "check the proxy, the network and AWS_ENDPOINT_URL",
    "unreachable": "check the network, the region and AWS_ENDPOINT_URL",
    "failed": "",
}
"""What to do next, by the kind of failure."""


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
            f"{HINTS['no-credentials']}; without an account: deploy --rehearse",
        ) from error
    except boto.ClientError as error:
        kind = kind_of(error)
        denied = f"your identity may not call {error.operation_name}: its policy must allow it"
        raise AwsError(
            f"{error.operation_name}: {message_of(error)}",
            denied if kind == "denied" else HINTS[kind],
        ) from error
    except ResponseParserError as error:
        raise AwsError(
            f"the answer did not come from AWS: {brief(error)}", HINTS["malformed"]
        ) from error
    except boto.BotoCoreError as error:
        kind = kind_of(error)
        said = {
            "expired": "the credentials have expired",
            "no-credentials": "no usable AWS credentials",
        }
        if kind in said:
            raise AwsError(f"{said[kind]}: {brief(error)}", HINTS[kind]) from error
        raise AwsError(
            brief(error),
            HINTS[kind] or "check the AWS configuration, and the credentials for a line break",
        ) from error
