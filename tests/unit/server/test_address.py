"""Addresses as people paste them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.i18n.problems import explain
from tui.model.problem import ProblemError
from tui.server.address import Address


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://127.0.0.1:23333", "http://127.0.0.1:23333"),
        ("http://h:1/v1/", "http://h:1"),
        ("http://h:1/v1", "http://h:1"),
        ("http://h:1/v1/chat/completions", "http://h:1"),
        ("localhost:23333/v1/models", "http://localhost:23333"),
        ("http://h:1/#/default/list_models", "http://h:1"),
        ("http://h:1/docs?x=1", "http://h:1"),
        ("http://h:1/openapi.json", "http://h:1"),
        ("http://h/lmdeploy/v1", "http://h/lmdeploy"),
        ("http://h/lmdeploy", "http://h/lmdeploy"),
        ("host:23333", "http://host:23333"),
        ("my_host.lan:1", "http://my_host.lan:1"),
        ("HTTP://Host:1", "http://host:1"),
        ("23333", "http://127.0.0.1:23333"),
        (":8000", "http://127.0.0.1:8000"),
        ("127.0.0.1", "http://127.0.0.1:23333"),
        ("host:", "http://host:23333"),
        ("https://host", "https://host"),
        ("http:/host:1", "http://host:1"),
        ("//host:1", "http://host:1"),
        ("[::1]:23333", "http://[::1]:23333"),
        ("[::1]", "http://[::1]:23333"),
        ("http://[::1", "http://[::1]"),
        ("::1", "http://[::1]:23333"),
        ("http://[FE80::1]:5/", "http://[fe80::1]:5"),
        ("(http://[::1]:5)", "http://[::1]:5"),
        ("http://0.0.0.0:23333", "http://127.0.0.1:23333"),
        ("[::]:1", "http://[::1]:1"),
        ("127.0.0.1：23333", "http://127.0.0.1:23333"),
        ("ｈｔｔｐ：／／１２７．０．０．１：２３３３３／ｖ１", "http://127.0.0.1:23333"),
        ("127。0。0。1:1", "http://127.0.0.1:1"),
        ("  http://h : 1 / v1  ", "http://h:1"),
        ("“http://h:1/v1”", "http://h:1"),
        ("'http://h:1',", "http://h:1"),
        ("<http://h:1>。", "http://h:1"),
        ("`h:1`", "http://h:1"),
        ("\ufeffhttp://h:1\u200b", "http://h:1"),
        ("服务器:1", "http://服务器:1"),
    ],
)
def test_what_people_paste(text: str, url: str) -> None:
    assert Address.parse(text) == Address(url)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "address.empty"),
        (" “” ", "address.empty"),
        ("：", "address.empty"),
        ("http://", "address.empty"),
        ("ssh://root@h:22", "address.scheme"),
        ("ftp://h", "address.scheme"),
        ("http://me:secret@h:1", "address.user"),
        ("two words", "address.host"),
        ("http://h!:1", "address.host"),
        ("256.1.1.1:1", "address.host"),
        ("1.2.3:1", "address.host"),
        ("[::1]x", "address.host"),
        ("a:b:c", "address.host"),
        ("h:0", "address.port"),
        ("h:65536", "address.port"),
        ("99999", "address.port"),
        ("h:port", "address.port"),
        ("h:99999999999999999999", "address.port"),
    ],
)
def test_bad_addresses_are_explained(text: str, code: str) -> None:
    with pytest.raises(ProblemError) as caught:
        Address.parse(text)
    assert caught.value.problem.code == code
    explanation = explain(caught.value.problem)
    assert explanation.step
    assert "{" not in explanation.text
    assert "secret" not in repr(caught.value.problem)


def test_unix_sockets_keep_their_path_as_it_is() -> None:
    assert Address.parse("unix:/tmp/ｘ：1/s") == Address("http://localhost", "/tmp/ｘ：1/s")
    assert Address.parse("unix:///tmp/s").shown == "/tmp/s"


@pytest.mark.parametrize(
    ("text", "host", "port", "local", "tls"),
    [
        ("h:1", "h", 1, False, False),
        ("http://h", "h", 80, False, False),
        ("https://h", "h", 443, False, True),
        ("[::1]:5", "::1", 5, True, False),
        ("https://[::1]", "::1", 443, True, True),
        ("127.9.9.9:5", "127.9.9.9", 5, True, False),
        ("localhost:5", "localhost", 5, True, False),
        ("a.localhost:5", "a.localhost", 5, True, False),
        ("10.0.0.1:5", "10.0.0.1", 5, False, False),
        ("unix:/s", "localhost", 80, True, False),
    ],
)
def test_parts(text: str, host: str, port: int, local: bool, tls: bool) -> None:
    address = Address.parse(text)
    assert (address.host, address.port, address.is_local, address.is_tls) == (host, port, local, tls)
    assert address.url("/health") == f"{address.base_url}/health"


@given(st.text(max_size=60))
def test_any_text_gives_an_address_or_a_problem(text: str) -> None:
    try:
        address = Address.parse(text)
    except ProblemError:
        return
    assert address.socket or Address.parse(address.base_url) == address
    assert 0 < address.port < 65536
