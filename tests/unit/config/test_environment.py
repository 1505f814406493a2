"""lmdeck notices that it sits in lmdeploy's environment."""

from __future__ import annotations

from importlib import metadata

import pytest

from tui.config import environment
from tui.i18n.problems import explain


def pretend(monkeypatch: pytest.MonkeyPatch, versions: dict[str, str]) -> None:
    def version(name: str) -> str:
        if name not in versions:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(metadata, "version", version)


def test_this_environment_is_fine() -> None:
    assert environment.environment_problem() is None


def test_the_courses_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, {"textual": "8.2.8", "openai": "1.40.1", "httpx2": "2.16.2", "lmdeploy": "0.5.3"})
    problem = environment.environment_problem()
    assert problem is not None
    assert problem.code == "environment.shared_with_lmdeploy"
    text = explain(problem).text
    assert "lmdeploy 0.5.3" in text
    assert "openai 1.40.1" in text
    assert "pipx install lmdeck" in text


@pytest.mark.parametrize(("textual", "fine"), [("8.2.7", False), ("8.2.8", True), ("8.2.20", True), ("8.3.0", False)])
def test_bounds(monkeypatch: pytest.MonkeyPatch, textual: str, fine: bool) -> None:
    pretend(monkeypatch, {"textual": textual, "openai": "3.54.0", "httpx2": "2.16.2"})
    problem = environment.environment_problem()
    assert (problem is None) == fine
    if problem is not None:
        assert problem.code == "environment.package"


def test_a_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, {"textual": "8.2.8", "openai": "3.54.0"})
    problem = environment.environment_problem()
    assert problem is not None
    assert problem.data["package"] == "httpx2"
    assert problem.data["found"] == "–"


@pytest.mark.parametrize(("text", "numbers"), [("3.50.1rc2", (3, 50, 1)), ("4", (4,)), ("", ()), ("1.x.3", (1,))])
def test_release(text: str, numbers: tuple[int, ...]) -> None:
    assert environment.release(text) == numbers
