# SPDX-License-Identifier: BSL-1.0
"""Cuts C source into tokens that know where they stand. Comments are skipped; a preprocessor line is one token."""
import re
from typing import NamedTuple

PATTERN = re.compile(r"""
  (?P<space>[ \t\r\n\f\v]+|\\\n)
| (?P<comment>/\*.*?\*/|//[^\n]*)
| (?P<directive>\#(?:\\\n|/\*.*?\*/|[^\n])*)
| (?P<string>(?:u8|u|U|L)?"(?:\\.|[^"\\\n])*")
| (?P<char>(?:u|U|L)?'(?:\\.|[^'\\\n])*')
| (?P<number>\.?[0-9](?:[eEpP][+-]|[0-9a-zA-Z_.])*)
| (?P<name>[A-Za-z_][A-Za-z_0-9]*)
| (?P<mark>\.\.\.|<<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|\#\#|[-+*/%&|^~!<>=?:;,.(){}\[\]])
""", re.X | re.S)


class Token(NamedTuple):
    kind: str  # directive, string, char, number, name or mark
    text: str
    start: int  # offset in the source
    line: int
    column: int

    @property
    def end(self):
        return self.start + len(self.text)


def tokens(source):
    """All tokens of a source text. Anything that is no token of C raises ValueError."""
    found, at, line, line_start = [], 0, 1, 0
    while at < len(source):
        match = PATTERN.match(source, at)
        if match is None:
            raise ValueError(f"line {line}: no token: {source[at:at + 20]!r}")
        kind, text = match.lastgroup, match.group()
        if kind not in ("space", "comment"):
            found.append(Token(kind, text, at, line, at - line_start + 1))
        breaks = text.count("\n")
        if breaks:
            line += breaks
            line_start = at + text.rindex("\n") + 1
        at = match.end()
    return found
