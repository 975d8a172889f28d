"""Reading and judging configuration: no network, no database."""
