"""The simulated proxy beyond the recording."""

from __future__ import annotations

from tests.support.demo import StartDemo
from tests.unit.demo.talk import ADD_MUL, ask, get, post


async def test_nodes_are_real_servers_and_share_the_work(start_demo: StartDemo) -> None:
    proxy = await start_demo(proxy=True, nodes=2)
    for _ in range(2):
        assert ask(proxy.url, "Count to 3").content == "1 2 3"
    status = get(proxy.url, "/nodes/status").json()
    assert [len(node["latency"]) for node in status.values()] == [1, 1]
    for url in status:
        assert get(url, "/health").json()["status"] == "healthy"
        assert "lmdeploy:generation_tokens_total" in get(url, "/metrics").text
    assert ask(proxy.url, "Compute (3+5)*2", tools=ADD_MUL).calls


async def test_the_status_of_a_refusal_is_lost(start_demo: StartDemo) -> None:
    """lmdeploy's proxy hands the node's text on with status 200."""
    proxy = await start_demo(proxy=True)
    refused = ask(proxy.url, "hello", temperature=9, stream=False)
    assert (refused.status, refused.body["code"]) == (200, 400)
    streamed = ask(proxy.url, "hello", temperature=9)
    assert (streamed.status, '"code":400' in streamed.text) == (200, True)


async def test_nodes_come_and_go(start_demo: StartDemo) -> None:
    server = await start_demo(model="other")
    proxy = await start_demo(proxy=True, nodes=1)
    assert post(proxy.url, "/nodes/add", {"url": server.url}).json() == "Added successfully"
    assert ask(proxy.url, "hello", model="other").content.startswith("Hello!")
    assert [model["id"] for model in get(proxy.url, "/v1/models").json()["data"]] == ["lmdeck-demo", "other"]
    assert post(proxy.url, "/nodes/remove", {"url": server.url}).json() == "Deleted successfully"
    assert post(proxy.url, "/nodes/remove", {"url": server.url}).json().startswith("Failed to delete")
    assert ask(proxy.url, "hello", model="other").status == 404
    assert post(proxy.url, "/nodes/add", {"url": proxy.url + "/nothing"}).json().startswith("Failed to add")
    assert post(proxy.url, "/nodes/terminate", {"url": server.url}).json().startswith("Failed to terminate")
    (own,) = get(proxy.url, "/nodes/status").json()
    assert post(proxy.url, "/nodes/terminate", {"url": own}).json() == "Terminated successfully"
    assert get(proxy.url, "/nodes/terminate_all").status_code == 200
    assert get(proxy.url, "/nodes/status").json() == {}
    assert get(proxy.url, "/").status_code == 200


async def test_errors_on_demand_pass_through(start_demo: StartDemo) -> None:
    proxy = await start_demo(proxy=True)
    post(proxy.url, "/lmdeck-demo/fault", {"name": "tokens", "argument": "3"})
    assert ask(proxy.url, "hello").content == "melon fox melon"
    cut = ask(proxy.url, "/demo cut")
    assert '{"error_code": 10402' in cut.text
    assert post(proxy.url, "/lmdeck-demo/fault", {"name": "node-down"}).json()["down"]
    assert post(proxy.url, "/lmdeck-demo/fault", {"name": "node-down"}).json()["down"]
    assert post(proxy.url, "/lmdeck-demo/fault", {"name": "node-down"}).json() == {"down": None}
    assert ask(proxy.url, "hello", stream=False).body["error_code"] == 10402
    bad = post(proxy.url, "/v1/chat/completions", [])
    assert bad.status_code == 404
