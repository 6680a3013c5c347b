#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
# How coverage is judged: what was not reached counts unless a row names it, a row that names nothing is found out, and no share is rounded up.
import sys
import unittest
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

sys.dont_write_bytecode = True
loader = SourceFileLoader("coverage_run", str(Path(__file__).with_name("run")))
run = module_from_spec(spec_from_loader("coverage_run", loader))
loader.exec_module(run)

FILE = "src/a.c"
SOURCE = {FILE: ["static int f(int a) {", "  if (a) return 1;", "  if (a) return 2;", "  return 3;", "}"]}


class Rows(run.Exclusions):
    """Rows of a test instead of the file's."""

    def __init__(self, *keys):
        self.kernels = []
        self.rows = {key: {} for key in keys}
        self.unused = set(self.rows)


def branch(line, text, true, false):
    made = run.Branch("f", (line, 7, line, 8), text)
    made.counts = {"true": true, "false": false}
    return made


def judge(*keys):
    lines = {FILE: {1: 5, 2: 5, 3: 5, 4: 0}}
    branches = {FILE: [branch(2, "a", 1, 4), branch(3, "a", 0, 4)]}
    rows = Rows(*keys)
    sums, missing = run.judge(lines, branches, SOURCE, rows)
    return sums, [text for _, text in missing], rows.unused


class Coverage(unittest.TestCase):
    def test_what_was_not_reached_counts(self):
        sums, missing, _ = judge()
        self.assertEqual((sums["lines"], sums["reached"], sums["outcomes"], sums["taken"], sums["excluded"]), (4, 3, 4, 3, 0))
        self.assertEqual(missing, ["line src/a.c:4: f: return 3;", "branch src/a.c:3: f: a #2: never true"])

    def test_a_row_takes_out_what_it_names_and_nothing_else(self):
        sums, missing, unused = judge((FILE, "f", "a #2", "true"), (FILE, "f", "return 3;", "reached"))
        self.assertEqual((sums["lines"], sums["reached"], sums["outcomes"], sums["taken"], sums["excluded"]), (3, 3, 3, 3, 2))
        self.assertEqual((missing, unused), ([], set()))

    def test_a_row_for_what_was_reached_is_found_out(self):
        for key in ((FILE, "f", "a", "true"), (FILE, "f", "a #2", "false"), (FILE, "f", "a #3", "true"), (FILE, "g", "a #2", "true")):
            self.assertEqual(judge(key)[2], {key})

    def test_no_share_is_rounded_up(self):
        self.assertEqual(run.floor(99999, 100000), 99.99)
        self.assertEqual(run.floor(97999, 100000), 97.99)
        self.assertEqual(run.floor(7, 7), 100.0)

    def test_a_switch_over_an_enum_has_no_way_past_its_cases(self):
        source = ["  switch ((schat_state)chat->state) {", "  switch (action->type) {", "  switch (number) {"]
        self.assertTrue(run.is_whole_switch(source, (1, 11, 1, 35)))
        self.assertTrue(run.is_whole_switch(source, (2, 11, 2, 23)))
        self.assertFalse(run.is_whole_switch(source, (3, 11, 3, 17)))

    def test_the_text_of_a_condition_may_take_lines(self):
        self.assertEqual(run.text_of(["if (a &&", "    b) c;"], (1, 5, 2, 6)), "a &&     b")


if __name__ == "__main__":
    unittest.main()
