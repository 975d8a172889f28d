"""The language server: what an editor shows of a configuration while it is being written."""
