"""Loaded by each process of a gateway that a chaos test starts, before anything else: it carries out the test's orders.

The gateway knows nothing of it: the folder stands in `PYTHONPATH`, and the orders in a file that the test names.
"""

from __future__ import annotations

import os
from pathlib import Path

import breaking

if folder := os.environ.get("CHAOS_ORDERS"):
    breaking.follow(Path(folder))
