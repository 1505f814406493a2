"""The very first question, answered with one key."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.i18n import current_language
from tui.screens.dialog import Dialog, heading, note

_CHOICES = (("zh-CN", "1  中文"), ("en", "2  English"))


class LanguageScreen(Dialog[str]):
    """Answers with ``zh-CN`` or ``en``; Esc keeps the language of the environment. Both languages are on screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1,z", "choose('zh-CN')", show=False, id="language.chinese"),
        Binding("2,e", "choose('en')", show=False, id="language.english"),
    ]

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield heading("中文 / English ?")
            yield OptionList(*(Option(Content(text), id=language) for language, text in _CHOICES))
            yield note("按 1 或 2，以后可在设置里更改。\nPress 1 or 2; the settings can change it later.")

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        options.highlighted = [language for language, _text in _CHOICES].index(current_language())
        options.focus()

    def action_choose(self, language: str) -> None:
        self.dismiss(language)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)
