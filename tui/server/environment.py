"""What the environment may decide about a request: the proxy for servers elsewhere, nothing else."""

from __future__ import annotations

from tui.server.address import Address


def environment_proxy(address: Address) -> str | None:
    """The proxy that the environment (or the system) names for a server elsewhere; never one for this machine."""
    if address.is_local:
        return None
    from urllib.request import getproxies, proxy_bypass

    if proxy_bypass(f"{address.host}:{address.port}"):
        return None
    proxies = getproxies()
    proxy = proxies.get("https" if address.is_tls else "http") or proxies.get("all")
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"
