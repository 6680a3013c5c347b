#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
# instructions.py OBJECT: that no secret can decide a jump or an address in this object, as far as its instructions alone can show it. Secrets
# enter by vector loads. Nothing may move them from there into a general register, a flag or a mask, and what is loaded into general
# registers comes without an index from the stack or the first 528 bytes of a struct (pointers, sizes, places; keys and texts stand behind).
import re
import subprocess
import sys

LEAVES = re.compile(r"v?(movd|movq|pextr[bwdq]|extractps|movmskp[sd]|pmovmskb|ptest|testp[sd]|u?comis[sd]|cvtt?s[sd]2u?si|pcmp[ei]str[im])$")
MASKS = re.compile(r"k[a-z]+$|vp?cmp\w*$|vptestn?m\w+$|vpmov\w2m$|v?p?gather\w+$|vp?scatter\w+$")
GENERAL = re.compile(r"%(?:[re]?[abcd]x|[re]?[sd]i|[re]?[sb]p|[abcd]l|sil|dil|r\d+[dwb]?)$")
LOAD = re.compile(r"(-?0x[0-9a-f]+)?\((%\w+)(,%\w+(?:,\d)?)?\)")
HEAD = 528


def problems(line, op, operands):
    last = operands.rsplit(",", 1)[-1].strip() if operands else ""
    vector = "%xmm" in operands or "%ymm" in operands or "%zmm" in operands
    if vector and MASKS.match(op):
        yield "a mask or an address out of a vector"
    if LEAVES.match(op) and (GENERAL.match(last) or not last.startswith("%xmm") or op.endswith(("test", "mskb"))) and "(" not in last:
        yield "a vector goes into a general register or a flag"
    source = operands.rsplit(",", 1)[0] if not last.startswith(("(", "0x", "-0x")) else ""
    load = LOAD.search(source)
    if load and not vector and op not in ("lea", "nop", "nopw", "nopl", "prefetcht0") and not op.startswith("call"):
        offset, base, index = load.groups()
        if base != "%rip" and base not in ("%rsp", "%rbp") and (index or not 0 <= int(offset or "0", 16) < HEAD):
            yield "a general register is loaded from where secrets stand"


def main():
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", sys.argv[1]], capture_output=True, text=True, check=True).stdout
    count = jumps = 0
    bad = []
    for line in text.splitlines():
        match = re.match(r"\s*[0-9a-f]+:\s+(?:(?:data16|cs|rep|notrack|xchg?)\s+)*(\S+)\s*(.*?)\s*(?:[#<].*)?$", line)
        if not match:
            continue
        op, operands = match.groups()
        count += 1
        jumps += op.startswith("j") and op != "jmp"
        bad += [f"{line.strip()}: {why}" for why in problems(line, op, operands)]
    if count < 100:
        bad.append("no instructions")
    print(f"{sys.argv[1].rsplit('/', 1)[-1]}: {count} instructions, {jumps} conditional jumps, {len(bad)} that let a secret out", *bad, sep="\n")
    sys.exit(1 if bad else 0)


main()
