"""What screens are made of. Widgets know dataclasses of :mod:`tui.model`, never a session, a host or a server."""
