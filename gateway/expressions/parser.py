"""The grammar of an expression: jmespath's parser, with places, without its leniencies.

Beyond keeping `start` and `end` on every node, it differs from jmespath where jmespath takes a slip for
something else without a word: a missing comma between arguments or keys is an error, so are `true`, `false`
and `null` outside backticks (there they would be names of fields), and `!a.b` is `!(a.b)`, not `(!a).b`.
"""

from __future__ import annotations

from typing import Any

from jmespath import parser

from gateway.expressions.errors import ExpressionError
from gateway.expressions.lexer import Lexer, Token
from gateway.expressions.mistakes import A_VALUE, bare_constant, bare_number, in_words, unexpected

RawNode = dict[str, Any]
"""jmespath's node, with `start`, `end` and `depth` beside `type`, `value` and `children`."""

MAX_DEPTH = 100
"""How many levels of an expression may stand inside each other."""

_CONSTANTS = frozenset({"true", "false", "null"})
_BELOW_FLATTEN = parser.Parser.BINDING_POWER["flatten"] - 1


def _raw(kind: str, *children: RawNode, **more: object) -> RawNode:
    return {"type": kind, "children": list(children), **more}


class Parser(parser.Parser):
    """Parse one text; raises ExpressionError."""

    _tokens: list[Token]
    _index: int

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text
        self._nesting = 0

    def tree(self) -> RawNode:
        """Return the node of the whole text."""
        if not self._text.strip():
            raise ExpressionError("the expression is empty", 0, len(self._text))
        self._tokens = list(Lexer().tokenize(self._text))
        self._index = 0
        node = self._expression()
        if self._type() != "eof":
            raise self._unexpected(None)
        return node

    def _expression(self, binding_power: int = 0) -> RawNode:
        self._nesting += 1
        if self._nesting > MAX_DEPTH:
            raise self._too_deep(self._tokens[self._index]["start"])
        first = self._tokens[self._index]
        self._index += 1
        left = self._prefix(first)
        while binding_power < self.BINDING_POWER[self._type()]:
            left = self._infix(left, first["start"])
        self._nesting -= 1
        return left

    def _prefix(self, token: Token) -> RawNode:
        method = getattr(self, f"_token_nud_{token['type']}", None)
        if method is None:
            self._index -= 1
            raise self._unexpected(A_VALUE)
        node: RawNode = method(token)
        return node if "start" in node else self._placed(node, token["start"])

    def _infix(self, left: RawNode, start: int) -> RawNode:
        method = getattr(self, f"_token_led_{self._type()}", None)
        if method is None:
            raise self._unexpected(None)
        self._index += 1
        return self._placed(method(left), start)

    def _placed(self, node: RawNode, start: int) -> RawNode:
        node["children"] = [self._implied(child, start) for child in node["children"]]
        inside = [child["depth"] for child in node["children"] if isinstance(child, dict)]
        node["depth"] = 1 + max(inside, default=0)
        node["start"] = start
        node["end"] = self._tokens[self._index - 1]["end"]
        if node["depth"] > MAX_DEPTH:
            raise self._too_deep(start)
        return node

    def _implied(self, node: RawNode, place: int) -> RawNode:
        # What jmespath adds without a word of the text behind it (its identity) has no width.
        if isinstance(node, dict) and "start" not in node:
            return node | {"start": place, "end": place, "depth": 1}
        return node

    def _too_deep(self, start: int) -> ExpressionError:
        message = f"the expression has more than {MAX_DEPTH} levels inside each other"
        return ExpressionError(message, start, len(self._text))

    def _unexpected(self, wanted: str | None) -> ExpressionError:
        return unexpected(self._text, self._tokens, self._index, wanted)

    def _type(self) -> str:
        return str(self._tokens[self._index]["type"])

    # names and literals

    def _token_nud_literal(self, token: Token) -> RawNode:
        return _raw("literal", value=token["value"], style=token.get("style", "quoted"))

    def _token_nud_unquoted_identifier(self, token: Token) -> RawNode:
        name = token["value"]
        if name in _CONSTANTS and self._tokens[self._index - 2]["type"] != "dot" and self._type() != "lparen":
            raise bare_constant(self._text, token["start"], token["end"])
        return _raw("field", value=name, quoted=False)

    def _token_nud_quoted_identifier(self, token: Token) -> RawNode:
        if self._type() == "lparen":
            message = "the name of a function stands without quotes"
            raise ExpressionError(message, token["start"], token["end"])
        return _raw("field", value=token["value"], quoted=True)

    def _token_nud_number(self, token: Token) -> RawNode:
        raise bare_number(self._text, token["start"])

    # operators

    def _token_nud_not(self, _token: Token) -> RawNode:
        return _raw("not_expression", self._expression(_BELOW_FLATTEN))

    def _token_led_or(self, left: RawNode) -> RawNode:
        return self._chain("or_expression", left, self._expression(self.BINDING_POWER["or"]))

    def _token_led_and(self, left: RawNode) -> RawNode:
        return self._chain("and_expression", left, self._expression(self.BINDING_POWER["and"]))

    def _token_led_pipe(self, left: RawNode) -> RawNode:
        return self._chain("pipe", left, self._expression(self.BINDING_POWER["pipe"]))

    def _chain(self, kind: str, left: RawNode, right: RawNode) -> RawNode:
        # One node for a whole chain keeps a long list of alternatives flat.
        operands = left["children"] if left["type"] == kind else [left]
        return _raw(kind, *operands, right)

    # calls, lists and objects

    def _token_led_lparen(self, left: RawNode) -> RawNode:
        before = self._tokens[self._index - 2]
        if left["type"] != "field" or before["type"] != "unquoted_identifier":
            self._index -= 1
            raise self._unexpected(None)
        arguments: list[RawNode] = []
        while self._type() != "rparen":
            if arguments:
                self._want("comma", "`,` or `)`")
            arguments.append(self._expression())
        self._index += 1
        return _raw("function_expression", *arguments, value=left["value"], name_start=left["start"])

    def _parse_multi_select_list(self) -> RawNode:
        start = self._tokens[self._index - 1]["start"]
        items = [self._expression()]
        while self._type() != "rbracket":
            self._want("comma", "`,` or `]`")
            items.append(self._expression())
        self._index += 1
        return self._placed(_raw("multi_select_list", *items), start)

    def _parse_multi_select_hash(self) -> RawNode:
        start = self._tokens[self._index - 1]["start"]
        entries = [self._entry()]
        while self._type() != "rbrace":
            self._want("comma", "`,` or `}`")
            entries.append(self._entry())
        self._index += 1
        return self._placed(_raw("multi_select_dict", *entries), start)

    def _entry(self) -> RawNode:
        key = self._tokens[self._index]
        if key["type"] not in ("quoted_identifier", "unquoted_identifier"):
            raise self._unexpected("a name")
        self._index += 1
        self._want("colon", "`:`")
        return self._placed(_raw("key_val_pair", self._expression(), value=key["value"]), key["start"])

    def _want(self, token_type: str, words: str) -> None:
        if self._type() != token_type:
            raise self._unexpected(words)
        self._index += 1

    # brackets

    def _parse_index_expression(self) -> RawNode:
        start = self._tokens[self._index - 1]["start"]
        following = self._tokens[self._index + 1]["type"]
        if self._type() == "number" and following not in ("rbracket", "colon", "eof"):
            raise bare_number(self._text, self._tokens[self._index]["start"])
        node: RawNode = super()._parse_index_expression()  # type: ignore[misc]  # absent from the stubs
        if node["type"] == "slice" and node["children"][2] == 0:
            message = "a slice cannot step by 0"
            raise ExpressionError(message, start, self._tokens[self._index - 1]["end"])
        return self._placed(node, start)

    def _token_led_lbracket(self, left: RawNode) -> RawNode:
        if self._type() not in ("number", "colon", "star"):
            raise self._unexpected("an index, `*` or a condition `[?…]`")
        node: RawNode = super()._token_led_lbracket(left)  # type: ignore[misc]  # absent from the stubs
        return node

    def _project_if_slice(self, left: RawNode, right: RawNode) -> RawNode:
        start: int = (left if "start" in left else right)["start"]
        node = self._placed(_raw("index_expression", left, right), start)
        if right["type"] != "slice":
            return node
        target = self._parse_projection_rhs(self.BINDING_POWER["star"])
        return self._placed(_raw("projection", node, target), start)

    def _token_nud_flatten(self, token: Token) -> RawNode:
        return self._flattened(_raw("identity"), token["start"])

    def _token_led_flatten(self, left: RawNode) -> RawNode:
        return self._flattened(left, left["start"])

    def _flattened(self, left: RawNode, start: int) -> RawNode:
        source = self._placed(_raw("flatten", left), start)
        target = self._parse_projection_rhs(self.BINDING_POWER["flatten"])
        return self._placed(_raw("projection", source, target), start)

    def _parse_projection_rhs(self, binding_power: int) -> RawNode:
        place = self._tokens[self._index - 1]["end"]
        node: RawNode = super()._parse_projection_rhs(binding_power)  # type: ignore[misc]  # absent from the stubs
        return self._implied(node, place)

    # what jmespath calls when it is lost

    def _raise_parse_error_for_token(self, token: Token, _reason: str) -> None:
        self._index = self._tokens.index(token)
        raise self._unexpected("a name, `[`, `{` or `*`" if self._tokens[self._index - 1]["type"] == "dot" else None)

    def _raise_parse_error_maybe_eof(self, expected_type: str | list[str], token: Token) -> None:
        self._index = self._tokens.index(token)
        raise self._unexpected(in_words(expected_type))
