"""Measurements of the gateway beside its peers; `python -m bench` prints them as one table."""
