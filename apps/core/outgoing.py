"""Fetching from addresses that somebody typed: https only, resolved once, never to a machine of our own network, no redirects
(reliability.md rule 17, R23).
"""

import ipaddress
import json
import socket
from typing import Any
from urllib.parse import urlsplit

import certifi
import urllib3
from django.conf import settings

MOST_BYTES = 256 * 1024


class Refused(ValueError):
    """The address is one that we don't call."""


class Unreachable(RuntimeError):
    """Nobody answered in time, or not what was asked for."""


def get_json(url: str, *, timeout: float = 3.0) -> Any:
    """What a GET answers. Raises Refused, Unreachable.

    The name is resolved once and that address is called, so that a name can't point elsewhere between the look and the call.
    """
    parts = urlsplit(url)
    host, address = parts.hostname or "", resolve(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        with _pool(parts.scheme, host, address, parts.port, timeout) as pool:
            answer = pool.request(
                "GET", path, headers={"Host": parts.netloc, "Accept": "application/json"}, redirect=False, retries=False,
                preload_content=False,
            )  # fmt: skip
            body = answer.read(MOST_BYTES + 1)
    except urllib3.exceptions.HTTPError as error:
        raise Unreachable(f"{host} does not answer") from error
    if answer.status != 200 or len(body) > MOST_BYTES:
        raise Unreachable(f"{host} answers {answer.status}")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreachable(f"{host} answers no JSON") from error


def check(url: str) -> None:
    """What can be said of an address without asking anybody. Raises Refused (scheme, credentials, a private address)."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise Refused("This is no address.") from error
    local = settings.UPLINE_LOCAL_ISSUERS
    if parts.scheme not in (("https", "http") if local else ("https",)) or not parts.hostname or "@" in parts.netloc:
        raise Refused("Only https addresses are called.")
    try:
        is_inside = not _is_public(parts.hostname)
    except ValueError:
        is_inside = False  # a name: what it resolves to is looked at when it is called
    if is_inside and not local:
        raise Refused("This address is inside our own network.")


def resolve(url: str) -> str:
    """The one address that may be called for a URL. Raises Refused, Unreachable (no such name)."""
    check(url)
    parts = urlsplit(url)
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"{parts.hostname} is not known") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not settings.UPLINE_LOCAL_ISSUERS and not all(_is_public(address) for address in addresses):
        raise Refused("This address is inside our own network.")
    return addresses[0]


def _is_public(written: str) -> bool:
    """Embedded IPv4 addresses count as what they lead to."""
    address = ipaddress.ip_address(written.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        nat64 = ipaddress.ip_network("64:ff9b::/96")
        if address in nat64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None and not _is_public(str(inner)):
            return False
    return address.is_global and not address.is_multicast


def _pool(scheme: str, host: str, address: str, port: int | None, timeout: float) -> Any:
    limits: dict[str, Any] = {"timeout": urllib3.Timeout(total=timeout), "maxsize": 1, "block": False}
    if scheme == "http":
        return urllib3.HTTPConnectionPool(address, port or 80, **limits)
    return urllib3.HTTPSConnectionPool(
        address, port or 443, server_hostname=host, assert_hostname=host, cert_reqs="CERT_REQUIRED",
        ca_certs=certifi.where(), **limits,
    )  # fmt: skip
