"""What a condition says of the names in it: which are there where it holds, and where it does not."""

from __future__ import annotations

import pytest

from gateway.config.presence import there
from gateway.expressions import compile_expression


@pytest.mark.parametrize(
    ("condition", "where_it_holds", "where_it_does_not"),
    [
        ("row", {"row"}, set()),
        ("row.id", {"row"}, set()),
        ("!row", set(), {"row"}),
        ("row == `null`", set(), {"row"}),
        ("row != `null`", {"row"}, set()),
        ("row.status == 'open'", {"row"}, set()),
        ("row.status != 'open'", set(), {"row"}),
        ("row.amount > other.amount", {"row", "other"}, set()),
        ("row && other", {"row", "other"}, set()),
        ("row || other", set(), set()),
        ("!row || other", set(), {"row"}),
        ("!(row && other)", set(), {"row", "other"}),
        ("not_null(row, other)", set(), set()),
        ("contains(['a'], row.status)", {"row"}, set()),
        ("to_string(row)", set(), set()),
        ("rows[].id", {"rows"}, set()),
    ],
)
def test_a_condition_says_which_names_are_there(
    condition: str, where_it_holds: set[str], where_it_does_not: set[str]
) -> None:
    tree = compile_expression(condition).tree
    assert there(tree, holds=True) == where_it_holds
    assert there(tree, holds=False) == where_it_does_not
