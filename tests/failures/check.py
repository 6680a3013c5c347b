#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
# Runs the tests of others' failures and holds them against failures.tsv: every failure has a test that passed, every test stands for one.
#
#   tests/failures/check.py BUILD [TABLE]     the folder with the programs; another table than failures.tsv
import csv
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
COLUMNS = ["implementation", "source", "flaw", "test"]
LINE = re.compile(r"^(ok|not ok) \d+ - (\w+)", re.M)


def read_table(path):
    with open(path, encoding="utf-8") as f:
        rows = list(csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE))
    if not rows or list(rows[0]) != COLUMNS:
        sys.exit(f"{path}: the columns are not: " + " ".join(COLUMNS))
    return rows


def run(program):
    """Name of each test and whether it passed; a program that does not end well passes none."""
    environment = {**os.environ, "CMOCKA_MESSAGE_OUTPUT": "TAP"}
    done = subprocess.run([program], capture_output=True, text=True, check=False, env=environment)
    return {name: done.returncode == 0 and word == "ok" for word, name in LINE.findall(done.stdout + done.stderr)}


def judge(rows, results):
    """What is wrong, one line each."""
    named = {row["test"] for row in rows}
    for row in rows:
        if not all(row[column] for column in COLUMNS):
            yield "a row with an empty field: " + " | ".join(str(row[column]) for column in COLUMNS)
        if row["test"] not in results:
            yield f"{row['implementation']}, {row['source']}: there is no test {row['test']}"
        elif not results[row["test"]]:
            yield f"{row['implementation']}, {row['source']}: {row['test']} did not pass"
    for test in sorted(set(results) - named):
        yield f"{test} stands for no failure"


def main():
    build = Path(sys.argv[1]) / "tests"
    rows = read_table(sys.argv[2] if len(sys.argv) > 2 else HERE / "failures.tsv")
    results = {}
    for source in sorted(HERE.glob("test_flaws_*.c")):
        results.update({f"{source.stem}:{name}": good for name, good in run(build / source.stem).items()})
    wrong = list(judge(rows, results))
    for line in wrong:
        print(line)
    prevented = sum(results.get(row["test"], False) for row in rows)
    sources = len({row["implementation"] for row in rows})
    outcome = "all prevented" if prevented == len(rows) else f"{prevented} prevented"
    print(f"figure others-failures: {len(rows)} failures of {sources} implementations, {outcome} by {len(results)} tests")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
