#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
# The known answers with every kernel of this processor, one run each, chosen through the environment as a build with test hooks allows.
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

VECTORS = Path(__file__).resolve().parent.parent.parent / "vectors"
TOOLS = Path(os.environ.get("LINE_PEER", "build/tests/line_peer")).parent
FILES = ("ige.json", "kdf.json", "envelope.json", "envelope_reject.json", "negative_envelope.json", "negative_file.json")


class Forced(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        for name in FILES:
            shutil.copy(VECTORS / name, cls.folder.name)
        free = cls.run_with()
        cls.kernels = cls.line(free, "kernels here")
        cls.hashes = cls.line(free, "hashes here")
        cls.best = cls.line(free, "kernels in use")
        cls.cases = cls.passed(free)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def run_with(cls, program="run_vectors_forced", **names):
        env = {k: v for k, v in os.environ.items() if not k.startswith("SECRETCHAT_")} | names
        return subprocess.run([TOOLS / program, cls.folder.name], env=env, capture_output=True, text=True, check=False)

    @staticmethod
    def line(done, what):
        return re.search(rf"^{what}: ?(.*)$", done.stdout, re.M).group(1).split()

    @staticmethod
    def passed(done):
        return int(re.search(r"^(\d+) passed, 0 failed$", done.stdout, re.M).group(1))

    def test_every_kernel_gives_the_known_answers(self):
        self.assertIn("evp", self.kernels)
        self.assertIn("openssl", self.hashes)
        self.assertGreater(self.cases, 100)
        for kernel in self.kernels:
            for sha in self.hashes:
                with self.subTest(kernel=kernel, sha=sha):
                    done = self.run_with(SECRETCHAT_KERNEL=kernel, SECRETCHAT_SHA=sha)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                    self.assertEqual(self.line(done, "kernels in use"), [kernel, sha])
                    self.assertEqual(self.passed(done), self.cases)

    def test_a_name_of_no_kernel_opens_nothing(self):
        for name in ("vaes1024", "EVP", "evp "):
            done = self.run_with(SECRETCHAT_KERNEL=name)
            self.assertEqual((done.returncode, done.stdout), (2, ""))

    def test_an_empty_name_is_none(self):
        self.assertEqual(self.line(self.run_with(SECRETCHAT_KERNEL=""), "kernels in use"), self.best)

    def test_what_ships_takes_no_orders(self):
        done = self.run_with("run_vectors", SECRETCHAT_KERNEL="evp", SECRETCHAT_SHA="openssl")
        self.assertEqual(self.line(done, "kernels in use"), self.best)
        self.assertEqual(self.run_with("run_vectors", SECRETCHAT_KERNEL="vaes1024").returncode, 0)


if __name__ == "__main__":
    unittest.main()
