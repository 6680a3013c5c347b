#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
# A small share of every attack stays within its bound, and the program that says so can say the opposite.
import os
import re
import subprocess
import unittest
from pathlib import Path

TOOLS = Path(os.environ.get("LINE_PEER", "build/tests/line_peer")).parent


def run(*words):
    done = subprocess.run([TOOLS / "hostile_cost", *words], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


class Cost(unittest.TestCase):
    def test_every_attack_is_within_its_bound(self):
        code, text = run("--share", "50")
        self.assertEqual(code, 0, text)
        self.assertRegex(text, r"figure hostile-cost: (4\d|[5-9]\d) attacks, 0 over their bound")

    def test_whatever_is_counted_can_be_too_much(self):
        code, text = run("--share", "50", "--strict", "100000")
        self.assertEqual(code, 1)
        for what in ("AES blocks", "hashed bytes", "powers", "tests of primes", "allocations", "stored bytes", "requests", "bytes stay", "bytes at once"):
            self.assertIn(what, text.replace("over:", ""))
            self.assertTrue(re.search(rf"over: \d+ {what}", text), what)

    def test_no_attack_is_no_proof(self):
        self.assertEqual(run("--only", "an attack that nobody has thought of")[0], 1)


if __name__ == "__main__":
    unittest.main()
