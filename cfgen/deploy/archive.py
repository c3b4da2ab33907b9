"""A ``.tar.gz`` whose bytes depend on its content alone. The standard library only."""

import io
import tarfile
import zlib
from collections.abc import Iterable
from typing import NamedTuple

HEADER = b"\x1f\x8b\x08\x00" + b"\0\0\0\0" + b"\x00\xff"
"""RFC 1952: deflate, no name, no time, no system. Python's own differs between 3.12 and 3.13."""


class Member(NamedTuple):
    """A file with its content, or a link with its ``target``."""

    name: str
    content: bytes = b""
    executable: bool = False
    target: str = ""


def tar(members: Iterable[Member]) -> bytes:
    """Pack members, by their names' order: whoever packs them, and when, the same bytes."""
    plain = io.BytesIO()
    with tarfile.open(
        fileobj=plain, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8"
    ) as archive:
        for member in sorted(members):
            entry = tarfile.TarInfo(member.name)
            if member.target:
                entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, member.target, 0o777
            else:
                entry.size = len(member.content)
                entry.mode = 0o755 if member.executable else 0o644
            archive.addfile(entry, io.BytesIO(member.content))
    return plain.getvalue()


def compress(plain: bytes) -> bytes:
    """As ``gzip`` does, with a header of no system's own."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = packer.compress(plain) + packer.flush()
    sums = zlib.crc32(plain), len(plain) & 0xFFFFFFFF
    return HEADER + body + b"".join(one.to_bytes(4, "little") for one in sums)
