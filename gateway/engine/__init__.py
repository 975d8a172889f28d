"""The engine: takes events from the inbox, finds the rule that fits, and commits all that comes of it at once."""
