"""auto_awq: options by release, and progress read from any pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.lmdeploy.awq import AwqReader, read_awq, usual_dataset
from tui.lmdeploy.log import Lines, LogReader
from tui.lmdeploy.versions import Version
from tui.model.launch import QuantiseStage
from tui.model.problem import ProblemError

LAYERS = 4
OUTPUT = "".join(
    [
        "can't find model from local_path internlm/x, try to download from remote\n",
        "Fetching 12 files:  50%|█████     | 6/12\rFetching 12 files: 100%|██████████| 12/12\n",
        *(f"Move model.layers.{at} to CPU.\n" for at in range(LAYERS)),
        "Move model.norm to GPU.\n",
        "Loading calibrate dataset ...\n * Split into 167 blocks\n",
        *(f"model.layers.{at}, samples: 128, max gpu memory: 4.{at}1 GB\n" for at in range(LAYERS)),
        *(f"model.layers.{at} smooth weight done.\n" for at in range(LAYERS)),
        *(
            f"model.layers.{at}.{part} weight packed.\n"
            for at in range(LAYERS)
            for part in ("attention.wqkv", "attention.wo", "feed_forward.w1", "feed_forward.w3", "feed_forward.w2")
        ),
    ]
)


def state(reader: AwqReader) -> tuple[object, ...]:
    return reader.stage, reader.counts, reader.memory


@given(st.lists(st.integers(0, len(OUTPUT)), max_size=12))
def test_any_split_gives_the_same(cuts: list[int]) -> None:
    whole, parts = AwqReader(LAYERS), AwqReader(LAYERS)
    lines = whole.feed(OUTPUT)
    places = [0, *sorted(cuts), len(OUTPUT)]
    seen: list[str] = []
    last = 0.0
    for start, end in pairwise(places):
        seen += parts.feed(OUTPUT[start:end])
        assert parts.fraction >= last
        last = parts.fraction
    assert tuple(seen) == lines
    assert state(parts) == state(whole)


def test_progress_goes_from_nothing_to_saving() -> None:
    reader = AwqReader(LAYERS)
    assert (reader.fraction, reader.counts) == (0.0, (0, 0))
    stages: list[QuantiseStage] = []
    fractions: list[float] = []
    for line in OUTPUT.splitlines(keepends=True):
        reader.feed(line)
        stages.append(reader.stage)
        fractions.append(reader.fraction)
    assert list(dict.fromkeys(stages)) == list(QuantiseStage)[:-1]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(0.96)
    assert reader.memory == round(4.31 * (1 << 30))
    reader.stage = QuantiseStage.DONE
    assert reader.fraction == 1.0


def test_an_unknown_number_of_layers() -> None:
    reader = AwqReader()
    reader.feed(OUTPUT)
    assert reader.stage is QuantiseStage.PACKING
    assert reader.counts == (0, 0)
    assert reader.feed("last words") == ()
    assert reader.waiting == "last words"
    assert reader.finish() == ("last words",)


def test_the_search_changes_the_weights() -> None:
    slow, quick = AwqReader(LAYERS, search=True), AwqReader(LAYERS)
    part = OUTPUT[: OUTPUT.index("smooth weight")]
    slow.feed(part)
    quick.feed(part)
    assert slow.fraction < quick.fraction


@pytest.mark.parametrize(
    ("words", "version", "passed"),
    [
        (["M"], "0.18.0", ("--calib-dataset", "wikitext2")),
        (["M"], "0.5.3", ("--calib-dataset", "wikitext2")),
        (["M", "--calib-dataset", "c4", "--search-scale", "False"], "0.18.0", ("--calib-dataset", "c4")),
        (["M", "--search-scale", "True"], "0.18.0", ("--search-scale", "--calib-dataset", "wikitext2")),
        (["M", "--search_scale=True"], "0.6.2", ("--search-scale", "True", "--calib-dataset", "wikitext2")),
        (["M", "--calib-dataset", "c4", "--search-scale"], "0.18.0", ("--calib-dataset", "c4", "--search-scale")),
        (["M", "--calib-dataset", "c4", "--w-sym", "--calib-samples", "0"], None,
         ("--calib-dataset", "c4", "--w-sym", "--calib-samples", "0")),
    ],
)  # fmt: skip
def test_words(words: list[str], version: str | None, passed: tuple[str, ...]) -> None:
    read = read_awq(words, Version.parse(version) if version else None)
    assert read.model == "M"
    assert read.words == passed
    assert bool(read.notices) == ("False" in words)


def test_old_releases_refuse_new_options() -> None:
    with pytest.raises(ProblemError) as caught:
        read_awq(["M", "--dtype", "float16"], Version(0, 5, 3))
    assert caught.value.problem.code == "serve.flag-since"
    assert usual_dataset(Version(0, 5, 3)) == "wikitext2"


@given(
    st.text(alphabet=st.sampled_from("ab中文█%|\r\n\x1b[0m "), max_size=80), st.lists(st.integers(0, 80), max_size=6)
)
def test_lines_do_not_depend_on_the_pieces(text: str, cuts: list[int]) -> None:
    """Carriage returns, escape codes, Chinese: however the text is cut, the lines are the same."""
    whole, parts = Lines(), Lines()
    expected = (*whole.feed(text), *whole.finish())
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    seen: list[str] = []
    for start, end in pairwise(places):
        seen += parts.feed(text[start:end])
    assert (*seen, *parts.finish()) == expected


def test_long_lines_keep_their_end() -> None:
    text = "x" * 200_000 + "end\n"
    whole, parts = Lines(), Lines()
    [line] = whole.feed(text)
    seen = [done for at in range(0, len(text), 7001) for done in parts.feed(text[at : at + 7001])]
    assert seen == [line]
    assert line.endswith("end")
    assert len(line) == 65536
    assert LogReader().feed(text) == (line,)
