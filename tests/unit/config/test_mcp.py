"""The tables [mcp.NAME]."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.config.mcp import McpServers, read_mcp
from tui.config.settings_file import read_config


@pytest.fixture
def read(tmp_path: Path):
    def from_text(text: str) -> McpServers:
        path = tmp_path / "config.toml"
        path.write_text(text)
        return read_mcp(read_config(path))

    return from_text


def test_servers_of_both_kinds(read) -> None:
    found = read(
        """
        [mcp.files]
        command = ["npx", "-y", "server-files", "/data"]
        env = { TOKEN = "env:FILES_TOKEN", MODE = "fast" }
        tools = ["read"]
        timeout = 5

        [mcp.web]
        url = "http://127.0.0.1:8000/mcp"
        headers = { Authorization = "env:WEB_KEY" }
        enabled = false
        """
    )
    assert found.problems == ()
    files, web = found.servers
    assert files.fields.command == ("npx", "-y", "server-files", "/data")
    assert (files.fields.tools, files.fields.timeout, files.fields.enabled) == (("read",), 5.0, True)
    assert files.resolved({"FILES_TOKEN": "t"})[0] == {"TOKEN": "t", "MODE": "fast"}
    assert web.resolved({})[1] == {"Authorization": ""}
    assert not web.fields.enabled


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('[mcp."a b"]\ncommand = ["x"]\n', "config.mcp_name"),
        ("[mcp]\na = 1\n", "config.not_table"),
        ("[mcp.a]\n", "config.mcp_no_place"),
        ('[mcp.a]\ncommand = ["x"]\nurl = "http://x"\n', "config.mcp_two_places"),
        ('[mcp.a]\ncommand = "x y"\n', "config.not_list"),
        ('[mcp.a]\ncomand = ["x"]\n', "config.unknown_key_like"),
        ('[mcp.a]\ncommand = ["x"]\ntimeout = 0\n', "config.out_of_range"),
        ('[mcp.a]\nurl = "http://user:secret@host/mcp"\n', "config.secret_in_url"),
    ],
)
def test_a_server_with_a_mistake_is_left_out(read, text: str, code: str) -> None:
    found = read(text + '\n[mcp.good]\ncommand = ["y"]\n' if not text.startswith("[mcp]") else text)
    assert [problem.code for problem in found.problems] == [code]
    assert [server.name for server in found.servers] in (["good"], [])
