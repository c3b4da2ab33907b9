"""Bytes by content alone."""

import gzip
import io
import subprocess
import tarfile
from hashlib import sha256
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from cfgen.deploy.archive import HEADER, Member, compress, tar

MEMBERS = [
    Member("run.sh", b"#!/bin/sh\n", executable=True),
    Member("bot.py", b"print()\n"),
    Member("한글/" + "x" * 250, b"long"),
    Member("now", target="bot.py"),
]

part = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="/\0"), min_size=1, max_size=20
).filter(lambda text: text not in (".", ".."))
members = st.lists(
    st.builds(
        Member,
        st.lists(part, min_size=1, max_size=4).map("/".join),
        st.binary(max_size=2000),
        st.booleans(),
        st.just(""),
    ),
    max_size=8,
    unique_by=lambda member: member.name,
)


def test_the_bytes_of_a_tar_are_the_same_on_every_python() -> None:
    # Computed by 3.11, 3.12, and 3.13; a change of it rolls every bot out anew.
    assert sha256(tar(MEMBERS)).hexdigest() == (
        "b403d430715fbd80ba207f4771d66fbc2f79fedc145c42d43bdb4c4e3521b5ae"
    )


@settings(max_examples=40)
@given(members)
def test_the_order_does_not_matter(some: list[Member]) -> None:
    first = tar(some)
    assert tar(reversed(some)) == first
    assert tar(sorted(some, key=lambda member: member.content)) == first


@settings(max_examples=40)
@given(members)
def test_what_goes_in_comes_out(some: list[Member]) -> None:
    plain = tar(some)
    assert gzip.decompress(compress(plain)) == plain
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        for member in some:
            entry = archive.getmember(member.name)
            file = archive.extractfile(entry)
            assert file
            assert file.read() == member.content
            assert (entry.mode, entry.mtime, entry.uid, entry.uname) == (
                (0o755 if member.executable else 0o644), 0, 0, "",
            )  # fmt: skip


def test_tar_and_gzip_read_it(tmp_path: Path) -> None:
    data = compress(tar(MEMBERS))
    assert data.startswith(HEADER)
    (tmp_path / "a.tar.gz").write_bytes(data)
    subprocess.run(["gzip", "--test", str(tmp_path / "a.tar.gz")], check=True)
    listed = subprocess.check_output(["tar", "tzf", str(tmp_path / "a.tar.gz")])
    assert len(listed.splitlines()) == 4
