#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
# The negative vectors are what their generator writes, have their twins, and are judged: a verdict that is changed is noticed.
import json
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import generate
from negative.primes import SAFE, SAFE_BUT_WRONG_SIZE, UNSAFE

LEDGER = generate.VECTORS.parent / "tests" / "requirements.numbers"
TOOLS = Path(os.environ.get("LINE_PEER", "build/tests/line_peer")).parent
OTHER = {"accept": "refuse", "refuse": "accept", "ignore": "refuse", "wait": "accept", "close": "refuse", "unsupported": "refuse", "unordered": "accept"}


def is_probable_prime(n):
    """Fermat's test to two bases: enough for numbers that nobody chose to deceive it."""
    return pow(2, n - 1, n) == 1 and pow(3, n - 1, n) == 1


def judge(cases, name):
    """What run_vectors says of a file: its exit status and the numbers of the cases that failed."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, name).write_text(generate.text_of(cases), encoding="utf-8")
        done = subprocess.run([TOOLS / "run_vectors", folder], capture_output=True, text=True, check=False)
    return done.returncode, {int(n) for n in re.findall(r"^FAIL .*?: case (\d+)", done.stdout, re.M)}


class Negative(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = generate.everything()

    def test_the_files_are_what_the_generator_writes(self):
        for name, cases in self.made.items():
            self.assertEqual((generate.VECTORS / name).read_text(encoding="utf-8"), generate.text_of(cases), name)

    def test_the_page_about_them_has_their_numbers(self):
        page = (generate.VECTORS / "README.md").read_text(encoding="utf-8")
        for name, cases in self.made.items():
            self.assertIn(f"| `{name}` | {len(cases)} |", page)

    def test_another_seed_gives_other_bytes_and_the_same_verdicts(self):
        other = generate.everything(2)
        for name in ("negative_envelope.json", "negative_file.json"):
            self.assertEqual([c["verdict"] for c in other[name]], [c["verdict"] for c in self.made[name]])
            self.assertNotEqual(other[name], self.made[name])

    def test_there_are_five_hundred_and_more_and_twins_in_every_file(self):
        negative = 0
        for name, cases in self.made.items():
            accepted = sum(c["verdict"] == "accept" for c in cases)
            self.assertGreater(accepted, 20, name)
            negative += len(cases) - accepted
        self.assertGreaterEqual(negative, 500)

    def test_every_case_names_a_rule_that_there_is(self):
        rules = set(re.findall(r"^\s*([RX]-[\w-]+)", LEDGER.read_text(encoding="utf-8"), re.M)) if LEDGER.exists() else set()
        self.assertTrue(rules)
        for cases in self.made.values():
            for case in cases:
                for rule in case["rule"].split(", "):
                    self.assertTrue(rule in rules or re.fullmatch(r"D-[0-3]\d", rule), rule)

    def test_no_two_cases_are_alike(self):
        for name, cases in self.made.items():
            whats = [json.dumps({k: v for k, v in c.items() if k not in ("what", "rule")}, sort_keys=True) for c in cases]
            self.assertEqual(len(set(whats)), len(whats), name)

    def test_the_numbers_are_what_their_names_say(self):
        for _, p in SAFE:
            self.assertTrue(p.bit_length() == 2048 and is_probable_prime(p) and is_probable_prime(p // 2))
        for _, p in SAFE_BUT_WRONG_SIZE:
            self.assertTrue(p.bit_length() != 2048 and is_probable_prime(p) and is_probable_prime(p // 2))
        for name, p in UNSAFE:
            self.assertTrue(p.bit_length() == 2048 and p % 2 == 1, name)
            composite = name.startswith(("a composite", "a product", "a Carmichael"))
            half = is_probable_prime(p // 2)
            self.assertEqual(pow(5, (p - 1) // 2, p) in (1, p - 1), not composite, name)
            self.assertEqual(half, name == "a composite whose half is prime", name)

    def test_each_residue_class_of_a_safe_prime_is_there(self):
        for modulus, classes in ((8, 2), (3, 1), (5, 3), (24, 2), (7, 5)):
            self.assertEqual(len({p % modulus for _, p in SAFE}), classes)

    def test_a_changed_verdict_is_noticed(self):
        for name in ("negative_dh.json", "negative_envelope.json", "negative_file.json", "negative_tl.json"):
            wrong = [{**c, "verdict": OTHER[c["verdict"]], "resend": [0, 0], **({"plaintext": ""} if "plaintext" in c else {})} for c in self.made[name][::9]]
            self.assertEqual(judge(wrong, name), (1, set(range(1, len(wrong) + 1))), name)

    def test_a_changed_reaction_is_noticed(self):
        wrong = []
        for i, case in enumerate(self.made["negative_rekey.json"][::5]):
            last = dict(case["steps"][-1])
            last[("sends", "key", "tells")[i % 3]] = (last["sends"] + ["Noop"], {"old": "new", "new": "old"}[last["key"]],
                                                      "failed" if last.get("tells") != "failed" else "rekeyed")[i % 3]
            wrong.append({**case, "steps": case["steps"][:-1] + [last]})
        self.assertEqual(judge(wrong, "negative_rekey.json"), (1, set(range(1, len(wrong) + 1))))

    def test_a_file_of_another_name_is_judged_by_its_fields(self):
        for name, cases in self.made.items():
            self.assertEqual(judge(cases[:3], "unheard_of_" + name.split("_")[1]), (0, set()), name)


if __name__ == "__main__":
    unittest.main()
