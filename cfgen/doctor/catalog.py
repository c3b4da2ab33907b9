"""Every finding there is. Pure.

Words in braces are filled in with what was found. ``docs/doctor.md`` is made of this table, and the
tests go through it: each entry is raised by one.
"""

import msgspec

from cfgen.doctor.findings import Finding, Level


class Entry(msgspec.Struct, frozen=True):
    """A finding before its facts: cause and remedy, with the commands between backticks."""

    code: str
    check: str
    level: Level
    text: str
    remedy: str


UNASKED = "unasked"
"""The code of a check that could not be asked."""

ENTRIES = (
    # You
    Entry(
        "configuration-advice", "configuration", "warning",
        "perhaps not what was meant: {text}",
        "change it in {file}",
    ),
    Entry(
        "credentials-none", "credentials", "problem",
        "no usable AWS credentials: {reason}",
        "`aws configure`, or `aws sso login`; or name another --profile",
    ),
    Entry(
        "credentials-sso", "credentials", "problem",
        "the sign-in with IAM Identity Center has ended: {reason}",
        "`aws sso login{profile}`",
    ),
    Entry(
        "credentials-expired", "credentials", "problem",
        "the credentials have expired: {reason}",
        "fetch new ones from where these came, such as with `aws sso login{profile}`",
    ),
    Entry(
        "credentials-invalid", "credentials", "problem",
        "AWS does not accept these credentials: {reason}",
        "`aws configure{profile}` with an access key that is active (IAM console, \"Security "
        "credentials\"); variables such as AWS_ACCESS_KEY_ID stand above the file",
    ),
    Entry(
        "credentials-off-clock", "credentials", "unknown",
        "AWS refuses the credentials, which may be for the clock alone: {reason}",
        "set the clock first (below), then look again",
    ),
    Entry(
        "account-not-allowed", "credentials", "problem",
        "account {account} is not among stack.allowed_accounts ({allowed})",
        "choose another --profile, or add the account to it in {file}",
    ),
    Entry(
        "clock-off", "clock", "problem",
        "this machine's clock is {seconds} s {way}: AWS refuses requests that are five minutes off",
        "set it by network time, such as with `sudo timedatectl set-ntp true`",
    ),
    Entry(
        "clock-drifts", "clock", "warning",
        "this machine's clock is {seconds} s {way}",
        "set it by network time, such as with `sudo timedatectl set-ntp true`",
    ),
    Entry(
        "permission-needed", "permissions", "problem",
        "the identity may not do what a deploy of this stack needs: {actions}",
        "ask whoever keeps the account's policies to allow these to {identity}",
    ),
    Entry(
        "permission-perhaps", "permissions", "warning",
        "IAM's simulator, asked for any resource, says no to: {actions}",
        "no fault where the policy allows them for certain resources only; else ask to have them "
        "allowed to {identity}: CloudFormation acts with these permissions",
    ),
    Entry(
        "permission-denied", "permissions", "warning",
        "what could not be looked at, for the identity may not: {actions}",
        "allow these reads to {identity}, to have everything looked at",
    ),
    Entry(
        "permission-unsimulated", "permissions", "unknown",
        "what {identity} may do could not be simulated: {reason}",
        "a deploy says which permission it lacks; to know before, allow iam:GetRole and "
        "iam:SimulatePrincipalPolicy",
    ),
    Entry(
        "plugin-missing", "plugin", "warning",
        "session-manager-plugin is not on PATH: connect and dashboard need it",
        "install AWS's Session Manager plugin: docs.aws.amazon.com/systems-manager, \"Install the "
        "Session Manager plugin\"",
    ),
    Entry(
        "plugin-old", "plugin", "warning",
        "session-manager-plugin {version} takes a session's token as an argument, which everybody "
        "on this machine can read",
        "update it to 1.2.497.0 or newer: docs.aws.amazon.com/systems-manager, \"Install the "
        "Session Manager plugin\"",
    ),
    # Stack
    Entry(
        "stack-absent", "stack", "problem",
        "there is no stack {stack} in {region}",
        "`cfgen deploy` makes it; or name another --config, --profile or --region",
    ),
    Entry(
        "stack-never-up", "stack", "problem",
        "stack {stack} is in {status}: it never came up",
        "`cfgen deploy` begins anew; `cfgen logs --events --since 1d` shows what failed",
    ),
    Entry(
        "stack-repair", "stack", "problem",
        "stack {stack} is in {status} and needs repair",
        "by what its state allows: {ways}",
    ),
    Entry(
        "stack-busy", "stack", "warning",
        "stack {stack} is in {status}: something is under way",
        "`cfgen deploy --attach` follows it",
    ),
    Entry(
        "stack-undone", "stack", "warning",
        "stack {stack} is in {status}: the last change failed and was taken back, what ran before "
        "goes on",
        "`cfgen logs --events --since 1d` shows what failed; then `cfgen deploy`",
    ),
    Entry(
        "stack-foreign", "stack", "problem",
        "stack {stack} has no host that cfgen knows: it was not made from a template of cfgen's",
        "name another stack.name in {file}",
    ),
    Entry(
        "stack-unprotected", "stack", "warning",
        "stack {stack} is not protected from deletion, though stack.termination_protection is true",
        "`cfgen deploy` sets it",
    ),
    Entry(
        "stack-mode", "stack", "warning",
        "stack {stack} runs the bot on a {there} account, {file} says bot.mode = \"{wanted}\"",
        "`cfgen deploy` where that is wanted; else name the stack's own --config",
    ),
    Entry(
        "type-not-offered", "offer", "problem",
        "EC2 does not offer {instance_type} in {place}",
        "choose anew: `cfgen recommend --write`",
    ),
    Entry(
        "disk-key-own", "disk-key", "warning",
        "the account encrypts new disks with a key of its own, {key}: who starts the host must be "
        "allowed to use it, or the host stops as soon as it starts (Client.InvalidKMSKey)",
        "allow kms:CreateGrant, kms:Decrypt, kms:DescribeKey, kms:GenerateDataKeyWithoutPlaintext "
        "and kms:ReEncrypt* on it, in its key policy, to {who}",
    ),
    Entry(
        "wheels-missing", "wheels", "problem",
        "the host cannot install what the bot requires: {text}",
        "change the requirement, workload.architectures or bot.python ({hint})",
    ),
    Entry(
        "wheels-unchecked", "wheels", "unknown",
        "whether every requirement has a wheel could not be checked: {reason}",
        "look again where pip reaches its index",
    ),
    # Host
    Entry(
        "host-none", "host", "problem",
        "the stack has no host at the moment, in hours in which it should be up",
        "on Spot, EC2 may have none to spare: `cfgen logs --events --since 1d`; a group says why "
        "in its activities (EC2 console, \"Auto Scaling groups\")",
    ),
    Entry(
        "host-stopped", "host", "problem",
        "host {instance} is {state}, in hours in which it should be up",
        "`aws ec2 start-instances --region {region} --instance-ids {instance}`",
    ),
    Entry(
        "host-terminated", "host", "problem",
        "host {instance} is {state}: somebody ended it, and the stack does not know",
        "`cfgen destroy`, then `cfgen deploy`: keys and logs stay",
    ),
    Entry(
        "host-changing", "host", "warning",
        "host {instance} is {state}",
        "look again in a few minutes",
    ),
    Entry(
        "host-impaired", "host", "problem",
        "host {instance} runs, but EC2's checks say {checks}",
        "wait ten minutes for the alarms' own remedy (recovery or a restart); then `aws ec2 "
        "reboot-instances --region {region} --instance-ids {instance}`",
    ),
    Entry(
        "host-starting", "host", "warning",
        "host {instance} has just started: EC2's checks say {checks}",
        "look again in a few minutes",
    ),
    Entry(
        "host-bootstrapping", "host", "warning",
        "host {instance} is still being set up",
        "`cfgen logs --boot --follow` shows how far it is",
    ),
    Entry(
        "host-offline", "host", "problem",
        "Session Manager does not reach host {instance}, which runs: connect, dashboard and run "
        "do not work",
        "a new host needs some minutes; then `aws ec2 reboot-instances --region {region} "
        "--instance-ids {instance}` starts the agent anew. It needs a way out on port 443",
    ),
    Entry(
        "host-unreached", "host", "unknown",
        "host {instance} runs; whether Session Manager reaches it could not be asked",
        "allow ssm:DescribeInstanceInformation",
    ),
    Entry(
        "session-encryption", "sessions", "problem",
        "the account's sessions are encrypted with {key}, which the host's role may not use: no "
        "session begins",
        "give it to the role: `{command}`; who connects needs kms:GenerateDataKey on "
        "the key as well",
    ),
    Entry(
        "session-logging", "sessions", "warning",
        "the account records sessions in {place}; the host's role lacks {actions}: sessions are "
        "refused, or not recorded",
        "give them to the role: `{command}`",
    ),
    Entry(
        "session-unsure", "sessions", "unknown",
        "the account's preferences for sessions name {place}, for which the host's role needs "
        "{actions}; whether it has them could not be asked: {reason}",
        "allow iam:GetRole and iam:SimulatePrincipalPolicy to look",
    ),
    Entry(
        "version-failed", "version", "problem",
        "step {step} of the bootstrap failed at {time} UTC: {reason}",
        "`cfgen logs --boot --since 1d` shows all of it; once the cause is put right, `cfgen "
        "deploy`",
    ),
    Entry(
        "version-behind", "version", "problem",
        "the stack wants version {wanted}, the host has {there}",
        "a running host takes a change up within five minutes, unless a job is at work; `cfgen "
        "logs --boot --since 1d` shows what holds it up",
    ),
    Entry(
        "version-untold", "version", "unknown",
        "the host has not told which version it has ({wanted} is wanted)",
        "`cfgen logs --boot --since 1d` shows how far it came",
    ),
    Entry(
        "version-old", "version", "unknown",
        "the stack is of an earlier cfgen, whose hosts do not tell their version",
        "`cfgen deploy` brings it up to date",
    ),
    Entry(
        "agent-silent", "agent", "problem",
        "the CloudWatch agent has reported nothing for {minutes} minutes: alarms and logs are "
        "blind",
        "`cfgen connect --command 'systemctl restart amazon-cloudwatch-agent'`; `cfgen connect "
        "--command 'tail /opt/aws/amazon-cloudwatch-agent/logs/amazon-cloudwatch-agent.log'` "
        "says why",
    ),
    Entry(
        "image-gone", "image", "problem",
        "image {image}, which the host was made from, is no longer there: no further host can be "
        "made from it",
        "`cfgen deploy --refresh-image`, outside the session: it replaces the host",
    ),
    Entry(
        "image-deprecated", "image", "warning",
        "image {image} is deprecated since {since}",
        "`cfgen deploy --refresh-image`, outside the session: it replaces the host",
    ),
    Entry(
        "image-old", "image", "warning",
        "image {image} is {days} days old",
        "`cfgen deploy --refresh-image`, outside the session: it replaces the host",
    ),
    Entry(
        "host-clock-off", "host-clock", "problem",
        "the host's clock is {seconds} s {way}: its timers start late or early, and AWS and the "
        "broker may refuse its requests",
        "`cfgen connect --command 'systemctl restart chronyd'`",
    ),
    # Bot
    Entry(
        "secret-absent", "keys", "problem",
        "there are no keys to be read: {text}",
        "`cfgen deploy` makes the stack's secret ({hint})",
    ),
    Entry(
        "secret-deleted", "keys", "problem",
        "the keys are about to go: {text}",
        "`{command}` keeps them",
    ),
    Entry(
        "secret-empty", "keys", "problem",
        "the secret holds no keys yet: the bot cannot run",
        "`cfgen secret set` asks for each; `cfgen secret set --from-env-file .env` takes a file's",
    ),
    Entry(
        "keys-missing", "keys", "problem",
        "the bot ({modes}) cannot run without: {names}",
        "`cfgen secret set` asks for each",
    ),
    Entry(
        "keys-wrong", "keys", "problem",
        "{name}: {text}",
        "`cfgen secret set`; `cfgen secret check` shows every key",
    ),
    Entry(
        "keys-doubtful", "keys", "warning",
        "{text}",
        "`cfgen secret check` shows every key",
    ),
    Entry(
        "brake-on", "brake", "warning",
        "the bot is {value}: its jobs do not start",
        "`cfgen resume`",
    ),
    Entry(
        "brake-odd", "brake", "problem",
        "the brake holds {value!r}, which is neither running nor paused: the host starts no job "
        "where it cannot tell",
        "`cfgen resume`",
    ),
    Entry(
        "run-failed", "runs", "problem",
        "job {job}: the last run ended with {result} at {time} UTC{reason}",
        "`cfgen logs --job {job} --since 2d` shows what it said",
    ),
    Entry(
        "run-missing", "runs", "warning",
        "job {job}: no run has ended in the last {days} days, in which the exchange was open",
        "`cfgen logs --boot --since {days}d` shows whether it started",
    ),
    # Alarms
    Entry(
        "alarm-rings", "alarms", "problem",
        "{name} rings: {text}",
        "`cfgen logs --since 1d --filter ERROR`; `cfgen status` shows stack and host",
    ),
    Entry(
        "alarm-first-run", "alarms", "warning",
        "{name} rings, as it does until the first run of a new stack",
        "it ends with the first run, at the job's next time: `cfgen status` names it",
    ),
    Entry(
        "alarm-no-data", "alarms", "warning",
        "without data: {names}",
        "a new host's alarms need some minutes; later, the agent does not report: `cfgen logs "
        "--boot --since 1d`",
    ),
    Entry(
        "alarm-absent", "alarms", "warning",
        "the stack's alarms are gone: {names}",
        "somebody deleted them; `cfgen status` shows drift, and a deploy that changes them brings "
        "them back",
    ),
    Entry(
        "mail-none", "mail", "warning",
        "nobody is told of an alarm: monitoring.email is not set",
        "set it in {file}, then `cfgen deploy`",
    ),
    Entry(
        "mail-pending", "mail", "problem",
        "{address} has not confirmed yet: nothing is sent to it",
        "follow the link in the mail \"AWS Notification - Subscription Confirmation\" (look among "
        "unwanted mail); for another one: `aws sns subscribe --region {region} --topic-arn {topic} "
        "--protocol email --notification-endpoint {address}`",
    ),
    Entry(
        "mail-undeployed", "mail", "warning",
        "monitoring.email is {address}, which the stack does not know yet",
        "`cfgen deploy`, then follow the link in the mail that it brings",
    ),
    Entry(
        "mail-ended", "mail", "problem",
        "{address} has unsubscribed: nothing is sent to it",
        "`aws sns subscribe --region {region} --topic-arn {topic} --protocol email "
        "--notification-endpoint {address}`",
    ),
    # Broker
    Entry(
        "broker-unloaded", "broker", "problem",
        "the host has not loaded {names}",
        "`cfgen connect --command 'systemctl restart trading-secrets'` loads the secret anew; "
        "`cfgen secret check` shows what it holds",
    ),
    Entry(
        "broker-swapped", "broker", "problem",
        "the keys are of the other kind of account: bot.mode is \"{mode}\", and {said}",
        "paper keys belong into KIS_PAPER_APP_KEY and KIS_PAPER_APP_SECRET, real ones into "
        "KIS_APP_KEY and KIS_APP_SECRET: `cfgen secret set`",
    ),
    Entry(
        "broker-key", "broker", "problem",
        "the broker does not know {key_name}: it is wrong, was revoked, or is of the other kind "
        "of account ({said})",
        "compare it with the portal's (apiportal.koreainvestment.com), then `cfgen secret set`. "
        "After many refused requests the broker says the same of a good key for some hours",
    ),
    Entry(
        "broker-secret", "broker", "problem",
        "the broker does not accept {secret_name}: another key's, or cut off when it was copied "
        "({said})",
        "`cfgen secret set` with the whole of it, in one line",
    ),
    Entry(
        "broker-too-soon", "broker", "warning",
        "the key is known; the broker gives one token a minute, and has just given one ({said})",
        "look again after a minute. A bot that asks for a token at each start meets this, too: "
        "let it keep the token, which is good for a day",
    ),
    Entry(
        "broker-denied", "broker", "problem",
        "the broker denies access: {said}",
        "see the service's state in the portal (apiportal.koreainvestment.com): the account's "
        "agreement may have ended",
    ),
    Entry(
        "broker-account", "broker", "problem",
        "the token is given, but the account cannot be read: {said}",
        "compare {account_name} and KIS_PROD_TYPE with the portal's, then `cfgen secret set`",
    ),
    Entry(
        "broker-tls", "broker", "problem",
        "no TLS connection to {place}: {detail} ({openssl})",
        "do not turn the check of certificates off. The host's OpenSSL is stricter than old "
        "servers are: see the broker's notices, and whether the machine image is the newest",
    ),
    Entry(
        "broker-certificate", "broker", "problem",
        "the certificate of {place} is not accepted: {detail}",
        "do not turn the check of certificates off. Where the host's clock is right, something "
        "stands between, or the broker's certificate has ended: see its notices",
    ),
    Entry(
        "broker-dns", "broker", "problem",
        "the host finds no address for {place}: {detail}",
        "the VPC's resolver does not answer, or DNS is switched off in the VPC: `cfgen diff` shows "
        "what was changed",
    ),
    Entry(
        "broker-timeout", "broker", "problem",
        "no connection to {place}: {detail}",
        "the security group must let tcp {port} out, and the route table lead to the internet: "
        "`cfgen diff` shows what was changed; else the broker's server is away",
    ),
    Entry(
        "broker-away", "broker", "problem",
        "the broker's server does not work at the moment: {said}",
        "at night and on weekends it is often in maintenance, the one for paper accounts above "
        "all: look again later, and see the portal's notices",
    ),
    Entry(
        "broker-unclear", "broker", "unknown",
        "the broker answered what is not known here: {said}",
        "the codes are in the portal (apiportal.koreainvestment.com, \"Error codes\")",
    ),
    Entry(
        "broker-not-now", "broker", "unknown",
        "not asked: job {job} starts at {time}, and the broker gives one token a minute",
        "look again when it has started",
    ),
    Entry(
        "broker-host-away", "broker", "unknown",
        "not asked: the host does not run, or is not reached",
        "see the host's own findings",
    ),
    # Any
    Entry(
        UNASKED, "", "unknown",
        "could not be asked: {reason}",
        "{hint}",
    ),
)  # fmt: skip
BY_CODE = {entry.code: entry for entry in ENTRIES}


def found(code: str, check: str = "", **facts: object) -> Finding:
    """The finding of an entry, with its facts. ``check`` is for what any check may find."""
    entry = BY_CODE[code]
    return Finding(
        check or entry.check,
        entry.level,
        entry.text.format(**facts),
        entry.remedy.format(**facts),
        code,
    )
