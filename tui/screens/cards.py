"""What the connect screen offers, made from what was found. Plain values; the screen shows and opens them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tui.i18n import _, ngettext
from tui.i18n.figures import gib
from tui.model.surroundings import FoundHost, FoundLmdeploy, FoundProfile, FoundServer, Surroundings
from tui.widgets.dates import when

_MOST_HOSTS = 12
_SIMULATED = "lmdeck-demo"


@dataclass(frozen=True, slots=True)
class Card:
    """One offer. ``opens`` are the fields of AppOptions that it sets; nothing: it wants an address first."""

    id: str
    title: str
    detail: str
    opens: dict[str, Any] = field(default_factory=dict[str, Any])


def cards_of(now: Surroundings) -> list[Card]:
    """All offers, the likeliest first. Titles and details are plain text, some of it from outside."""
    cards = [_server(server) for server in now.servers if server.answers]
    if now.last is not None:
        cards.append(_last(now))
    cards += [_profile(profile) for profile in now.profiles]
    cards += [_server(server) for server in now.servers if not server.answers]
    cards.append(_launch(now))
    cards.append(
        Card(
            "demo",
            _("Try the demo"),
            _("A simulated server and GPU: everything can be tried, no model is needed."),
            {"demo": {}},
        )
    )
    cards.append(
        Card(
            "homework",
            _("Do the camp's homework"),
            _("Step by step: quantise, start, ask, picture, report; what is missing is said."),
            {"homework": "camp", "url": next((server.url for server in now.servers if server.answers), "")},
        )
    )
    cards += [_host(host) for host in now.hosts[:_MOST_HOSTS]] or [_any_host()]
    return cards


def _server(server: FoundServer) -> Card:
    title = _("Use the server on {url}").format(url=server.url.removeprefix("http://"))
    model = server.model_path
    if server.answers:
        detail = _("answers: {models}").format(models=", ".join(server.models) or "–")
        if server.simulated:
            detail = _("simulated server: {models}").format(models=", ".join(server.models))
    elif server.needs_key:
        detail = _("asks for an API key: set LMDECK_API_KEY, or give it a profile")
    elif model:
        detail = _("{model}, process {pid}: does not answer yet").format(model=model, pid=server.pid)
    else:
        detail = _("process {pid}: does not answer yet").format(pid=server.pid)
    return Card(f"server {server.url}", title, detail, {"url": server.url})


def _last(now: Surroundings) -> Card:
    info = now.last
    assert info is not None  # noqa: S101 (the caller looked)
    title = _("Go on with “{title}”").format(title=info.title or _("untitled"))
    count = ngettext("{count} message", "{count} messages", info.messages).format(count=info.messages)
    detail = " · ".join(part for part in (when(info.updated), count, info.model) if part)
    return Card("last", title, detail, {"conversation": info.id})


def _profile(profile: FoundProfile) -> Card:
    title = _("Profile {name}").format(name=profile.name)
    detail = " · ".join(part for part in (profile.address, profile.model) if part)
    return Card(f"profile {profile.name}", title, detail, {"profile": profile.name})


def _launch(now: Surroundings) -> Card:
    first = now.installations[0] if now.installations else None
    card = now.cards[0] if now.cards else None
    pieces: list[str] = []
    if first is not None:
        pieces.append(_installed(first))
    elif "lmdeploy" not in now.searching:
        pieces.append(_("no lmdeploy found here"))
    if card is not None:
        pieces.append(_("{name}, {free} GiB free").format(name=card.name, free=gib(card.free)))
        if len(now.cards) > 1:
            pieces.append(_("{count} cards").format(count=len(now.cards)))
    elif "cards" not in now.searching:
        pieces.append(_("no GPU found here"))
    return Card("launch", _("Start a model on this machine"), " · ".join(pieces) or "…", {"launch": True})


def _installed(found: FoundLmdeploy) -> str:
    if found.version:
        return _("lmdeploy {version} in {root}").format(version=found.version, root=found.root)
    return _("lmdeploy in {root}").format(root=found.root)


def _host(host: FoundHost) -> Card:
    title = _("Reach {host} by SSH").format(host=host.alias)
    detail = host.shown or _("from ~/.ssh/config")
    return Card(f"host {host.alias}", title, detail, {"ssh": host.alias})


def _any_host() -> Card:
    return Card(
        "ssh",
        _("Reach a machine by SSH"),
        _("Type ssh://root@host:port below, or paste the ssh line of your course."),
    )


def is_simulated(model: str) -> bool:
    """Whether a conversation was held with lmdeck's own simulated server, which is not there any more."""
    return model.startswith(_SIMULATED)
