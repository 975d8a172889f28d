"""A rule-driven webhook gateway: verified, durable, applied exactly once, always able to say why."""

__version__ = "0.1.0"
