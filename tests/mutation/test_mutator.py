#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""The mutator changes what it should and nothing else, and its judge knows a mutant that is noticed from one that is not."""
import shutil
import subprocess
import sys
import tempfile
import unittest
from collections import Counter
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import judge  # noqa: E402
import ledger  # noqa: E402
import lexer  # noqa: E402
import operators  # noqa: E402
import workshop  # noqa: E402


def body(text):
    return "int f(int a, int b) {\n" + text + "\n}\n"


def changes(text, operator, whole=False):
    """The texts that an operator makes of a function's body."""
    source = text if whole else body(text)
    made = [operators.apply(source, m) for m in operators.mutants("x.c", source) if m.operator == operator]
    return made if whole else [m[len(body("")) - 3:-3] for m in made]


class Lexer(unittest.TestCase):
    def test_tokens_know_their_places(self):
        found = lexer.tokens('a /* <\n= */ <= "b\\"<"; // x\n#define X \\\n 1\n\'<\' 0x1Fu')
        self.assertEqual([(t.text, t.line, t.column) for t in found],
                         [("a", 1, 1), ("<=", 2, 6), ('"b\\"<"', 2, 9), (";", 2, 15), ("#define X \\\n 1", 3, 1), ("'<'", 5, 1), ("0x1Fu", 5, 5)])

    def test_what_is_no_token_is_refused(self):
        self.assertRaises(ValueError, lexer.tokens, "int a = `;")


class Operators(unittest.TestCase):
    def test_relations_change_places_with_their_neighbours(self):
        self.assertEqual(changes("return a < b;", "rel"), ["return a <= b;"])
        self.assertEqual(changes("if (a == b) g();", "rel"), ["if (a != b) g();"])

    def test_numbers_are_one_more_and_one_less(self):
        self.assertEqual(changes("a = 0x10u;", "inc"), ["a = 0x11u;"])
        self.assertEqual(changes("a = b + 16;", "dec"), ["a = b + 15;"])
        self.assertEqual(changes("a = 0;", "dec"), [])
        self.assertEqual(changes("return 1;", "inc") + changes("a = 1;", "inc"), [])
        self.assertEqual(changes("a = b + 1;", "inc"), ["a = b + 2;"])

    def test_arithmetic_is_exchanged_but_no_pointer_address_or_sign(self):
        self.assertEqual(changes("a = b - 1;", "arith"), ["a = b + 1;"])
        self.assertEqual(changes("a |= b;", "arith"), ["a &= b;"])
        self.assertEqual(changes("*p = &b, a = -1;", "arith"), [])
        self.assertEqual(changes("const uint8_t *p = g((uint8_t *)q);", "arith"), [])

    def test_logic_is_turned_round(self):
        self.assertEqual(changes("return a && !b;", "andor"), ["return a || !b;"])
        self.assertEqual(changes("return a && !b;", "not"), ["return a && b;"])
        self.assertEqual(changes("while (a & b) g();", "neg"), ["while (!(a & b)) g();"])
        self.assertEqual(changes("if (a == b) g();", "neg"), [])
        self.assertEqual(changes("return a ? b : g(1, 2);", "choose"), ["return a ? (g(1, 2)) : (b);"])

    def test_statements_are_dropped(self):
        self.assertEqual(changes("g(a);", "drop"), [";"])
        self.assertEqual(changes("for (;;) { a = 1; break; }", "drop"), ["for (;;) { ; break; }", "for (;;) { a = 1; ; }"])
        self.assertEqual(changes("int c = 1;", "drop"), [])

    def test_a_check_that_only_leaves_is_dropped_whole(self):
        self.assertEqual(changes("if (a < b) return 0;\ng();", "check"), [";\ng();"])
        self.assertEqual(changes("if (a) { g(); return 0; }", "check"), [";"])
        self.assertEqual(changes("if (a) return 0; else g();", "check"), [])

    def test_returned_values_are_replaced(self):
        self.assertEqual(changes("return a + b;", "ret"), ["return 0;"])
        self.assertEqual(changes("return SCHAT_OK;", "ret"), ["return -1;"])
        self.assertEqual(changes("return 0;", "ret"), [])

    def test_neighbouring_arguments_change_places(self):
        self.assertEqual(changes("g(a, h(b, 1), c);", "swap1"), ["g(h(b, 1), a, c);", "g(a, h(1, b), c);"])
        self.assertEqual(changes("g(a, h(b, 1), c);", "swap2"), ["g(a, c, h(b, 1));"])
        self.assertEqual(changes("g(a, a);", "swap1"), [])

    def test_what_sizeof_is_asked_about_is_left_alone(self):
        self.assertEqual(changes("a = sizeof t / sizeof t[0];", "inc"), [])
        self.assertEqual(changes("a = sizeof(p->t[1].x) + 2;", "inc"), ["a = sizeof(p->t[1].x) + 3;"])
        self.assertEqual(changes("a = sizeof p->t[1] - 2;", "arith"), ["a = sizeof p->t[1] + 2;"])

    def test_arguments_that_are_interchangeable_stay(self):
        self.assertEqual(changes("if (memcmp(a, b, 4) != 0) g();", "swap1"), [])
        self.assertEqual(changes("return memcmp(a, b, 4);", "swap1"), ["return memcmp(b, a, 4);"])
        self.assertEqual(changes("return schat__equal(a, b, 4);", "swap1") + changes("xor_block(a, b, c);", "swap2"), [])
        self.assertEqual(changes("xor_block(a, b, c);", "swap1"), ["xor_block(b, a, c);"])

    def test_secrets_are_left_behind(self):
        self.assertEqual(changes("schat__wipe(key, sizeof key);", "wipe"), [";"])
        self.assertEqual(changes("BN_clear_free(x);", "wipe"), ["BN_free(x);"])

    def test_named_numbers_and_tables_are_changed_too(self):
        self.assertEqual(changes("#define LIMIT (4u * 2) /* 7 */\n", "inc", True), ["#define LIMIT (5u * 2) /* 7 */\n", "#define LIMIT (4u * 3) /* 7 */\n"])
        self.assertEqual(changes("static const int t[3] = {7};\n", "inc", True), ["static const int t[3] = {8};\n"])
        self.assertEqual(len(changes("static const int t[] = {" + "7, " * 17 + "};\n", "inc", True)), 2)

    def test_comments_strings_declarations_and_debug_code_are_left_alone(self):
        self.assertEqual(operators.mutants("x.c", body('/* a < b */ uint8_t x[4]; const char *s = "a < 1";')), [])
        self.assertEqual(operators.mutants("x.c", "int f(void) {\n#if defined(SCHAT_DEBUG_CHECKS)\n g(1 < 2);\n#endif\n}\n"), [])
        self.assertEqual([m.operator for m in operators.mutants("x.c", body("switch (a) { case 1: break; }"))], ["drop"])

    def test_names_are_places_and_the_same_each_time(self):
        found = operators.mutants("src/x.c", body("  return a < 1;"))
        self.assertEqual([m.name for m in found], ["src/x.c:2:3:ret", "src/x.c:2:12:rel", "src/x.c:2:14:dec", "src/x.c:2:14:inc"])
        self.assertEqual(found, operators.mutants("src/x.c", body("  return a < 1;")))

    def test_every_source_of_the_library_can_be_read(self):
        top = Path(__file__).resolve().parent.parent.parent
        for path in sorted((top / "src").glob("*/*.c")):
            self.assertGreater(len(operators.mutants(path.name, path.read_text(encoding="utf-8"))), 5, path)


SAMPLE = """\
#define LIMIT 10
int seen(int a, int b);
int spins(int n);
static int *step(int *p, int n) { return p + n; }
int *moved(int *p);
static int twice(int a) {
  return a + a;
}
int seen(int a, int b) {
  int c = a * b;
  if (c < 10) return twice(a);
  c = c + 0 * a;
  return c;
}
int spins(int n) {
  while (n > 0) n = n - 1;
  return n + LIMIT - 10;
}
int *moved(int *p) {
  return step(p, 1);
}
#ifdef ANOTHER_PROCESSOR
int elsewhere(int a) {
  return a + 1;
}
#endif
"""
PROBE = """\
int seen(int a, int b);
int spins(int n);
int main(void) { return seen(2, 3) == 4 && seen(5, 5) == 25 && spins(3) == 0 ? 0 : 1; }
"""


class Judge(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.top = Path(tempfile.mkdtemp())
        (cls.top / "sample.c").write_text(SAMPLE, encoding="utf-8")
        (cls.top / "probe.c").write_text(PROBE, encoding="utf-8")
        cls.shop = workshop.Workshop(cls.top, cls.top / "home", ["sample.c"], [], [], [])
        cls.numbered = list(enumerate(operators.mutants("sample.c", SAMPLE), 1))
        cls.shop.prepare(1, {"sample.c": cls.numbered})
        probe = str(cls.top / "probe")
        subprocess.run(["cc", str(cls.top / "probe.c"), str(cls.shop.home / "plain" / workshop.LIBRARY), "-o", probe], check=True)
        cls.judge = judge.Judge(cls.shop, [judge.Program("probe", (probe,)), judge.Program("fails", ("false",))], 1)
        cls.judge.measure(lambda text: None)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.top)

    def verdict(self, line, operator):
        number, mutant = next((n, m) for n, m in self.numbered if m.line == line and m.operator == operator)
        made = self.shop.mutant("sample.c", number, mutant, "worker")
        if isinstance(made, str):
            return made
        _, libraries, active = made
        return self.judge.verdict(mutant, libraries, active, Counter(), self.top / "scratch")[:2]

    def test_a_program_that_fails_on_the_library_as_it_is_judges_nothing(self):
        self.assertEqual(list(self.judge.programs), ["probe"])

    def test_a_mutant_that_a_test_notices_is_killed(self):
        self.assertEqual(self.verdict(7, "arith"), ("probe", "1"))
        self.assertEqual(self.verdict(11, "check"), ("probe", "1"))

    def test_a_mutant_that_no_test_notices_survives(self):
        self.assertEqual(self.verdict(11, "rel"), (None, "1 programs"))

    def test_a_mutant_that_never_ends_is_killed(self):
        self.assertEqual(self.verdict(16, "dec"), ("probe", "hang"))

    def test_a_mutant_with_the_code_of_the_original_is_none(self):
        self.assertEqual(self.verdict(12, "arith"), "same code")

    def test_a_mutant_of_code_for_another_processor_is_none(self):
        self.assertEqual({self.verdict(24, o) for o in ("arith", "inc", "dec", "ret")}, {"same code"})

    def test_a_mutant_that_is_no_c_is_none(self):
        self.assertEqual(self.verdict(20, "swap1"), "does not compile")

    def test_what_no_copy_of_a_function_can_hold_is_compiled_by_itself(self):
        self.assertEqual(self.verdict(1, "inc"), ("probe", "1"))


class Ledger(unittest.TestCase):
    def test_the_groups_are_told_by_their_files(self):
        names = [ledger.group_of(f) for f in ("src/crypto/dh.c", "src/chat/inbound.c", "src/chat/resend.c", "src/api/error.c")]
        self.assertEqual(names, ["crypto", "inbound", "rest", "rest"])

    def test_a_survivor_keeps_its_key_when_lines_move(self):
        before, after = body("return a < b;"), body("\n\n  return a  < b;")
        one, two = (next(m for m in operators.mutants("x.c", s) if m.operator == "rel") for s in (before, after))
        self.assertEqual(ledger.key_of(one, before), ("x.c", "f", "rel", "return a «<» b;"))
        self.assertEqual(ledger.key_of(one, before), ledger.key_of(two, after))

    def test_a_sample_is_drawn_by_its_seed_and_outlives_changes_elsewhere(self):
        def drawn(source, seed):
            found = sorted(operators.mutants("x.c", source), key=lambda m: ledger.lot_of(m, source, seed))
            return [ledger.key_of(m, source) for m in found if "c" not in ledger.key_of(m, source)[3]]

        before, after = body("if (a < b) a++;\nreturn a + b;"), body("h(c, 1);\nif (a < b) a++;\nreturn a + b;")
        self.assertEqual(drawn(before, 1), drawn(after, 1))
        self.assertNotEqual(drawn(before, 1), drawn(before, 2))
        self.assertGreater(len(drawn(before, 1)), 4)

    def test_a_survivor_without_a_reason_is_refused(self):
        with tempfile.NamedTemporaryFile("w+", encoding="utf-8") as f:
            f.write("file\tfunction\toperator\tcode\treason\nx.c\tf\trel\ta «<» b\t \n")
            f.flush()
            self.assertRaises(SystemExit, ledger.read_survivors, f.name)


if __name__ == "__main__":
    unittest.main()
