"""A small scripted CloudFormation over HTTP, for tests: what moto cannot play.

Every state of a stack, pre-deployment validations, rollbacks that fail, hooks, nested stacks,
drift, throttling, expired tokens, cut connections. Requests and answers are checked against
botocore's own models. Nothing happens by itself: an operation goes one step further each time that
somebody describes its stack, so every run of a test is the same.

Beside it stand as much of STS, SSM, EC2, CloudWatch Logs and S3 as a deploy calls.
"""

import json
import threading
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape

from tests.cloudformation.api import Api
from tests.cloudformation.template import KEY, Call
from tests.cloudformation.wire import check, decode, encode, service_model, tree
from tests.fake_aws import Fault, QuietServer
from tests.fake_aws import xml as ec2_xml

Interference = Callable[[int], "Fault | str | None"]
"""Called with how often its operation was called before. Gives a fault or ``garbage`` (another's
answer), which have no effect; ``cut`` (the effect, half an answer); ``drop`` (the effect, no
answer); or nothing."""


class FakeCloudFormation(Api):
    """The server; ``with FakeCloudFormation() as aws`` starts and stops it.

    ``before`` and ``after`` are called before a call has its effect, and after it, before its
    answer is sent. What goes wrong in the fake itself is raised when it stops.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.interfere: dict[str, Interference] = {}
        self.before: Callable[[Call], None] | None = None
        self.after: Callable[[Call], None] | None = None
        self.problems: list[str] = []
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"aws": self})
        self._server = QuietServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> "FakeCloudFormation":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        assert not self.problems, "\n".join(self.problems)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """What leads the program here, with credentials that are made up."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": "made-up",
            "AWS_MAX_ATTEMPTS": "2",
        }

    def count(self, operation: str) -> int:
        return sum(one.operation == operation for one in self.calls)

    def respond(self, call: Call, effect: Callable[[], bytes]) -> tuple[bytes, str | None]:
        """Play a call: the answer, and how its way back is interfered with."""
        with self._lock:
            before, total = self.count(call.operation), len(self.calls)
            self.calls.append(call)
        expired = self.expire_after is not None and total >= self.expire_after
        if expired and call.access_key == KEY:
            text = "The security token included in the request is expired"
            raise Fault("ExpiredToken", 403, text)
        interference = self.interfere.get(call.operation)
        what = interference(before) if interference else None
        if isinstance(what, Fault):
            raise what
        if what == "garbage":
            return b"<html><body>Sign in to the hotel's network</body></html>", what
        if self.before:
            self.before(call)
        with self._lock:
            data = effect()
        if self.after:
            self.after(call)
        return data, what


ABSENT = {
    "publicAccessBlock": "NoSuchPublicAccessBlockConfiguration",
    "encryption": "ServerSideEncryptionConfigurationNotFoundError",
    "lifecycle": "NoSuchLifecycleConfiguration",
    "policy": "NoSuchBucketPolicy",
}
"""How S3 says that a bucket lacks a setting (Amazon S3 API Reference)."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    aws: FakeCloudFormation

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        key, region, service = self._scope()
        body = self._body()
        target = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        form = {} if target else tree(parse_qsl(body.decode(), keep_blank_values=True))
        operation = target or form.get("Action", self.path)
        if service not in ("cloudformation", "ec2", "logs", "ssm", "sts"):
            self._serve(Call(operation, {}, service, region, key), unknown)
            return
        model = service_model(service).operation_model(operation)
        # EC2 writes lists in another way; nothing here depends on them.
        plain = {name: value for name, value in form.items() if isinstance(value, str)}
        asked = plain if service == "ec2" else form
        parameters = json.loads(body) if target else decode(asked, model.input_shape)
        call = Call(operation, parameters, service, region, key)
        self._serve(call, lambda: self._answer(call, model))

    def _answer(self, call: Call, model: Any) -> bytes:
        shape = model.output_shape
        check(call.parameters, model.input_shape)
        answer = self.aws.answer(call)
        if shape:
            check(answer, shape)
        if self._is_json:
            return json.dumps(answer).encode()
        name = call.operation
        if call.service == "ec2":
            return f"<{name}Response>{ec2_xml(answer, shape)}</{name}Response>".encode()
        result = f"<{name}Result>{encode(answer, shape)}</{name}Result>" if shape else ""
        return f"<{name}Response>{result}<ResponseMetadata/></{name}Response>".encode()

    @property
    def _is_json(self) -> bool:
        return "X-Amz-Target" in self.headers

    # S3: just enough to keep a template in a bucket that has its settings

    def do_PUT(self) -> None:
        body = self._body()
        self._s3(lambda path: self.aws.objects.update({path: body}))

    def do_GET(self) -> None:
        self._s3(lambda path: self.aws.objects[path])

    def do_HEAD(self) -> None:
        self.do_GET()

    def _s3(self, effect: Callable[[str], bytes | None]) -> None:
        address = urlsplit(self.path)
        bucket, _, name = address.path.strip("/").partition("/")
        option = address.query.partition("=")[0].partition("&")[0]
        verb, kind = self.command.title(), "Object" if name else "Bucket"
        operation = f"{verb}{kind}{option[:1].upper()}{option[1:]}"
        key, region, _ = self._scope()
        made = operation == "PutBucket"
        place = address.path if name else f"/{bucket}?{option}"

        def play() -> bytes:
            if not made and not self.headers.get("x-amz-expected-bucket-owner"):
                raise Fault("AccessDenied", 403, f"{operation} names no owner of the bucket")
            if operation == "HeadBucket" and place not in self.aws.objects:
                raise Fault("NoSuchBucket", 404)
            try:
                return effect(place) or b""
            except KeyError:
                if option == "versioning":
                    return b"<VersioningConfiguration/>"
                raise Fault(ABSENT.get(option, "NoSuchKey"), 404) from None

        parameters = {"Bucket": bucket} | ({"Key": name} if name else {})
        self._serve(Call(operation, parameters, "s3", region, key), play)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _scope(self) -> tuple[str, str, str]:
        """The access key, region and service that a request was signed for."""
        scope = self.headers.get("Authorization", "").partition("Credential=")[2].split("/")
        key, _, region, service = scope[:4]
        return key, region, service

    def _serve(self, call: Call, effect: Callable[[], bytes]) -> None:
        try:
            data, what = self.aws.respond(call, effect)
        except Fault as fault:
            self._send(fault.status, self._error(call, fault), None)
        except Exception:
            self.aws.problems.append(f"{call}\n{traceback.format_exc()}")
            self._send(500, b"", None)
        else:
            self._send(200, data, what)

    def _send(self, status: int, data: bytes, what: str | None) -> None:
        if what == "drop":
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[: len(data) // 2] if what == "cut" else data)
        self.close_connection = self.close_connection or what == "cut"

    def _error(self, call: Call, fault: Fault) -> bytes:
        if self._is_json:
            return json.dumps({"__type": fault.code, "message": fault.message}).encode()
        text = f"<Code>{fault.code}</Code><Message>{escape(fault.message)}</Message>"
        if call.service == "s3":
            return f"<Error>{text}</Error>".encode()
        return f"<ErrorResponse><Error><Type>Sender</Type>{text}</Error></ErrorResponse>".encode()


def unknown() -> bytes:
    raise Fault("InvalidAction", 400, "the fake does not play this service")
