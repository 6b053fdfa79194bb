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


def configured_proxy() -> Proxy | None:
    """Return the proxy for secure connections, or None if the environment names none."""
    proxies = request.getproxies_environment()
    written = proxies.get("https") or proxies.get("all") or ""
    try:
        url = URL(written if "://" in written else f"http://{written}")
    except ValueError:
        return _UNREADABLE
    if not url.host:
        return _UNREADABLE if written else None
    return Proxy(url.origin(), url, usable=url.scheme in ("http", "https"))


_UNREADABLE = Proxy(URL("unreadable:"), URL("unreadable:"), usable=False)


def proxy_for(url: URL) -> Proxy | None:
    """Return the proxy through which `url` is reached, or None. This machine itself never needs one."""
    proxy = configured_proxy()
    host = url.host or ""
    if proxy is None or not proxy.usable or is_loopback(host) or request.proxy_bypass(host):
        return None
    return proxy


def secrets() -> tuple[str, ...]:
    """Return the proxy's password, which must never be shown."""
    proxy = configured_proxy()
    return () if proxy is None or not proxy.url.password else (proxy.url.password,)


def is_loopback(host: str) -> bool:
    """Return True for a name or address of this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
