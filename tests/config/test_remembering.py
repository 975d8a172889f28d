"""What is made once for each object."""

from __future__ import annotations

from gateway.config.remembering import once_for_each


def test_it_is_made_once_for_each_object_and_not_for_its_equals() -> None:
    asked: list[list[int]] = []

    @once_for_each
    def length(of: list[int]) -> int:
        asked.append(of)
        return len(of)

    one, other = [1, 2], [1, 2]
    assert [length(one), length(one), length(other)] == [2, 2, 2]
    assert [id(of) for of in asked] == [id(one), id(other)]
    for _ in range(100):  # no other object comes to have the id of one that is remembered
        assert length([0, 0, 0]) == 3
