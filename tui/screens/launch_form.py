"""The launch form: the model, the few options everybody sets, and all words as they will be passed on."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace

from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Input, TextArea

from tui.i18n import N_, _
from tui.launch.prepare import with_flags
from tui.launch.wish import ServeWish
from tui.lmdeploy.options import ServerCommand
from tui.lmdeploy.pasted import read_pasted
from tui.widgets.form_rows import Caption, ChoiceRow, FormRow, SliderRow, field

_RATIOS = [step / 100 for step in range(1, 100)]
_FLAGS = {
    "backend": "--backend",
    "quant_policy": "--quant-policy",
    "cache_max_entry_count": "--cache-max-entry-count",
    "tp": "--tp",
    "server_name": "--server-name",
}
_POLICY_NAMES = {"0": N_("16-bit"), "8": N_("int8"), "4": N_("int4")}
_ENGINES = {"turbomind": "TurboMind", "pytorch": "PyTorch"}
_HOSTS = {"127.0.0.1": N_("this machine only"), "0.0.0.0": N_("everybody")}  # noqa: S104 (offered, not chosen)


def _rows() -> Sequence[FormRow]:
    return (
        ChoiceRow("backend", N_("engine"), list(_ENGINES), shown=lambda value: _ENGINES[str(value)]),
        ChoiceRow(
            "quant_policy", N_("kv cache"), list(_POLICY_NAMES), shown=lambda value: _(_POLICY_NAMES[str(value)])
        ),
        SliderRow("cache_max_entry_count", N_("cache ratio"), _RATIOS, 79, shown=lambda value: f"{value:.2f}"),
        ChoiceRow("tp", N_("cards (tp)"), [1, 2, 4, 8]),
        ChoiceRow("server_name", N_("reached by"), list(_HOSTS), shown=lambda value: _(_HOSTS[str(value)])),
    )


class LaunchForm(VerticalScroll, can_focus=False):
    """The words are the truth; the rows above them change them. A whole command may be pasted into them."""

    class Changed(Message):
        """Other words are wished for now."""

        def __init__(self, wish: ServeWish) -> None:
            super().__init__()
            self.wish = wish

    def __init__(self, wish: ServeWish, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.wish = wish
        self._showing = False

    def compose(self) -> ComposeResult:
        model = Input(self.wish.command.model, compact=True, id="launch-model", select_on_focus=False)
        yield field(N_("model"), model)
        yield from _rows()
        yield Caption(N_("options of lmdeploy, or a pasted command:"), classes="hint")
        yield TextArea(shlex.join(self._options), id="launch-words", soft_wrap=True, compact=True)

    def on_mount(self) -> None:
        self.show_wish(self.wish)

    @property
    def _options(self) -> tuple[str, ...]:
        """The words without the model."""
        model = self.wish.command.model
        words = list(self.wish.words)
        if model in words:
            words.remove(model)
        return tuple(words)

    def show_wish(self, wish: ServeWish) -> None:
        """Fill the form, without a message."""
        self.wish = wish
        self._showing = True
        self.query_one("#launch-model", Input).value = wish.command.model
        self.query_one("#launch-words", TextArea).text = shlex.join(self._options)
        self._show_rows(wish.command)
        self.call_after_refresh(self._shown)

    def _shown(self) -> None:
        self._showing = False

    def _show_rows(self, command: ServerCommand) -> None:
        values = {
            "backend": command.text("backend", "turbomind"),
            "quant_policy": str(command.policy),
            "cache_max_entry_count": command.ratio,
            "tp": command.count("tp", 1),
            "server_name": command.text("server_name", "127.0.0.1"),
        }
        for row in self.query(FormRow):
            row.show_value(values[str(row.name)])

    @on(FormRow.Changed)
    def _row_changed(self, event: FormRow.Changed) -> None:
        event.stop()
        value = f"{event.value:g}" if isinstance(event.value, float) else str(event.value)
        self.show_wish(with_flags(self.wish, (_FLAGS[str(event.row.name)], value)))
        self.post_message(self.Changed(self.wish))

    @on(Input.Changed, "#launch-model")
    def _model_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._typed(event.value, self._options)

    @on(TextArea.Changed, "#launch-words")
    def _words_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        try:
            read = read_pasted(event.text_area.text)
        except ValueError:  # a quote that is still open
            return
        pasted = ServeWish(read.words, environment=read.environment)
        model = pasted.command.model if read.kind else ""
        options = list(read.words)
        if model:
            options.remove(model)
        self._typed(model or self.query_one("#launch-model", Input).value, options, read.environment)
        if model:
            self.show_wish(self.wish)

    def _typed(self, model: str, options: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        words = (model.strip(), *options) if model.strip() else tuple(options)
        if self._showing or words == self.wish.words:
            return
        self.wish = replace(self.wish, words=words, environment=environment or self.wish.environment)
        self._show_rows(self.wish.command)
        self.post_message(self.Changed(self.wish))
