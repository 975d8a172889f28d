import pytest

from gateway.expressions import compile_expression


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("tenant", ["tenant"]),
        ("tenant.id", ["tenant.id"]),
        ("@.tenant.id", ["tenant.id"]),
        ("tenant.items[0].id", ["tenant.items"]),
        ("tenant.*.id", ["tenant"]),
        ("items[*].price", ["items"]),
        ("items[].price", ["items"]),
        ("items[1:].price", ["items"]),
        ("items[?price > limit].id", ["items"]),
        ("tenant.{id: id, name: name}", ["tenant"]),
        ("tenant.[id, name]", ["tenant"]),
        ("{id: tenant.id, now: now}", ["tenant.id", "now"]),
        ("[a, b.c]", ["a", "b.c"]),
        ("a || b && !c", ["a", "b", "c"]),
        ("a.b == c", ["a.b", "c"]),
        ("add(a, b.c)", ["a", "b.c"]),
        ("tenant.length(name)", ["tenant"]),
        ("map(&id, items)", ["items"]),
        ("sort_by(items, &price)[0].id", ["items"]),
        ("tenant | id", ["tenant"]),
        ("a || b | c", ["a", "b"]),
        ("@ | tenant.id", ["tenant.id"]),
        ("@ | @ | tenant", ["tenant"]),
        ("tenant | @ | id", ["tenant"]),
        ("(@).tenant", ["tenant"]),
        ("*.id", []),
        ("[?a]", []),
        ("@", []),
        ("'text'", []),
        ('"tenant id".x', ['"tenant id".x']),
    ],
)
def test_only_names_of_the_root_are_references(text, names):
    found = compile_expression(text).names
    assert [text[name.start : name.end] for name in found] == names
    assert [".".join(name.path) for name in found] == [name.replace('"', "") for name in names]


def test_calls_are_listed_with_their_places():
    text = "lower(trim(a)) || map(&upper(b), c)"
    found = compile_expression(text).calls
    assert [(call.name, text[call.start : call.end]) for call in found] == [
        ("lower", "lower(trim(a))"),
        ("trim", "trim(a)"),
        ("map", "map(&upper(b), c)"),
        ("upper", "upper(b)"),
    ]
    assert [len(call.arguments) for call in found] == [1, 1, 2, 1]
