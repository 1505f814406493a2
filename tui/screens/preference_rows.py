"""What the settings screen lists: settings, keys, profiles, as plain rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tui.config.action import Group
from tui.config.actions import ACTIONS, BY_ID, DEFAULT_KEYS, Action, apart, display_key
from tui.config.keymap import check_keymap
from tui.config.profiles import Profile, read_profiles
from tui.config.settings import Settings
from tui.config.settings_check import wrong_value
from tui.config.settings_load import Loaded
from tui.config.settings_options import Option, options_of, value_of
from tui.i18n import N_, _
from tui.i18n.problems import explain

_ORIGINS = {
    "default": N_("the default"),
    "file": N_("from the settings file"),
    "environment": N_("from the environment variable {variable}"),
}
_SECRET_FREE = 60


@dataclass(frozen=True, slots=True)
class PreferenceRow:
    """One line: what it is called, what it is now, what there is to know about it. ``changed``: not the default."""

    id: str
    group: str
    name: str
    value: str
    about: str
    changed: bool = False
    warning: str = ""


def setting_rows(loaded: Loaded) -> list[PreferenceRow]:
    """Every setting with its present value, in the order of declaration."""
    return [_setting(loaded, one) for one in options_of(Settings).values() if one.kind != "table"]


def _setting(loaded: Loaded, one: Option) -> PreferenceRow:
    value = value_of(loaded.settings, one.name)
    origin = loaded.origins.get(one.name, "default")
    source = _(_ORIGINS[origin]).format(variable=one.variable)
    about = _("{explanation} Now {source}; without it: {default}.").format(
        explanation=_(one.explanation), source=source, default=shown_value(one, one.default)
    )
    return PreferenceRow(one.name, _(one.group), one.name, shown_value(one, value), about, origin != "default")


def shown_value(one: Option, value: Any) -> str:
    """A value as people read it."""
    if value is None or value in ("", ()):
        return _("not set")
    if one.kind == "switch":
        return _("on") if value else _("off")
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value)  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType]
    text = str(value).replace("\n", " ")
    return text if len(text) <= _SECRET_FREE else text[:_SECRET_FREE] + "…"


def typed_value(one: Option, text: str) -> tuple[Any, str]:
    """What a typed text means for a setting, and what is wrong with it (then the value means nothing)."""
    if not text.strip() and (one.optional or one.kind in ("text", "list")):
        return None, ""
    try:
        value = one.parse(text)
    except ValueError:
        return None, _fault(one, one.kind)
    fault = one.fault(value)
    return value, _fault(one, fault) if fault else ""


def _fault(one: Option, fault: str) -> str:
    return explain(wrong_value(one, fault, "")).sentence.removeprefix(": ")


def key_rows(loaded: Loaded) -> list[PreferenceRow]:
    """Every action with its keys and what is wrong with what the user gave it."""
    keymap = check_keymap(loaded.keys, DEFAULT_KEYS, file=loaded.file, apart=apart)
    warnings: dict[str, str] = {}
    for problem in keymap.problems:
        warnings.setdefault(str(problem.data.get("name", "")), explain(problem).sentence)
    order = list(Group)
    actions = sorted(ACTIONS, key=lambda action: order.index(action.group))
    return [_keys(action, keymap.keys, warnings) for action in actions]


def _keys(action: Action, keymap: Mapping[str, str], warnings: Mapping[str, str]) -> PreferenceRow:
    keys = keymap.get(action.id, action.keys)
    shown = "  ".join(display_key(key) for key in keys.split(",") if key) or "–"
    about = _("{help} Called {id} in the table [keys]; by default: {keys}.").format(
        help=action.description, id=action.id, keys=action.keys.replace(",", ", ") or "–"
    )
    changed = keys != action.keys
    return PreferenceRow(
        action.id, _(action.group.value), action.label, shown, about, changed, warnings.get(action.id, "")
    )


def key_fault(loaded: Loaded, identifier: str, key: str) -> str:
    """What speaks against giving an action this key; a key that another action has by default is only taken there."""
    table = {**loaded.keys, identifier: key}
    checked = check_keymap(table, DEFAULT_KEYS, apart=apart)
    if identifier in checked.keys:
        return ""
    own = [problem for problem in checked.problems if problem.data.get("name") == identifier]
    return explain(own[0]).sentence.removeprefix("[keys]: ") if own else ""


def taken_from(loaded: Loaded, identifier: str, key: str) -> str:
    """The action that loses this key, empty when none does."""
    before = check_keymap(loaded.keys, DEFAULT_KEYS, apart=apart).keys
    for action in ACTIONS:
        keys = before.get(action.id, action.keys).split(",")
        if action.id != identifier and key in keys and not apart(action.id, identifier):
            return BY_ID[action.id].label
    return ""


def profiles_of(loaded: Loaded) -> Iterable[Profile]:
    return read_profiles(loaded.file).by_name.values()


def profile_rows(loaded: Loaded) -> list[PreferenceRow]:
    """Every profile that can be used, then those that cannot, with the reason."""
    found = read_profiles(loaded.file)
    rows = [_profile(one) for one in found.by_name.values()]
    broken = [name for name in loaded.file.table("profiles") if name not in found.by_name]
    for name in broken:
        reason = next((explain(one).text for one in found.problems if one.data.get("name") == name), "")
        rows.append(PreferenceRow(name, "", name, _("cannot be used"), reason, warning=reason))
    return rows


def _profile(one: Profile) -> PreferenceRow:
    key = _("no API key") if one.api_key is None else _("API key: {source}").format(source=one.api_key)
    about = " · ".join(part for part in (one.address, one.model, key) if part)
    return PreferenceRow(one.name, "", one.name, one.address, about)
