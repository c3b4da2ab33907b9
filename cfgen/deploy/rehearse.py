"""A deploy against an AWS in memory: moto's server, in this process.

What it shows: the template is accepted, its references resolve, the deploy's own steps work. What
it cannot show: whether AWS would accept every property, the outputs (moto has none for a stack made
by a change set), and anything about the types that moto does not know, which are named at the end.
"""

import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
from cfnlint.decode.decode import decode_str

from cfgen.aws import FAILURES, Clients
from cfgen.deploy.following import Answer
from cfgen.deploy.plan import Watcher, Wish
from cfgen.deploy.run import Result, deploy
from cfgen.deploy.stack import Stack
from cfgen.deploy.waiting import Waiting
from cfgen.errors import CfgenError, ConfigError, Findings

STAND_INS = ("https://git.example.com/rehearsal.git@v1", "rehearsal", "1")
"""For parameters without a value, the first that the parameter allows: moto fetches nothing."""


class Rehearsal(msgspec.Struct, frozen=True):
    """How it went: the resource types that were created, and those that were not."""

    result: Result
    tried: tuple[str, ...]
    untried: tuple[str, ...]


def rehearse(
    wish: Wish, region: str, waiting: Waiting, watcher: Watcher, last: str | None = None
) -> Rehearsal:
    """Deploy twice: the second time must find nothing to do.

    ``last`` is a template that was rehearsed before: then the rehearsal is that of an update from
    it, where that goes; else of a first deploy.
    Raises :class:`ConfigError` where the extra is not installed or a parameter does not allow its
    value (moto looks at none), :class:`Findings` where the second deploy changes something, and
    what :func:`cfgen.deploy.run.deploy` raises.
    """
    _check_values(_parameters(wish.body), wish.parameters)
    if last is not None and last != wish.body:
        try:
            return _rehearse(wish, region, waiting, watcher, last)
        except (CfgenError, *FAILURES) as error:
            watcher.note(
                f"rehearsal: not from the last one, for {error}; as a first deploy instead"
            )
    return _rehearse(wish, region, waiting, watcher, None)


def _rehearse(
    wish: Wish, region: str, waiting: Waiting, watcher: Watcher, last: str | None
) -> Rehearsal:
    stand_ins = _stand_ins(wish.body, wish)
    if stand_ins:
        watcher.note(f"rehearsal: stand-ins for {', '.join(stand_ins)}, which a deploy asks for")
    wish = msgspec.structs.replace(
        wish,
        allowed_accounts=(),
        protect=False,
        refresh_image=False,
        validations=False,
        # In memory nothing boots.
        wait_host=False,
        session_end=lambda: None,
        parameters={**stand_ins, **wish.parameters},
    )
    with _memory() as endpoint:
        _be_there_already(wish.body)
        clients = Clients(region, endpoint_url=endpoint, credentials=("rehearsal", "rehearsal"))
        if last is not None:
            watcher.note("rehearsal: from what was rehearsed last (--no-cache: from nothing)")
            known = {name: value for name, value in wish.parameters.items()
                     if name in _parameters(last)}  # fmt: skip
            earlier = msgspec.structs.replace(
                wish,
                body=last,
                token=f"{wish.token}-last",
                parameters={**_stand_ins(last, wish), **known},
                compare_cost=False,
            )
            deploy(earlier, clients, waiting, Silent())
        first = deploy(wish, clients, waiting, watcher)
        watcher.note("rehearsal: the same deploy again")
        again = deploy(
            msgspec.structs.replace(wish, token=f"{wish.token}-again"), clients, waiting, watcher
        )
        stack = Stack(clients, wish.stack, waiting)
        created = {one.logical_id for one in stack.contents(first.stack_arn)}
    if again.changed:
        raise Findings("the same deploy, made again, changed the stack again")
    types = _types(wish.body)
    tried = {types[name] for name in created if name in types}
    return Rehearsal(first, tuple(sorted(tried)), tuple(sorted(set(types.values()) - tried)))


def _stand_ins(body: str, wish: Wish) -> dict[str, str]:
    """Values for what a deploy would ask for."""
    ours = {"AppBundleBucket", "AppBundleKey"} if wish.bundle else set()
    return {
        name: _stand_in(parameter)
        for name, parameter in _parameters(body).items()
        if "Default" not in parameter and name not in {*wish.parameters, *ours}
    }


class Silent:
    """Agrees to everything and says nothing: what was rehearsed before is no news."""

    def confirm(self, question: str) -> bool:
        """See :class:`cfgen.deploy.plan.Watcher`."""
        del question
        return True

    def interrupted(self, cancel: str) -> Answer:
        """See :class:`cfgen.deploy.following.Onlooker`."""
        raise KeyboardInterrupt(cancel)

    def _nothing(self, *_: object) -> None:
        """Say nothing."""

    identity = built_for = preview = agreed = event = note = warning = host = _nothing


def _parameters(body: str) -> Mapping[str, Mapping[str, Any]]:
    template, _ = decode_str(body)
    declared = template.get("Parameters") if isinstance(template, dict) else None
    named = declared.items() if isinstance(declared, dict) else ()
    return {name: one for name, one in named if isinstance(one, dict)}


def _check_values(declared: Mapping[str, Mapping[str, Any]], values: Mapping[str, str]) -> None:
    for name, value in values.items():
        parameter = declared.get(name, {})
        if not _allows(parameter, value):
            constraint = parameter.get("ConstraintDescription") or "see the template"
            raise ConfigError(f"--parameter {name}: does not allow that value: {constraint}")


def _allows(parameter: Mapping[str, Any], value: str) -> bool:
    """Whether AWS would take a value (Parameters in the CloudFormation User Guide)."""
    allowed = parameter.get("AllowedValues")
    if isinstance(allowed, list) and value not in [str(one) for one in allowed]:
        return False
    if parameter.get("Type") == "Number" and not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value):
        return False
    try:
        return bool(re.fullmatch(str(parameter.get("AllowedPattern", ".*")), value, re.DOTALL))
    except re.error:
        # Java's patterns are not all Python's: AWS knows better.
        return True


def _stand_in(parameter: Mapping[str, Any]) -> str:
    allowed = parameter.get("AllowedValues")
    own = [str(one) for one in allowed] if isinstance(allowed, list) else []
    least = [str(parameter["MinValue"])] if "MinValue" in parameter else []
    candidates = (*own, *least, *STAND_INS)
    return next((one for one in candidates if _allows(parameter, one)), STAND_INS[0])


def _be_there_already(body: str) -> None:
    """Put into memory what a template expects of the account: the hosted zones that it names."""
    from moto.core.models import DEFAULT_ACCOUNT_ID
    from moto.route53.models import route53_backends

    template, _ = decode_str(body)
    resources = template.get("Resources") if isinstance(template, dict) else None
    for resource in resources.values() if isinstance(resources, dict) else ():
        properties = resource.get("Properties") if isinstance(resource, dict) else None
        if isinstance(properties, dict) and isinstance(properties.get("HostedZoneId"), str):
            backend = route53_backends[DEFAULT_ACCOUNT_ID]["aws"]
            # moto gives a zone an id of its own, and finds it by that.
            zone = backend.create_hosted_zone(str(properties.get("Name")), private_zone=False)
            backend.zones[properties["HostedZoneId"]] = zone


def _types(body: str) -> dict[str, str]:
    """Logical id -> type of a template that CloudFormation has already accepted."""
    template, _ = decode_str(body)
    return {name: resource["Type"] for name, resource in template["Resources"].items()}


@contextmanager
def _memory() -> Iterator[str]:
    """An endpoint with nothing behind it but memory."""
    try:
        from moto.moto_api._internal.models import moto_api_backend
        from moto.server import ThreadedMotoServer
    except ImportError as error:
        raise ConfigError(
            "--rehearse needs moto, which is not installed", "pip install 'moto[server]'"
        ) from error
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    # moto tells of each request and of each type that it does not know: the latter are reported
    # at the end.
    loggers = [logging.getLogger(name) for name in ("werkzeug", "moto")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings(), _no_account():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        server.start()
        # Its memory is the process's: an earlier rehearsal's would still be there.
        moto_api_backend.reset()
        try:
            host, port = server.get_host_and_port()
            yield f"http://{host}:{port}"
        finally:
            server.stop()
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextmanager
def _no_account() -> Iterator[None]:
    """Hide the user's AWS settings and proxy: boto3 would read them, and fail if they are wrong."""
    before = dict(os.environ)
    for name in before:
        if name.startswith("AWS_"):
            del os.environ[name]
    os.environ |= {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before
