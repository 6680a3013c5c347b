# SPDX-License-Identifier: BSL-1.0
"""Puts many mutants into one text: each has a copy of its function, and the function itself calls the copy that is wanted.

A mutant then costs no compiler and no linker, only the tests. Which copy is wanted stands in `mutation_active`; 0 is the function as it
is. What a mutant changes outside of such a function (a named number, a table, a function with attributes) is compiled by itself."""
import re

import lexer
import operators
import statements as syntax

RUNTIME = """\
#include <stdlib.h>
unsigned mutation_active;
__attribute__((constructor)) static void choose_mutant(void) {
  const char *number = getenv("MUTATION_ACTIVE");
  if (number != NULL) mutation_active = (unsigned)strtoul(number, NULL, 10);
}
"""


class Signature:
    """What stands before a function's body."""

    def __init__(self, tokens, function, source):
        opening = next(j for j in range(function.first - 1, -1, -1)
                       if tokens[j].text == "(" and syntax.partner(tokens, j) == function.first - 1)
        first = opening - 1
        while first > 0 and tokens[first - 1].text not in (";", "}") and tokens[first - 1].kind != "directive":
            first -= 1
        words = [t.text for t in tokens[first:opening - 1]]
        self.start = tokens[first].start
        self.head = source[self.start:tokens[opening - 1].start].strip()
        self.parameters = source[tokens[opening].start:tokens[function.first - 1].end]
        self.names = self.parameter_names(tokens, opening + 1, function.first - 1)
        plain = not any(re.match(r"SCHAT__[A-Z]|WIDE|inline|__attribute__", w) for w in words)
        self.usable = plain and self.names is not None
        self.returns = [w for w in words if w not in ("static", "const")] != ["void"]

    @staticmethod
    def parameter_names(tokens, first, end):
        """The names, or None for what is no simple list."""
        names, last, depth = [], None, 0
        for token in tokens[first:end]:
            if token.text in ("(", "..."):
                return None
            depth += {"[": 1, "]": -1}.get(token.text, 0)
            if depth == 0 and token.text == ",":
                names.append(last)
            elif depth == 0 and token.kind == "name":
                last = token.text
        return [] if last in (None, "void") else [*names, last]


def copy(signature, name, number, body):
    head = signature.head if signature.head.split()[0] == "static" else "static " + signature.head
    return f'#line 1 "mutant{number}"\n__attribute__((noinline)) {head} {name}__m{number}{signature.parameters} {body}\n'


def dispatcher(signature, name, numbers):
    arguments = ", ".join(signature.names)

    def call(number):
        text = f"{name}__m{number}({arguments});"
        return f"return {text}" if signature.returns else f"{text} return;"

    cases = "".join(f"case {n}u: {call(n)}\n" for n in numbers)
    return (f'#line 1 "dispatcher"\n{signature.head} {name}{signature.parameters} {{\nswitch (mutation_active) {{\n{cases}'
            f"default: {call(0)}\n}}\n}}\n")


def combine(source, numbered):
    """(text with every usable mutant of `numbered` [(number, mutant)] in it, the numbers that are in it)."""
    tokens = lexer.tokens(source)
    parts, at, inside = ["extern unsigned mutation_active;\n"], 0, set()
    for function in syntax.functions(tokens):
        signature = Signature(tokens, function, source)
        start, end = tokens[function.first].start, tokens[function.end - 1].end
        members = [(n, m) for n, m in numbered if start <= m.start < end]
        if not members or not signature.usable:
            continue
        inside.update(n for n, _ in members)
        parts.append(source[at:signature.start] + "\n")
        parts.append(copy(signature, function.name, 0, source[start:end]))
        for number, mutant in members:
            body = operators.apply(source, mutant)[start:end + len(mutant.text) - (mutant.end - mutant.start)]
            parts.append(copy(signature, function.name, number, body))
        parts.append(dispatcher(signature, function.name, [n for n, _ in members]))
        at = end
    parts.append(source[at:])
    return "".join(parts), inside


def refused(report):
    """Numbers of the mutants that the compiler's report calls wrong, and whether anything else is wrong."""
    numbers, other = set(), False
    for match in re.finditer(r"^([^:\n]+):\d+:(?:\d+:)? (?:fatal )?error:", report, re.M):
        mutant = re.fullmatch(r".*?mutant(\d+)", match.group(1))
        if mutant and mutant.group(1) != "0":
            numbers.add(int(mutant.group(1)))
        else:
            other = True
    return numbers, other


def codes(disassembly):
    """{number: (function, its code without its own name)} out of `objdump -dr` of an object with a section for each function."""
    found = {}
    for part in re.split(r"^Disassembly of section ", disassembly, flags=re.M)[1:]:
        match = re.match(r"\.text\.(\w+)__m(\d+):\n", part)
        if match is None:
            continue
        own = f"{match.group(1)}__m{match.group(2)}"
        code = part[match.end():].replace(own, "own")
        found[(match.group(1), int(match.group(2)))] = re.sub(r"\s+", " ", code)
    return found
