"""The planner's form: a row for each thing a plan depends on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.widgets import Input

from tui.i18n import N_, _
from tui.planner.desk import Wish, changed
from tui.widgets.form_rows import ChoiceRow, FormRow, SliderRow, field

_RATIOS = [step / 100 for step in range(1, 100)]
_SESSIONS: list[int | None] = [None, *(1 << step for step in range(10, 21))]
_BATCHES: list[int | None] = [None, *(1 << step for step in range(11))]
_POLICIES = {"turbomind": (0, 8, 4), "pytorch": (0, 8, 4, 16, 42)}
_FORMATS = {"stored": N_("stored"), "w4a16": N_("w4a16"), "16-bit": N_("16-bit")}
_POLICY_NAMES = {0: N_("16-bit"), 8: N_("int8"), 4: N_("int4"), 16: N_("fp8"), 42: N_("turbo")}
_VERSIONS = ("0.18", "0.14", "0.9", "0.5.3")
_TEXTS = (
    ("model", N_("model")),
    ("card", N_("card")),
    ("free", N_("free before")),
    ("gpu_name", N_("card's name")),
    ("leave", N_("leave free")),
)


def _own(value: object) -> str:
    return _("automatic") if value is None else f"{value:,}"


def _choices() -> Sequence[FormRow]:
    return (
        ChoiceRow("weights", N_("weights"), list(_FORMATS), shown=lambda value: _(_FORMATS[str(value)])),
        ChoiceRow("engine", N_("engine"), ["turbomind", "pytorch"], shown=_engine),
        ChoiceRow("policy", N_("kv cache"), _POLICIES["turbomind"], shown=_policy),
        SliderRow("ratio", N_("cache ratio"), _RATIOS, 79, shown=lambda value: f"{value:.2f}"),
        SliderRow("session_len", N_("session length"), _SESSIONS, shown=_own),
        SliderRow("max_batch", N_("batch"), _BATCHES, shown=_own),
        ChoiceRow("tp", N_("cards (tp)"), [1, 2, 4, 8]),
        ChoiceRow("version", N_("lmdeploy"), _VERSIONS),
    )


def _policy(value: object) -> str:
    return _(_POLICY_NAMES[int(str(value))])


def _engine(value: object) -> str:
    return {"turbomind": "TurboMind", "pytorch": "PyTorch"}[str(value)]


class PlannerForm(VerticalScroll, can_focus=False):
    """Posts :class:`Changed` with the wish whenever a field changes."""

    class Changed(Message):
        """The wish is another one now; ``model`` says whether its model is."""

        def __init__(self, wish: Wish, *, model: bool) -> None:
            super().__init__()
            self.wish, self.model = wish, model

    def __init__(self, wish: Wish, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.wish = wish
        self._showing = False

    def compose(self) -> ComposeResult:
        yield from (self._field(name, label) for name, label in _TEXTS[:1])
        yield from _choices()
        yield from (self._field(name, label) for name, label in _TEXTS[1:])

    def _field(self, name: str, label: str) -> Horizontal:
        return field(
            label, Input(str(getattr(self.wish, name)), compact=True, id=f"form-{name}", select_on_focus=False)
        )

    def on_mount(self) -> None:
        self.show_wish(self.wish)

    def show_wish(self, wish: Wish) -> None:
        """Fill the form, without a message."""
        self.wish = wish
        self._showing = True
        for name, _label in _TEXTS:
            self.query_one(f"#form-{name}", Input).value = str(getattr(wish, name))
        for row in self.query(FormRow):
            if row.name == "policy":
                row.offer(_POLICIES.get(wish.engine, _POLICIES["turbomind"]))
            row.show_value(getattr(wish, str(row.name)))
        self.call_after_refresh(self._shown)

    def _shown(self) -> None:
        self._showing = False

    @on(FormRow.Changed)
    def _row_changed(self, event: FormRow.Changed) -> None:
        event.stop()
        name = str(event.row.name)
        self.wish = changed(self.wish, **{name: event.value})
        if name == "engine":
            policy = cast("FormRow", self.query_one("#form-policy"))
            policy.offer(_POLICIES[self.wish.engine])
            policy.show_value(self.wish.policy)
        self.post_message(self.Changed(self.wish, model=False))

    @on(Input.Changed)
    def _text_changed(self, event: Input.Changed) -> None:
        event.stop()
        name = str(event.input.id).removeprefix("form-")
        if not self._showing and getattr(self.wish, name) != event.value:
            self.wish = changed(self.wish, **{name: event.value})
            self.post_message(self.Changed(self.wish, model=name == "model"))
