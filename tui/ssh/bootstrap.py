"""The command that ssh runs on the far side: it finds a Python and hands it the agent, all in words of the command
itself, so nothing is installed and no input is lost to a login script that reads.

The login shell may be anything that takes words in single quotes (sh, bash, zsh, fish, csh, tcsh): no word holds a
single quote, an exclamation mark, a newline or two backslashes in a row. Without a Python ≥ 3.6 a loop of nvidia-smi
takes its place; it answers every line with ``pong``.
"""

from __future__ import annotations

import base64
import json
import zlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

PROTOCOL = 1
_WORD = 900
_MODULES = ("tui.agent", "tui.agent_orders")

# Where Pythons are that a bare login does not have in PATH (conda's own places, InternStudio's image among them).
_PLACES = (
    "python3", "python", "/usr/bin/python3", "/usr/local/bin/python3", '"$HOME"/miniconda3/bin/python',
    '"$HOME"/anaconda3/bin/python', '"$HOME"/miniforge3/bin/python', '"$HOME"/mambaforge/bin/python',
    '"$HOME"/.conda/bin/python', "/opt/conda/bin/python", "/opt/miniconda3/bin/python", "/opt/anaconda3/bin/python",
    "/root/.conda/bin/python", "/usr/local/miniconda3/bin/python", "/share/conda_envs/*/bin/python",
    '"$HOME"/miniconda3/envs/*/bin/python', '"$HOME"/.conda/envs/*/bin/python', '"$HOME"/.pyenv/shims/python3',
)  # fmt: skip

# No quotes at all: this stands inside sh's double quotes inside the login shell's single quotes.
_CHECK = "import sys, zlib, json, ctypes, select; sys.exit(sys.version_info < (3, 6))"
_START = "import sys, zlib, base64; exec(zlib.decompress(base64.b64decode(str().join(sys.argv[3:]))))"

SMI_QUERY = (
    "index,name,uuid,memory.total,memory.used,memory.free,memory.reserved,utilization.gpu,temperature.gpu,power.draw"
)
"""As in :mod:`tui.gpu.smi`, whose reader understands the lines."""

_SCRIPT = (
    "for p in {places}; do "
    'if "$p" -c "{check}" </dev/null >/dev/null 2>&1; then exec "$p" -u -c "{start}" "$@"; fi; done; '
    # No Python: say hello, then let nvidia-smi repeat itself until the input ends.
    'printf "%s" "$2" | tr @ "\\042"; echo; '
    "if command -v nvidia-smi >/dev/null; then exec 3<&0; "
    "{{ while read -r l; do echo pong; done; kill $$; }} <&3 & "
    "exec nvidia-smi --query-gpu={query} --format=csv,noheader,nounits -lms 1000 </dev/null 2>/dev/null 3<&-; "
    "else while read -r l; do echo pong; done; fi"
)

_LOADER = """
import sys, types
for name, text in {sources!r}:
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(compile(text, name, "exec"), module.__dict__)
    if "." in name:
        setattr(sys.modules["tui"], name.partition(".")[2], module)
sys.stdout.write(chr(10))
sys.stdout.flush()
sys.modules["tui.agent_orders"].main(sys.argv[1])
"""


@cache
def _payload() -> tuple[str, ...]:
    """The agent's sources, compressed, in words."""
    sources = [("tui", "")]
    for name in _MODULES:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise FileNotFoundError(name)
        sources.append((name, Path(spec.origin).read_text(encoding="utf-8")))
    packed = zlib.compress(_LOADER.format(sources=sources).encode(), 9)
    text = base64.b64encode(packed).decode()
    return tuple(text[at : at + _WORD] for at in range(0, len(text), _WORD))


def remote_command(nonce: str) -> str:
    """The command line for the far side's login shell. ``nonce`` (letters and digits) comes back in the hello line:
    nothing before it is believed. Reads two files the first time."""
    hello: dict[str, object] = {
        "agent": PROTOCOL,
        "nonce": nonce,
        "python": "",
        "source": "nvidia-smi",
        "driver": "",
        "reasons": [],
    }
    first = json.dumps(hello, separators=(",", ":")).replace('"', "@")
    script = _SCRIPT.format(places=" ".join(_PLACES), check=_CHECK, start=_START, query=SMI_QUERY)
    words = (script, "lmdeck", nonce, first, *_payload())
    return "exec sh -c " + " ".join(f"'{word}'" for word in words)
