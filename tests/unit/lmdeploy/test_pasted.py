"""Command lines as blogs print them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.lmdeploy.pasted import Pasted, mend_word, read_pasted, read_words

HOMEWORK = ("/root/models/m-w4a16-4bit", "--model-format", "awq", "--quant-policy", "4", "--tp", "1")


@pytest.mark.parametrize(
    "text",
    [
        "lmdeploy serve api_server /root/models/m-w4a16-4bit --model-format awq --quant-policy 4 --tp 1",
        "lmdeploy serve api_server\\\n /root/models/m-w4a16-4bit \\\n --model-format awq \\\n  --quant-policy 4 --tp 1",
        "lmdeploy serve api_server \\ /root/models/m-w4a16-4bit \\ --model-format awq \\ --quant-policy 4 \\ --tp 1",
        "lmdeploy serve api_server /root/models/m-w4a16-4bit\n–model-format awq\n–quant-policy 4\n–tp 1",
        "$ lmdeploy serve api_server /root/models/m-w4a16-4bit —model–format awq ——quant‑policy 4 -tp 1",
        "(lmdeploy) root@intern-studio-1:~# lmdeploy serve api_server “/root/models/m-w4a16-4bit” --model-format ‘awq’ "
        "--quant-policy 4 --tp 1",
        "python3 -m lmdeploy serve api_server /root/models/m-w4a16-4bit －－model-format awq --quant-policy　4 --tp １",
        "nohup /root/.conda/envs/lmdeploy/bin/lmdeploy serve api_server /root/models/m-w4a16-4bit --model-format awq "
        "--quant-policy 4 --tp 1 > server.log 2>&1 &",
        "# a\r\n# lmdeploy serve api_server /root/models/m-w4a16-4bit --model-format awq \\\r\n--quant-policy 4 --tp 1",
        "lmdeploy chat /root/models/m-w4a16-4bit --model-format awq --quant-policy 4 --tp 1 | tee log",
        "lmdeploy serve api_server /root/models/m-w4a16-4bit\u200b --model-format awq --quant-policy 4 --tp 1;",
    ],
)
def test_what_blogs_make_of_a_command(text: str) -> None:
    read = read_pasted(text)
    assert (read.kind, tuple(word.rstrip(";") for word in read.words)) == ("serve", HOMEWORK)


def test_variables_and_other_commands() -> None:
    read = read_pasted("CUDA_VISIBLE_DEVICES=0,1 HF_ENDPOINT=https://hf-mirror.com lmdeploy lite auto_awq M --w-bits 4")
    assert read.kind == "auto_awq"
    assert read.environment == {"CUDA_VISIBLE_DEVICES": "0,1", "HF_ENDPOINT": "https://hf-mirror.com"}
    assert read.words == ("M", "--w-bits", "4")
    assert read_pasted("lmdeploy serve proxy --server-port 8000").kind == "proxy"
    assert read_pasted("lmdeploy convert internlm2 M") == Pasted("", ("lmdeploy", "convert", "internlm2", "M"))
    assert read_pasted("/path/to/model --tp 2") == Pasted("", ("/path/to/model", "--tp", "2"))
    assert read_pasted("") == Pasted("", ())


def test_values_keep_their_characters() -> None:
    assert read_words(["M", "--max-log-len", "-1", "--model-name", "我的–模型"]).words[-3:] == (
        "-1",
        "--model-name",
        "我的–模型",
    )
    assert mend_word("—hf–overrides.a=x–y") == "--hf-overrides.a=x–y"
    assert mend_word("-h") == "-h"
    assert mend_word('""') == ""
    assert read_pasted("it's lmdeploy").words == ("its", "lmdeploy")
    with pytest.raises(ValueError, match="quotation"):
        read_pasted('lmdeploy "open')


@given(st.lists(st.text(max_size=12), max_size=12))
def test_reading_never_fails_and_is_stable(words: list[str]) -> None:
    once = read_words(words)
    if once.kind == "":
        assert (
            read_words(once.words).words == once.words
            or "=" in "".join(words)
            or any(word in ("nohup", "setsid", "sudo", "exec", "time", "export", "env") for word in words)
        )
