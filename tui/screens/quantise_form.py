"""The quantise form: model and work folder, the calibration, and how the hub is reached."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace

from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Input

from tui.i18n import N_, _
from tui.launch.wish import ServeWish
from tui.lmdeploy.awq import AWQ_OPTIONS, datasets
from tui.lmdeploy.versions import BASELINE, Version
from tui.widgets.form_rows import Caption, ChoiceRow, FormRow, field

_HUBS: dict[str, tuple[str, Mapping[str, str]]] = {
    "": (N_("as it is"), {}),
    "mirror": (N_("mirror"), {"HF_ENDPOINT": "https://hf-mirror.com"}),
    "offline": (N_("offline"), {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}),
}
_SEARCH = {"no": N_("no"), "yes": N_("yes, slower")}
_FLAGS = {
    "group": "--w-group-size",
    "calib_dataset": "--calib-dataset",
    "samples": "--calib-samples",
    "seqlen": "--calib-seqlen",
    "batch": "--batch-size",
}
_USUAL: dict[str, object] = {"group": 128, "samples": 128, "seqlen": 2048, "batch": 1}


def _dataset(value: object) -> str:
    return str(value) or _("usual")


def _rows() -> Sequence[FormRow]:
    return (
        ChoiceRow("bits", N_("weights"), [4], shown=lambda value: _("{bits}-bit").format(bits=value)),
        ChoiceRow("group", N_("group size"), [128, 64, 32]),
        ChoiceRow("calib_dataset", N_("calibration"), ["", *datasets(BASELINE)], shown=_dataset),
        ChoiceRow("samples", N_("samples"), [128, 64, 32, 16, 256, 512]),
        ChoiceRow("seqlen", N_("tokens each"), [2048, 1024, 512, 4096]),
        ChoiceRow("batch", N_("at once"), [1, 2, 4, 8, 16]),
        ChoiceRow("search", N_("search scales"), ["no", "yes"], shown=lambda value: _(_SEARCH[str(value)])),
        ChoiceRow("hub", N_("hub"), list(_HUBS), shown=lambda value: _(_HUBS[str(value)][0])),
    )  # fmt: skip


class QuantiseForm(VerticalScroll, can_focus=False):
    """Posts :class:`Changed` whenever a field changes; ``wish`` is what they come to."""

    class Changed(Message):
        """Something else is wished for now."""

        def __init__(self, wish: ServeWish) -> None:
            super().__init__()
            self.wish = wish

    def __init__(self, wish: ServeWish, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._base = wish
        self._rows = {str(row.name): row for row in _rows()}
        self._model = Input(compact=True, id="quantise-model", select_on_focus=False)
        self._work_dir = Input(
            compact=True, id="quantise-work-dir", select_on_focus=False, placeholder=_("beside the model")
        )
        self._more = Input(compact=True, id="quantise-more", select_on_focus=False, placeholder="--dtype float16 …")
        self._told = wish
        self.set_words(wish.words)

    def compose(self) -> ComposeResult:
        yield field(N_("model"), self._model)
        yield field(N_("work folder"), self._work_dir)
        yield from self._rows.values()
        yield field(N_("more options"), self._more)
        yield Caption(
            N_("The calibration texts come from the hub. Where it cannot be reached, use a mirror or a filled cache."),
            classes="hint",
        )

    def retranslate(self) -> None:
        self._work_dir.placeholder = _("beside the model")

    @property
    def wish(self) -> ServeWish:
        """What the fields say; options at their usual value are left out."""
        words = [self._model.value.strip()] if self._model.value.strip() else []
        if self._work_dir.value.strip():
            words += ["--work-dir", self._work_dir.value.strip()]
        for name, flag in _FLAGS.items():
            value = self._rows[name].value
            if value not in ("", _USUAL.get(name)):
                words += [flag, str(value)]
        words += ["--search-scale"] if self._rows["search"].value == "yes" else []
        words += _split(self._more.value)
        environment = {**self._base.environment, **_HUBS[str(self._rows["hub"].value)][1]}
        return replace(self._base, words=tuple(words), environment=environment)

    def offer_datasets(self, release: Version) -> None:
        """The calibration sets of the lmdeploy that was found."""
        self._rows["calib_dataset"].offer(["", *datasets(release)])

    def set_model(self, model: str) -> None:
        self._model.value = model

    def set_work_dir(self, folder: str) -> None:
        self._work_dir.value = folder

    def set_hub(self, variables: Mapping[str, str]) -> None:
        """The choice with these variables; others are kept for the program as they are."""
        name = next((name for name, (_label, values) in _HUBS.items() if values == variables), "")
        self._rows["hub"].show_value(name)
        if not name:
            self._base = replace(self._base, environment={**self._base.environment, **variables})
        self._tell()

    def set_words(self, words: Sequence[str]) -> None:
        """Fill the fields from words as they are passed on; what has no field stands in the last one."""
        kinds = {option.flag: option.kind for option in AWQ_OPTIONS}
        names = {flag: name for name, flag in _FLAGS.items()}
        rest, more = list(words), _split(self._more.value)
        while rest:
            word = rest.pop(0)
            value = rest.pop(0) if kinds.get(word, "flag") != "flag" and rest else ""
            if not word.startswith("--"):
                self._model.value = word
            elif word == "--work-dir":
                self._work_dir.value = value
            elif word == "--search-scale":
                self._rows["search"].show_value("yes")
            elif word in names:
                row = self._rows[names[word]]
                row.show_value(int(value) if value.isdigit() else value)
            else:
                more += [word, value] if value else [word]
        self._more.value = shlex.join(dict.fromkeys(more))
        self._tell()

    @on(Input.Changed)
    @on(FormRow.Changed)
    def _field_changed(self, event: Input.Changed | FormRow.Changed) -> None:
        event.stop()
        self._tell()

    def _tell(self) -> None:
        wish = self.wish
        if self.is_mounted and wish != self._told:
            self._told = wish
            self.post_message(self.Changed(wish))


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # a quote that is still open
        return []
