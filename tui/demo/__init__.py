"""A simulated lmdeploy server and GPU, for trying things out and for tests.

The server is a process of its own (``python -m tui.demo``) that speaks real HTTP; only that process imports aiohttp.
:mod:`tui.demo.process` starts it, :mod:`tui.demo.source` reads its simulated GPU.
"""
