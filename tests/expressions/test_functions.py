import hashlib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import jmespath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.expressions import (
    FUNCTIONS,
    NO_CONTEXT,
    EvaluationError,
    ExpressionError,
    compile_expression,
    kind_of,
    to_json,
)

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)
DAY = date(2024, 1, 15)


class Tables:
    def __init__(self, **tables):
        self.tables = tables
        self.asked = []

    def lookup(self, table, key):
        self.asked.append((table, key))
        return self.tables.get(table, {}).get(key)


def evaluated(text, context=NO_CONTEXT, **scope):
    return compile_expression(text)(scope, context)


def refusal(text, **scope):
    compiled = compile_expression(text)
    with pytest.raises(EvaluationError) as caught:
        compiled(scope, NO_CONTEXT)
    return caught.value.message


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
class TestEverySpec:
    def test_its_example_gives_what_it_says(self, function):
        assert f"{function.name}(" in function.example
        assert to_json(compile_expression(function.example)({}, NO_CONTEXT)) == function.gives

    def test_its_result_is_of_a_kind_it_names(self, function):
        kind = compile_expression(f"type({function.example})")({}, NO_CONTEXT)
        names = {"string": "text", "array": "list"}
        broader = {"integer": "number", "decimal": "number"}
        assert function.result == ("any",) or names.get(kind, kind) in {
            broader.get(name, name) for name in function.result
        }

    def test_its_documentation_is_one_sentence(self, function):
        assert function.doc[0].isupper()
        assert function.doc.endswith(".")
        assert ". " not in function.doc

    def test_null_in_is_null_out(self, function):
        for at, parameter in enumerate(function.parameters):
            if parameter.nullable or parameter.kinds == ("expression",):
                continue
            arguments = ["&a" if other.kinds == ("expression",) else "a" for other in function.parameters]
            arguments[at] = "missing"
            assert evaluated(f"{function.name}({', '.join(arguments)})", a=None) is None

    def test_a_wrong_type_is_named(self, function):
        for at, parameter in enumerate(function.parameters):
            if parameter.types is None:
                continue
            wrong = next(value for kind, value in WRONG if kind not in parameter.kinds and parameter.kinds != ("any",))
            arguments = [f"a{n}" if p.kinds != ("expression",) else "&a" for n, p in enumerate(function.parameters)]
            scope = {f"a{n}": RIGHT.get(p.kinds[0]) for n, p in enumerate(function.parameters)}
            message = refusal(f"{function.name}({', '.join(arguments)})", **(scope | {f"a{at}": wrong}))
            assert message.startswith(f"argument {at + 1} (`{parameter.name}`) of `{function.name}` must be ")

    def test_a_wrong_count_is_refused_when_compiled(self, function):
        too_few = ", ".join("@" for _ in function.parameters[1:])
        with pytest.raises(ExpressionError, match=f"`{function.name}` takes "):
            compile_expression(f"{function.name}({too_few})")


WRONG = (("boolean", True), ("object", {}))
RIGHT = {
    "text": "a",
    "number": 1,
    "integer": 1,
    "date": DAY,
    "timestamp": NOON,
    "list": [],
    "object": {},
    "any": "a",
}


def test_names_are_unique_and_all_of_jmespath_is_there():
    names = [function.name for function in FUNCTIONS]
    assert len(names) == len(set(names))
    assert set(jmespath.functions.Functions.FUNCTION_TABLE) <= set(names)


def test_wrong_types_name_what_was_wanted_and_given():
    assert refusal("lower(a)", a=5) == "argument 1 (`text`) of `lower` must be text, got number 5"
    assert refusal("add(a, b)", a=1, b="x") == "argument 2 (`b`) of `add` must be a number, got text `x`"
    assert refusal("add_days(a, b)", a=DAY, b=Decimal("1.5")) == (
        "argument 2 (`n`) of `add_days` must be a whole number, got number 1.5"
    )
    assert refusal("days_between(a, b)", a=DAY, b="2024-01-15") == (
        "argument 2 (`b`) of `days_between` must be a date or a timestamp, got text `2024-01-15`"
    )
    assert refusal("join(', ', a)", a=["x", None]) == ("element 1 of the list given to `join` must be text, got null")
    assert refusal("max(a)", a=[1, "x"]) == "the list given to `max` mixes number 1 and text `x`"
    assert refusal("sort_by(a, &n)", a=[{"n": 1}, {}]).startswith("element 1 of the list given to `sort_by`")


JMESPATH_CALLS = (
    "length(texts)",
    "length(word)",
    "length(objects[0])",
    "reverse(numbers)",
    "reverse(word)",
    "sort(numbers)",
    "sort(texts)",
    "max(numbers)",
    "min(texts)",
    "max(none)",
    "sum(numbers)",
    "sum(none)",
    "avg(none)",
    "abs(numbers[0])",
    "ceil(numbers[0])",
    "floor(numbers[0])",
    "join(word, texts)",
    "map(&n, objects)",
    "max_by(objects, &n)",
    "min_by(objects, &n)",
    "max_by(none, &n)",
    "sort_by(objects, &n)",
    "sort_by(objects, &n)[].t",
    "keys(objects[0])",
    "values(objects[0])",
    "merge(objects[0], objects[1] || objects[0])",
    "contains(texts, word)",
    "contains(word, texts[0])",
    "contains(numbers, numbers[0])",
    "starts_with(word, texts[0])",
    "ends_with(word, texts[0])",
    "to_array(word)",
    "to_array(numbers)",
    "to_string(word)",
    "to_string(objects)",
    "to_number(word)",
    "to_number('12')",
    "type(numbers)",
    "type(word)",
    "not_null(missing, word)",
)


@given(
    st.sampled_from(JMESPATH_CALLS),
    st.lists(st.integers(-9, 9), min_size=1),
    st.lists(st.text("ab", min_size=1, max_size=3), min_size=1),
    st.text("abc", max_size=4),
    st.lists(st.fixed_dictionaries({"n": st.integers(-3, 3), "t": st.text("ab")}), min_size=1),
)
def test_jmespath_functions_mean_what_jmespath_means(text, numbers, texts, word, objects):
    scope = {"numbers": numbers, "texts": texts, "word": word, "objects": objects, "none": []}
    assert evaluated(text, **scope) == jmespath.search(text, scope)


def test_jmespath_functions_are_exact():
    assert evaluated("sum(a)", a=[Decimal("0.1"), Decimal("0.2"), 1]) == Decimal("1.3")
    assert evaluated("avg(a)", a=[1, 2]) == Decimal("1.5")
    assert evaluated("abs(a)", a=Decimal("-" + "9" * 40 + ".99")) == Decimal("9" * 40 + ".99")
    assert evaluated("ceil(a)", a=Decimal("-1.5")) == -1
    assert evaluated("floor(a)", a=Decimal("-1.5")) == -2
    assert evaluated("max(a)", a=[1, Decimal("1.5"), 0.5]) == Decimal("1.5")
    assert evaluated("max(a)", a=[NOON, NOON + timedelta(1)]) == NOON + timedelta(1)
    assert evaluated("contains(a, `1`)", a=[True, Decimal("1.0")]) is True
    assert evaluated("contains(a, `1`)", a=[True, "1"]) is False
    assert evaluated("contains(a, missing)", a=[1, None]) is True
    assert evaluated("contains(a, missing)", a="text") is None
    assert evaluated("to_number(a)", a="9.90") == Decimal("9.90")
    assert evaluated("to_number(a)", a="NaN") is None
    assert evaluated("to_number(a)", a="1_000") is None
    assert evaluated("to_string(a)", a={"x": Decimal("1.50"), "t": DAY}) == '{"x":1.50,"t":"2024-01-15"}'
    assert evaluated("to_string(missing)") is None
    assert evaluated("type(a)", a=DAY) == "date"
    assert evaluated("type(a)", a=NOON) == "timestamp"
    assert evaluated("type(missing)") == "null"


class TestText:
    def test_capture(self):
        pattern = "/(?:orders|checkouts)/([A-Z0-9]+)"
        text = f"capture(href, '{pattern}')"
        assert evaluated(text, href="https://api.paypal.com/v2/checkout/orders/5O1908?x") == "5O1908"
        assert evaluated(text, href="https://api.paypal.com/v2/payments") is None
        assert evaluated("capture(a, 'b+')", a="abbc") == "bb"
        assert evaluated("capture(a, '(x)?b')", a="b") is None
        assert evaluated("capture(a, '^é(.)')", a="éü") == "ü"
        assert evaluated("capture(a, p)", a="ab", p="a(.)") == "b"

    def test_a_pattern_cannot_hang(self):
        assert evaluated("capture(a, '^(a+)+$')", a="a" * 50_000 + "!") is None

    def test_a_wrong_pattern_is_refused_when_compiled(self, capfd):
        text = "capture(href, '(')"
        with pytest.raises(ExpressionError) as caught:
            compile_expression(text)
        assert text[caught.value.start : caught.value.end] == "'('"
        assert caught.value.message == "`(` is not an RE2 pattern: missing ): ("
        with pytest.raises(ExpressionError, match="is not an RE2 pattern"):
            compile_expression(r"capture(href, '(?=a)')")
        assert refusal("capture(a, p)", a="x", p="(").startswith("`(` is not an RE2 pattern")
        assert capfd.readouterr() == ("", "")

    def test_split_and_case(self):
        assert evaluated("split(id, '&')[-1]", id="evt_1&2") == "2"
        assert refusal("split(a, '')", a="x") == "`split` needs a separator, got an empty text"
        assert evaluated("lower(upper(trim(a)))", a=" Éa ") == "éa"

    def test_hash(self):
        assert evaluated("hash(a)", a="é") == hashlib.sha256("é".encode()).hexdigest()
        assert "surrogate" in refusal("hash(a)", a="\ud800")
        assert "surrogate" in refusal("capture(a, 'x')", a="\ud800")


class TestNumbers:
    NUMBERS = st.integers(-(10**20), 10**20) | st.decimals(-(10**10), 10**10, places=8)

    @given(NUMBERS, NUMBERS)
    def test_arithmetic_is_exact(self, a, b):
        for name, expected in (
            ("add", Fraction(a) + Fraction(b)),
            ("sub", Fraction(a) - Fraction(b)),
            ("mul", Fraction(a) * Fraction(b)),
        ):
            assert Fraction(evaluated(f"{name}(a, b)", a=a, b=b)) == expected

    @given(NUMBERS, NUMBERS.filter(bool))
    def test_a_quotient_has_28_digits(self, a, b):
        found = Fraction(evaluated("div(a, b)", a=a, b=b))
        expected = Fraction(a) / Fraction(b)
        assert abs(found - expected) <= abs(expected) * Fraction(1, 10**27)

    def test_integers_stay_integers_where_they_can(self):
        assert type(evaluated("add(a, b)", a=1, b=2)) is int
        assert type(evaluated("div(a, b)", a=6, b=-3)) is int
        assert evaluated("div(a, b)", a=10, b=4) == Decimal("2.5")
        assert str(evaluated("mul(a, b)", a=Decimal("19.90"), b=3)) == "59.70"
        assert evaluated("add(a, b)", a=0.1, b=0.2) == Decimal("0.3")

    @pytest.mark.parametrize("zero", [0, Decimal("0.00")])
    def test_division_by_zero_is_an_error(self, zero):
        assert refusal("div(a, b)", a=5, b=zero) == "cannot divide number 5 by zero"

    @pytest.mark.parametrize(
        ("number", "digits", "expected"),
        [
            ("2.345", 2, "2.35"),
            ("-2.345", 2, "-2.35"),
            ("2.5", 0, "3"),
            ("-2.5", 0, "-3"),
            ("2.4", 2, "2.40"),
            ("-0.001", 2, "0.00"),
            ("0.000000000000000000000000000000000000000049", 41, "0.00000000000000000000000000000000000000005"),
        ],
    )
    def test_round_half_away_from_zero(self, number, digits, expected):
        assert to_json(evaluated("round(n, d)", n=Decimal(number), d=digits)) == expected

    def test_round_of_an_integer(self):
        assert evaluated("round(n, `2`)", n=5) == 5
        assert evaluated("round(n, `-2`)", n=1250) == 1300
        assert type(evaluated("round(n, `-2`)", n=1250)) is int

    @pytest.mark.parametrize(
        ("text", "a"),
        [
            ("floor(a)", Decimal("1E+999999999")),
            ("add(a, `1`)", Decimal("1E+999999999")),
            ("add(a, `1`)", Decimal("1E-999999999")),
            ("mul(a, a)", Decimal("1E+60")),
            ("mul(a, a)", 10**60),
            ("sum([a, a])", Decimal("1E+101")),
            ("round(a, `2`)", Decimal("1E+999999999")),
            ("from_minor(a, 'usd')", Decimal("1E+999999999")),
            ("to_minor(a, 'usd')", Decimal("1E+999999999")),
            ("mul(a, `0.1`)", 10**4000),
        ],
    )
    def test_a_result_too_long_is_an_error(self, text, a):
        assert refusal(text, a=a).startswith("the result has more than 100 digits")

    @pytest.mark.parametrize("digits", [10**9, -(10**9), 101])
    def test_rounding_to_absurd_digits_is_an_error(self, digits):
        assert refusal("round(a, d)", a=Decimal("1.5"), d=digits) == (
            f"cannot round to {digits} digits: the most is 100"
        )


class TestMoney:
    @pytest.mark.parametrize(
        ("minor", "currency", "major"),
        [
            (1999, "usd", "19.99"),
            (1000, "EUR", "10.00"),
            (500, "JPY", "500"),
            (500, "jpy", "500"),
            (1234, "KWD", "1.234"),
            (100, "ugx", "1.00"),
            (100, "isk", "1.00"),
            (-5, "brl", "-0.05"),
            (100, "xyz", "1.00"),
        ],
    )
    def test_the_currency_decides_the_decimals(self, minor, currency, major):
        found = evaluated("from_minor(a, c)", a=minor, c=currency)
        assert isinstance(found, Decimal)
        assert to_json(found) == major
        assert evaluated("to_minor(a, c)", a=Decimal(major), c=currency) == minor

    @given(st.integers(-(10**15), 10**15), st.sampled_from(["USD", "jpy", "Kwd", "XOF", "tnd", "???"]))
    def test_minor_units_come_back(self, minor, currency):
        found = evaluated("to_minor(from_minor(a, c), c)", a=minor, c=currency)
        assert found == minor
        assert type(found) is int

    @pytest.mark.parametrize(("amount", "currency"), [("9.999", "usd"), ("1.5", "JPY"), ("1.2345", "KWD")])
    def test_a_fraction_of_a_minor_unit_is_never_rounded(self, amount, currency):
        assert refusal("to_minor(a, c)", a=Decimal(amount), c=currency).startswith(
            f"`to_minor` cannot write {amount} {currency.upper()} in minor units"
        )

    def test_a_fraction_in_minor_units_is_kept(self):
        assert evaluated("from_minor(a, 'usd')", a=Decimal("0.5")) == Decimal("0.005")


class TestTimes:
    @pytest.mark.parametrize(
        ("a", "b", "days"),
        [
            (DAY, date(2024, 1, 16), 1),
            (DAY, NOON, 0),
            (DAY, NOON + timedelta(hours=12), 1),
            (NOON, NOON + timedelta(hours=23, minutes=59), 0),
            (NOON + timedelta(seconds=1), NOON, -1),
            (date(2024, 1, 16), DAY, -1),
            (date(2024, 2, 28), date(2024, 3, 1), 2),
        ],
    )
    def test_days_between(self, a, b, days):
        assert evaluated("days_between(a, b)", a=a, b=b) == days

    @given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.integers(-10_000, 10_000))
    def test_days_added_are_days_between(self, start, days):
        assert evaluated("days_between(a, add_days(a, n))", a=start, n=days) == days

    def test_adding_keeps_the_kind(self):
        assert evaluated("add_days(a, `1`)", a=DAY) == date(2024, 1, 16)
        assert evaluated("add_days(a, `-1`)", a=NOON) == NOON - timedelta(1)
        assert evaluated("add_days(a, `2.0`)", a=DAY) == date(2024, 1, 17)
        assert evaluated("add_minutes(a, `90`)", a=NOON) == NOON + timedelta(minutes=90)
        assert evaluated("add_minutes(a, `1`)", a=DAY) == datetime(2024, 1, 15, 0, 1, tzinfo=UTC)

    @pytest.mark.parametrize("n", [10**7, -(10**7), 10**30])
    def test_leaving_the_calendar_is_an_error(self, n):
        assert "leaves the years 1 to 9999" in refusal("add_days(a, n)", a=DAY, n=n)

    def test_later(self):
        assert evaluated("later(a, b)", a=NOON, b=NOON + timedelta(1)) == NOON + timedelta(1)
        assert evaluated("later(a, b)", a=NOON, b=None) == NOON
        assert evaluated("later(a, b)", a=None, b=NOON) == NOON
        assert evaluated("later(a, b)", a=None, b=None) is None
        assert evaluated("later(a, b)", a=DAY, b=NOON) == NOON

    def test_parse_time(self):
        assert evaluated("parse_time(a)", a="2024-01-15T12:00:00Z") == NOON
        assert evaluated("parse_time(a)", a=1705320000) == NOON
        assert evaluated("parse_time(a)", a=1705320000000) == NOON
        assert evaluated("parse_time(a)", a="15/01/2024") == NOON - timedelta(hours=12)
        assert evaluated("parse_time(a)", a=DAY) == NOON - timedelta(hours=12)
        assert refusal("parse_time(a)", a="soon") == "cannot read text `soon` as a timestamp"


class TestLookup:
    def test_a_text_names_a_table(self):
        tables = Tables(tenants={"t1": {"status": "active"}})
        assert evaluated("lookup('tenants', id).status", tables, id="t1") == "active"
        assert evaluated("lookup('tenants', id).status", tables, id="t2") is None
        assert evaluated("lookup('tenants', id).status", tables) is None
        assert tables.asked == [("tenants", "t1"), ("tenants", "t2")]

    def test_without_tables_it_is_an_error(self):
        assert refusal("lookup('tenants', 'x')") == "table `tenants` cannot be read here"

    @pytest.mark.parametrize(
        ("mapping", "key", "found"),
        [
            ({"price_basic": 1}, "price_basic", 1),
            ({"price_basic": 1}, "other", None),
            ({"9.99": 30, "99.99": 365}, Decimal("99.99"), 365),
            ({"9.90": 30}, Decimal("9.9"), 30),
            ({"10": 1}, Decimal("10.00"), 1),
            ({"10": 1}, 10, 1),
            ({10: 1}, "10", 1),
            ({Decimal("9.99"): 30}, Decimal("9.99"), 30),
            ({"true": 1}, True, 1),
            ({"2024-01-15": 1}, DAY, 1),
            ({"1": "a"}, True, None),
            ({"9.99": 30}, "9.990", None),
            ({"x": None}, "x", None),
        ],
    )
    def test_an_object_is_looked_into(self, mapping, key, found):
        assert evaluated("lookup(m, k)", m=mapping, k=key) == found

    def test_a_map_of_settings_is_looked_into_and_read_on(self):
        plans = {"price.with.points": {"rank": 2, "features": ["likes"]}}
        assert (
            evaluated("lookup(settings.plans, price).rank", settings={"plans": plans}, price="price.with.points") == 2
        )
        assert evaluated("lookup(settings.plans, price).rank", settings={"plans": plans}, price="other") is None
        assert evaluated("lookup(settings.plans, price).rank", settings={"plans": plans}) is None
        assert evaluated("lookup(settings.plans, price).rank", settings={}, price="other") is None

    def test_nothing_else_is_looked_into(self):
        wanted = 'argument 1 (`table`) of `lookup` must be text or an object, got list ["a"]'
        assert refusal("lookup(m, 'a')", m=["a"]) == wanted


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("join(a, b)", {"a": "x" * 100_000, "b": ["y"] * 100_000}),
        ("to_string([a, a])", {"a": ["x" * 9_000_000]}),
    ],
)
def test_a_text_that_would_fill_memory_is_an_error(text, scope):
    assert "16777216" in refusal(text, **scope)


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-3, 3),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["usd", "&", "a", "(", "2024-01-15", NOON, DAY, Decimal("1E+999999"), Decimal("0E+999999")]),
    st.dates(),
    st.datetimes(timezones=st.just(UTC)),
)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
)


@settings(max_examples=1000)
@given(st.sampled_from(FUNCTIONS), st.lists(ANYTHING, min_size=3, max_size=3))
def test_whatever_a_function_is_given_it_answers_or_explains(function, values):
    arguments = [
        "&@" if parameter.kinds == ("expression",) else name
        for name, parameter in zip("abc", function.parameters, strict=False)
    ]
    scope = dict(zip("abc", values, strict=True))
    try:
        found = evaluated(f"{function.name}({', '.join(arguments)})", Tables(), **scope)
        explained = kind_of(found)
    except EvaluationError as error:
        explained = str(error)
    assert explained
