"""The proxy of the environment (HTTPS_PROXY, ALL_PROXY, NO_PROXY), through which Discord and the CAD are reached."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from urllib import request

from yarl import URL


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy.

    Attributes:
        address: its address, without name and password.
        url: its address for aiohttp, with them. A secret.
        usable: False for a kind that aiohttp does not know.
    """

    address: URL
    url: URL = field(repr=False)
    usable: bool


UNREADABLE = Proxy(URL("unreadable:"), URL("unreadable:"), usable=False)
"""What is written there is no proxy's address. Any part of it may be a password."""

_MIN_SECRET = 8  # letters and digits: less is no address with a password, and stands in many a log line


def configured_proxy() -> Proxy | None:
    """Return the proxy for secure connections, `UNREADABLE`, or None if the environment names none."""
    written = _written()
    if not written:
        return None
    try:
        url = URL(written if "://" in written else f"http://{written}")
    except ValueError:
        return UNREADABLE
    # A proxy's address ends with its port. What follows is the rest of a password with a # ? or / in it.
    if not url.host or url.path not in ("", "/") or url.query_string or url.fragment:
        return UNREADABLE
    return Proxy(url.origin(), url, usable=url.scheme in ("http", "https"))


def _written() -> str:
    proxies = request.getproxies_environment()
    return proxies.get("https") or proxies.get("all") or ""


def proxy_for(url: URL) -> Proxy | None:
    """Return the proxy through which `url` is reached, or None. This machine itself never needs one."""
    proxy = configured_proxy()
    host = url.host or ""
    if proxy is None or not proxy.usable or is_loopback(host) or request.proxy_bypass(host):
        return None
    return proxy


def secrets() -> tuple[str, ...]:
    """Return what must never be shown of the proxy: its password, or a long name without one; all, if unreadable."""
    proxy, written = configured_proxy(), _written()
    if proxy is None:
        return ()
    if proxy is UNREADABLE:
        return (written,) if sum(map(str.isalnum, written)) >= _MIN_SECRET else ()
    user = proxy.url.user or ""
    return tuple(filter(None, [proxy.url.password or (user if len(user) >= _MIN_SECRET else "")]))


def is_loopback(host: str) -> bool:
    """Return True for a name or address of this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
