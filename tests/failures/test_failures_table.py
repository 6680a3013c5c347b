#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
# The table of others' failures is held against the tests there are; a row without a test, and a test without a row, are noticed.
import re
import unittest

import check


def tests_in_sources():
    found = {}
    for source in check.HERE.glob("test_flaws_*.c"):
        text = source.read_text(encoding="utf-8")
        found.update({f"{source.stem}:{name}": True for name in re.findall(r"^\s+(?:cmocka_unit_test|TEST)\((\w+)\)", text, re.M)})
    return found


class Table(unittest.TestCase):
    def setUp(self):
        self.rows, self.tests = check.read_table(check.HERE / "failures.tsv"), tests_in_sources()

    def test_every_failure_has_a_test_and_every_test_a_failure(self):
        self.assertGreater(len(self.rows), 90)
        self.assertEqual(list(check.judge(self.rows, self.tests)), [])

    def test_every_test_says_in_its_comment_whose_failure_it_is(self):
        for source in check.HERE.glob("test_flaws_*.c"):
            text = source.read_text(encoding="utf-8")
            for name in re.findall(r"^static void (\w+)\(void \*\*state\)", text, re.M):
                if f"{source.stem}:{name}" in self.tests:
                    before = text[: text.index(f"static void {name}(void **state)")]
                    self.assertRegex(before[before.rindex("/*") :], r"\w", name)

    def test_a_missing_test_is_noticed(self):
        for name in self.tests:
            fewer = {key: True for key in self.tests if key != name}
            self.assertTrue(list(check.judge(self.rows, fewer)), name)

    def test_a_failing_test_is_noticed(self):
        for name in self.tests:
            self.assertTrue(list(check.judge(self.rows, {**self.tests, name: False})), name)

    def test_a_test_that_stands_for_nothing_is_noticed(self):
        self.assertEqual(list(check.judge(self.rows, {**self.tests, "test_flaws_keys:nothing": True})), ["test_flaws_keys:nothing stands for no failure"])

    def test_a_row_that_says_too_little_is_noticed(self):
        self.assertTrue(list(check.judge([{**self.rows[0], "source": ""}] + self.rows[1:], self.tests)))


if __name__ == "__main__":
    unittest.main()
