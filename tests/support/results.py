#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
# Counts test cases: turns what test programs print into rows (build, program:test, verdict) and sums them up.
#
#   results.py junit BUILD FILE             rows for every program of a ctest --output-junit file
#   results.py tap BUILD PROGRAM CODE FILE  rows for the output of one program that ended with CODE
#   results.py quick FILE SECONDS           programs of a junit file, the quickest first, that together took so long
#   results.py summary FILE                 failures, then "N passed, N failed"
import re
import sys
import xml.etree.ElementTree as ElementTree

CASE = re.compile(r"^(ok|not ok) \d+ - (.+?)\s*$", re.M)
SKIP = re.compile(r"^(?:not )?ok \d+ # SKIP (.+?)\s*$", re.M)
PLAN = re.compile(r"^1\.\.(\d+)\s*$", re.M)
UNITTEST = re.compile(r"^(test_\w+) \(.*\)(?:\n.*)? \.\.\. (ok|FAIL|ERROR|skipped)", re.M)
SUM = re.compile(r"\b(\d+) passed, (\d+) failed")


def cases(program, good_end, output):
    """(name, passed) of every case in a program's output. A case that never reported has failed, a skipped one too."""
    found = [(f"{program}:{name}", verdict == "ok") for verdict, name in CASE.findall(output)]
    found += [(f"{program}:{name}", False) for name in SKIP.findall(output)]
    found += [(f"{program}:{name}", verdict == "ok") for name, verdict in UNITTEST.findall(output)]
    planned = sum(int(n) for n in PLAN.findall(output))
    if not found and not planned and SUM.search(output):
        passed, failed = (int(n) for n in SUM.findall(output)[-1])
        found = [(f"{program}:case {i + 1}", i < passed) for i in range(passed + failed)]
    found += [(f"{program}:case {i + 1} of {planned}", False) for i in range(len(found), planned)]
    if not found:
        found = [(f"{program}:{program}", good_end)]
    if not good_end and all(passed for _, passed in found):
        found.append((f"{program}:ends well", False))
    return found


def show(build, found):
    for name, passed in found:
        print(build, name, "passed" if passed else "failed", sep="\t")


def programs(path):
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        yield case.get("name"), case.get("status") == "run", float(case.get("time", "0")), case.findtext("system-out") or ""


def quick(path, seconds):
    total = 0.0
    for taken, name in sorted((taken, name) for name, good, taken, _ in programs(path) if good):
        total += taken
        if total <= seconds:
            print(name)


def summary(path):
    verdicts = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            build, name, verdict = line.rstrip("\n").split("\t")
            bad = verdicts.setdefault(name, [])
            if verdict != "passed":
                bad.append(build)
    for name, bad in verdicts.items():
        if bad:
            print(f"FAILED {name} ({', '.join(bad)})")
    failed = sum(bool(bad) for bad in verdicts.values())
    print(f"{len(verdicts) - failed} passed, {failed} failed")
    return 1 if failed or not verdicts else 0


def main(verb, *args):
    if verb == "junit":
        for name, good, _, output in programs(args[1]):
            show(args[0], cases(name, good, output))
    elif verb == "tap":
        with open(args[3], encoding="utf-8", errors="replace") as f:
            show(args[0], cases(args[1], args[2] == "0", f.read()))
    elif verb == "quick":
        quick(args[0], float(args[1]))
    elif verb == "summary":
        return summary(args[0])
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
