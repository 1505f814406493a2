"""Conversations in SQLite: a tree of messages with content hashes, the turns behind them, and a search over them."""
