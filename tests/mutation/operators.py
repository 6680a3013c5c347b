# SPDX-License-Identifier: BSL-1.0
"""The mutants of a source file: small changes that a test should notice.

  rel      < and <=, > and >=, == and != change places
  inc dec  a whole number is one more, one less
  arith    + and -, * and /, << and >>, & and |, ++ and -- change places, also with =; ^ and % get another
  andor    && and || change places
  not      a ! is dropped
  neg      the condition of an if or a loop is negated
  choose   the two values of ?: change places
  drop     a call, an assignment, a break or a continue is left out
  ret      another value is returned: 0, or -1 instead of SCHAT_OK
  swapN    the arguments N and N+1 of a call change places
  wipe     a call that overwrites a secret is left out, or frees without overwriting
  check    an `if` that only leaves is left out

A mutant is named file:line:column:operator. What is left out on purpose has a rule with a name: see RULES."""
import re
from typing import NamedTuple

import lexer
import statements as syntax

RULES = {
    "declarations": "array sizes, types, case labels and enumerators are no behaviour of their own",
    "debug-checks": "lines between #if defined(SCHAT_DEBUG_CHECKS) and #endif are a check of their own",
    "sizeof": "what sizeof is asked about is not evaluated: another element of an array has the same size",
    "symmetric": "arguments that a function only compares or joins, in whichever order, do not change places",
    "truth": "return 1, or a variable that is only set to 1, is as true as 2",
    "long-table": "of a table of more than 16 numbers only the first and the last are changed",
    "below-zero": "0 is only made 1, as -1 is no number to most of what is counted from 0",
    "same-mutant": "a condition that is one comparison or begins with ! is negated by rel or not; a statement that is all of an if's body is dropped, not the if",
}

LONG_TABLE = 16
RELATIONS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*", "%": "*", "<<": ">>", ">>": "<<", "&": "|", "|": "&", "^": "&"}
ASSIGNED = {"+=": "-=", "-=": "+=", "*=": "/=", "/=": "*=", "<<=": ">>=", ">>=": "<<=", "&=": "|=", "|=": "&=", "^=": "&=", "++": "--", "--": "++"}
ASSIGNMENTS = {"=", "%="} | set(ASSIGNED)
WIPES = {"schat__wipe", "OPENSSL_cleanse", "BN_clear"}
WIPING_FREES = {"BN_clear_free": "BN_free"}
# The argument from which two are interchangeable: comparisons whose sign nobody looks at (ORDERED), and what joins two values.
SYMMETRIC = {"schat__equal": 1, "CRYPTO_memcmp": 1, "mask_of_equal": 1, "xor_half": 2, "xor_block": 2, "_mm_xor_si128": 1, "_mm256_xor_si256": 1,
             "_mm512_xor_si512": 1, "_mm_or_si128": 1}
ORDERED = {"memcmp", "strcmp"}
INTEGER = re.compile(r"(0[xX][0-9a-fA-F]+|[0-9]+)([uUlL]*)$")


class Mutant(NamedTuple):
    file: str
    line: int
    column: int
    operator: str
    start: int  # the text [start, end) of the file becomes `text`
    end: int
    text: str
    function: str
    lines: tuple  # where it shows, the first that has code of its own: its line, that of its statement; all uses of what it names

    @property
    def name(self):
        return f"{self.file}:{self.line}:{self.column}:{self.operator}"


class Finder:
    """Collects the mutants of one file."""

    def __init__(self, file, source):
        self.file = file
        self.source = source
        self.tokens = lexer.tokens(source)
        self.found = {}
        self.function = ""
        self.lines = {}  # token index: line of its statement
        self.uses = ()  # lines with the name of the macro or table that is changed
        self.quiet = self.debug_regions()

    def debug_regions(self):
        """Offsets of the code that only debug builds have."""
        regions, stack = [], []
        for token in self.tokens:
            if token.kind != "directive":
                continue
            if re.match(r"#\s*if", token.text):
                stack.append(token.start if "SCHAT_DEBUG_CHECKS" in token.text else None)
            elif re.match(r"#\s*endif", token.text) and stack:
                start = stack.pop()
                if start is not None:
                    regions.append((start, token.end))
        return regions

    def add(self, operator, at, start, end, text):
        if any(a <= start < b for a, b in self.quiet):
            return
        token = self.tokens[at]
        mutant = Mutant(self.file, token.line, token.column, operator, start, end, text, self.function,
                        self.uses or (token.line, self.lines.get(at, token.line)))
        self.found.setdefault(mutant.name, mutant)

    def replace(self, operator, at, text):
        self.add(operator, at, self.tokens[at].start, self.tokens[at].end, text)

    def span(self, first, end):
        return self.source[self.tokens[first].start:self.tokens[end - 1].end]

    # Numbers ---------------------------------------------------------------------------------------------------------------------

    def number(self, at, truth=False):
        match = INTEGER.match(self.tokens[at].text)
        if match is None:
            return
        value, suffix = int(match.group(1), 8 if re.match(r"0[0-7]", match.group(1)) else 0), match.group(2)
        written = hex if match.group(1).lower().startswith("0x") else str
        if not (truth and value == 1):
            self.replace("inc", at, written(value + 1) + suffix)
        if value > 0:
            self.replace("dec", at, written(value - 1) + suffix)

    def macros(self):
        """Numbers that a file gives a name: #define NAME expression."""
        for at, token in enumerate(self.tokens):
            match = re.match(r"#\s*define\s+(\w+)[ \t]+(?=[^ \t\n])", token.text) if token.kind == "directive" else None
            if match is None:
                continue
            self.uses = self.lines_with(match.group(1), token.line)
            body = re.sub(r"/\*.*?\*/", lambda m: " " * len(m.group()), token.text[match.end():], flags=re.S)
            if re.search(r"[{};\"#\\]", body):
                continue
            for inner in lexer.tokens(body):
                if inner.kind == "number":
                    self.macro_number(token, match.end(), inner)

    def macro_number(self, directive, offset, inner):
        finder = Finder.__new__(Finder)
        finder.__dict__.update(file=self.file, source=self.source, found=self.found, function="", lines={}, quiet=self.quiet, uses=self.uses)
        finder.tokens = [inner._replace(start=directive.start + offset + inner.start, line=directive.line, column=offset + inner.column)]
        finder.number(0)

    def tables(self, functions):
        """Numbers in the initialisers at file level."""
        inside = [(f.first, f.end) for f in functions]
        for at, token in enumerate(self.tokens):
            if token.text != "=" or any(a <= at < b for a, b in inside):
                continue
            end = at
            while self.tokens[end].text != ";":
                end = syntax.partner(self.tokens, end) + 1 if self.tokens[end].text in syntax.CLOSING else end + 1
            names = [t.text for t in self.tokens[max(0, at - 12):at] if t.kind == "name"]
            self.uses = self.lines_with(names[-1], token.line) if names else ()
            numbers = [i for i in range(at, end) if self.tokens[i].kind == "number"]
            for i in numbers if len(numbers) <= LONG_TABLE else (numbers[0], numbers[-1]):
                self.number(i)

    def lines_with(self, name, but):
        """Lines that use a name, also by way of a macro that is made of it."""
        found = set()
        for token in self.tokens:
            if token.kind == "directive":
                macro = re.match(r"#\s*define\s+(\w+)\b(.*)", token.text, re.S)
                if macro and macro.group(1) != name and re.search(rf"\b{name}\b", macro.group(2)):
                    found.update(self.lines_with(macro.group(1), token.line))
            elif token.text == name and token.line != but:
                found.add(token.line)
        return tuple(sorted(found))

    # Expressions -----------------------------------------------------------------------------------------------------------------

    def binary(self, at):
        """Whether the operator at `at` has a left and a right side."""
        before, after = self.tokens[at - 1], self.tokens[at + 1]
        if after.text == ")":
            return False
        return before.kind in ("number", "char") or before.text in (")", "]") or (before.kind == "name" and before.text not in syntax.KEYWORDS)

    def expression(self, first, end, truth=False):
        unevaluated = first
        for at in range(first, end):
            token = self.tokens[at]
            if token.text == "sizeof":
                unevaluated = syntax.operand(self.tokens, at + 1)
            if at < unevaluated:
                continue
            if token.kind == "number":
                self.number(at, truth)
            elif token.kind == "mark":
                self.operator(at, token.text, end)
        for name_at, arguments in syntax.calls(self.tokens, first, end):
            self.arguments(name_at, arguments)

    def operator(self, at, text, end):
        if text in RELATIONS:
            self.replace("rel", at, RELATIONS[text])
        elif text in ("&&", "||"):
            self.replace("andor", at, "||" if text == "&&" else "&&")
        elif text == "!":
            self.replace("not", at, "")
        elif text in ASSIGNED:
            self.replace("arith", at, ASSIGNED[text])
        elif text in ARITHMETIC and self.binary(at):
            self.replace("arith", at, ARITHMETIC[text])
        elif text == "?":
            self.choice(at, end)

    def choice(self, at, end):
        """a ? b : c becomes a ? c : b."""
        i, depth = at + 1, 0
        while not (self.tokens[i].text == ":" and depth == 0):
            depth += {"?": 1, ":": -1}.get(self.tokens[i].text, 0)
            i = syntax.partner(self.tokens, i) + 1 if self.tokens[i].text in syntax.CLOSING else i + 1
        colon, last = i, i + 1
        while last < end and self.tokens[last].text not in (",", ")", "]", "}", ";", ":"):
            last = syntax.partner(self.tokens, last) + 1 if self.tokens[last].text in syntax.CLOSING else last + 1
        text = f"? ({self.span(colon + 1, last)}) : ({self.span(at + 1, colon)})"
        self.add("choose", at, self.tokens[at].start, self.tokens[last - 1].end, text)

    def symmetric(self, name_at, n, close):
        name = self.tokens[name_at].text
        if name in ORDERED and n == 1:
            return self.tokens[close + 1].text in ("==", "!=") or self.tokens[name_at - 1].text == "!"
        return SYMMETRIC.get(name) == n

    def arguments(self, name_at, arguments):
        for n, (left, right) in enumerate(zip(arguments, arguments[1:]), 1):
            a, b = self.span(*left), self.span(*right)
            if a == b or self.symmetric(name_at, n, arguments[-1][1]):
                continue
            start, end = self.tokens[left[0]].start, self.tokens[right[1] - 1].end
            between = self.source[self.tokens[left[1] - 1].end:self.tokens[right[0]].start]
            self.add(f"swap{n}", name_at, start, end, b + between + a)

    # Statements ------------------------------------------------------------------------------------------------------------------

    def statement(self, s):
        if s.kind == "expression":
            self.dropped(s)
        elif s.kind == "jump":
            self.drop("drop", s)
        elif s.kind == "return":
            self.returned(s)
        elif s.kind == "if" and s.guard:
            self.drop("check", s)
        if s.condition is not None:
            self.negated(*s.condition)

    def drop(self, operator, s):
        self.add(operator, s.first, self.tokens[s.first].start, self.tokens[s.end - 1].end, ";")

    def dropped(self, s):
        at = s.first
        if self.tokens[at].text == "(" and self.tokens[at + 1].text == "void":  # (void)call();
            at += 3
        name = self.tokens[at].text
        if name in WIPES:
            return self.drop("wipe", s)
        if name in WIPING_FREES:
            return self.replace("wipe", at, WIPING_FREES[name])
        marks = {self.tokens[i].text for i in range(s.first, s.end) if self.tokens[i].kind == "mark"}
        if marks & ASSIGNMENTS or "(" in marks:
            self.drop("drop", s)

    def returned(self, s):
        value = self.span(s.first + 1, s.end - 1) if s.end - s.first > 2 else ""
        if value == "SCHAT_OK":
            self.add("ret", s.first, self.tokens[s.first + 1].start, self.tokens[s.end - 2].end, "-1")
        elif value and not INTEGER.match(value) and value != "NULL":
            self.add("ret", s.first, self.tokens[s.first + 1].start, self.tokens[s.end - 2].end, "0")

    def negated(self, first, end):
        if first >= end:
            return
        depth_marks, i = [], first
        while i < end:
            depth_marks.append(self.tokens[i].text)
            i = syntax.partner(self.tokens, i) + 1 if self.tokens[i].text in syntax.CLOSING else i + 1
        single = not {"&&", "||", "?", "="} & set(depth_marks)
        if single and ({"==", "!="} & set(depth_marks) or depth_marks[0] == "!"):
            return
        self.add("neg", first, self.tokens[first].start, self.tokens[end - 1].end, f"!({self.span(first, end)})")

    def find(self):
        functions = syntax.functions(self.tokens)
        self.macros()
        self.tables(functions)
        self.uses = ()
        for function in functions:
            self.function = function.name
            parser = syntax.Parser(self.tokens, function)
            for s in parser.statements:
                for i in range(s.first, s.condition[1] if s.condition else s.end):
                    self.lines[i] = self.tokens[s.first].line
            for s in parser.statements:
                self.statement(s)
            for first, end in parser.expressions:
                sets = end - first > 2 and self.tokens[end - 2].text == "="
                self.expression(first, end, sets or (end - first == 1 and self.tokens[first - 1].text == "return"))
        return sorted(self.found.values(), key=lambda m: (m.line, m.column, m.operator))


def mutants(file, source):
    """All mutants of a source text, in the order of their places."""
    return Finder(file, source).find()


def apply(source, mutant):
    return source[:mutant.start] + mutant.text + source[mutant.end:]
