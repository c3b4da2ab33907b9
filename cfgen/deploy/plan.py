"""From a wish to a change set: what ``deploy`` and ``diff`` do before anything is executed."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Protocol

import msgspec
from botocore.exceptions import ClientError

from cfgen.aws import FAILURES, Clients, brief, is_transient
from cfgen.bot.report import Report
from cfgen.deploy.artifacts import Artifacts
from cfgen.deploy.body import BODY_LIMIT, Body
from cfgen.deploy.bundle import Bundle
from cfgen.deploy.changeset import ChangeSet, Kind
from cfgen.deploy.disk_key import key_problem
from cfgen.deploy.following import Onlooker
from cfgen.deploy.guards import check_account, mode_change
from cfgen.deploy.manner import Manner
from cfgen.deploy.parameters import IMAGES, Chosen, Declared, changed, choose_parameters
from cfgen.deploy.redact import is_key_like
from cfgen.deploy.stack import Deployed, Stack, Started, TemplateAt
from cfgen.deploy.states import Way, repair, way_of
from cfgen.deploy.waiting import Waiting
from cfgen.errors import ConfigError, NeedsRepair, Refused


class Identity(msgspec.Struct, frozen=True):
    """Who deploys, and where to."""

    account: str
    arn: str
    region: str
    stack: str


class Wish(msgspec.Struct, frozen=True):
    """What is to be deployed, and what is allowed on the way.

    ``token`` names this deploy: the change set is called so, and AWS knows a repeated call by it.
    ``manner`` is how the change is made. Without ``execute`` the change set is kept for another
    day. With ``compare_cost`` the watcher is told what the stack was built for. Without
    ``validations`` CloudFormation is not asked what its own checks found, nor EC2 for the disks'
    key. With ``wait_host`` the deploy is over when the host has the change. ``session_end`` gives
    the end of the exchange's session that is on, ``None`` for none: in it no host goes, but with
    ``in_session``.
    """

    stack: str
    body: str
    token: str
    parameters: Mapping[str, str] = {}
    tags: Mapping[str, str] = {}
    allowed_accounts: tuple[str, ...] = ()
    allow_replace: tuple[str, ...] = ()
    refresh_image: bool = False
    protect: bool = True
    bundle: Bundle | None = None
    execute: bool = True
    compare_cost: bool = False
    manner: Manner = Manner()
    validations: bool = True
    wait_host: bool = False
    in_session: bool = False
    session_end: Callable[[], datetime | None] = lambda: None


class Watcher(Onlooker, Protocol):
    """Whoever looks on: shown each step as it comes, and asked before anything is changed."""

    def identity(self, identity: Identity) -> None:
        """Who and where, before the first call that changes anything."""

    def built_for(self, metadata: Mapping[str, object] | None) -> None:
        """What cfgen wrote into the metadata of the stack's template, ``None`` for a new stack.

        Comes before the preview, if it comes.
        """

    def preview(self, change_set: ChangeSet) -> None:
        """What would change."""

    def confirm(self, question: str) -> bool:
        """Ask. Raises :class:`Refused` where there is nobody to ask."""
        ...

    def agreed(self) -> None:
        """The change is about to start."""

    def note(self, text: str) -> None:
        """Something worth knowing."""

    def host(self, report: Report) -> None:
        """The host told how far it is with a change."""


class Prepared(msgspec.Struct, frozen=True):
    """What is known before anything is changed. ``before`` are the deployed parameters.

    ``validations`` says whether to ask what CloudFormation's own checks found; ``mode_change`` what
    becomes of the bot's account where that is another, else nothing.
    """

    template: TemplateAt
    parameters: tuple[Chosen, ...]
    before: dict[str, str]
    capabilities: tuple[str, ...]
    capabilities_reason: str
    validations: bool = True
    mode_change: str = ""


def identify(
    clients: Clients, stack: str, allowed: Collection[str], waiting: Waiting, watcher: Watcher
) -> Identity:
    """Who acts on which stack, shown before anything else. Raises :class:`Refused`."""
    caller = clients.sts.get_caller_identity()
    identity = Identity(caller["Account"], caller["Arn"], clients.region, stack)
    watcher.identity(identity)
    check_account(identity.account, allowed, waiting.config)
    if identity.arn.endswith(":root"):
        watcher.warning(
            "this is the account's root user, whom nothing limits: better deploy as a user or role "
            "of IAM"
        )
    return identity


def open_stack(
    name: str,
    allowed: Collection[str],
    clients: Clients,
    waiting: Waiting,
    watcher: Watcher,
) -> tuple[Identity, Stack, Deployed | None]:
    """How everything begins that is done to a stack: who, where, and what is there."""
    identity = identify(clients, name, allowed, waiting, watcher)
    stack = Stack(clients, name, waiting, watcher.note)
    return identity, stack, stack.find()


def check_way(way: Way, found: Deployed | None, stack: Stack) -> None:
    """Refuse a stack that cannot be deployed to as it is."""
    if found is None:
        return
    if way is Way.WAIT:
        raise Refused(
            f"stack {found.arn} is in {found.status}: something else is under way",
            f"{stack.resume} follows it; wait until it has ended, then deploy again",
        )
    if way is Way.REPAIR:
        reason = f": {found.reason}" if found.reason else ""
        raise NeedsRepair(
            f"stack {found.arn} is in {found.status}{reason}",
            f"it may hold resources that bill; {repair(found.status, stack.command)}",
        )


def prepare(
    stack: Stack,
    deployed: Deployed | None,
    body: Body,
    identity: Identity,
    wish: Wish,
    clients: Clients,
    watcher: Watcher,
) -> Prepared:
    """Place the template and the app, ask what they need, and choose the parameters."""
    artifacts = Artifacts(
        lambda: clients.s3, identity.arn, identity.region, watcher.note, stack.sleep
    )
    template = _place(body, artifacts, watcher)
    summary = stack.summarize(template)
    before = deployed.parameters if deployed else {}
    parameters = choose_parameters(
        summary.parameters,
        {**_place_app(wish.bundle, artifacts), **wish.parameters},
        before,
        _newest_images(summary.parameters, wish, before, clients),
        stack.config,
    )
    stack.keep_secret(one.value for one in parameters if _is_secret(one))
    # A rehearsal's AWS has no such key.
    if wish.validations and (
        problem := key_problem(body.text, identity.arn, clients, new=deployed is None)
    ):
        watcher.warning(problem)
    return Prepared(
        template,
        parameters,
        before,
        summary.capabilities,
        summary.capabilities_reason,
        wish.validations,
        mode_change(deployed.description if deployed else "", summary.description),
    )


def _place_app(bundle: Bundle | None, artifacts: Artifacts) -> dict[str, str]:
    """Put the packed app where the host takes it from; the parameters that say so."""
    if bundle is None:
        return {}
    artifacts.keep(bundle.key, bundle.data)
    return {"AppBundleBucket": artifacts.bucket, "AppBundleKey": bundle.key}


def _place(body: Body, artifacts: Artifacts, watcher: Watcher) -> TemplateAt:
    """Put a template where CloudFormation takes it from."""
    if body.fits:
        if body.compacted:
            watcher.note(f"the template goes as compact JSON, for a call takes {BODY_LIMIT} bytes")
        return {"TemplateBody": body.text}
    artifacts.keep(body.key, body.text.encode())
    return {"TemplateURL": artifacts.url(body.key)}


def ask_for(
    stack: Stack,
    deployed: Deployed | None,
    prepared: Prepared,
    wish: Wish,
    existed: bool,
    watcher: Watcher,
) -> Started | None:
    """Ask for a change set; ``None`` where AWS says at once that nothing would change.

    Where its answer is lost, or nobody waits for it, the change set is looked for and taken back.
    Raises :class:`Refused` or :class:`NeedsRepair` where somebody else has begun something since.
    """
    name = wish.token if wish.execute else f"kept-{wish.token}"
    kind: Kind = "UPDATE" if deployed else "CREATE"
    try:
        return stack.start_change_set(
            name,
            kind,
            prepared.template,
            prepared.parameters,
            prepared.capabilities,
            wish.tags,
            wish.manner,
        )
    except BaseException as error:
        if isinstance(error, ClientError) and not is_transient(error):
            found = stack.find()
            check_way(way_of(found.status if found else None, retry=True), found, stack)
        elif started := stack.find_change_set(name, kind):
            take_back(stack, started, f"{wish.token}-take-back", existed, watcher)
        else:
            # Not to be allowed to look is no proof that there is none.
            watcher.warning(f"should there be a change set {name}, it was not taken back")
        raise


def show(stack: Stack, change_set: ChangeSet, prepared: Prepared, watcher: Watcher) -> ChangeSet:
    """Show what would change, without what NoEcho parameters hold; gives what was shown."""
    found = stack.validations(change_set.arn) if prepared.validations else ()
    if isinstance(found, str):
        watcher.note(found)
    change_set = msgspec.structs.replace(
        change_set,
        validations=() if isinstance(found, str) else found,
        capabilities=prepared.capabilities,
        capabilities_reason=prepared.capabilities_reason,
        parameters=changed(prepared.parameters, prepared.before),
        secrets=tuple(one.value for one in prepared.parameters if _is_secret(one)),
        secret_names=tuple(one.name for one in prepared.parameters if _is_secret(one)),
    )
    watcher.preview(change_set)
    if prepared.mode_change:
        # Below the changes, where nobody overlooks it.
        watcher.warning(prepared.mode_change)
    return change_set


def take_back(stack: Stack, started: Started, token: str, existed: bool, watcher: Watcher) -> None:
    """Delete the change set and, if asking for it made an empty stack, that stack.

    And what a crash of ours left behind long ago. Somebody else's change set keeps the stack.
    """
    try:
        listed = stack.change_sets(started.stack_arn)
        created = next((one.created for one in listed if one.arn == started.arn), None)
        others = [one for one in listed if one.arn != started.arn]
        abandoned = [one for one in others if created and one.is_abandoned(created)]
        ours = started.kind == "CREATE" and not existed and len(abandoned) == len(others)
        left = stack.find(started.stack_arn) if ours else None
        if left and left.status == "REVIEW_IN_PROGRESS":
            # Its change sets go with it, even one that is still being made.
            stack.delete(left.arn, token)
            return
        for arn in (*(one.arn for one in abandoned), started.arn):
            stack.delete_change_set(arn)
    except FAILURES as error:
        watcher.warning(f"the change set {started.arn} could not be taken back: {brief(error)}")
    except KeyboardInterrupt:
        watcher.warning(f"the change set {started.arn} was not taken back")
        raise


def _is_secret(parameter: Chosen) -> bool:
    return parameter.secret or is_key_like(parameter.name)


def _newest_images(
    declared: tuple[Declared, ...], wish: Wish, before: Mapping[str, str], clients: Clients
) -> dict[str, str]:
    """Images to pin: at the first deploy, when new ones are asked for, or of another kind."""
    defaults = {parameter.name: parameter.default for parameter in declared}
    images = {}
    for pinned, newest in IMAGES.items():
        parameter = wish.parameters.get(newest, defaults.get(newest))
        if pinned in defaults and parameter and pinned not in wish.parameters:
            # Another architecture comes with another parameter. (moto gives the image instead.)
            source = before.get(newest, parameter)
            same = source == parameter or source.startswith("ami-")
            if not (before.get(pinned) and same) or wish.refresh_image:
                answer = clients.ssm.get_parameter(Name=parameter)
                images[pinned] = answer["Parameter"]["Value"]
    if wish.refresh_image and not images:
        raise ConfigError(
            "--refresh-image: there is no newest image to move to",
            f"the template needs the parameters {' and '.join(next(iter(IMAGES.items())))}",
        )
    return images
