"""The turn engine: request, stream, tool loop, events; and the folding of events into messages."""
