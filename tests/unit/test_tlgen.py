#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""The tables of the codec are what the schema gives, and a wrong schema is refused."""
import os
import shutil
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TL = os.path.join(ROOT, "src", "tl")
sys.dont_write_bytecode = True
sys.path.insert(0, TL)
import tlgen  # noqa: E402


def text_of(*path):
    with open(os.path.join(*path), encoding="utf-8") as f:
        return f.read()


class Tables(unittest.TestCase):
    def test_the_committed_tables_are_what_the_schema_gives(self):
        for name, text in tlgen.generate().items():
            self.assertEqual(text_of(TL, name), text, name + " is stale: run src/tl/tlgen.py")

    def test_the_schema_is_the_one_of_the_known_answers(self):
        self.assertEqual(text_of(TL, "e2e.tl"), text_of(ROOT, "vectors", "e2e.tl"))

    def test_there_are_85_secret_constructors_and_they_come_first(self):
        secret = tlgen.read(os.path.join(TL, "e2e.tl"), True)
        merged = tlgen.merge(secret, tlgen.read(os.path.join(TL, "cloud.tl"), False))
        self.assertEqual(len(secret), 85)
        self.assertEqual([c.id for c in merged[:85]], [c.id for c in secret])
        self.assertTrue(all(c.layer > 0 for c in merged[:85]) and all(c.layer == 0 for c in merged[85:]))

    def test_the_hash_is_perfect(self):
        secret = tlgen.read(os.path.join(TL, "e2e.tl"), True)
        schema = tlgen.Schema(secret)
        k = schema.multiplier()
        self.assertEqual(len({c.id * k % 2**32 >> (32 - tlgen.HASH_BITS) for c in secret}), 85)


class Refusals(unittest.TestCase):
    """Each takes the true schema and changes one thing."""

    def generate(self, old="", new="", name="e2e.tl"):
        with tempfile.TemporaryDirectory() as folder:
            for each in ("e2e.tl", "cloud.tl"):
                shutil.copy(os.path.join(TL, each), folder)
            text = text_of(folder, name)
            self.assertIn(old, text)
            with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
                f.write(text.replace(old, new, 1))
            return tlgen.generate(folder)

    def refuses(self, old, new, name="e2e.tl"):
        with self.assertRaises(tlgen.SchemaError):
            self.generate(old, new, name)

    def test_a_copy_gives_the_same_tables(self):
        self.assertEqual(self.generate(), tlgen.generate())

    def test_a_wrong_id(self):
        self.refuses("#a82fdd63", "#a82fdd64")

    def test_a_wrong_layout(self):
        self.refuses("duration:double", "duration:long", "cloud.tl")

    def test_a_field_left_out(self):
        self.refuses(" secret:long file_reference:bytes", " secret:long", "cloud.tl")

    def test_a_type_that_nothing_makes(self):
        self.refuses("maskCoords#aed6dbb2 n:int x:double y:double zoom:double = MaskCoords;\n", "", "cloud.tl")

    def test_a_constructor_twice(self):
        line = "maskCoords#aed6dbb2 n:int x:double y:double zoom:double = MaskCoords;\n"
        self.refuses(line, line + line, "cloud.tl")

    def test_a_secret_constructor_with_other_bytes(self):
        """Its flags may grow, its bytes may not: the layout of e2e.tl holds."""
        line = next(x for x in text_of(TL, "cloud.tl").splitlines() if x.startswith("documentAttributeVideo#"))
        constructor = tlgen.Constructor(line, 0)
        secret = [c for c in tlgen.read(os.path.join(TL, "e2e.tl"), True) if c.id == constructor.id]
        self.assertEqual(len(tlgen.merge(secret, [constructor])[0].fields), len(constructor.fields))
        constructor.fields.pop()
        with self.assertRaises(tlgen.SchemaError):
            tlgen.merge(tlgen.read(os.path.join(TL, "e2e.tl"), True), [constructor])

    def test_two_fields_of_one_bit(self):
        self.refuses("supports_streaming:flags.1?true", "supports_streaming:flags.0?true", "cloud.tl")

    def test_a_line_that_cannot_be_read(self):
        self.refuses("decryptedMessageActionNoop#a82fdd63 = ", "decryptedMessageActionNoop = ")

    def test_a_type_within_itself(self):
        tlgen.NOT_A_CRC.add(1)
        try:
            with self.assertRaises(tlgen.SchemaError):
                tlgen.Schema([tlgen.Constructor("a#00000001 inner:A = A;", 1)])
        finally:
            tlgen.NOT_A_CRC.discard(1)


if __name__ == "__main__":
    unittest.main()
