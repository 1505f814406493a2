"""The planner's desk: wishes, answers, other weight formats, models on offer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.checkpoints import internlm
from tui.lmdeploy.conversion import as_format
from tui.lmdeploy.known_models import KNOWN_MODELS, find_model
from tui.model.checkpoint import Checkpoint, ModelConfig
from tui.planner.cli import resolve_model
from tui.planner.desk import Wish, ask, changed, question_of, tokens_in, wish_of
from tui.planner.models import candidates
from tui.planner.picture import picture

GIB = 1 << 30
PARTS = ("weights", "kv_cache", "other", "other_processes", "driver_reserve", "free")


def known(name: str) -> tuple[ModelConfig, Checkpoint]:
    found = find_model(name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", [model.name for model in KNOWN_MODELS])
def test_other_formats_have_the_bytes_of_the_real_ones(name):
    plain, packed = known(name), known(f"{name}-w4a16-4bit")
    quantised = as_format(*plain, "w4a16")
    assert quantised[0] == packed[0]
    assert quantised[1].total == packed[1].total
    assert as_format(*packed, "16-bit")[1].total == plain[1].total
    assert as_format(*plain, "stored") == plain
    assert as_format(*plain, "16-bit") == plain
    assert as_format(*packed, "w4a16") == packed


def test_a_folder_is_quantised_like_its_name(tmp_path):
    folder = internlm(tmp_path / "m", "internlm2_5-1_8b-chat")
    stored = resolve_model(str(folder))
    assert as_format(*stored, "w4a16")[1].total == known("internlm2_5-1_8b-chat-w4a16-4bit")[1].total


def test_a_wish_is_answered_with_everything():
    answer = ask(
        Wish(ratio=0.4, weights="w4a16", policy=4, gpu_name="NVIDIA H200", free="23.1"), known("internlm2_5-7b-chat")
    )
    assert answer.problem is None
    assert answer.plan is not None
    assert answer.question is not None
    assert answer.question.free == round(23.1 * GIB)
    assert answer.plan.warnings[0].code == "plan.quantise-first"
    assert answer.command[:4] == ("lmdeploy", "serve", "api_server", "internlm2_5-7b-chat-w4a16-4bit")
    assert "--model-format" in answer.command
    assert answer.largest is not None
    assert answer.card is not None
    card = picture(answer.question, answer.plan)
    assert sum(getattr(card, part).bytes or 0 for part in PARTS) == card.total.bytes
    assert tokens_in(answer.question, answer.plan, answer.plan.kv_cache) == answer.plan.tokens


@pytest.mark.parametrize(
    ("wish", "code"),
    [(Wish(card="much"), "plan.size"), (Wish(free="40GiB"), "plan.free"), (Wish(leave="x"), "plan.size")],
)
def test_wishes_without_an_answer_say_why(wish, code):
    answer = ask(wish, known("internlm2_5-7b-chat"))
    assert answer.plan is None
    assert answer.problem is not None
    assert answer.problem.code == code


def test_a_plan_that_does_not_fit_is_drawn_within_its_card():
    answer = ask(Wish(card="16GiB", ratio=0.99), known("internlm2_5-7b-chat"))
    assert answer.plan is not None
    assert answer.question is not None
    assert not answer.plan.fits
    assert picture(answer.question, answer.plan).free.bytes == 0


def test_the_wish_of_a_question_asks_the_same():
    model = known("internlm2_5-7b-chat")
    wish = Wish(card="24GiB", free="23.00GiB", ratio=0.4, policy=8, session_len=8192, max_batch=64, engine="pytorch")
    question = question_of(wish, model)
    assert wish_of(question, wish.model) == wish
    assert wish_of(replace(question, free=None, ratio=200.0), "x").ratio == 0.8


def test_what_the_other_engine_does_not_know_falls_back():
    assert changed(Wish(engine="pytorch", policy=42), engine="turbomind").policy == 0
    assert changed(Wish(policy=4), engine="pytorch").policy == 4


def test_folders_come_before_names(tmp_path):
    internlm(tmp_path / "own", "internlm2_5-1_8b-chat")
    (tmp_path / "empty").mkdir()
    names = candidates([str(tmp_path), str(tmp_path / "missing")])
    assert names[0] == str(tmp_path / "own")
    assert "internlm2_5-7b-chat" in names
    assert str(tmp_path / "empty") not in names
