"""What lmdeploy is, by version: options, dialects, log readers, tool parsers, checkpoint headers, kv formulas."""
