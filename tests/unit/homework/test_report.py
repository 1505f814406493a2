"""The report: everything measured stands in it, and what its user wrote is never touched."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.hostile import HOSTILE
from tests.unit.export.samples import PIXEL, SETUP, WITNESS, card, everything, turn
from tests.unit.export.test_html_and_json import Page as Parsed
from tests.unit.export.test_markdown import kinds
from tui.export.document import Document
from tui.homework.checking import Happened, check
from tui.homework.marks import first, is_marked, marked, merge
from tui.homework.pages import Page, Picture
from tui.homework.reading import all_assignments
from tui.homework.report import Chapter, is_same_model, read_pictures, report, run_of
from tui.homework.writing import render, write
from tui.i18n import set_language
from tui.model.plan import Run
from tui.model.server import ServerFacts

GIB = 1 << 30
PNG = base64.b64decode(PIXEL)


def run(identifier: str = "r", **changes: object) -> Run:
    values: dict[str, object] = {
        "id": identifier, "started": 1e9, "model": "/root/internlm2_5-1_8b-chat-w4a16-4bit", "engine": "turbomind",
        "gpu_name": "A100", "flags": ("--quant-policy", "4"), "ratio": 0.4, "quant_policy": 4, "weights": GIB,
        "kv_cache": 8 * GIB, "total": 11 * GIB, "tokens": 333_000, "predicted_total": 10 * GIB, "predicted_kv": 8 * GIB,
    }  # fmt: skip
    return Run(**{**values, **changes})  # type: ignore[arg-type]


def chapter(document: Document | None = None, **changes: object) -> Chapter:
    document = everything() if document is None else document
    basic = all_assignments().assignments["camp-basic"]
    values: dict[str, object] = {
        "name": "camp-basic", "title": basic.title, "document": document, "about": basic.about,
        "ticks": check(basic, Happened(document.messages, document.turns)), "run": run(),
        "pictures": (Picture("p", "image/png", PNG),), "runs": (run(), run("s", ratio=0.8, total=None)),
    }  # fmt: skip
    return Chapter(**{**values, **changes})  # type: ignore[arg-type]


def page(*chapters: Chapter) -> Page:
    return report("My homework", chapters or (chapter(),))


def test_everything_stands_in_the_markdown() -> None:
    text, files = render(page(), "md", "r-files")
    for piece in (
        "# My homework", "## Basic task: a quantised model tells a story", "- ✓ Weights in 4 bits: awq with 4 bits",
        "- ✗ The model's reply: nobody has answered", "```\nlmdeploy serve api\\_server m".replace("\\", ""),
        "| quant policy of the kv cache | 4 |", "| weights | awq, 4 bits |", "| session length | 32,768 |",
        "| engine | TurboMind 0.18 |", "| weights | 1.44 GiB | checkpoint |",
        "kv cache: 11.0 % used · 37,000 of 333,000 tokens",
        "11759MiB / 24576MiB", "POST /v1/chat/completions", "| kv cache | 8.00 GiB | 8.00 GiB | +0.00 GiB (+0.0 %) |",
        "| the server in all | 10.00 GiB | 11.00 GiB | +1.00 GiB (+10.0 %) |", "All starts of this model",
        "![p](<r-files/camp-basic.pictures-1.png>)", "### You", "| 80 ms | 142 | ↑257 ↓35 | 3.0 s | stop |",
    ):  # fmt: skip
        assert piece in text, piece
    assert sorted(files) == ["r-files/camp-basic.conversation-1.png", "r-files/camp-basic.pictures-1.png"]


def test_the_html_is_one_file() -> None:
    text, files = render(page(), "html")
    assert not files
    parsed = Parsed(text)
    assert [tag for tag, _ in parsed.tags].count("h2") == 7
    assert text.count("data:image/png;base64,") == 2
    assert "lmdeploy serve api_server m" in parsed.words
    assert all(str(source).startswith("data:image/") for source in parsed.values("img", "src"))


@pytest.mark.parametrize("form", ["md", "html"])
def test_for_a_blog_there_are_no_marks(form: str) -> None:
    text, _ = render(page(), form, blog=True)  # type: ignore[arg-type]
    assert "lmdeck:begin" not in text
    assert "<details>" not in text
    if form == "md":
        assert not {"html_block", "html_inline"} & set(kinds(text))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_everywhere(hostile: str) -> None:
    setup = replace(SETUP, model=hostile, version=hostile, weight_format=hostile, command=(hostile, hostile))
    witness = replace(WITNESS, gpu_line=hostile, access_line=hostile, gpu_tool=hostile, setup=setup)
    split = (card(name=hostile, witness=witness),)
    document = replace(everything(hostile, hostile), turns=(turn(breakdown=split, finish_reason=hostile),))
    whole = page(
        chapter(document, title=hostile, about=hostile, run=run(model=hostile), runs=(run(model=hostile),) * 2)
    )
    text, _ = render(whole, "md", blog=True)
    assert not {"html_block", "html_inline"} & set(kinds(text))
    assert not set(text) & {chr(number) for number in (*range(9), *range(11, 0x20), *range(0x7F, 0xA0))}
    source, _ = render(whole, "html")
    Parsed(source)
    merged = merge(first({"a": text}), {"a": text})
    assert merged.changed == ()


def test_what_is_not_known_is_left_out() -> None:
    document = Document("x", ())
    text, files = render(page(chapter(document, ticks=(), pictures=(), run=None, runs=(), about="")), "md")
    assert "##" not in text
    assert not files
    only_run, _ = render(page(chapter(document, ticks=(), pictures=(), runs=(), run=run(predicted_kv=None))), "md")
    assert "lmdeploy serve api_server /root/internlm2_5-1_8b-chat-w4a16-4bit --quant-policy 4" in only_run
    assert "| kv cache |" not in only_run
    secret = run(flags=("/models/m", "--api-keys", "secret", "--tp", "2"), predicted_kv=None)
    shown, _ = render(page(chapter(document, ticks=(), pictures=(), runs=(), run=secret)), "md")
    assert "lmdeploy serve api_server /models/m --api-keys '…' --tp 2" in shown
    bare = replace(SETUP, weight_bits=None, told=True, tp=2)
    split = (card(occupancy=None, time=0.0, witness=replace(WITNESS, gpu_line="", access_line="", setup=bare)),)
    odd = turn(breakdown=split, server=ServerFacts(simulated=True), usage=())
    odd = replace(odd, timings=replace(odd.timings, first_token=None, completion_tokens=0))  # type: ignore[type-var]
    shown, _ = render(page(chapter(Document("x", (), (odd,)), run=None)), "md")
    assert "Simulated: lmdeck's own demo server answered" in shown
    assert "| told by the user, not seen | yes |" in shown
    assert "| tensor parallel | 2 |" in shown
    assert "| – | – | – | 3.0 s | stop |" in shown
    set_language("zh-CN")
    render(page(), "html")


def test_runs_belong_to_splits_by_their_start() -> None:
    runs = [run("a", started=0.0), run("b", started=1e9 + 100), run("c", started=1e9 - 3)]
    found = run_of((card(),), runs)
    assert found is not None
    assert found.id == "c"
    assert run_of((), runs) is None
    assert run_of((card(witness=replace(WITNESS, setup=replace(SETUP, started=None))),), runs) is None
    assert run_of((card(),), runs[:1]) is None
    assert is_same_model(run(), run(model="internlm2_5-1_8b-chat"))
    assert not is_same_model(run(), run(model="internlm2_5-7b-chat"))


def test_pictures_are_read_once_as_png(tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_text("<svg/>")
    (tmp_path / "a.png").write_bytes(PNG)
    (tmp_path / "b.svg").write_text("<svg/>")
    (tmp_path / "c.txt").write_text("no")
    names = [str(tmp_path / name) for name in ("a.svg", "a.png", "b.svg", "c.txt", "gone.png")]
    assert [(one.name, one.media_type) for one in read_pictures(names)] == [
        ("a", "image/png"), ("b", "image/svg+xml"),
    ]  # fmt: skip


# ── the user's own words ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["r.md", "r.html"])
def test_own_words_stay_and_figures_are_renewed(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    assert write(page(), path) == write(page(), path).__class__(path)
    text = path.read_text("utf-8")
    mine = "Mine: I learned that weights are 1.44 GiB."
    text = text.replace("<!-- lmdeck:begin camp-basic.memory", f"{mine}\n\n<!-- lmdeck:begin camp-basic.memory")
    start = text.index("<!-- lmdeck:begin camp-basic.timings")
    end = text.index("-->", text.index("<!-- lmdeck:end camp-basic.timings")) + 3
    text = (text[:start] + text[end:]).replace("nobody has answered", "NOBODY (I did!) has answered")
    path.write_text(text, "utf-8")
    path.chmod(0o644)
    newer = replace(turn(), breakdown=(card(name="NVIDIA H200"),))
    second = chapter(replace(everything(), turns=(newer,)), name="camp-optional", pictures=())
    written = write(page(chapter(replace(everything(), turns=(newer,))), second), path)
    assert (written.path, written.renewed) == (path, True)
    assert written.changed == ("camp-basic.task",)
    assert written.removed == ("camp-basic.timings",)
    after = path.read_text("utf-8")
    assert mine in after
    assert "NOBODY (I did!)" in after
    assert "NVIDIA H200" in after
    assert "NVIDIA A100" not in after
    assert "camp-basic.timings " not in after.split("lmdeck:sections")[1].split("-->", 1)[1]
    assert "begin camp-optional.memory" in after
    assert path.stat().st_mode & 0o777 == 0o644
    again = write(page(chapter(replace(everything(), turns=(newer,))), second), path)
    assert path.read_text("utf-8") == after
    assert again.changed == written.changed
    if name.endswith("html"):
        Parsed(after)
        assert after.index("camp-optional.memory") < after.index("</main>")


def test_a_file_that_is_not_ours_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "r.md"
    path.write_bytes(b"# My blog\xff")
    written = write(page(), path)
    assert written.path == tmp_path / "r-2.md"
    assert path.read_bytes() == b"# My blog\xff"
    third = write(page(), path, blog=True)
    assert third.path == tmp_path / "r-3.md"


def test_new_sections_follow_the_one_before() -> None:
    old = first({"a": "A", "c": "C"}) + "\n\nmine"
    merged = merge(old, {"a": "A2", "b": "B", "c": "C", "d": "D"})
    order = [merged.text.index(piece) for piece in ("A2", "\nB\n", "\nC\n", "\nD\n", "mine")]
    assert order == sorted(order)
    assert merge(merged.text, {"a": "A2", "b": "B", "c": "C", "d": "D"}).text == merged.text
    gone = merge(first({"a": "A"}).replace(marked("a", "A"), ""), {"a": "A", "b": "B"})
    assert gone.removed == ("a",)
    assert gone.text.rstrip().endswith(marked("b", "B"))
    assert merge(first({"old": "X"}), {"new": "N"}).text.count("lmdeck:begin") == 2


def test_windows_line_ends_and_broken_marks() -> None:
    crlf = first({"a": "one\ntwo", "b": "B"}).replace("\n", "\r\n")
    assert is_marked(crlf)
    merged = merge(crlf, {"a": "three", "b": "B"})
    assert merged.changed == ()
    assert "three" in merged.text
    assert "one" not in merged.text
    broken = first({"a": "A"}).replace("lmdeck:end", "lmdeck:and")
    assert merge(broken, {"a": "B"}).removed == ("a",)
    assert "\nA\n" in merge(broken, {"a": "B"}).text
    assert not is_marked("# mine")


TEXT = st.text(st.sampled_from("a \n<!->lmdeck:begin. end#`é"), max_size=40)


@given(TEXT, TEXT, TEXT, TEXT, TEXT)
def test_no_own_word_is_lost(before: str, between: str, behind: str, one: str, two: str) -> None:
    old = {"a": one, "b": two}
    marks = first(old).split("\n\n<!-- lmdeck:begin ")
    parts = [
        before,
        marks[0],
        between,
        f"<!-- lmdeck:begin {marks[1]}",
        behind,
        f"<!-- lmdeck:begin {marks[2]}",
        before,
    ]
    text = "\n".join(parts)
    merged = merge(text, {"a": "new-a", "b": two})
    assert not merged.changed
    assert not merged.removed
    for own in (before, between, behind):
        assert own in merged.text
    assert marked("a", "new-a") in merged.text
    assert merge(merged.text, {"a": "new-a", "b": two}).text == merged.text
