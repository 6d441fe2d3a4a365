"""Signed anchors: how far each chain was, kept in a file outside the database (X8, ADR 0012).

Who owns the database can rewrite rows, links and heads until everything fits itself. They can't rewrite what was written down
elsewhere: a line per site and chain, {at, site, chain, seq, hash}, signed with Ed25519, numbered, each naming the hash of the
line before, so that a line taken out of the middle shows too. The file is only ever appended to; put it on storage that the
database's administrators can't write (docs/deployment.md).

`UPLINE_ANCHOR_KEYS` is `id:base64` pairs of 32 bytes, newest first: the first signs, all verify.
"""

import base64
import fcntl
import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

RECENT = 256 * 1024  # bytes of the file's end in which the last line of every chain is looked for
NOTHING: dict[str, Any] = {"n": 0, "line": ""}


class AnchorsUnreadable(Exception):
    """The file is not there or can't be read."""


@dataclass(frozen=True)
class Anchor:
    """A chain of a site at a moment: its last link and that link's hash, in hex. `site` is the site's code."""

    at: str
    site: str
    chain: str
    seq: int
    hash: str


@dataclass(frozen=True)
class Anchors:
    """What a file of anchors holds, and what is wrong with the file itself."""

    lines: int
    by_chain: dict[tuple[str, str], dict[int, bytes]]
    findings: Sequence[str]

    def of(self, site: str, chain: str) -> dict[int, bytes]:
        """{link number: hash}."""
        return self.by_chain.get((site, chain), {})

    @property
    def sites(self) -> set[str]:
        return {site for site, _ in self.by_chain}


@cache
def _keys(configured: tuple[str, ...]) -> dict[str, Ed25519PrivateKey]:
    keys = {}
    for pair in configured:
        name, _, encoded = pair.partition(":")
        raw = base64.b64decode(encoded)
        if len(raw) != 32 or not name or len(name) > 32:
            raise ValueError("UPLINE_ANCHOR_KEYS holds id:base64 pairs of 32 bytes each")
        keys[name] = Ed25519PrivateKey.from_private_bytes(raw)
    return keys


def signing_keys() -> dict[str, Ed25519PrivateKey]:
    return _keys(tuple(settings.UPLINE_ANCHOR_KEYS))


def public_keys() -> dict[str, str]:
    """{key id: the raw public key, base64}: what somebody outside needs to verify the file."""
    return {
        name: base64.b64encode(key.public_key().public_bytes_raw()).decode() for name, key in signing_keys().items()
    }


def default_file() -> Path:
    return Path(settings.UPLINE_ANCHOR_FILE).expanduser()


def append(path: Path, anchors: Iterable[Anchor]) -> int:
    """Sign and append; returns how many lines. Safe in parallel: one writer at a time holds the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640), "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        last = _last(file)
        if _is_torn(file):
            file.write(b"\n")
        written = 0
        for anchor in anchors:
            line = _signed(anchor, n=last["n"] + 1, prev=_digest(last["line"]))
            file.write(line.encode() + b"\n")
            last, written = {"n": last["n"] + 1, "line": line}, written + 1
        file.flush()
        os.fsync(file.fileno())
    return written


def _is_torn(file: Any) -> bool:
    """Did a crash leave the last line without its end?"""
    if not file.seek(0, os.SEEK_END):
        return False
    file.seek(-1, os.SEEK_END)
    torn: bool = file.read(1) != b"\n"
    return torn


def _last(file: Any) -> dict[str, Any]:
    """Number and text of the last line. A line that can't be read is passed over: its gap is what verifying shows."""
    return next(filter(None, map(_place, reversed(_tail(file)))), NOTHING)


def _tail(file: Any) -> list[str]:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - RECENT))
    return [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]


def latest(path: Path) -> dict[tuple[str, str], Anchor]:
    """The newest anchor of each chain, as the end of the file has it. Signatures are not looked at."""
    if not path.exists():
        return {}
    with path.open("rb") as file:
        found = {}
        for text in _tail(file):
            try:
                anchor = _read(json.loads(text))
            except (ValueError, TypeError, KeyError):
                continue
            found[anchor.site, anchor.chain] = anchor
    return found


def read(path: Path) -> Anchors:
    """All anchors whose signature holds, and what is wrong with the others. Raises AnchorsUnreadable."""
    by_chain: dict[tuple[str, str], dict[int, bytes]] = defaultdict(dict)
    findings: list[str] = []
    before, count = NOTHING, 0
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for count, line in enumerate(file, start=1):
                text = line.rstrip("\n")
                problem, anchor = _checked(text, before)
                if problem:
                    findings.append(f"line {count} of the anchors {problem}")
                if anchor is not None:
                    known = by_chain[anchor.site, anchor.chain].setdefault(anchor.seq, bytes.fromhex(anchor.hash))
                    if known != bytes.fromhex(anchor.hash):
                        findings.append(
                            f"line {count} of the anchors contradicts an earlier one about link {anchor.seq}"
                        )
                before = _place(text) or before
    except OSError as error:
        raise AnchorsUnreadable(f"{path}: {error.strerror}") from error
    return Anchors(count, dict(by_chain), findings)


def _checked(text: str, before: dict[str, Any]) -> tuple[str, Anchor | None]:
    """(what is wrong, the anchor if it may be trusted)."""
    try:
        body = json.loads(text)
        signature, key_id, anchor = base64.b64decode(body.pop("sig")), body["key"], _read(body)
        number, previous = int(body["n"]), str(body["prev"])
    except (ValueError, TypeError, KeyError, AttributeError):
        return "is no anchor", None
    key = signing_keys().get(key_id)
    if key is None:
        return f"is signed with key {key_id!r}, which is none of ours", None
    try:
        key.public_key().verify(signature, _canonical(body))
    except InvalidSignature:
        return "is forged or was altered", None
    if number != before["n"] + 1 or previous != _digest(before["line"]):
        return f"doesn't follow the one before: {_missing(number, before['n'])}", anchor
    return "", anchor


def _missing(number: int, before: int) -> str:
    gone = number - before - 1
    if gone > 0:
        return f"{gone} missing" if gone > 1 else "one is missing"
    return "lines were changed or exchanged"


def _place(text: str) -> dict[str, Any] | None:
    """Number and text of a line, None of one that can't be read."""
    try:
        return {"n": int(json.loads(text)["n"]), "line": text}
    except (ValueError, TypeError, KeyError):
        return None


def _read(body: dict[str, Any]) -> Anchor:
    bytes.fromhex(body["hash"])
    return Anchor(str(body["at"]), str(body["site"]), str(body["chain"]), int(body["seq"]), str(body["hash"]))


def _signed(anchor: Anchor, *, n: int, prev: str) -> str:
    key_id, key = next(iter(signing_keys().items()))
    body = {"n": n, "prev": prev, "key": key_id, **vars(anchor)}
    signature = base64.b64encode(key.sign(_canonical(body))).decode()
    return _canonical({**body, "sig": signature}).decode()


def _canonical(body: dict[str, Any]) -> bytes:
    """What is signed: the object without `sig`, keys sorted, no spaces."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _digest(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest() if line else ""
