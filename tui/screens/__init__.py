"""One file a screen. Only screens hold sessions, endpoints and stores."""
