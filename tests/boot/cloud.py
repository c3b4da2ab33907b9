"""What stands for AWS beside a virtual machine: moto's server, and what moto does not have.

One port answers everything that a host asks for: the instance metadata service (both versions, for
cfn-init 1.4 speaks the first), the two calls of CloudFormation that cfn-init and cfn-signal make, a
package index of wheels, and moto for the rest. A service can be told to fail, or not to answer.
"""

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import boto3
from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

REGION = "ap-northeast-2"
ACCOUNT = DEFAULT_ACCOUNT_ID
ROLE = "host-role"
_SERVICE = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/")

Environ = dict[str, Any]
Start = Callable[[str, list[tuple[str, str]]], Any]


@dataclass
class Cloud:
    """AWS as one host sees it. ``resources`` are answered to DescribeStackResource by name."""

    wheels: Path
    instance_id: str = ""
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    notice: str = ""
    """What Spot's instance-action says; empty while there is no notice."""

    signals: list[dict[str, str]] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    """Service and action of each call, in order."""

    reports: list[dict[str, Any]] = field(default_factory=list)
    """What hosts said of themselves in the stack's log, in order: events of ``scripts/report``."""

    broken: dict[str, float] = field(default_factory=dict)
    """Services that fail, by the seconds after which they do."""

    def __post_init__(self) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self, threaded=True)
        self.port: int = self._server.server_port
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def client(self, service: str) -> Any:
        make: Any = boto3.client
        return make(
            service,
            region_name=REGION,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def close(self) -> None:
        self._server.shutdown()

    def messages(self, topic: str) -> list[tuple[str, str]]:
        """Subject and text of what was sent to a topic."""
        backend: Any = get_backend("sns")[ACCOUNT][REGION]
        sent = backend.topics[topic].sent_notifications
        return [(subject, text) for _, text, subject, _, _ in sent]

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path.startswith("/latest/"):
            return self._metadata(environ, start)
        if path.startswith("/simple/"):
            return self._package(path, start)
        query = {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
        if query.get("Action") in ("DescribeStackResource", "SignalResource"):
            return self._cloudformation(query, start)
        signed = _SERVICE.search(environ.get("HTTP_AUTHORIZATION", ""))
        service = signed[1] if signed else ""
        target = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        body = b"" if target or service == "s3" else _body(environ)
        action = target or parse_qs(body.decode(errors="replace")).get("Action", [path])[0]
        self.calls.append((service, action))
        if action == "PutLogEvents":
            # moto drops what is far from its own clock, and the machines' are set.
            events = json.loads(_body(environ))["logEvents"]
            self.reports += [json.loads(event["message"]) for event in events]
        if service in self.broken:
            time.sleep(self.broken[service])
            return _answer(start, b'{"message": "away"}', "503 Service Unavailable")
        answer: Iterable[bytes] = self._moto(environ, start)
        return answer

    # The instance metadata service

    def _metadata(self, environ: Environ, start: Start) -> Iterable[bytes]:
        path = environ["PATH_INFO"].removeprefix("/latest/")
        if path == "api/token":
            headers = [("X-aws-ec2-metadata-token-ttl-seconds", "21600")]
            return _answer(start, b"token", headers=headers)
        items = {
            "meta-data/instance-id": self.instance_id,
            "meta-data/public-ipv4": "203.0.113.9",
            "meta-data/instance-type": "t4g.micro",
            "meta-data/placement/availability-zone": f"{REGION}a",
            "meta-data/placement/region": REGION,
            "meta-data/spot/instance-action": self.notice,
            "meta-data/iam/security-credentials/": ROLE,
            f"meta-data/iam/security-credentials/{ROLE}": json.dumps(
                {
                    "Code": "Success",
                    "Type": "AWS-HMAC",
                    "AccessKeyId": "ASIAIOSFODNN7EXAMPLE",
                    "SecretAccessKey": "secret",
                    "Token": "token",
                    "LastUpdated": "2026-01-01T00:00:00Z",
                    "Expiration": "2037-01-01T00:00:00Z",
                }
            ),
            "dynamic/instance-identity/document": json.dumps(
                {
                    "accountId": ACCOUNT,
                    "instanceId": self.instance_id,
                    "region": REGION,
                    "availabilityZone": f"{REGION}a",
                }
            ),
            "dynamic/instance-identity/signature": "signature",
        }
        found = items.get(path, "")
        return _answer(start, found.encode(), "200 OK" if found else "404 Not Found")

    # CloudFormation

    def _cloudformation(self, query: dict[str, str], start: Start) -> Iterable[bytes]:
        action, name = query["Action"], query["LogicalResourceId"]
        self.calls.append(("cloudformation", action))
        result: dict[str, Any] = {}
        if "cloudformation" in self.broken:
            time.sleep(self.broken["cloudformation"])
            return _answer(start, b"{}", "500 Internal Server Error")
        if action == "SignalResource":
            self.signals.append(query)
        else:
            result["StackResourceDetail"] = {
                "LogicalResourceId": name,
                "StackName": query["StackName"],
                "ResourceType": "AWS::EC2::Instance",
                "ResourceStatus": "CREATE_COMPLETE",
                "LastUpdatedTimestamp": 1.0,
                "PhysicalResourceId": self.instance_id,
                "Metadata": json.dumps(self.resources[name]),
            }
        answer = {f"{action}Response": {f"{action}Result": result}}
        return _answer(start, json.dumps(answer).encode())

    # The package index

    def _package(self, path: str, start: Start) -> Iterable[bytes]:
        _, name, file = path.removeprefix("/simple").split("/")
        if file:
            return _answer(start, (self.wheels / file).read_bytes())
        found = [
            wheel.name
            for wheel in sorted(self.wheels.glob("*.whl"))
            if wheel.name.split("-")[0].lower().replace("_", "-") == name
        ]
        links = "".join(f'<a href="{escape(wheel)}">{escape(wheel)}</a>\n' for wheel in found)
        page = f"<!DOCTYPE html><html><body>{links}</body></html>"
        headers = [("Content-Type", "text/html")]
        return _answer(
            start, page.encode(), "200 OK" if found else "404 Not Found", headers=headers
        )


def _body(environ: Environ) -> bytes:
    """What was sent, which can be read again."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = environ["wsgi.input"].read(length)
    environ["wsgi.input"] = BytesIO(body)
    return body


def _answer(
    start: Start, body: bytes, status: str = "200 OK", headers: Iterable[tuple[str, str]] = ()
) -> list[bytes]:
    start(status, [("Content-Length", str(len(body))), *headers])
    return [body]
