"""Both languages are complete, and nothing in them can break a sentence."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tui import i18n
from tui.i18n import problems
from tui.i18n.tables import TABLES
from tui.model.problem import Problem

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "scripts"))

import catalogues as catalogue_tool  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    catalogue_tool.compile_all()


def test_no_string_is_missing_stale_or_untranslated() -> None:
    assert catalogue_tool.problems() == []


def test_every_sentence_is_a_sentence() -> None:
    for code, (sentence, step) in TABLES.items():
        for text in (sentence, step):
            assert text == text.strip(), code
            assert not text or text[-1] in ".:?!)", f"{code}: {text!r}"


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_every_problem_is_explained_in_both_languages(language: str) -> None:
    i18n.set_language(language)
    for code, (sentence, step) in TABLES.items():
        names = re.findall(r"\{([a-z_]+)\}", sentence + step)
        text = problems.explain(Problem(code, dict.fromkeys(names, "‹x›"))).text
        assert "{" not in text, code
        if language == "zh-CN":
            assert re.search(r"[一-鿿]", text), code


def test_an_unknown_code_still_says_something() -> None:
    assert problems.explain(Problem("no.such.code", detail="raw text")).text == "no.such.code: raw text"
    assert problems.explain(Problem("no.such.code")).text == "no.such.code"


def test_sentences_follow_each_other_as_the_language_does() -> None:
    problem = Problem("link.idle")
    assert problems.explain(problem).text == "Not connected. Choose a server."
    i18n.set_language("zh-CN")
    assert problems.explain(problem).text == "未连接。请选择一个服务。"


def test_foreign_text_is_inserted_verbatim() -> None:
    text = problems.explain(Problem("recording.unreadable", {"path": "{reason}", "reason": "[/x] \\ {path}"})).text
    assert "[/x]" in text


def test_large_numbers_are_grouped() -> None:
    problem = Problem("environment.package", {"package": "p", "wanted": 123456, "found": 9999})
    assert "123,456" in problems.explain(problem).sentence
    assert "9999" in problems.explain(problem).sentence


def test_switching(monkeypatch: pytest.MonkeyPatch) -> None:
    english = problems.explain(Problem("ask.interrupted")).text
    i18n.set_language("zh-CN")
    assert i18n.current_language() == "zh-CN"
    assert problems.explain(Problem("ask.interrupted")).text != english
    with pytest.raises(ValueError, match="fr"):
        i18n.set_language("fr")


def test_a_missing_catalogue_falls_back_to_english(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(i18n, "_LOCALE_FOLDER", tmp_path)
    i18n.set_language("zh-CN")
    assert problems.explain(Problem("ask.interrupted")).text == "Interrupted; what had arrived is kept."


@pytest.mark.parametrize(
    ("values", "language"),
    [
        ({"LC_ALL": "zh_CN.UTF-8"}, "zh-CN"),
        ({"LC_ALL": "", "LC_MESSAGES": "", "LANG": "zh_CN"}, "zh-CN"),
        ({"LC_ALL": "en_US.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
    ],
)
def test_the_environment_chooses(monkeypatch: pytest.MonkeyPatch, values: dict[str, str], language: str) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    assert i18n.preferred_language() == language


def test_the_systems_locale_is_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("locale.getlocale", lambda: ("Chinese (Simplified)_China", "936"))
    assert i18n.preferred_language() == "zh-CN"
