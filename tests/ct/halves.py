#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
# halves.py IN OUT: rewrites assembly so that each AES instruction on 256 bits is two on 128 bits, for a checker that knows only those.
# Nothing else changes: no flag, no register but the result, no jump, no other load or store.
import re
import sys

WIDE = re.compile(r"^\s*(vaes(?:enc|dec)(?:last)?)\s+(.+),\s*%ymm(\d+),\s*%ymm(\d+)\s*(?:#.*)?$")

# Both operands are read before a register is written; the moves through memory keep what is known of each bit.
HALVES = """\
\tvmovdqu %ymm{state}, ct_state(%rip)
\tvmovdqu %ymm{spare}, ct_spare(%rip)
\tvmovdqu {key}, %ymm{spare}
\tvmovdqu %ymm{spare}, ct_key(%rip)
\tvmovdqu ct_state(%rip), %xmm{spare}
\t{op} ct_key(%rip), %xmm{spare}, %xmm{spare}
\tvmovdqu %xmm{spare}, ct_state(%rip)
\tvmovdqu ct_state+16(%rip), %xmm{spare}
\t{op} ct_key+16(%rip), %xmm{spare}, %xmm{spare}
\tvmovdqu %xmm{spare}, ct_state+16(%rip)
\tvmovdqu ct_spare(%rip), %ymm{spare}
\tvmovdqu ct_state(%rip), %ymm{result}
"""
PLACES = "".join(f"\t.local ct_{name}\n\t.comm ct_{name},32,32\n" for name in ("state", "spare", "key"))


def in_halves(line):
    match = WIDE.match(line)
    if not match:
        return line, 0
    op, key, state, result = match.groups()
    spare = next(n for n in range(16) if str(n) not in (state, result) and f"%ymm{n}" != key)
    return HALVES.format(op=op, key=key, state=state, result=result, spare=spare), 1


def main():
    with open(sys.argv[1], encoding="utf-8") as source:
        lines = [in_halves(line) for line in source]
    text = "".join(line for line, _ in lines)
    if not any(found for _, found in lines) or re.search(r"vaes\w+[^\n]*%[yz]mm", text):
        sys.exit(f"{sys.argv[1]}: no AES instruction on 256 bits, or one that is not understood")
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        out.write(text + PLACES)


main()
