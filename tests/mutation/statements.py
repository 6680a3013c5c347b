# SPDX-License-Identifier: BSL-1.0
"""Finds the statements, expressions and calls of the function bodies in a list of tokens: as much of a parser as mutation needs."""
from typing import NamedTuple, Optional

CLOSING = {"(": ")", "[": "]", "{": "}"}
TYPE_WORDS = {"const", "static", "volatile", "register", "unsigned", "signed", "int", "char", "short", "long", "void", "float", "double",
              "struct", "union", "enum", "_Bool", "extern", "typedef"}
JUMPS = {"return", "break", "continue", "goto"}
KEYWORDS = TYPE_WORDS | JUMPS | {"if", "else", "for", "while", "do", "switch", "case", "default", "sizeof", "_Alignof"}


class Statement(NamedTuple):
    kind: str  # "expression", "return", "jump", "if", "loop", "declaration"
    first: int  # tokens [first, end)
    end: int
    condition: Optional[tuple] = None  # tokens inside the parentheses, of if and loop
    guard: bool = False  # an if without else whose body only leaves


class Function(NamedTuple):
    name: str
    first: int  # its {
    end: int


def partner(tokens, at):
    """Index of what closes the bracket at `at`."""
    depth = 0
    for i in range(at, len(tokens)):
        text = tokens[i].text if tokens[i].kind == "mark" else ""
        if text in CLOSING:
            depth += 1
        elif text in CLOSING.values():
            depth -= 1
            if depth == 0:
                return i
    raise ValueError(f"line {tokens[at].line}: {tokens[at].text} is never closed")


def functions(tokens):
    """All function bodies: a { behind a ) at file level."""
    found, i = [], 0
    while i < len(tokens):
        if tokens[i].text not in CLOSING or tokens[i].kind != "mark":
            i += 1
            continue
        end = partner(tokens, i)
        if tokens[i].text == "{" and i > 0 and tokens[i - 1].text == ")":
            opening = next(j for j in range(i - 1, -1, -1) if tokens[j].text == "(" and partner(tokens, j) == i - 1)
            found.append(Function(tokens[opening - 1].text, i, end + 1))
        i = end + 1
    return found


def is_declaration(tokens, at):
    """A declaration begins with a word of a type, or with a name, stars, and a name that is declared."""
    if tokens[at].kind != "name":
        return False
    if tokens[at].text in TYPE_WORDS:
        return True
    if tokens[at].text in KEYWORDS:
        return False
    i = at + 1
    while tokens[i].text in ("*", "const"):
        i += 1
    return tokens[i].kind == "name" and tokens[i].text not in KEYWORDS and tokens[i + 1].text in ("=", ";", ",", "[")


class Parser:
    """Walks one function body; `statements` are in the order of the source, `expressions` are ranges of tokens."""

    def __init__(self, tokens, function):
        self.tokens = tokens
        self.statements = []
        self.expressions = []
        self.block(function.first)

    def text(self, at):
        return self.tokens[at].text

    def block(self, at):
        """Statements from the { at `at`; returns the index behind its }."""
        at += 1
        while self.text(at) != "}":
            at = self.statement(at)
        return at + 1

    def semicolon(self, at):
        while self.text(at) != ";":
            at = partner(self.tokens, at) + 1 if self.text(at) in CLOSING else at + 1
        return at

    def statement(self, at):
        token = self.tokens[at]
        if token.kind == "directive":
            return at + 1
        if token.text == "{":
            return self.block(at)
        if token.text in ("case", "default") or (token.kind == "name" and self.text(at + 1) == ":"):
            return self.label(at)
        handler = {"if": self.branch, "while": self.loop, "for": self.loop, "switch": self.switch, "do": self.do}.get(token.text)
        return handler(at) if handler else self.simple(at)

    def label(self, at):
        while self.text(at) != ":":
            at = partner(self.tokens, at) + 1 if self.text(at) in CLOSING else at + 1
        return at + 1

    def simple(self, at):
        end = self.semicolon(at) + 1
        if self.text(at) in JUMPS:
            kind = "return" if self.text(at) == "return" else "jump"
            first = at + 1
        elif is_declaration(self.tokens, at):
            self.declaration(at, end - 1)
            return end
        else:
            kind, first = "expression", at
        self.statements.append(Statement(kind, at, end))
        if first < end - 1 and kind != "jump":
            self.expressions.append((first, end - 1))
        return end

    def declaration(self, at, end):
        """Only the values given to what is declared are expressions."""
        self.statements.append(Statement("declaration", at, end + 1))
        i = at
        while i < end:
            if self.text(i) == "=":
                first = i + 1
                while i < end and self.text(i) != ",":
                    i = partner(self.tokens, i) + 1 if self.text(i) in CLOSING else i + 1
                self.expressions.append((first, i))
            else:
                i = partner(self.tokens, i) + 1 if self.text(i) in CLOSING else i + 1

    def leaves(self, first, end):
        """Whether the statement [first, end) does nothing but leave, perhaps after something else."""
        if self.text(first) in JUMPS:
            return True
        inner = [s for s in self.statements if s.first > first and s.end <= end]
        return self.text(first) == "{" and bool(inner) and inner[-1].kind in ("return", "jump") and inner[-1].end == end - 1

    def branch(self, at):
        close = partner(self.tokens, at + 1)
        place = len(self.statements)
        self.statements.append(None)
        self.expressions.append((at + 2, close))
        body_end = self.statement(close + 1)
        inner = self.statements[place + 1:]
        saved, self.statements = self.statements, inner
        guard = self.text(body_end) != "else" and self.leaves(close + 1, body_end)
        self.statements = saved
        end = self.statement(body_end + 1) if self.text(body_end) == "else" else body_end
        self.statements[place] = Statement("if", at, body_end, (at + 2, close), guard)
        return end

    def loop(self, at):
        close = partner(self.tokens, at + 1)
        if self.text(at) == "while":
            condition = (at + 2, close)
            self.expressions.append(condition)
        else:
            condition = self.head_of_for(at + 2, close)
        self.statements.append(Statement("loop", at, close + 1, condition))
        return self.statement(close + 1)

    def head_of_for(self, first, close):
        middle = self.semicolon(first)
        last = self.semicolon(middle + 1)
        if is_declaration(self.tokens, first):
            self.declaration(first, middle)
        elif first < middle:
            self.expressions.append((first, middle))
        if middle + 1 < last:
            self.expressions.append((middle + 1, last))
        if last + 1 < close:
            self.expressions.append((last + 1, close))
        return (middle + 1, last)

    def switch(self, at):
        close = partner(self.tokens, at + 1)
        self.expressions.append((at + 2, close))
        return self.statement(close + 1)

    def do(self, at):
        at = self.statement(at + 1)
        close = partner(self.tokens, at + 1)
        self.expressions.append((at + 2, close))
        self.statements.append(Statement("loop", at, close + 1, (at + 2, close)))
        return close + 2


def operand(tokens, at):
    """The index behind what a sizeof before `at` is asked about."""
    while tokens[at].text in ("*", "&"):
        at += 1
    at = partner(tokens, at) + 1 if tokens[at].text == "(" else at + 1
    while tokens[at].text in ("[", ".", "->"):
        at = partner(tokens, at) + 1 if tokens[at].text == "[" else at + 2
    return at


def calls(tokens, first, end):
    """(name, [ranges of arguments]) of every call in a range."""
    for i in range(first, end - 1):
        if tokens[i].kind != "name" or tokens[i].text in KEYWORDS or tokens[i + 1].text != "(":
            continue
        close = partner(tokens, i + 1)
        if close == i + 2:
            yield i, []
            continue
        arguments, begin, j = [], i + 2, i + 2
        while j < close:
            if tokens[j].text == ",":
                arguments.append((begin, j))
                begin = j + 1
            j = partner(tokens, j) + 1 if tokens[j].text in CLOSING else j + 1
        yield i, arguments + [(begin, close)]
