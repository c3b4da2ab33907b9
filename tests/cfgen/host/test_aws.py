"""Scripts that talk to AWS, by the real AWS CLI to a moto server and a stand-in for metadata."""

import json
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.cfgen.host.conftest import Script, Stands

REGION = "ap-northeast-2"
TOKEN = "a-token-of-the-metadata-service"


class Metadata:
    """EC2's instance metadata service, version 2 only."""

    def __init__(self) -> None:
        self.items: dict[str, str] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self, code: int, text: str = "") -> None:
                self.send_response(code)
                self.end_headers()
                self.wfile.write(text.encode())

            def do_PUT(self) -> None:
                asked = self.headers["X-aws-ec2-metadata-token-ttl-seconds"]
                self.answer(200 if asked else 400, TOKEN)

            def do_GET(self) -> None:
                item = self.path.removeprefix("/latest/meta-data/")
                if self.headers["X-aws-ec2-metadata-token"] != TOKEN:
                    self.answer(401)
                elif item in outer.items:
                    self.answer(200, outer.items[item])
                else:
                    self.answer(404, "<html>not found</html>")

            def log_message(self, *arguments: object) -> None:
                del arguments

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def metadata() -> Iterator[Metadata]:
    service = Metadata()
    yield service
    service.stop()


@pytest.fixture
def host(aws_cli: str, memory_aws: dict[str, str], metadata: Metadata) -> dict[str, str]:
    """Environment of a host: where AWS and its metadata are."""
    return {
        **memory_aws,
        "METADATA_ENDPOINT": metadata.endpoint,
        "POLL_SECONDS": "0.1",
        "PROGRAMS": aws_cli,
    }


def client(service: Any, endpoint: str) -> Any:
    session = boto3.session.Session("testing", "testing", region_name=REGION)
    return session.client(service, endpoint_url=endpoint)


# Metadata and the address


def test_metadata_by_token_only(script: Script, host: dict[str, str], metadata: Metadata) -> None:
    metadata.items["instance-id"] = "i-0123456789abcdef0"
    assert script("metadata", "instance-id", **host).stdout == "i-0123456789abcdef0"
    missing = script("metadata", "spot/instance-action", **host)
    assert missing.returncode != 0
    assert missing.stdout == ""


def test_the_address_moves_to_the_new_host(
    script: Script, host: dict[str, str], metadata: Metadata, moto_server: str
) -> None:
    ec2 = client("ec2", moto_server)
    [image] = ec2.describe_images(Owners=["amazon"])["Images"][:1]
    old, new = (
        one["InstanceId"]
        for one in ec2.run_instances(ImageId=image["ImageId"], MinCount=2, MaxCount=2)["Instances"]
    )
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    for instance in (old, new, new):
        metadata.items["instance-id"] = instance
        result = script("take-address", **host, ALLOCATION_ID=address)
        assert result.returncode == 0, result.stderr
        [found] = ec2.describe_addresses(AllocationIds=[address])["Addresses"]
        assert found["InstanceId"] == instance
        # No raw id of the call.
        assert result.stdout == f"take-address: {address} is at {instance}\n"


def test_an_address_that_is_not_there_fails(
    script: Script, host: dict[str, str], metadata: Metadata
) -> None:
    metadata.items["instance-id"] = "i-0123456789abcdef0"
    result = script("take-address", **host, ALLOCATION_ID="eipalloc-0000")
    assert result.returncode != 0
    assert "AssociateAddress" in result.stderr


# The interruption


@pytest.fixture
def topic(moto_server: str) -> Iterator[tuple[str, Any]]:
    """A topic, and the queue that hears what is sent to it."""
    sns, sqs = client("sns", moto_server), client("sqs", moto_server)
    queue = sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"])

    def heard() -> list[tuple[str, str]]:
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        bodies = [json.loads(message["Body"]) for message in messages]
        return [(body["Subject"], body["Message"]) for body in bodies]

    yield topic, heard
    sqs.delete_queue(QueueUrl=queue)


def interrupted(
    script: Script, host: dict[str, str], metadata: Metadata, topic: str
) -> "subprocess.CompletedProcess[str]":
    """Run the watch, and let the notice come a little later."""
    notice = '{"action": "terminate", "time": "2026-11-24T00:10:00Z"}'
    timer = threading.Timer(0.5, metadata.items.__setitem__, ("spot/instance-action", notice))
    timer.start()
    try:
        units = {"DAILY": "trading-bot.service trading-bot-sell.service", "SERVICES": ""}
        return script("watch-interruption", **host, **units, TOPIC_ARN=topic)
    finally:
        timer.join()


def test_the_notice_stops_the_units_saves_the_state_and_tells(
    script: Script, host: dict[str, str], metadata: Metadata, stands: Stands, topic: Any
) -> None:
    arn, heard = topic
    stands.add("systemctl", '[ "$1" != is-failed ]')
    result = interrupted(script, host, metadata, arn)
    assert result.returncode == 0, result.stderr
    assert stands.calls == [
        "systemctl stop trading-late.service trading-bot.timer trading-bot-sell.timer"
        " trading-check.timer trading-save.timer",
        "systemctl stop trading-bot.service trading-bot-sell.service trading-web.service",
        "systemctl stop trading-state.service",
        "systemctl is-failed --quiet trading-state.service",
    ]
    [(subject, text)] = heard()
    assert subject == "Trading bot: the Spot host is taken back"
    assert "2026-11-24T00:10:00Z" in text
    assert "its state is saved" in text


def test_a_message_leaves_no_raw_id_in_the_log(
    script: Script, host: dict[str, str], topic: Any
) -> None:
    arn, heard = topic
    result = script("tell", "a subject", "a text", **host, TOPIC_ARN=arn)
    assert (result.returncode, result.stdout) == (0, "")
    assert heard() == [("a subject", "a text")]


def test_a_state_that_could_not_be_saved_is_said(
    script: Script, host: dict[str, str], metadata: Metadata, stands: Stands, topic: Any
) -> None:
    arn, heard = topic
    # A stop succeeds all the same: the unit says that what it ran has failed.
    stands.add("systemctl")
    assert interrupted(script, host, metadata, arn).returncode != 0
    [(_, text)] = heard()
    assert "could NOT be saved" in text


# The state


@pytest.fixture
def bucket(moto_server: str, request: pytest.FixtureRequest) -> str:
    name = f"state-{abs(hash(request.node.nodeid)):x}"
    s3 = client("s3", moto_server)
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def versions(moto_server: str, bucket: str) -> int:
    found = client("s3", moto_server).list_object_versions(Bucket=bucket)
    return len(found.get("Versions", ()))


def new_host(tmp_path: Path, name: str, *, git: bool = True) -> Path:
    """A host whose app is installed and whose bot has not run."""
    root = tmp_path / name
    app = root / "var/lib/trading-bot/app"
    for folder in (app, root / "var/lib/trading-bot", root / "var/lib/trading-state"):
        folder.mkdir(parents=True, exist_ok=True)
    (app / "bot.py").write_text("print()")
    (app / "settings.yaml").write_text("tracked")
    if git:
        author = ("-c", "user.name=t", "-c", "user.email=t@example.com")
        for line in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "app"]):
            subprocess.run(["git", "-C", str(app), *line], check=True)
    return root


def run_bot(root: Path) -> None:
    """What a bot leaves behind, keys and tokens among it."""
    for path, text in {
        "var/lib/trading-bot/last-run-bot": "",
        "var/lib/trading-bot/positions.json": '{"069500": 10}',
        "var/lib/trading-bot/KIS/config/KIS20261124": "canary",
        "var/lib/trading-bot/.cache/x": "x",
        # The folder above the checkout.
        "var/lib/trading-bot/data/logs/20261124.log": "09:05 entered",
        "var/lib/trading-bot/app/data/trades.db": "trades",
        "var/lib/trading-bot/app/data/two words.csv": "1,2",
        "var/lib/trading-bot/app/config/kis_devlp.yaml": "canary",
        "var/lib/trading-bot/app/config/access_token.json": "canary",
        "var/lib/trading-bot/app/.env": "canary",
        "var/lib/trading-bot/app/key.pem": "canary",
        "var/lib/trading-bot/app/__pycache__/bot.pyc": "x",
    }.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


KEPT = {
    "var/lib/trading-bot/last-run-bot",
    "var/lib/trading-bot/positions.json",
    "var/lib/trading-bot/data/logs/20261124.log",
    "var/lib/trading-bot/app/data/trades.db",
    "var/lib/trading-bot/app/data/two words.csv",
}


def test_what_the_bot_wrote_is_on_the_next_host(
    script: Script, host: dict[str, str], tmp_path: Path, bucket: str, moto_server: str
) -> None:
    def state(root: Path, verb: str) -> str:
        result = script("state", verb, **host, ROOT=str(root), STATE_BUCKET=bucket)
        assert result.returncode == 0, result.stderr
        assert "canary" not in result.stdout + result.stderr
        return result.stdout

    first = new_host(tmp_path, "first")
    assert "none was saved yet" in state(first, "restore")
    run_bot(first)
    assert "state: saved" in state(first, "save")
    # A save without a change costs nothing.
    assert "state: unchanged" in state(first, "save")
    assert versions(moto_server, bucket) == 1
    body = client("s3", moto_server).get_object(Bucket=bucket, Key="state/state.tar.gz")["Body"]
    (tmp_path / "saved.tar.gz").write_bytes(body.read())
    with tarfile.open(tmp_path / "saved.tar.gz") as archive:
        assert set(archive.getnames()) == KEPT

    second = new_host(tmp_path, "second")
    assert "state: restored" in state(second, "restore")
    assert {path for path in KEPT if (second / path).exists()} == KEPT
    assert (second / "var/lib/trading-bot/positions.json").read_text() == '{"069500": 10}'
    assert (second / "var/lib/trading-bot/app/settings.yaml").read_text() == "tracked"
    # A restart of the host does not bring an old state back over a new one.
    (second / "var/lib/trading-bot/positions.json").write_text("{}")
    assert "here already" in state(second, "restore")
    assert (second / "var/lib/trading-bot/positions.json").read_text() == "{}"
    assert "state: saved" in state(second, "save")
    assert versions(moto_server, bucket) == 2


def test_the_bucket_of_a_stack_that_never_came_up_is_empty(
    script: Script, host: dict[str, str], tmp_path: Path, bucket: str, moto_server: str
) -> None:
    """CloudFormation stops the host, which saves, and then deletes the bucket."""
    root = new_host(tmp_path, "first")
    settings = {**host, "ROOT": str(root), "STATE_BUCKET": bucket}
    assert script("state", "restore", **settings).returncode == 0
    # The dashboard may write, and the bootstrap; no job has.
    (root / "var/lib/trading-bot/data").mkdir()
    (root / "var/lib/trading-bot/data/web.db").write_text("x")
    result = script("state", "save", **settings)
    assert (result.returncode, result.stdout) == (0, "state: no job has run yet\n")
    assert versions(moto_server, bucket) == 0
    client("s3", moto_server).delete_bucket(Bucket=bucket)


def test_what_was_restored_is_saved_again_before_any_job_runs(
    script: Script, host: dict[str, str], tmp_path: Path, bucket: str, moto_server: str
) -> None:
    first, second = (new_host(tmp_path, name) for name in ("first", "second"))
    settings = {**host, "STATE_BUCKET": bucket}
    assert script("state", "restore", **settings, ROOT=str(first)).returncode == 0
    run_bot(first)
    assert script("state", "save", **settings, ROOT=str(first)).returncode == 0
    assert script("state", "restore", **settings, ROOT=str(second)).returncode == 0
    (second / "var/lib/trading-bot/last-run-bot").unlink()
    (second / "var/lib/trading-bot/positions.json").write_text("{}")
    assert "state: saved" in script("state", "save", **settings, ROOT=str(second)).stdout
    assert versions(moto_server, bucket) == 2


def test_nothing_is_saved_over_what_could_not_be_restored(
    script: Script, host: dict[str, str], tmp_path: Path, bucket: str, moto_server: str
) -> None:
    first = new_host(tmp_path, "first")
    settings = {**host, "ROOT": str(first)}
    run_bot(first)
    result = script("state", "save", **settings, STATE_BUCKET=bucket)
    assert result.returncode == 1
    assert "could not be restored" in result.stderr
    assert versions(moto_server, bucket) == 0


def test_a_restore_tries_until_it_succeeds(
    script: Script,
    host: dict[str, str],
    tmp_path: Path,
    bucket: str,
    stands: Stands,
    aws_cli: str,
) -> None:
    works = f'[ "$(grep -c ^aws {stands.log})" -ge 3 ]'
    stands.add("aws", f'{works} && exec {aws_cli}/aws "$@"; exit 1')
    root = new_host(tmp_path, "first")
    settings = {**host, "ROOT": str(root), "STATE_BUCKET": bucket, "RETRY_SECONDS": "0"}
    result = script("state", "restore", **settings)
    assert result.returncode == 0
    assert result.stderr.count("is tried again") == 2
    assert "none was saved yet" in result.stdout


def test_a_file_that_grows_while_it_is_read_is_saved(
    script: Script, host: dict[str, str], tmp_path: Path, bucket: str, stands: Stands
) -> None:
    root = new_host(tmp_path, "first")
    settings = {**host, "ROOT": str(root), "STATE_BUCKET": bucket}
    assert script("state", "restore", **settings).returncode == 0
    # What tar says of it, and what it says of a disk that is full.
    for status, code in ((1, 0), (2, 1)):
        run_bot(root)
        stands.add("tar", f'/bin/tar "$@"; exit {status}')
        assert script("state", "save", **settings).returncode == code


def test_a_checkout_within_the_checkout_hides_no_key(
    script: Script, host: dict[str, str], tmp_path: Path, bucket: str, moto_server: str
) -> None:
    root = new_host(tmp_path, "first")
    nested = root / "var/lib/trading-bot/app/nested"
    nested.mkdir()
    subprocess.run(["git", "-C", str(nested), "init", "-q"], check=True)
    (nested / ".env").write_text("canary")
    (nested / "trades.csv").write_text("1")
    (root / "var/lib/trading-bot/last-run-bot").touch()
    settings = {**host, "ROOT": str(root), "STATE_BUCKET": bucket}
    assert script("state", "restore", **settings).returncode == 0
    assert script("state", "save", **settings).returncode == 0
    body = client("s3", moto_server).get_object(Bucket=bucket, Key="state/state.tar.gz")["Body"]
    (tmp_path / "saved.tar.gz").write_bytes(body.read())
    with tarfile.open(tmp_path / "saved.tar.gz") as archive:
        assert archive.getnames() == [
            "var/lib/trading-bot/app/nested/trades.csv",
            "var/lib/trading-bot/last-run-bot",
        ]


def test_a_further_folder_is_kept_once(
    script: Script, host: dict[str, str], tmp_path: Path, bucket: str, moto_server: str
) -> None:
    root = new_host(tmp_path, "first")
    for folder in ("srv/data", "var/lib/trading-bot/KIS/out"):
        (root / folder).mkdir(parents=True)
        (root / folder / "trades.csv").write_text("1")
    (root / "var/lib/trading-bot/last-run-bot").touch()
    settings = {**host, "ROOT": str(root), "STATE_BUCKET": bucket}
    settings["WRITABLE"] = "/srv/data /var/lib/trading-bot/KIS/out /srv/never-made"
    assert script("state", "restore", **settings).returncode == 0
    assert script("state", "save", **settings).returncode == 0
    body = client("s3", moto_server).get_object(Bucket=bucket, Key="state/state.tar.gz")["Body"]
    (tmp_path / "saved.tar.gz").write_bytes(body.read())
    with tarfile.open(tmp_path / "saved.tar.gz") as archive:
        kept = archive.getnames()
    assert kept == [
        "srv/data/trades.csv",
        "var/lib/trading-bot/KIS/out/trades.csv",
        "var/lib/trading-bot/last-run-bot",
    ]


def test_without_a_bucket_there_is_nothing_to_save_and_nothing_wrong(
    script: Script, host: dict[str, str], tmp_path: Path
) -> None:
    result = script("state", "save", **host, ROOT=str(new_host(tmp_path, "first")))
    assert result.returncode == 0
    assert "nothing keeps it any more" in result.stdout


def test_a_bot_that_wrote_nothing_has_next_to_no_state(
    script: Script, host: dict[str, str], tmp_path: Path, bucket: str
) -> None:
    root = new_host(tmp_path, "first", git=False)
    (root / "var/lib/trading-bot/last-run-bot").touch()
    settings = {**host, "ROOT": str(root), "STATE_BUCKET": bucket}
    assert script("state", "restore", **settings).returncode == 0
    result = script("state", "save", **settings)
    assert result.returncode == 0, result.stderr
    again = new_host(tmp_path, "second")
    settings["ROOT"] = str(again)
    assert "state: restored" in script("state", "restore", **settings).stdout


def test_the_state_is_saved_or_restored(script: Script) -> None:
    assert script("state", "frobnicate").returncode == 2


# The secret


def test_the_keys_come_out_of_the_secret(
    script: Script, host: dict[str, str], tmp_path: Path, moto_server: str
) -> None:
    secrets = client("secretsmanager", moto_server)
    arn = secrets.create_secret(Name=f"{tmp_path.name}/kis-api")["ARN"]
    settings = {**host, "SECRET_ARN": arn, "KEYS": str(tmp_path), "HURRY_SECONDS": "0"}
    empty = script("load-secrets", **settings)
    assert empty.returncode == 1
    assert "load-secrets: " in empty.stderr
    keys = {"KIS_APP_KEY": "PScanary/+=", "KIS_APP_SECRET": 'a"b$c', "KIS_ACCT_STOCK": "12345678"}
    secrets.put_secret_value(SecretId=arn, SecretString=json.dumps(keys))
    result = script("load-secrets", **settings)
    assert result.returncode == 0, result.stderr
    assert "3 variables loaded: KIS_ACCT_STOCK, KIS_APP_KEY, KIS_APP_SECRET" in result.stdout
    assert "canary" not in result.stdout + result.stderr
    read = subprocess.run(
        ["bash", "-c", f'. {tmp_path}/env; printf "%s\\n" "$KIS_APP_KEY" "$KIS_APP_SECRET"'],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert read.stdout.splitlines() == [keys["KIS_APP_KEY"], keys["KIS_APP_SECRET"]]


# The app out of a bundle


def test_a_new_bundle_replaces_the_old_and_keeps_the_bots_files(
    script: Script, host: dict[str, str], tmp_path: Path, bucket: str, moto_server: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    s3 = client("s3", moto_server)

    def install(name: str, **files: str) -> "subprocess.CompletedProcess[str]":
        folder = tmp_path / name
        folder.mkdir()
        for file, text in files.items():
            (folder / f"{file}.py").write_text(text)
        (folder / "requirements.txt").touch()
        with tarfile.open(tmp_path / f"{name}.tar.gz", "w:gz") as archive:
            archive.add(folder, arcname=".")
        s3.upload_file(str(tmp_path / f"{name}.tar.gz"), bucket, f"{name}.tar.gz")
        source = f"s3://{bucket}/{name}.tar.gz"
        return script("install-app", **settings, APP_SOURCE=source)

    settings = {**host, "APP_HOME": str(home), "APP": str(home / "app")}
    settings |= {"PYTHON": "3", "REQUIREMENTS": "requirements.txt"}
    first = install("one", bot="one", gone="gone")
    assert first.returncode == 0, first.stderr
    (home / "app/state.db").write_text("kept")
    second = install("two", bot="two")
    assert second.returncode == 0, second.stderr
    assert (home / "app/bot.py").read_text() == "two"
    assert (home / "app/state.db").read_text() == "kept"
    assert not (home / "app/gone.py").exists()
    missing = script("install-app", **settings, APP_SOURCE=f"s3://{bucket}/none.tar.gz")
    assert missing.returncode != 0
    assert f"cannot fetch s3://{bucket}/none.tar.gz" in missing.stderr
    assert (home / "app/bot.py").read_text() == "two"
