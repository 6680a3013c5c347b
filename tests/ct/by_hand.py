#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
# by_hand.py IN OUT: rewrites assembly so that instructions which the checker does not know become some that it does: each AES instruction on
# 256 bits two on 128 bits, each of SHA-256 a call of what by_hand.c computes. Nothing else changes: no flag, no register but the result, no
# jump, no other load or store.
import re
import sys

WIDE = re.compile(r"^\s*(vaes(?:enc|dec)(?:last)?)\s+(.+),\s*%ymm(\d+),\s*%ymm(\d+)\s*(?:#.*)?$")
SHA = re.compile(r"^\s*(sha256(?:rnds2|msg1|msg2))\s+(?:%xmm0,\s*)?(\S.*),\s*%xmm(\d+)\s*(?:#.*)?$")
UNKNOWN = re.compile(r"vaes\w+[^\n]*%[yz]mm|^\s*sha(?:1|256)\w+\s", re.M)

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
# Below the stack pointer there may be something: 128 bytes are passed over.
CALL = """\
\tmovdqu %xmm{result}, ct_sha_state(%rip)
\tmovdqu %xmm0, ct_sha_words(%rip)
\tmovdqu %xmm{spare}, ct_spare(%rip)
\tmovdqu {other}, %xmm{spare}
\tmovdqu %xmm{spare}, ct_sha_other(%rip)
\tmovdqu ct_spare(%rip), %xmm{spare}
\tleaq -128(%rsp), %rsp
\tcall ct_call_{op}
\tleaq 128(%rsp), %rsp
\tmovdqu ct_sha_state(%rip), %xmm{result}
"""
PLACES = "".join(f"\t.local ct_{name}\n\t.comm ct_{name},32,32\n" for name in ("state", "spare", "key"))


def spare(*taken):
    return next(n for n in range(15, 0, -1) if str(n) not in taken and f"%xmm{n}" not in taken and f"%ymm{n}" not in taken)


def by_hand(line):
    wide, sha = WIDE.match(line), SHA.match(line)
    if wide:
        op, key, state, result = wide.groups()
        return HALVES.format(op=op, key=key, state=state, result=result, spare=spare(key, state, result)), 1
    if sha:
        op, other, result = sha.groups()
        return CALL.format(op=op, other=other, result=result, spare=spare(other, result)), 1
    return line, 0


def main():
    with open(sys.argv[1], encoding="utf-8") as source:
        lines = [by_hand(line) for line in source]
    text = "".join(line for line, _ in lines)
    if not any(found for _, found in lines) or UNKNOWN.search(text):
        sys.exit(f"{sys.argv[1]}: no such instruction, or one that is not understood")
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        out.write(text + PLACES)


main()
