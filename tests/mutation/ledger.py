# SPDX-License-Identifier: BSL-1.0
"""Groups and their goals, the list of accepted survivors, and which programs noticed mutants of a file before."""
import csv
import hashlib
import re
from collections import Counter
from pathlib import Path

GROUPS = [  # name, files, share to be killed of what is not listed as equivalent
    ("crypto", r"src/crypto/", 1.0),
    ("envelope", r"src/envelope/", 1.0),
    ("inbound", r"src/chat/inbound\.c", 1.0),
    ("outbound", r"src/chat/outbound\.c", 1.0),
    ("rekey", r"src/chat/rekey\.c", 1.0),
    ("rest", r"", 0.0),
]
GOAL = 0.9  # over all
HINTS = ["file", "program", "test", "kills"]
COLUMNS = ["file", "function", "operator", "code", "reason"]


def group_of(file):
    return next(name for name, pattern, _ in GROUPS if re.match(pattern, file))


def goal_of(file):
    return next(goal for name, _, goal in GROUPS if name == group_of(file))


def code_of(mutant, source):
    """The line of a mutant with the changed place in marks: it outlives changes elsewhere in the file."""
    start = source.rfind("\n", 0, mutant.start) + 1
    end = source.find("\n", mutant.start)
    stop = min(mutant.end, end if end >= 0 else len(source))
    line = source[start:mutant.start] + "«" + source[mutant.start:stop] + "»" + source[stop:end if end >= 0 else len(source)]
    return re.sub(r"\s+", " ", line).strip()


def key_of(mutant, source):
    return mutant.file, mutant.function, mutant.operator, code_of(mutant, source)


def lot_of(mutant, source, seed):
    """What a sample is ordered by: a mutant keeps its lot when other code changes, and a smaller sample is part of a larger one."""
    return hashlib.sha256("\t".join([str(seed), *key_of(mutant, source)]).encode()).digest(), mutant.start


def read_rows(path, columns):
    if not Path(path).exists():
        return []
    with open(path, encoding="utf-8") as f:
        rows = [row for row in csv.reader(f, delimiter="\t", quoting=csv.QUOTE_NONE) if row]
    if rows[0] != columns or any(len(row) != len(columns) for row in rows):
        raise SystemExit(f"{path}: every row has the columns " + ", ".join(columns))
    return rows[1:]


def read_survivors(path):
    """{key: reason} of the survivors that are accepted."""
    accepted = {}
    for *key, reason in read_rows(path, COLUMNS):
        if not reason.strip():
            raise SystemExit(f"{path}: no reason: {key}")
        accepted[tuple(key)] = reason
    return accepted


def read_hints(path):
    """{file: {(program, test): kills}}"""
    hints = {}
    for file, program, test, kills in read_rows(path, HINTS):
        hints.setdefault(file, Counter())[program, test] = int(kills)
    return hints


def write_hints(path, hints, keep=12):
    with open(path, "w", encoding="utf-8") as f:
        f.write("\t".join(HINTS) + "\n")
        for file in sorted(hints):
            for (program, test), kills in sorted(hints[file].items(), key=lambda item: (-item[1], item[0]))[:keep]:
                f.write(f"{file}\t{program}\t{test}\t{kills}\n")
