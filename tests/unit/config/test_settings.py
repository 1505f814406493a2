"""Settings: one declaration, a quick and a full reader that agree, problems with line and suggestion, live reload."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.sentences import sentence_of
from tui.config.settings import SamplingSettings, Settings, config_path
from tui.config.settings_check import model_of, rejected
from tui.config.settings_file import ConfigFile
from tui.config.settings_load import (
    Loaded,
    SettingsWatch,
    check_settings,
    light_settings,
    load_settings,
    quick_settings,
)
from tui.config.settings_options import Option, build, options_of, value_of
from tui.model.problem import Problem
from tui.model.request import Sampling

OPTIONS = options_of(Settings)


def _load(text: str, environ: Mapping[str, str] | None = None) -> Loaded:
    path = config_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    loaded = load_settings(environ=environ or {})
    assert loaded.settings == quick_settings(environ=environ or {})
    return loaded


def _codes(loaded: Loaded) -> list[str]:
    for problem in loaded.problems:
        sentence_of(problem)
    return [problem.code for problem in loaded.problems]


def test_every_option_is_explained_and_at_home_in_its_bounds():
    for name, one in OPTIONS.items():
        assert one.explanation.endswith("."), name
        assert one.group, name
        assert one.fault(one.default) == "" or (one.optional and one.default is None), name
        if one.kind in ("whole", "number"):
            assert all(math.isfinite(bound) for bound in one.bounds), name
    assert OPTIONS["sampling.top_p"].variable == "LMDECK_SAMPLING_TOP_P"
    assert len({one.variable for one in OPTIONS.values()}) == len(OPTIONS)


def test_without_a_file_everything_is_at_its_default():
    loaded = load_settings(environ={})
    assert (loaded.settings, loaded.problems, loaded.origins, loaded.keys) == (Settings(), (), {}, {})
    assert quick_settings(environ={}) == Settings()
    assert Settings().frames_per_second(over_ssh=True) < Settings().frames_per_second(over_ssh=False)


def test_values_come_from_file_and_environment():
    text = (
        'theme = "ember"\nmouse = false\ngpu_total = 24\ntools = ["add"]\n[sampling]\ntemperature = 1\nstop = ["。"]\n'
    )
    environ = {"LMDECK_MOUSE": "on", "LMDECK_TOOLS": "mul, add,", "LMDECK_THEME": "", "LMDECK_SAMPLING_TOP_K": "5"}
    loaded = _load(text, environ | {"LMDECK_AMBIGUOUS_WIDTH": "2", "LMDECK_LANGUAGE": "ZH-cn"})
    assert _codes(loaded) == []
    found = loaded.settings
    assert (found.theme, found.mouse, found.gpu_total, found.tools) == ("ember", True, 24.0, ("mul", "add"))
    assert (found.ambiguous_width, found.language) == (2, "zh-CN")
    assert isinstance(found.gpu_total, float)
    assert found.sampling.to_sampling() == Sampling(temperature=1.0, top_k=5, stop=("。",))
    assert loaded.origins["mouse"] == "environment"
    assert loaded.origins["theme"] == loaded.origins["sampling.temperature"] == "file"
    assert "language" in loaded.origins
    assert "borders" not in loaded.origins


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("\nthemee = 'x'", "config.unknown_key_like", (":2:", "themee", "theme?")),
        ("color_depth = 'auto'", "config.unknown_key_like", ("colour_depth?",)),
        ("[samplings]\ntop_p = 1", "config.unknown_key_like", (":1:", "sampling?")),
        ('\n"sampling.top_p" = 1', "config.unknown_key", (":2:", "sampling.top_p")),
        ("qqqqq = 1", "config.unknown_key", (":1:", "qqqqq")),
        ("[sampling]\n\ntop_q = 1", "config.unknown_key_like", (":3:", "sampling.top_p?")),
        ("[sampling]\nzzz = 1", "config.unknown_key", (":2:", "sampling.zzz")),
        ("[sampling]\ntheme = 'x'", "config.wrong_place", (":2:", "theme", "[sampling]")),
        ("mouse = 'yes'", "config.not_switch", (":1:", "mouse")),
        ("mouse = 1", "config.not_switch", ("mouse",)),
        ("frames_local = true", "config.not_whole", ("frames_local",)),
        ("frames_local = 12.0", "config.not_whole", ("frames_local",)),
        ("gpu_interval = '1'", "config.not_number", ("gpu_interval",)),
        ("gpu_interval = nan", "config.not_number", ("gpu_interval",)),
        ("gpu_interval = inf", "config.not_number", ("gpu_interval",)),
        (f"gpu_interval = 1{'0' * 400}", "config.not_number", ("gpu_interval",)),
        ("gpu_interval = 0.01", "config.out_of_range", ("0.1", "3,600")),
        ("theme = 3", "config.not_text", ("theme",)),
        ("theme = 2020-01-01", "config.not_text", ("theme",)),
        ("tools = 'add'", "config.not_list", ("tools",)),
        ("tools = ['add', 1]", "config.not_list", ("tools",)),
        ("language = 'zh'", "config.not_choice", ("auto, en, zh-CN",)),
        ("ambiguous_width = true", "config.not_choice", ("1, 2",)),
        ("ambiguous_width = 3", "config.not_choice", ("1, 2",)),
        ("sampling = 3", "config.not_table", ("[sampling]",)),
        ("keys = 3", "config.not_table", ("[keys]",)),
        ("profiles = []", "config.not_table", ("[profiles]",)),
        ("default_url = 'http://me:hunter2@h'", "config.secret_in_url", (":1:",)),
    ],
)
def test_each_mistake_is_one_sentence_and_the_rest_still_holds(text: str, code: str, words: tuple[str, ...]):
    loaded = _load(f'{text}\n[profiles.x]\nurl = "http://h"\n' if "profiles" not in text else text)
    assert _codes(loaded) == [code]
    assert loaded.settings == Settings()
    assert loaded.origins == {}
    sentence = sentence_of(loaded.problems[0])
    for word in words:
        assert word in sentence
    assert "hunter2" not in sentence


def test_a_bad_variable_leaves_the_value_of_the_file():
    environ = {
        "LMDECK_MOUSE": "maybe",
        "LMDECK_FRAMES_LOCAL": "1000",
        "LMDECK_GPU_TOTAL": "much",
        "LMDECK_SAMPLING_TOP_P": "nan",
        "LMDECK_BORDERS": "round",
        "LMDECK_DEFAULT_URL": "http://u:secret@h",
        "LMDECK_THEEME": "x",
        "LMDECK_ELSEWHERE": "not ours",
    }
    text = 'mouse = false\nframes_local = 7\nborders = "ascii"\ndefault_url = "http://good"\n'
    loaded = _load(text, environ)
    values = ["not_choice", "not_number", "not_number", "not_switch", "out_of_range", "secret_in_url"]
    assert sorted(_codes(loaded)) == [f"config.{name}" for name in [*values, "unknown_variable"]]
    assert any("LMDECK_THEME?" in sentence_of(problem) for problem in loaded.problems)
    assert (loaded.settings.mouse, loaded.settings.frames_local, loaded.settings.borders) == (False, 7, "ascii")
    assert loaded.settings.default_url == "http://good"
    assert not any("secret@" in sentence_of(problem) for problem in loaded.problems)


def test_a_broken_file_still_gives_settings():
    loaded = _load("theme = ember\n", {"LMDECK_MOUSE": "off"})
    assert _codes(loaded) == ["config.broken_toml"]
    assert loaded.settings == build(Settings, {"mouse": False})


def test_problems_come_in_the_order_of_the_file():
    loaded = _load("zzzz = 1\nmouse = 3\n[sampling]\ntop_k = -1\ntemperature = 9\n")
    assert [str(one.data["where"]).rpartition(":")[2] for one in loaded.problems] == ["1", "2", "4", "5"]


TOML = st.one_of(
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=8),
    st.lists(st.one_of(st.text(max_size=4), st.integers()), max_size=3),
    st.dictionaries(st.sampled_from(["top_p", "temperature", "stop", "x"]), st.floats() | st.integers(), max_size=3),
    st.dates(),
    st.sampled_from([item for one in OPTIONS.values() for item in one.choices]),
)
NAMES = st.sampled_from([*OPTIONS, "sampling", "themee", "keys"])


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(NAMES, TOML, max_size=6), st.dictionaries(NAMES, st.text(max_size=5), max_size=3))
def test_the_quick_reader_agrees_with_the_full_one(data: dict[str, Any], outside: dict[str, str]):
    environ = {OPTIONS[name].variable: text for name, text in outside.items() if name in OPTIONS}
    file = ConfigFile(Path("c.toml"), data=data)
    loaded = check_settings(file, environ)
    assert light_settings(file, environ) == loaded.settings
    for problem in loaded.problems:
        sentence_of(problem)
    for name, one in OPTIONS.items():
        if "." not in name and name in data and name not in loaded.origins:
            assert one.fault(data[name]) or name == "default_url"
        value = value_of(loaded.settings, name)
        assert value is None or one.fault(list(value) if isinstance(value, tuple) else value) == ""


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(list(OPTIONS.values())), TOML)
def test_pydantic_and_the_light_check_judge_alike(one: Option, value: Any):
    data: dict[str, Any] = {one.name: value}
    if "." in one.name:
        data = {"sampling": {one.name.partition(".")[2]: value}}
    assert (one.name in rejected(Settings, data, {})) == bool(one.fault(value))


def test_the_model_gives_a_schema_with_every_explanation():
    schema = model_of(Settings).model_json_schema()
    assert schema["properties"]["theme"]["description"] == OPTIONS["theme"].explanation
    assert schema["additionalProperties"] is False
    json.dumps(schema)
    assert set(schema["properties"]) == {name.partition(".")[0] for name in OPTIONS}


def test_a_change_of_the_file_is_noticed_and_named():
    path = config_path()
    watch = SettingsWatch(_load('theme = "ember"\n'), {})
    assert not watch.file_changed()
    path.write_text('theme = "dusk"\nmouse = false\n[keys]\na = "b"\n[sampling]\ntop_k = 3\n[profiles.x]\nurl = "u"\n')
    assert watch.file_changed()
    after = watch.reload()
    assert after.changed == ("theme", "mouse", "sampling.top_k", "keys", "profiles")
    assert (after.loaded.settings.theme, after.loaded.keys) == ("dusk", {"a": "b"})
    assert not watch.file_changed()


def test_a_broken_change_keeps_the_last_good_settings():
    path = config_path()
    watch = SettingsWatch(_load('theme = "ember"\n[keys]\na = "b"\n'), {})
    path.write_text('theme = "dusk\n')
    after = watch.reload()
    assert after.changed == ()
    assert [problem.code for problem in after.loaded.problems] == ["config.broken_toml"]
    assert (watch.loaded.settings.theme, watch.loaded.keys) == ("ember", {"a": "b"})
    assert not watch.file_changed()
    path.write_text('theme = "dusk"\n[keys]\na = "b"\n')
    assert watch.reload().changed == ("theme",)
    assert watch.loaded.problems == ()
    path.unlink()
    assert watch.file_changed()
    assert watch.reload().changed == ("theme", "keys")
    assert watch.loaded.settings == Settings()


def test_settings_saved_by_another_program_are_noticed_although_size_and_time_are_the_same():
    import os

    path = config_path()
    watch = SettingsWatch(_load("mouse = true #\n"), {})
    before = path.stat()
    other = path.with_suffix(".new")
    other.write_text("mouse = false#\n")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)
    assert path.stat().st_size == before.st_size
    assert watch.file_changed()


def test_the_quick_reader_needs_no_heavy_library():
    code = (
        "import sys; from tui.config.settings_load import quick_settings; quick_settings();"
        "print([name for name in ('pydantic', 'pydantic_settings', 'tomlkit', 'textual', 'difflib', 'asyncio')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_option_parses_what_people_type():
    assert OPTIONS["mouse"].parse(" Off ") is False
    assert OPTIONS["gpu_total"].parse("24") == 24.0
    assert OPTIONS["tools"].parse("") == []
    table = Option("x", "table", {}, "")
    assert table.fault({}) == ""
    assert table.fault([]) == "table"
    for name, text in (("mouse", "2"), ("frames_local", "1.5"), ("gpu_total", "much")):
        with pytest.raises(ValueError, match=re.escape(text)):
            OPTIONS[name].parse(text)
    with pytest.raises(ValueError, match=re.escape("{}")):
        table.parse("{}")


def test_every_value_can_be_written_and_read_again():
    text = tomlkit.dumps(
        {name: one.default for name, one in OPTIONS.items() if "." not in name and one.default is not None}
    )
    assert _load(text).settings == Settings()


def test_a_problem_of_an_unknown_code_would_be_noticed():
    with pytest.raises(AssertionError):
        sentence_of(Problem("config.no_such_code"))
    assert SamplingSettings().to_sampling() == Sampling()
