"""``python -m tui`` is ``lmdeck``."""

from tui.cli import main

raise SystemExit(main())
