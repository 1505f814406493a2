"""``python -m tui.demo``: the simulated server as a process."""

from __future__ import annotations

from tui.demo.main import main

raise SystemExit(main())
