#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
# Every boundary lies where the rules say, and the program that says so notices when one is moved, rule by rule.
import os
import re
import subprocess
import unittest
from pathlib import Path

TOOLS = Path(os.environ.get("LINE_PEER", "build/tests/line_peer")).parent


def run(*words):
    done = subprocess.run([TOOLS / "boundaries", *words], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


class Boundaries(unittest.TestCase):
    def test_every_number_is_where_it_should_be(self):
        code, text = run()
        self.assertEqual(code, 0, text)
        self.assertGreaterEqual(int(re.search(r"figure boundaries: (\d+) cases", text).group(1)), 1500)

    def test_each_rule_notices_a_boundary_that_is_moved(self):
        for shift in ("1", "-1"):
            code, text = run("--shift", shift)
            self.assertEqual(code, 1)
            rules = re.findall(r"^(\S+) +\d+ cases, (\d+) wrong$", text, re.M)
            self.assertGreater(len(rules), 20)
            self.assertEqual([rule for rule, wrong in rules if wrong == "0"], [], shift)


if __name__ == "__main__":
    unittest.main()
