"""One OpenSSH process per host: the tunnel, ssh's questions, the state of the link, the agent's lines."""
