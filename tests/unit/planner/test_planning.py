"""Plans: what lmdeploy would refuse, what does not fit, what changes with versions and engines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.lmdeploy.known_models import find_model
from tui.lmdeploy.overhead import Load, after_kv, before_kv, is_quantised, keeps_second_layout
from tui.lmdeploy.versions import BASELINE, Version
from tui.model.checkpoint import LinearAttention
from tui.model.plan import PlanInput
from tui.model.problem import Problem, ProblemError
from tui.planner.calibration import Measurement, OwnMeasurements, card_of, correct, family_of
from tui.planner.planning import largest_ratio, load_of, plan, smallest_card

GIB = 1 << 30


def question(name: str = "internlm2_5-7b-chat", gib: float = 24, **changes: Any) -> PlanInput:
    found = find_model(name)
    assert found is not None
    base = PlanInput(*found, total=int(gib * GIB), gpu_name="NVIDIA H200")
    return replace(base, **changes)


def codes(asked: PlanInput) -> list[str]:
    return [warning.code for warning in plan(asked).warnings]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ratio": 0.0}, "plan.ratio"),
        ({"ratio": 1.0}, "plan.ratio"),
        ({"ratio": 20.5, "version": "0.5.3"}, "plan.ratio"),
        ({"quant_policy": 42}, "plan.policy"),
        ({"tp": 3}, "plan.tp"),
        ({"tp": 64}, "plan.tp"),
        ({"tp": 0}, "plan.tp"),
        ({"free": 30 * GIB}, "plan.free"),
        ({"version": "latest"}, "plan.version"),
    ],
)
def test_questions_without_an_answer(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(ProblemError) as caught:
        plan(question(**changes))
    assert caught.value.problem.code == code


def test_parts_and_memory_add_up() -> None:
    answer = plan(question(free=23 * GIB))
    assert answer.weights + answer.kv_cache + answer.other_before + answer.other_after == answer.total_used
    assert answer.free_before - answer.total_used == answer.free_after
    assert answer.kv_cache == int((23 * GIB - answer.weights - answer.other_before) * 0.8)


@settings(max_examples=60)
@given(
    name=st.sampled_from(["internlm2_5-7b-chat", "internlm2_5-1_8b-chat-awq", "internvl2-26b-awq", "qwen3-0_6b"]),
    gib=st.integers(1, 180),
    ratio=st.floats(0.01, 0.99),
    policy=st.sampled_from([0, 4, 8]),
    engine=st.sampled_from(["turbomind", "pytorch"]),
    version=st.sampled_from(["0.5.3", "0.9.2", "0.14", "0.18"]),
    tp=st.sampled_from([1, 2, 4]),
)
def test_any_plan_is_sound(name: str, gib: int, ratio: float, policy: int, engine: str, version: str, tp: int) -> None:
    asked = question(name, gib, ratio=ratio, quant_policy=policy, engine=engine, version=version, tp=tp)
    answer = plan(asked)
    assert answer.kv_cache >= 0
    assert answer.tokens * answer.bytes_per_token <= answer.kv_cache
    assert answer.fits <= (answer.free_after >= 0)
    assert answer.margin > 0
    assert set(answer.explanations) == {"weights", "kv_cache", "other", "total", "tokens"}
    if not answer.fits:
        assert answer.warnings


def test_what_does_not_fit() -> None:
    assert codes(question(gib=8))[0] == "plan.weights-do-not-fit"
    assert codes(question(gib=15.2))[0] == "plan.no-kv"
    assert codes(question(gib=24, ratio=0.95))[0] == "plan.out-of-memory"
    assert "plan.short-context" in codes(question(gib=18, ratio=0.1))
    assert "plan.truncated-context" in codes(question(gib=18, ratio=0.1, version="0.5.3"))
    assert "plan.uncalibrated" in codes(question(gpu_name="NVIDIA A10"))
    assert "plan.vision" in codes(question("internvl2-26b", 80))
    assert codes(question(gib=24, free=24 * GIB, ratio=0.855))[0] == "plan.tight"
    assert codes(question(gib=24, free=24 * GIB, ratio=0.82))[0] == "plan.headroom"


def test_the_advised_ratio_fits() -> None:
    asked = question(ratio=0.97)
    advice = plan(asked).warnings[0]
    assert advice.code == "plan.out-of-memory"
    assert plan(replace(asked, ratio=float(advice.data["ratio"]))).fits


def test_sparse_checkpoints_warn() -> None:
    asked = question()
    holes = replace(asked.checkpoint, problems=(Problem("checkpoint.sparse"),))
    assert "checkpoint.sparse" in codes(replace(asked, checkpoint=holes))


def test_largest_ratio_and_smallest_card() -> None:
    asked = question(free=24 * GIB)
    ratio = largest_ratio(asked, 4 * GIB)
    assert ratio is not None
    assert plan(replace(asked, ratio=ratio)).free_after >= 4 * GIB
    assert plan(replace(asked, ratio=ratio + 0.01)).free_after < 4 * GIB
    assert largest_ratio(asked, 23 * GIB) is None
    assert smallest_card(question(ratio=0.8)) == 22
    assert smallest_card(question("internlm2_5-7b-chat-awq", ratio=0.4, quant_policy=4)) in (11, 12)
    assert smallest_card(question(ratio=0.001)) is None


def test_old_turbomind() -> None:
    by_blocks = plan(question(version="0.5.3", ratio=100))
    assert by_blocks.kv_cache == 100 * by_blocks.block
    assert by_blocks.max_batch == 128
    by_ratio = plan(question("internlm2_5-7b-chat-awq", 24, version="0.5.3", ratio=0.4, quant_policy=4))
    assert by_ratio.kv_cache % by_ratio.block == 0


@pytest.mark.parametrize(
    ("name", "ratio", "policy", "measured"),
    [
        ("internlm2_5-7b-chat", 0.8, 0, 23.0),
        ("internlm2_5-7b-chat", 0.4, 0, 19.0),
        ("internlm2_5-7b-chat-awq", 0.8, 0, 20.9),
        ("internlm2_5-7b-chat-awq", 0.4, 4, 13.5),
    ],
)
def test_the_ladder_of_the_course(name: str, ratio: float, policy: int, measured: float) -> None:
    """0.5.3 on a 24,566 MiB slice of an A100, as the course's text rounds it (GB or GiB is not said)."""
    total = 24566 << 20
    asked = question(
        name, total=total, free=total, gpu_name="NVIDIA A100", version="0.5.3", ratio=ratio, quant_policy=policy
    )
    answer = plan(asked)
    assert abs(answer.total_used / GIB - measured) < 0.7
    assert answer.fits


def test_pytorch() -> None:
    asked = question(engine="pytorch")
    answer = plan(asked)
    assert answer.kv_cache % answer.block == 0
    assert answer.reserve > GIB
    fixed = plan(replace(asked, num_gpu_blocks=500))
    assert fixed.kv_cache == 500 * fixed.block
    assert plan(replace(asked, eager=True)).other_after < answer.other_after
    assert plan(replace(asked, quant_policy=42)).tokens > plan(replace(asked, quant_policy=4)).tokens


def test_hybrid_models_pay_for_states() -> None:
    asked = question(gib=80)
    hybrid = replace(asked.config, attention_layers=8, linear_attention=LinearAttention(24, 16, 32, 128, 128, 4))
    asked = replace(asked, config=hybrid)
    assert "plan.states" in codes(asked)
    few, many = plan(replace(asked, max_batch=8)), plan(asked)
    assert few.state == many.state > 0
    for engine in ("turbomind", "pytorch"):
        for version in ("0.12", "0.18"):
            answer = plan(replace(asked, engine=engine, version=version, max_batch=64))
            assert 0 < answer.tokens * answer.bytes_per_token < answer.kv_cache


def test_two_cards() -> None:
    one, two = plan(question(gib=80)), plan(question(gib=80, tp=2))
    assert two.weights < one.weights
    assert two.block * 2 == one.block
    assert two.other_before > one.other_before


def test_other_depends_on_what_engines_do() -> None:
    load = load_of(question("internlm2_5-7b-chat-awq", engine="pytorch"), BASELINE)
    assert keeps_second_layout(load)
    assert not keeps_second_layout(replace(load, gpu_name="NVIDIA A100"))
    assert not keeps_second_layout(replace(load, version=Version(0, 16)))
    assert before_kv(load) > before_kv(replace(load, gpu_name="NVIDIA A100"))
    assert is_quantised(load.checkpoint)
    tied = load_of(question("qwen3-0_6b"), BASELINE)
    untied = replace(tied, config=replace(tied.config, tied=False))
    assert before_kv(tied) - before_kv(untied) == pytest.approx(tied.checkpoint.embedding, abs=2)
    short = replace(tied, session_len=1024)
    assert after_kv(short) < after_kv(tied)


def a_load(**changes: Any) -> Load:
    return load_of(question(**changes), BASELINE)


def test_corrections_learn_from_the_same_card() -> None:
    load = a_load()
    family = family_of(load)
    runs = [Measurement(str(index), "NVIDIA H200 NVL", family, 100, 20) for index in range(3)]
    learnt = correct(load, runs)
    assert learnt.known
    assert (learnt.before, learnt.after) == (75, 15)
    other = correct(load, [replace(run, gpu="NVIDIA A10") for run in runs])
    assert (other.before, other.after, other.known) == (0, 0, False)
    assert other.margin > learnt.margin
    assert not correct(load, []).known
    assert card_of("Tesla") == "tesla"
    assert card_of("NVIDIA GeForce RTX 4090") == "4090"
    assert family_of(replace(load, version=Version(0, 5, 3))) != family


def test_own_measurements_are_kept(tmp_path: Path) -> None:
    own = OwnMeasurements(tmp_path / "folder" / "own.json")
    assert own.read() == ([], None)
    run = Measurement("a", "H200", "turbomind-new-plain", 1, 2)
    assert own.add(run) is None
    assert own.add(replace(run, before=5)) is None
    assert own.add(replace(run, name="b")) is None
    assert own.read()[0] == [replace(run, before=5), replace(run, name="b")]
    own.path.write_text('{"measurements": [{}]}')
    measurements, problem = own.read()
    assert measurements == []
    assert problem is not None
    assert problem.code == "plan.table"
    own.path.write_bytes(b"\xff")
    assert own.read()[1] is not None
    blocked = OwnMeasurements(tmp_path / "folder" / "own.json" / "x.json")
    assert blocked.add(run) is not None


def test_a_measurement_moves_the_plan() -> None:
    asked = question()
    family = family_of(a_load())
    usual = plan(asked, shipped=())
    more = plan(asked, [Measurement(str(index), "H200", family, GIB, 0) for index in range(9)], shipped=())
    assert more.other_before - usual.other_before == GIB * 9 // 10
    assert more.kv_cache < usual.kv_cache
