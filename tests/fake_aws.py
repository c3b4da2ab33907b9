"""A small AWS over HTTP, for tests: the price APIs in their own wire protocols.

GetProducts (JSON 1.1), DescribeSavingsPlansOfferingRates (REST-JSON), EC2's describe calls (query
protocol, XML) and the Spot Advisor's object (S3). Answers are checked against botocore's own model
before they are sent. Faults can be asked for by operation.

What it answers is made by us: :func:`world` lays real figures of the embedded snapshot beside
reserved, Savings Plans and Spot figures that are made up, and products that a careless reader would
take for the right one.
"""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import botocore.session
from botocore.validate import ParamValidator

from pricing.price import Unpriced
from pricing.rates import Rate, Service
from pricing.sources.services import QUERIES
from pricing.sources.snapshot import load_snapshot

NOW = datetime.now(UTC).replace(microsecond=0)
PREFIXES = {"ap-northeast-2": "APN2-", "us-east-1": "", "eu-west-1": "EU-"}
YEAR = 365 * 24 * 3600

# Ratios to the on-demand price, made up in the manner of the real ones.
RESERVED = {"1yr": ("0.63", "0.60", "0.58"), "3yr": ("0.43", "0.40", "0.38")}
SAVINGS = {"Compute": ("0.73", "0.53"), "EC2Instance": ("0.66", "0.44")}
PAYMENTS = ("No Upfront", "Partial Upfront", "All Upfront")


@dataclass
class World:
    """Everything that the fake knows."""

    products: list[dict[str, Any]] = field(default_factory=list)
    rates: list[dict[str, Any]] = field(default_factory=list)
    types: dict[str, dict[str, Any]] = field(default_factory=dict)
    zones: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    spot: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    advisor: dict[str, Any] = field(default_factory=dict)
    regions: tuple[str, ...] = ("ap-northeast-2", "us-east-1", "eu-west-1")


def product(
    sku: str,
    family: str,
    service: str,
    attributes: dict[str, str],
    terms: dict[str, Any],
) -> dict[str, Any]:
    return {
        "product": {"sku": sku, "productFamily": family, "attributes": attributes},
        "serviceCode": service,
        "terms": terms,
        "version": "20261101",
        "publicationDate": "2026-11-01T00:00:00Z",
    }


def dimension(
    price: str,
    unit: str = "Hrs",
    begin: str = "0",
    end: str = "Inf",
    applies_to: Iterable[str] = (),
    currency: str = "USD",
) -> dict[str, Any]:
    return {
        "unit": unit,
        "beginRange": begin,
        "endRange": end,
        "appliesTo": list(applies_to),
        "description": f"{price} per {unit}",
        "pricePerUnit": {currency: price},
    }


def term(
    sku: str,
    code: str,
    *dimensions: dict[str, Any],
    since: str = "2026-07-01T00:00:00Z",
    **attributes: str,
) -> dict[str, Any]:
    key = f"{sku}.{code}"
    return {
        key: {
            "sku": sku,
            "offerTermCode": code,
            "effectiveDate": since,
            "termAttributes": attributes,
            "priceDimensions": {f"{key}.{n}": one for n, one in enumerate(dimensions)},
        }
    }


LINUX = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "capacitystatus": "Used",
    "preInstalledSw": "NA",
    "licenseModel": "No License required",
    "marketoption": "OnDemand",
    "operation": "RunInstances",
}


def instance(
    name: str, region: str, hourly: str, sku: str = "", reserved: bool = True, **changed: str
) -> dict[str, Any]:
    """An instance's product: its on-demand term and six standard reservations."""
    sku = sku or f"{name.upper().replace('.', '')}{region.upper().replace('-', '')}"
    prefix = PREFIXES.get(region, "")
    attributes = LINUX | {
        "instanceType": name,
        "regionCode": region,
        "servicecode": "AmazonEC2",
        "usagetype": f"{prefix}BoxUsage:{name}",
    }
    terms: dict[str, Any] = {
        # An older and a future price stand beside the one that holds.
        "OnDemand": term(sku, "JRTCKXETXF", dimension(hourly))
        | term(sku, "OLD", dimension("9.99"), since="2020-01-01T00:00:00Z")
        | term(sku, "FUTURE", dimension("8.88"), since="2099-01-01T00:00:00Z")
    }
    if reserved:
        terms["Reserved"] = {}
        for years, ratios in RESERVED.items():
            hours = 8760 * int(years[0])
            for payment, ratio in zip(PAYMENTS, ratios, strict=True):
                cost = Decimal(hourly) * Decimal(ratio)
                half = payment == "Partial Upfront"
                upfront = {"No Upfront": Decimal(0)}.get(payment, cost * hours / (1 + half))
                recurring = {"No Upfront": cost, "All Upfront": Decimal(0)}.get(payment, cost / 2)
                parts = [dimension(f"{recurring:.10f}")]
                if upfront:
                    fee = dimension(f"{upfront:.0f}", "Quantity")
                    # Upfront fees have no range in the real list.
                    del fee["beginRange"], fee["endRange"]
                    parts.append(fee)
                for offering in ("standard", "convertible"):
                    terms["Reserved"] |= term(
                        sku,
                        f"{years}{payment[:3]}{offering[:4]}",
                        *parts,
                        LeaseContractLength=years,
                        OfferingClass=offering,
                        PurchaseOption=payment,
                    )
    return product(sku, "Compute Instance", "AmazonEC2", attributes | changed, terms)


def savings_rates(name: str, region: str, hourly: str) -> list[dict[str, Any]]:
    found = []
    for plan, ratios in SAVINGS.items():
        for years, ratio in zip((1, 3), ratios, strict=True):
            for step, payment in enumerate(PAYMENTS):
                rate = Decimal(hourly) * (Decimal(ratio) - Decimal("0.02") * step)
                found.append(savings_rate(name, region, f"{rate:.5f}", plan, years, payment))
    return found


def savings_rate(
    name: str, region: str, rate: str, plan: str, years: int, payment: str, /, **changed: str
) -> dict[str, Any]:
    properties = {
        "region": region,
        "instanceType": name,
        "instanceFamily": name.partition(".")[0],
        "productDescription": "Linux/UNIX",
        "tenancy": "shared",
    } | changed
    return {
        "savingsPlanOffering": {
            "offeringId": f"offering-{plan}-{years}-{payment.partition(' ')[0]}",
            "paymentOption": payment,
            "planType": plan,
            "durationSeconds": years * YEAR,
            "currency": "USD",
        },
        "rate": rate,
        "unit": "Hrs",
        "productType": "EC2",
        "serviceCode": "AmazonEC2",
        "usageType": f"{PREFIXES.get(region, '')}BoxUsage:{name}",
        "operation": "RunInstances",
        "properties": [{"name": key, "value": value} for key, value in properties.items()],
    }


def spot_row(
    name: str,
    zone: str,
    price: str,
    at: datetime | str,
    description: str = "Linux/UNIX",
) -> dict[str, Any]:
    return {
        "AvailabilityZone": f"made-up-{zone}",
        "AvailabilityZoneId": zone,
        "InstanceType": name,
        "ProductDescription": description,
        "SpotPrice": price,
        "Timestamp": at,
    }


def hardware(
    name: str, arch: str, vcpus: int, mib: int, *, burstable: bool = True
) -> dict[str, Any]:
    return {
        "InstanceType": name,
        "ProcessorInfo": {"SupportedArchitectures": [arch]},
        "VCpuInfo": {"DefaultVCpus": vcpus},
        "MemoryInfo": {"SizeInMiB": mib},
        "BurstablePerformanceSupported": burstable,
    }


def world() -> World:
    """Eight small types in three regions, with what surrounds a host, and traps beside each."""
    snapshot = load_snapshot()
    made = World()
    for name, kind in snapshot.instance_types.items():
        made.types[name] = hardware(name, kind.arch, kind.vcpus, kind.memory_mib)
    made.types["m7g.medium"] = hardware("m7g.medium", "arm64", 1, 4096, burstable=False)
    advisor: dict[str, Any] = {}
    for region in made.regions:
        figures = snapshot.regions[region]
        for name, terms in figures.terms.items():
            spot = figures.spot[name]
            assert not isinstance(terms, Unpriced)
            assert not isinstance(spot, Unpriced)
            hourly = str(terms.on_demand)
            made.products += [instance(name, region, hourly), *_traps(name, region)]
            made.rates += savings_rates(name, region, hourly)
            made.rates.append(
                savings_rate(name, region, "0.00001", "Compute", 1, "No Upfront", tenancy="host")
            )
            zones = spot.zones
            made.zones[region, name] = list(zones)
            for zone, prices in zones.items():
                assert not isinstance(prices, Unpriced)
                made.spot += _history(region, name, zone, prices.current)
        advisor[region] = {
            "Linux": {
                name: {"s": 70, "r": ("<5%", "5-10%", "10-15%", "15-20%", ">20%").index(share)}
                for name, share in figures.interruption.items()
            },
            "Windows": {},
        }
        made.products += surroundings(region)
    made.products += worldwide()
    made.advisor = {
        "ranges": [
            {"index": index, "label": label, "dots": index, "max": 0}
            for index, label in enumerate(("<5%", "5-10%", "10-15%", "15-20%", ">20%"))
        ],
        "instance_types": {},
        "spot_advisor": advisor,
    }
    return made


def _traps(name: str, region: str) -> list[dict[str, Any]]:
    """Products that share almost everything with the right one."""
    wrong = {
        "WINDOWS": {"operatingSystem": "Windows"},
        "DEDICATED": {"tenancy": "Dedicated"},
        "UNUSED": {"capacitystatus": "UnusedCapacityReservation"},
        "SQL": {"preInstalledSw": "SQL Web", "operation": "RunInstances:0200"},
        "BLOCK": {"marketoption": "CapacityBlock"},
    }
    return [
        instance(name, region, "0.0000000000", f"{kind}{name}{region}", False, **changed)
        for kind, changed in wrong.items()
    ]


def _history(
    region: str, name: str, zone: str, current: Decimal
) -> list[tuple[str, dict[str, Any]]]:
    """A price that was dearer ten days ago, and another product's rows beside it."""
    ago = {40: current, 20: current + Decimal("0.001"), 10: current}
    rows = [
        spot_row(name, zone, f"{price:.6f}", NOW - timedelta(days=days))
        for days, price in ago.items()
    ]
    rows.append(spot_row(name, zone, "0.000001", NOW - timedelta(days=1), "Windows"))
    # In no particular order.
    return [(region, row) for row in (rows[2], rows[0], rows[3], rows[1])]


def surroundings(region: str) -> list[dict[str, Any]]:
    """Seoul's real rates; elsewhere the same, made up to be a tenth dearer."""
    rates = load_snapshot().regions["ap-northeast-2"].rates
    factor = Decimal(1) if region == "ap-northeast-2" else Decimal("1.1")
    found = []
    for query in QUERIES:
        if not query.region_field:
            continue
        for service, selector in query.rates.items():
            rate = rates[service]
            price = Decimal("0.3")
            end = "Inf"
            if isinstance(rate, Rate):
                price = rate.tiers[0].price.amount
                end = "Inf" if rate.tiers[0].end is None else str(rate.tiers[0].end)
            parts = [dimension(f"{price * factor:.10f}", selector.units[0], "0", end)]
            if end != "Inf":
                parts.append(dimension(f"{price * factor / 2:.10f}", selector.units[0], end))
            found.append(_service(query, service, f"{service}{region}", region, parts))
    trap = dict(found[-1]["product"]["attributes"], usagetype="APN2-Requests-SIA-Tier1")
    decoy = term("TRAP", "X", dimension("0.1"))
    found.append(product("TRAP" + region, "API Request", "AmazonS3", trap, {"OnDemand": decoy}))
    return found


def worldwide() -> list[dict[str, Any]]:
    [query] = [query for query in QUERIES if not query.region_field]
    return [
        _service(
            query,
            Service.HOSTED_ZONE,
            "ZONE",
            "",
            [
                dimension("0.50", "HostedZone", "0", "25"),
                dimension("0.10", "HostedZone", "25"),
            ],
        ),
        _service(query, Service.DNS_QUERIES, "DNS", "", [dimension("0.0000004", "Queries")]),
    ]


FAMILIES = {
    Service.EBS_SNAPSHOT: "Storage Snapshot",
    Service.CPU_CREDITS_T3: "CPU Credits",
    Service.CPU_CREDITS_T4G: "CPU Credits",
    Service.LOG_INGESTION: "Data Payload",
    Service.LOG_STORAGE: "Storage Snapshot",
    Service.ALARM: "Alarm",
    Service.METRIC: "Metric",
    Service.SECRET: "Secret",
    Service.SECRET_REQUESTS: "API Request",
    Service.HOSTED_ZONE: "DNS Zone",
    Service.DNS_QUERIES: "DNS Query",
}
GROUPS = {Service.S3_PUT: "S3-API-Tier1", Service.S3_GET: "S3-API-Tier2"}


def _service(
    query: Any, service: Service, sku: str, region: str, dimensions: list[dict[str, Any]]
) -> dict[str, Any]:
    selector = query.rates[service]
    attributes = {"usagetype": PREFIXES.get(region, "") + selector.suffixes[0]}
    attributes |= selector.attributes
    attributes |= {one["Field"]: one["Value"] for one in query.filters if one["Type"] != "ANY_OF"}
    attributes |= {"group": GROUPS[service]} if service in GROUPS else {}
    attributes[query.region_field or "regionCode"] = region
    family = FAMILIES.get(service, attributes.pop("productFamily", ""))
    terms = {"OnDemand": term(sku, "JRTCKXETXF", *dimensions)}
    return product(sku, family, query.service_code, attributes, terms)


class Pages:
    """An AWS that answers everything with the same pages, without a wire."""

    def __init__(self, *pages: dict[str, Any]) -> None:
        self._pages = pages

    def pages(self, *_: object) -> Iterator[dict[str, Any]]:
        yield from self._pages

    def public_object(self, bucket: str, key: str) -> bytes:
        raise NotImplementedError(bucket, key)


class Fault(Exception):
    """Answered as an error of the service."""

    def __init__(self, code: str, status: int, message: str = "made for this test") -> None:
        super().__init__(message)
        self.code, self.status, self.message = code, status, message


def throttled(service: str) -> Fault:
    return {
        "ec2": Fault("RequestLimitExceeded", 503),
        "pricing": Fault("ThrottlingException", 400, "Rate exceeded"),
        "savingsplans": Fault("ThrottlingException", 429, "Rate exceeded"),
        "s3": Fault("SlowDown", 503),
    }[service]


def denied(service: str) -> Fault:
    code = {"ec2": "UnauthorizedOperation", "s3": "AccessDenied"}.get(
        service, "AccessDeniedException"
    )
    return Fault(code, 403, "not authorized")


def expired(service: str) -> Fault:
    return Fault("RequestExpired" if service == "ec2" else "ExpiredTokenException", 400)


Interference = Callable[[str, int], "Fault | str | None"]
"""Called with a service and how often its operation was called before: a fault, or ``cut`` (half an
answer), ``garbage`` (another's answer), ``empty`` (an empty page with a token), ``again`` (the same
token for ever), or nothing."""


@dataclass
class Seen:
    """A request: what was asked, and whether it carried a signature."""

    service: str
    operation: str
    region: str
    parameters: dict[str, Any]
    signed: bool


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that was interrupted; anything else is a fault of the fake."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class FakeAws:
    """The server; ``with FakeAws(world()) as aws`` starts and stops it."""

    def __init__(self, made: World, latency: float = 0) -> None:
        self.world = made
        self.latency = latency
        self.interference: dict[str, Interference] = {}
        self.page_size = 100_000
        self.seen: list[Seen] = []
        self.together = threading.Barrier(1)
        self._lock = threading.Lock()
        self._models: dict[str, Any] = {}
        handler = type("Handler", (_Handler,), {"aws": self})
        self._server = QuietServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> "FakeAws":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """What leads the program here, with credentials that are made up."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "made-up",
            "AWS_MAX_ATTEMPTS": "2",
        }

    def count(self, operation: str) -> int:
        return sum(one.operation == operation for one in self.seen)

    def note(self, seen: Seen) -> int:
        with self._lock:
            before = self.count(seen.operation)
            self.seen.append(seen)
        return before

    def model(self, service: str, operation: str) -> Any:
        with self._lock:
            if service not in self._models:
                session = botocore.session.get_session()
                self._models[service] = session.get_service_model(service)
            return self._models[service].operation_model(operation)

    # The answers, as the SDK would show them

    def answer(self, seen: Seen) -> tuple[str, list[Any], str]:
        """The member that holds the rows, the rows, and the name of the token's member."""
        key, rows, token = {
            "GetProducts": ("PriceList", self._products, "NextToken"),
            "DescribeSavingsPlansOfferingRates": ("searchResults", self._rates, "nextToken"),
            "DescribeSpotPriceHistory": ("SpotPriceHistory", self._spot, "NextToken"),
            "DescribeInstanceTypes": ("InstanceTypes", self._types, "NextToken"),
            "DescribeInstanceTypeOfferings": (
                "InstanceTypeOfferings",
                self._offerings,
                "NextToken",
            ),
            "DescribeRegions": ("Regions", self._regions, ""),
        }[seen.operation]
        return key, rows(seen), token

    def _regions(self, _: Seen) -> list[Any]:
        return [{"RegionName": region} for region in self.world.regions]

    def _products(self, seen: Seen) -> list[Any]:
        asked = seen.parameters
        if not 1 <= asked.get("MaxResults", 1) <= 100 or len(asked["Filters"]) > 50:
            raise Fault("InvalidParameterException", 400)
        return [
            json.dumps(one)
            for one in self.world.products
            if one["serviceCode"] == asked["ServiceCode"]
            and all(_filter(one, wanted) for wanted in asked["Filters"])
        ]

    def _rates(self, seen: Seen) -> list[Any]:
        asked = seen.parameters
        if not 0 <= asked.get("maxResults", 0) <= 1000:
            raise Fault("ValidationException", 400)
        wanted = {
            one["name"]: one["values"] for one in asked["filters"] if one["name"] != "tenancy"
        }
        return [
            rate
            for rate in self.world.rates
            if rate["savingsPlanOffering"]["planType"] in asked["savingsPlanTypes"]
            and rate["savingsPlanOffering"]["paymentOption"] in asked["savingsPlanPaymentOptions"]
            and all(
                one["value"] in wanted.get(one["name"], [one["value"]])
                for one in rate["properties"]
            )
        ]

    def _spot(self, seen: Seen) -> list[Any]:
        start = datetime.fromisoformat(seen.parameters["StartTime"][0])
        names = _numbered(seen.parameters, "InstanceType")
        rows = [
            row
            for region, row in self.world.spot
            if region == seen.region and row["InstanceType"] in names
        ]
        inside = [row for row in rows if row["Timestamp"] >= start]
        before: dict[tuple[str, str], dict[str, Any]] = {}
        for row in sorted(rows, key=lambda row: row["Timestamp"]):
            if row["Timestamp"] < start:
                before[row["AvailabilityZoneId"], row["ProductDescription"]] = row
        return inside + list(before.values())

    def _types(self, seen: Seen) -> list[Any]:
        wanted = _numbered(seen.parameters, "Filter.1.Value")
        return [
            one
            for name, one in self.world.types.items()
            if any(fnmatchcase(name, pattern) for pattern in wanted)
            and (seen.region, name) in self.world.zones
        ]

    def _offerings(self, seen: Seen) -> list[Any]:
        kind = seen.parameters["LocationType"][0]
        wanted = _numbered(seen.parameters, "Filter.1.Value") or ["*"]
        return [
            {"InstanceType": name, "LocationType": kind, "Location": place}
            for (region, name), zones in self.world.zones.items()
            if region == seen.region and any(fnmatchcase(name, one) for one in wanted)
            for place in (zones if kind == "availability-zone-id" else [region])
        ]


def _filter(one: dict[str, Any], wanted: dict[str, str]) -> bool:
    body = one["product"]
    value = body["attributes"] | {"productFamily": body["productFamily"]}
    if len(wanted["Value"]) > 1024:
        raise Fault("InvalidParameterException", 400)
    if wanted["Type"] == "ANY_OF":
        return value.get(wanted["Field"], "") in wanted["Value"].split(",")
    return bool(value.get(wanted["Field"]) == wanted["Value"])


def _numbered(parameters: dict[str, Any], name: str) -> list[str]:
    return [values[0] for key, values in parameters.items() if key.rpartition(".")[0] == name]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    aws: FakeAws

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        seen = Seen("s3", "GetObject", "", {"path": self.path}, self._signed())
        self._serve(seen, lambda: json.dumps(self.aws.world.advisor).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        target = self.headers.get("X-Amz-Target", "")
        scope = self.headers.get("Authorization", "").partition("Credential=")[2].split("/")
        region = scope[2] if len(scope) > 2 else ""
        if target:
            seen = Seen("pricing", target.rpartition(".")[2], region, json.loads(body), True)
        elif "Action=" in body:
            form = parse_qs(body)
            seen = Seen("ec2", form["Action"][0], region, dict(form), True)
        else:
            operation = self.path.strip("/")
            seen = Seen("savingsplans", operation, region, json.loads(body), True)
        seen.signed = self._signed()
        self._serve(seen, lambda: self._page(seen))

    def _signed(self) -> bool:
        return "Authorization" in self.headers

    def _serve(self, seen: Seen, make: Callable[[], bytes]) -> None:
        before = self.aws.note(seen)
        time.sleep(self.aws.latency)
        self.aws.together.wait(30)
        interference = self.aws.interference.get(seen.operation)
        what = interference(seen.service, before) if interference else None
        try:
            if isinstance(what, Fault):
                raise what
            if what == "empty":
                data = self._encode(seen, [], f"after-{before}")
            elif what == "again":
                data = self._encode(seen, [], "again")
            elif what == "garbage":
                data = b"<html><body>Sign in to the hotel's network</body></html>"
            else:
                data = make()
        except Fault as fault:
            self._send(fault.status, _error(seen.service, fault), {"x-amzn-ErrorType": fault.code})
            return
        self._send(200, data, {}, cut=what == "cut")

    def _page(self, seen: Seen) -> bytes:
        _, rows, _ = self.aws.answer(seen)
        token = str(
            seen.parameters.get("NextToken") or seen.parameters.get("nextToken") or "row0"
        ).strip("[']")
        start = int(token[3:]) if token.startswith("row") else 0
        end = start + self.aws.page_size
        return self._encode(seen, rows[start:end], f"row{end}" if end < len(rows) else "")

    def _encode(self, seen: Seen, rows: list[Any], token: str) -> bytes:
        key, _, token_name = self.aws.answer(seen)
        answer = {key: rows} | ({token_name: token} if token_name and token else {})
        shape = self.aws.model(seen.service, seen.operation).output_shape
        problems = ParamValidator().validate(answer, shape)
        assert not problems.has_errors(), problems.generate_report()
        if seen.service == "ec2":
            name = f"{seen.operation}Response"
            return f"<{name}>{xml(answer, shape)}</{name}>".encode()
        return json.dumps(answer).encode()

    def _send(self, status: int, data: bytes, headers: dict[str, str], cut: bool = False) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if cut else data)
        if cut:
            self.wfile.flush()
            self.close_connection = True
            self.connection.close()


def _error(service: str, fault: Fault) -> bytes:
    if service == "ec2":
        text = f"<Code>{fault.code}</Code><Message>{escape(fault.message)}</Message>"
        return f"<Response><Errors><Error>{text}</Error></Errors></Response>".encode()
    if service == "s3":
        return f"<Error><Code>{fault.code}</Code><Message>no</Message></Error>".encode()
    return json.dumps({"__type": fault.code, "message": fault.message}).encode()


def xml(value: Any, shape: Any) -> str:
    """EC2's XML of a value, by the names in botocore's model."""
    if shape.type_name == "structure":
        return "".join(
            f"<{name}>{xml(value[member], inner)}</{name}>"
            for member, inner in shape.members.items()
            if member in value and (name := inner.serialization.get("name", member))
        )
    if shape.type_name == "list":
        return "".join(f"<item>{xml(one, shape.member)}</item>" for one in value)
    if isinstance(value, bool):
        return str(value).lower()
    return escape(value.isoformat() if isinstance(value, datetime) else str(value))
