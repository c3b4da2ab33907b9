"""The program that the host runs, by a real Python, against a stand-in for the broker."""

import ipaddress
import json
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cfgen.doctor.broker import DOORS, Answer, Door, judge_answer, judge_host_clock, lines_for
from cfgen.doctor.findings import Finding

APP = "PSCANARYAPPKEY" + "a" * 22
SECRET = 'canary/secret+"$`\\' + "b" * 160 + "=="
TOKEN = "eyJCANARYTOKEN"
ACCOUNT = "50123456"
GIVEN = (200, {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 86400})
READ = (200, {"rt_cd": "0", "msg_cd": "KIOK0510", "msg1": "OK", "output1": [{"pdno": "CANARY"}]})


class Broker:
    """Answers of the stand-in by path, and what it was asked."""

    def __init__(self, certificate: Path | None) -> None:
        self.answers: dict[str, tuple[int, Any]] = {"/oauth2/tokenP": GIVEN, "/uapi": READ}
        self.asked: list[tuple[str, dict[str, str], Any]] = []
        self.date = datetime.now(UTC)
        broker = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self, body: Any) -> None:
                broker.asked.append((self.path, dict(self.headers), body))
                name = "/uapi" if self.path.startswith("/uapi/") else self.path
                status, what = broker.answers.get(name, (404, {}))
                text = what if isinstance(what, str) else json.dumps(what)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())

            def do_POST(self) -> None:
                self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def do_GET(self) -> None:
                self._answer(None)

            def do_HEAD(self) -> None:
                self.send_response_only(302)
                self.send_header("Date", f"{broker.date:%a, %d %b %Y %H:%M:%S GMT}")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of its own for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "broker")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "broker.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def broker(certificate: Path) -> Iterator[Broker]:
    one = Broker(certificate)
    yield one
    one.server.shutdown()
    one.server.server_close()


Ask = Callable[..., Answer]


@pytest.fixture
def ask(tmp_path: Path, certificate: Path, broker: Broker) -> Ask:
    """Run the lines as Run Command does, with the keys as load-secrets writes them."""
    env = tmp_path / "env"

    def quoted(value: str) -> str:
        return '"' + "".join(f"\\{one}" if one in '\\"`$' else one for one in value) + '"'

    def run(place: str = "", clock: str = "", trust: bool = True, **changed: str) -> Answer:
        names = DOORS["demo"].names
        values = dict(zip(names, (APP, SECRET, ACCOUNT, "01"), strict=True)) | changed
        env.write_text("".join(f"{n}={quoted(v)}\n" for n, v in values.items() if v))
        door = Door(place or broker.place, names, DOORS["demo"].transaction)
        lines = lines_for(door, clock, (str(tmp_path / "none"), str(env)))
        text = "\n".join(lines).replace("SECONDS = 10", "SECONDS = 1")
        done = subprocess.run(
            ["bash", "-c", text],
            env={"PATH": os.environ["PATH"]}
            | ({"SSL_CERT_FILE": str(certificate)} if trust else {}),
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert done.stderr == ""
        for canary in (APP, SECRET, TOKEN, ACCOUNT, "CANARY"):
            assert canary not in done.stdout
        [line] = done.stdout.splitlines()
        return msgspec.convert(json.loads(line), Answer)

    return run


def judged(answer: Answer) -> Finding:
    [finding] = judge_answer(answer, DOORS["demo"], "demo")
    return finding


def test_a_token_is_asked_for_and_the_account_read_once(ask: Ask, broker: Broker) -> None:
    answer = ask()
    assert (answer.token, answer.account and answer.account.read) == (True, True)
    (path, _, body), (balance, headers, _) = broker.asked
    assert path == "/oauth2/tokenP"
    assert body == {"grant_type": "client_credentials", "appkey": APP, "appsecret": SECRET}
    assert balance.startswith("/uapi/domestic-stock/v1/trading/inquire-balance?CANO=50123456&")
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["tr_id"] == "VTTC8434R"
    assert judged(answer).level == "ok"
    assert "openssl" in answer.openssl.lower()


def test_without_an_account_number_nothing_is_read(ask: Ask, broker: Broker) -> None:
    answer = ask(KIS_PAPER_STOCK="")
    assert len(broker.asked) == 1
    finding = judged(answer)
    assert finding.level == "ok"
    assert "KIS_PAPER_STOCK is not set" in finding.text


@pytest.mark.parametrize(
    ("code", "words", "entry"),
    [
        ("EGW00103", "유효하지 않은 AppKey입니다.", "broker-key"),
        ("EGW00105", "유효하지 않은 AppSecret입니다.", "broker-secret"),
        ("EGW00133", "접근토큰 발급 잠시 후 다시 시도하세요(1분당 1회)", "broker-too-soon"),
        ("EGW00004", "권한을 부여받지 않은 고객입니다.", "broker-denied"),
        ("EGW00002", "서버 에러가 발생했습니다.", "broker-away"),
        ("EGW99999", "?", "broker-unclear"),
    ],
)
def test_a_refusal_is_put_in_words(
    ask: Ask, broker: Broker, code: str, words: str, entry: str
) -> None:
    echo = f"{words} {APP} {SECRET}"
    broker.answers["/oauth2/tokenP"] = 403, {"error_code": code, "error_description": echo}
    finding = judged(ask())
    assert finding.code == entry
    assert f"HTTP 403, {code} {words}" in finding.text
    assert "***" in finding.text
    assert len(broker.asked) == 1


def test_keys_of_the_other_kind_are_given_a_token_and_no_account(ask: Ask, broker: Broker) -> None:
    words = "해당 앱키는 모의투자용 앱키가 아닙니다."
    broker.answers["/uapi"] = 500, {"rt_cd": "1", "msg_cd": "EGW02007", "msg1": words}
    finding = judged(ask())
    assert finding.code == "broker-swapped"
    assert words in finding.text


def test_an_account_that_is_not_the_keys(ask: Ask, broker: Broker) -> None:
    said = {"rt_cd": "7", "msg_cd": "OPSQ2000", "msg1": f"INPUT INVALID_CHECK_ACNO {ACCOUNT}"}
    broker.answers["/uapi"] = 200, said
    finding = judged(ask())
    assert finding.code == "broker-account"
    assert "INVALID_CHECK_ACNO ***" in finding.text


@pytest.mark.parametrize(
    ("status", "text"), [(503, "<html>maintenance</html>"), (200, "not json"), (502, "[]")]
)
def test_a_server_in_maintenance(ask: Ask, broker: Broker, status: int, text: str) -> None:
    broker.answers["/oauth2/tokenP"] = status, text
    finding = judged(ask())
    assert finding.code == "broker-away"
    assert f"HTTP {status}" in finding.text


def test_keys_that_are_not_loaded(ask: Ask, broker: Broker) -> None:
    finding = judged(ask(KIS_PAPER_APP_KEY="", KIS_PAPER_APP_SECRET=""))
    assert finding.code == "broker-unloaded"
    assert "KIS_PAPER_APP_KEY, KIS_PAPER_APP_SECRET" in finding.text
    assert broker.asked == []


def test_a_certificate_that_nobody_vouches_for(ask: Ask, broker: Broker) -> None:
    finding = judged(ask(trust=False))
    assert finding.code == "broker-certificate"
    assert "self-signed" in finding.text.replace("self signed", "self-signed")
    assert broker.asked == []


def test_a_server_without_tls(ask: Ask) -> None:
    plain = Broker(None)
    finding = judged(ask(plain.place))
    plain.server.shutdown()
    plain.server.server_close()
    assert finding.code == "broker-tls"
    assert "OpenSSL" in finding.text


def test_a_name_without_an_address(ask: Ask) -> None:
    assert judged(ask("broker.invalid:9443")).code == "broker-dns"


def test_a_port_that_is_closed(ask: Ask) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        finding = judged(ask(f"127.0.0.1:{port}"))
    assert finding.code == "broker-timeout"
    assert "refused" in finding.text


def test_a_server_that_does_not_answer(ask: Ask) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        finding = judged(ask(f"127.0.0.1:{silent.getsockname()[1]}"))
    assert finding.code == "broker-timeout"
    assert "timed out" in finding.text


@pytest.mark.parametrize(("seconds", "level"), [(0, "ok"), (-90, "problem"), (90, "problem")])
def test_the_hosts_clock_against_aws(ask: Ask, broker: Broker, seconds: int, level: str) -> None:
    broker.date = datetime.now(UTC) + timedelta(seconds=seconds)
    answer = ask(clock=broker.place)
    [finding] = judge_host_clock(answer)
    assert (finding.check, finding.level) == ("host-clock", level)
    if seconds:
        assert ("slow" if seconds > 0 else "fast") in finding.text


def test_a_clock_that_cannot_be_compared_is_not_judged(ask: Ask) -> None:
    answer = ask(clock="127.0.0.1:9")
    assert answer.token
    assert list(judge_host_clock(answer)) == []


def test_the_program_is_for_the_systems_python_and_run_command() -> None:
    import ast

    lines = lines_for(DOORS["real"], "sts.ap-northeast-2.amazonaws.com")
    program = "\n".join(lines[1:-1])
    ast.parse(program, feature_version=(3, 9))
    # Run Command fills in what stands between double braces, and takes no more than this.
    assert "{{" not in program
    assert len("\n".join(lines)) < 20_000
    assert "'" not in " ".join(DOORS["real"].names) + DOORS["real"].place
