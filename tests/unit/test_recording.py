"""Recording a session and playing it again."""

from __future__ import annotations

import asyncio
import json
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.chat import ScriptedEndpoint, call, say
from tests.support.waiting import until
from tui.model.broadcast import Broadcast
from tui.model.events import BranchChanged, QueueChanged, TextDelta, TurnFinished
from tui.model.gpu import GpuReading, GpuSample
from tui.model.message import ImagePart
from tui.model.monitor import MemoryState
from tui.model.problem import Problem, ProblemError
from tui.model.server import LinkPhase, LinkState, ServerFacts, ServerMetrics
from tui.recording import Recorder, Recording, read_recording
from tui.replay import ReplaySession
from tui.session import Session
from tui.tools.arithmetic import arithmetic

READING = GpuReading(1.0, (GpuSample(0, "H200", 100, 10, 90),), "simulated")


@pytest.fixture
async def session() -> AsyncIterator[Session]:
    session = Session(ScriptedEndpoint(), arithmetic())
    yield session
    await session.aclose()


async def ask(session: Session, text: str, *answers) -> None:
    session.endpoint.client.answers.extend(answers)
    await session.submit(text)
    await until(lambda: not session.busy)


def same(first, second) -> bool:
    """Equal but for the moment at which messages were folded."""
    return [(m.id, m.role, m.parts, m.parent, m.complete) for m in first] == [
        (m.id, m.role, m.parts, m.parent, m.complete) for m in second
    ]


async def recorded(session: Session, path: Path, work) -> Recording:
    recorder = Recorder(path)
    await recorder.open(title=session.title, messages=session.messages)
    recorder.follow(session)
    await work()
    await recorder.aclose()
    return await asyncio.to_thread(read_recording, path)


async def played(path: Path) -> ReplaySession:
    replay = await ReplaySession.open(path, speed=0)
    replay.start()
    replay.start()
    await replay.finished()
    return replay


async def test_a_replay_shows_what_the_session_showed(session, tmp_path):
    await ask(session, "before", say("earlier"))
    path = tmp_path / "r.jsonl"

    async def work():
        await ask(session, "Compute (3+5)*2", call("add", '{"a": 3, "b": 5}'), say("The result is ", "**8**."))
        await session.rename("sums")

    await recorded(session, path, work)
    replay = await played(path)
    assert same(replay.messages, session.messages)
    assert replay.title == "sums"
    assert not replay.busy
    await replay.aclose()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
async def test_recordings_are_private(session, tmp_path):
    path = tmp_path / "r.jsonl"
    path.touch(mode=0o644)
    await recorded(session, path, lambda: ask(session, "hi", say("a")))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_branches_and_pictures_are_in_the_recording(session, tmp_path):
    picture = ImagePart("image/png", "AAAA", "fox.png")
    path = tmp_path / "r.jsonl"

    async def work():
        session.endpoint.client.answers = [say("one"), say("two"), say("three")]
        await session.submit("what?", (picture,))
        await until(lambda: not session.busy)
        await session.regenerate()
        await until(lambda: not session.busy)
        await session.edit(session.messages[0].id, "which?")
        await until(lambda: not session.busy)

    recording = await recorded(session, path, work)
    assert sum(isinstance(entry.event, BranchChanged) for entry in recording.entries) == 2
    replay = await played(path)
    assert same(replay.messages, session.messages)
    assert replay.messages[0].parts[0] == picture
    await replay.aclose()


async def test_machine_news_are_recorded_and_played(session, tmp_path):
    path = tmp_path / "r.jsonl"
    news: Broadcast = Broadcast()
    recorder = Recorder(path)
    await recorder.open()
    recorder.follow_news(news.subscribe())
    for item in (
        READING,
        LinkState(LinkPhase.HEALTHY, 5.0),
        ServerFacts(models=("m",)),
        ServerMetrics(1.0, kv_used_fraction=0.5),
    ):
        news.publish(item)
    await recorder.aclose()

    replay = await ReplaySession.open(path, speed=0)
    links = replay.link.subscribe()
    readings = replay.gpu.readings()
    first = asyncio.ensure_future(anext(readings))
    await asyncio.sleep(0)
    replay.start()
    assert (await first) == READING
    await replay.finished()
    assert [type(item) for item in links.drain()] == [LinkState, ServerFacts, ServerMetrics]
    assert replay.link.link.phase is LinkPhase.HEALTHY
    assert replay.link.model == "m"
    replay.link.choose_model("other")
    replay.gpu.set_interval(1)
    late = replay.gpu.readings()
    assert await anext(late) == READING
    await replay.aclose()
    assert [reading async for reading in late] == []
    assert [reading async for reading in readings] == []
    assert [reading async for reading in replay.gpu.readings()] == []


async def test_a_replay_keeps_time(tmp_path):
    rows = [
        {"lmdeck": "recording", "format": 1, "messages": [], "title": "t"},
        {"t": 0.0, "event": {"type": "TurnStarted", "turn_id": "t", "model": "m"}},
        {"t": 0.0, "event": {"type": "RoundStarted", "number": 1, "message_id": "a"}},
        {"t": 0.0, "event": {"type": "QueueChanged", "waiting": ["x"]}},
        {"t": 0.4, "event": {"type": "TextDelta", "text": "late"}},
        {"t": 0.4, "event": {"type": "TurnFinished", "finish_reason": "stop", "timings": {"total": 1}}},
    ]
    path = tmp_path / "r.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    replay = await ReplaySession.open(path, speed=4)
    events = replay.subscribe()
    begin = asyncio.get_running_loop().time()
    replay.start()
    seen = []
    async for event in events:
        seen.append(event)
        if isinstance(event, QueueChanged):
            assert replay.busy
            assert replay.waiting == ("x",)
            assert replay.messages[0].text == ""
        if isinstance(event, TurnFinished):
            break
    assert asyncio.get_running_loop().time() - begin >= 0.09
    assert TextDelta("late") in seen
    await replay.aclose()


async def test_a_replay_can_be_closed_in_the_middle(tmp_path):
    path = tmp_path / "r.jsonl"
    rows = [{"lmdeck": "recording", "format": 1}, {"t": 1000, "event": {"type": "TextDelta", "text": "x"}}]
    path.write_text("\n".join(map(json.dumps, rows)))
    replay = await ReplaySession.open(path)
    await replay.finished()
    replay.start()
    await replay.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_broken_lines_are_left_out(tmp_path):
    path = tmp_path / "r.jsonl"
    header = {"lmdeck": "recording", "format": 1, "messages": [{"type": "Nope"}, 3]}
    good = {"t": 1, "event": {"type": "TextDelta", "text": "x"}}
    strange = {"t": 1, "event": {"type": "FromTheFuture"}}
    lines = [json.dumps(header), json.dumps(strange), "3", json.dumps(good), '{"t": 1, "ev']
    path.write_text("\n".join(lines))
    recording = read_recording(path)
    assert [entry.event for entry in recording.entries] == [TextDelta("x")]
    assert recording.messages == ()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "recording.unreadable"),
        ("", "recording.not_ours"),
        ("hello\n", "recording.not_ours"),
        ("[1]\n", "recording.not_ours"),
        ('{"lmdeck": "recording", "format": 99}\n', "recording.newer"),
    ],
)
async def test_files_that_are_no_recordings(tmp_path, content, code):
    path = tmp_path / "r.jsonl"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ProblemError) as caught:
        await ReplaySession.open(path)
    assert caught.value.problem.code == code


async def test_other_files_are_left_alone_and_recordings_replaced(session, tmp_path):
    thesis = tmp_path / "thesis.md"
    thesis.write_text("# Foxes")
    with pytest.raises(ProblemError) as caught:
        await Recorder(thesis).open()
    assert caught.value.problem.code == "recording.exists"
    assert thesis.read_text() == "# Foxes"
    path = tmp_path / "r.jsonl"
    await recorded(session, path, lambda: ask(session, "one", say("a")))
    recording = await recorded(session, path, lambda: ask(session, "two", say("b")))
    assert len(recording.messages) == 2


async def test_a_folder_that_does_not_exist(tmp_path):
    with pytest.raises(ProblemError) as caught:
        await Recorder(tmp_path / "no" / "r.jsonl").open()
    assert caught.value.problem.code == "recording.failed"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
async def test_a_full_disk_ends_the_recording_not_the_session(session, tmp_path):
    told: list[Problem] = []
    path = tmp_path / "r.jsonl"
    recorder = Recorder(path, on_problem=told.append)
    await recorder.open()
    recorder.follow(session)
    full = open("/dev/full", "w", encoding="utf-8")  # noqa: SIM115 (the recorder closes it)
    recorder._file, own = full, recorder._file
    own.close()
    await ask(session, "hi", say("a"))
    await until(lambda: told)
    recorder.write(TextDelta("dropped"))
    await recorder.aclose()
    assert told == [recorder.problem]
    assert told[0].code == "recording.failed"
    assert session.messages[-1].text == "a"


async def test_nothing_is_written_before_it_is_open(tmp_path):
    recorder = Recorder(tmp_path / "r.jsonl")
    recorder.write(TextDelta("x"))
    await recorder.aclose()
    assert not recorder.path.exists()


async def test_memory_is_replayed_as_it_was_shown(tmp_path):
    from tests.support.memory_states import breakdown, state
    from tui.model.monitor import Attention

    path = tmp_path / "memory.jsonl"
    recorder = Recorder(path)
    await recorder.open()
    news: Broadcast[MemoryState] = Broadcast()
    recorder.follow_news(news.subscribe())
    shown = [state(), state(breakdown(card=0, name="second"), tokens_per_second=None)]
    for item in shown:
        news.publish(item)
    news.close()
    await recorder.aclose()
    assert "HistoryPoint" not in path.read_text()

    replay = await ReplaySession.open(path, 0)
    states = replay.memory.subscribe()
    replay.start()
    await replay.finished()
    replayed = states.drain()
    assert [item.cards for item in replayed] == [item.cards for item in shown]
    assert [point.rate for point in replay.memory.state.history] == [142.0, None]
    with replay.memory.watching(Attention.SHOWN):
        explanation = replay.memory.explain("weights")
    assert explanation is not None
    assert replay.memory.explain("weights", 7) is None
    assert replay.memory.question() is None
    replay.memory.tell(None)
    replay.memory.show_reading(GpuReading(1.0, (), "nvml"))  # a split is known: bare readings say less
    assert replay.memory.state.cards == shown[1].cards
    await replay.aclose()


async def test_recordings_without_memory_show_what_the_readings_say(tmp_path):
    path = tmp_path / "bare.jsonl"
    recorder = Recorder(path)
    await recorder.open()
    recorder.write(GpuReading(1.0, (GpuSample(0, "NVIDIA A100", 24 << 30, 10 << 30, 14 << 30),), "nvml"))
    await recorder.aclose()
    replay = await ReplaySession.open(path, 0)
    replay.start()
    await replay.finished()
    card = replay.memory.state.cards[0]
    assert card.breakdown.other.bytes == 10 << 30
    assert card.breakdown.weights.bytes is None
    await replay.aclose()
