"""No float touches money: walk every type that the package declares."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

import pricing
from pricing.bill import BillItem
from pricing.offers import Offer
from pricing.price import Price


def structs() -> Iterator[type[msgspec.Struct]]:
    for module in pkgutil.walk_packages(pricing.__path__, "pricing."):
        for thing in vars(importlib.import_module(module.name)).values():
            if isinstance(thing, type) and issubclass(thing, msgspec.Struct):
                yield thing


def parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from parts(part)


DECLARED = sorted(set(structs()), key=lambda struct: f"{struct.__module__}.{struct.__qualname__}")


def test_the_walk_sees_the_types() -> None:
    assert {Price, BillItem, Offer} <= set(DECLARED)
    assert len(DECLARED) > 30


@pytest.mark.parametrize("struct", DECLARED, ids=lambda struct: struct.__qualname__)
def test_no_float_is_declared(struct: type[msgspec.Struct]) -> None:
    for name, annotation in get_type_hints(struct).items():
        assert float not in list(parts(annotation)), f"{struct.__qualname__}.{name}"
