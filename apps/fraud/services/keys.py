"""What is kept of evidence: a print under the site's key to compare, and words in which it is masked."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from disposable_email_domains import blocklist

from apps.core import crypto

# What many people have by no doing of their own: behind a proxy that hides them, or on the machine itself.
_NOBODYS = tuple(
    ip_network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
_DOTLESS = frozenset({"gmail.com", "googlemail.com"})


def print_of(kind: str, value: str) -> str:
    return crypto.site_print(f"fraud {kind}", value)


def mailbox_of(email: str) -> str:
    """Where mail to this address arrives: without what follows a plus, and at Google without dots."""
    local, _, domain = email.lower().rpartition("@")
    local = local.partition("+")[0] or local
    if domain in _DOTLESS:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"


def is_disposable(email: str, further: list[str]) -> bool:
    """Is its domain, or one above it, on the list that comes along or the site's own?"""
    labels = email.lower().rpartition("@")[2].split(".")
    domains = {".".join(labels[at:]) for at in range(len(labels) - 1)}
    return not domains.isdisjoint(blocklist) or not domains.isdisjoint(further)


def public_address(ip: str) -> IPv4Address | IPv6Address | None:
    """An address that says something about who is there; None for any other, and for what is none."""
    try:
        found = ip_address(ip)
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if found.is_loopback or found.is_unspecified or found.is_link_local or found.is_multicast:
        return None
    return None if any(found in network for network in _NOBODYS if network.version == found.version) else found


def network_of(address: IPv4Address | IPv6Address) -> str:
    """The /24 or /56 it is in: about what one household or office has."""
    prefix = 24 if address.version == 4 else 56
    return str(ip_network(f"{address}/{prefix}", strict=False))


def masked_address(address: IPv4Address | IPv6Address) -> str:
    """`203.0.113.···`, `2001:db8:1:···`: enough to recognise a place."""
    return _masked(address, 3)


def masked_network(address: IPv4Address | IPv6Address) -> str:
    """`203.0.···`, `2001:db8:···`."""
    return _masked(address, 2)


def _masked(address: IPv4Address | IPv6Address, parts: int) -> str:
    sign, written = (".", str(address)) if address.version == 4 else (":", address.exploded)
    shown = [part if sign == "." else part.lstrip("0") or "0" for part in written.split(sign)[:parts]]
    return sign.join([*shown, "···"])
