"""The container's root: a few files of a system, the host's files as rendered, and stand-ins.

A stand-in is what a test cannot have: the AWS CLI (a bucket and a secret under /srv), the virtual
environment (this machine's Python), and cfn-hup.
"""

import json
import re
import shutil
import uuid
from collections.abc import Iterable
from pathlib import Path

from cfgen.host.render import HostFile

SUBSTITUTES = {
    "AWS::Region": "ap-northeast-2",
    "AWS::StackName": "trading-bot",
    "KisSecret": "arn:aws:secretsmanager:ap-northeast-2:111122223333:secret:trading-bot/kis-api",
    "AppBundleBucket": "bundles",
    "AppBundleKey": "app.tar.gz",
    "StateBucket": "state",
}
"""What CloudFormation fills in; other names stand for themselves."""

SECRET = "srv/secret.json"
INSTANCES = "srv/instances.json"
OWN = "i-00000000000000002"
"""The id of this host."""

BUCKETS = "srv/buckets"

_FROM_THIS_MACHINE = (
    *("alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "login.defs", "nsswitch.conf"),
    *("os-release", "pam.d", "security"),
)
_UNUSED = (
    *("systemd-remount-fs.service", "systemd-sysctl.service", "systemd-sysusers.service"),
    *("systemd-update-utmp.service", "systemd-update-utmp-runlevel.service"),
    *("systemd-logind.service", "dbus.service", "dbus.socket", "getty.target", "remote-fs.target"),
)
"""What a container of one's own has no use for."""

_AWS = r"""#!/bin/bash
# Stands for the AWS CLI. Objects are files under /srv/buckets, the secret is
# /srv/secret.json, the brake's value /srv/brake.
here() { echo "/srv/buckets/${1#s3://}"; }
case "$*" in
  *secretsmanager\ get-secret-value*)
    if [ ! -e /srv/secret.json ]; then
      echo 'An error occurred (ResourceNotFoundException) when calling GetSecretValue' >&2
      exit 254
    fi
    cat /srv/secret.json ;;
  *ec2\ describe-instances*) cat /srv/instances.json ;;
  *ssm\ get-parameter*) cat /srv/brake 2>/dev/null || echo running ;;
  *s3api\ list-objects-v2*) echo None ;;
  *s3\ cp*)
    from=${*: -2:1} to=${*: -1}
    [[ $from == s3://* ]] && from=$(here "$from")
    [[ $to == s3://* ]] && to=$(here "$to")
    cp "$from" "$to" ;;
  *) echo "aws: not foreseen: $*" >&2; exit 2 ;;
esac
"""
_BUCKET = f"[Service]\nReadWritePaths=/{BUCKETS}\n"
_LOGROTATE = "[Timer]\nOnCalendar=daily\nUnit=basic.target\n"


def make_root(root: Path, files: Iterable[HostFile], timezone: str, python: str) -> None:
    """Everything that lies on the host before its first boot."""
    for folder in ("etc", "local/bin", "opt", "proc", "root", "run", "srv", "sys", "tmp", "usr"):
        (root / folder).mkdir(parents=True)
    for name in ("bin", "lib", "lib32", "lib64", "libx32", "sbin"):
        if Path("/", name).is_symlink():
            (root / name).symlink_to(f"usr/{name}")
    _system(root, timezone)
    for file in files:
        # /usr is this machine's, but for /usr/local.
        path = root / file.path.lstrip("/").replace("usr/local/", "local/", 1)
        text = _substituted(file.text) if file.substituted else file.text
        _write(path, text, int(file.mode, 8))
    _write(root / "local/bin/aws", _AWS, 0o755)
    _write(root / "local/lib/trading-bot/metadata", f"#!/bin/sh\necho {OWN}\n", 0o755)
    put_instances(root, OWN)
    _write(root / "opt/aws/bin/cfn-hup", "#!/bin/sh\nexec sleep infinity\n", 0o755)
    _write(root / "etc/systemd/system/logrotate.timer", _LOGROTATE)
    _virtual_environment(root / "opt/trading-bot/venv/bin", python)
    (root / BUCKETS / "state/state").mkdir(parents=True)
    (root / BUCKETS / "state/state").chmod(0o777)
    for unit in ("trading-save.service", "trading-state.service"):
        # The bucket is no folder of the host: to reach it is no write there.
        _write(root / f"etc/systemd/system/{unit}.d/bucket.conf", _BUCKET)


def put_secret(root: Path, keys: dict[str, str]) -> None:
    """Store the secret, as AWS's CLI prints it: one string of JSON."""
    _write(root / SECRET, json.dumps(json.dumps(keys)), 0o600)


def put_setting(root: Path, unit: str, *lines: str) -> None:
    """Add lines to a unit's service."""
    _write(root / f"etc/systemd/system/{unit}.d/setting.conf", "\n".join(["[Service]", *lines, ""]))


def put_instances(root: Path, *names: str) -> None:
    """Have EC2 list these instances of the stack, the oldest first, as AWS's CLI prints them."""
    times = [f"2026-11-25T00:0{number}:00+00:00" for number in range(len(names))]
    listed = [[time, name, "running"] for time, name in zip(times, names, strict=True)]
    _write(root / INSTANCES, json.dumps(listed))


def _system(root: Path, timezone: str) -> None:
    for name in _FROM_THIS_MACHINE:
        source = Path("/etc", name)
        if source.is_dir():
            shutil.copytree(source, root / "etc" / name, symlinks=True)
        elif source.exists():
            shutil.copy(source, root / "etc" / name)
    _write(root / "etc/machine-id", f"{uuid.uuid4().hex}\n")
    (root / "etc/localtime").symlink_to(f"/usr/share/zoneinfo/{timezone}")
    accounts = ("root:x:0:0::/root:/bin/sh", "nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin")
    _write(root / "etc/passwd", "".join(f"{line}\n" for line in accounts))
    _write(root / "etc/group", "root:x:0:\nnogroup:x:65534:\n")
    for unit in _UNUSED:
        _masked(root / "etc/systemd/system" / unit)
    # Each reload runs them all.
    for generator in Path("/usr/lib/systemd/system-generators").iterdir():
        _masked(root / "etc/systemd/system-generators" / generator.name)


def _masked(link: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to("/dev/null")


def _virtual_environment(folder: Path, python: str) -> None:
    folder.mkdir(parents=True)
    for name in ("python", f"python{python}"):
        (folder / name).symlink_to("/usr/bin/python3")
    # The bots require nothing.
    _write(folder / "pip", "#!/bin/sh\n", 0o755)


def _substituted(text: str) -> str:
    return re.sub(r"\$\{([A-Za-z:.]+)\}", lambda match: SUBSTITUTES.get(match[1], match[1]), text)


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
