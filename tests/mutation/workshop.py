# SPDX-License-Identifier: BSL-1.0
"""Compiles: every source once with its mutants in it and once for coverage, and what must be compiled by itself when its turn comes; links
the shared library that the test programs use."""
import hashlib
import json
import re
import shlex
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import operators
import schemata

# Types that do not fit are no mutants: the language refuses them. Variables nobody has set are not zero by luck.
FLAGS = ["-std=c11", "-O1", "-fPIC", "-fno-semantic-interposition", "-ftrivial-auto-var-init=pattern", "-Wno-unused", "-Werror=int-conversion",
         "-Werror=incompatible-pointer-types", "-Werror=discarded-qualifiers", "-Werror=implicit-function-declaration"]
DUMP = "void __gcov_dump(void); void __gcov_reset(void); void mutation_dump_coverage(void) { __gcov_dump(); __gcov_reset(); }\n"
LIBRARY = "libmutated.so"
ARCHIVE = "libmutated.a"


class Invalid(Exception):
    """The compiler or linker refuses a mutant."""


def run(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False, **options)


class Workshop:
    """`top` is where sources are named from; `home` is where everything that is made goes."""

    def __init__(self, top, home, sources, includes, defines, libraries, compiler="cc"):
        self.top, self.home = Path(top), Path(home)
        self.sources = list(sources)
        self.compiler = compiler
        self.common = [*FLAGS, *(f"-I{self.top / i}" for i in includes), *(f"-D{d}" for d in defines)]
        self.libraries = list(libraries)
        self.runtime = self.home / "plain" / "runtime.o"
        self.fates = {}  # number of a mutant: why it is none, or (digest of its code, number)
        self.objects = {source: self.home / "plain" / (source.replace("/", "_")[:-2] + ".o") for source in self.sources}
        self.covered = {source: self.home / "coverage" / (source.replace("/", "_")[:-2] + ".o") for source in self.sources}

    def compile(self, source, text, out, *more, limit=60):
        """Compiles a text in the place of a source. Its name in the object is that of the source, so equal code gives equal objects."""
        where = out.parent / "text" / source
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text(text, encoding="utf-8")
        command = [self.compiler, *self.common, f"-iquote{(self.top / source).parent}", f"-fmacro-prefix-map={where.parent}=.", *more, "-c", where.name,
                   "-o", str(out)]
        try:
            done = run(command, cwd=where.parent, timeout=limit)
        except subprocess.TimeoutExpired as slow:
            raise Invalid("the compiler takes for ever") from slow
        if done.returncode != 0:
            raise Invalid(done.stdout)

    def link(self, objects, out, *more):
        listing = out.with_suffix(".objects")
        listing.write_text("\n".join(str(o) for o in objects), encoding="utf-8")
        done = run([self.compiler, "-shared", f"-Wl,-soname,{LIBRARY}", *more, "-o", str(out), f"@{listing}", *self.libraries])
        if done.returncode != 0:
            raise Invalid(done.stdout)

    def prepare(self, jobs, numbered):
        """The library with mutants, numbered {source: [(number, mutant)]}, and the one for coverage."""
        shutil.rmtree(self.home, ignore_errors=True)
        for directory in ("plain", "coverage"):
            (self.home / directory).mkdir(parents=True)
        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(lambda source: self.build_source(source, numbered.get(source, [])), self.sources))
        runtime, dump = self.home / "plain" / "runtime.c", self.home / "coverage" / "dump.c"
        runtime.write_text(schemata.RUNTIME, encoding="utf-8")
        dump.write_text(DUMP, encoding="utf-8")
        self.run_compiler("-O1", "-fPIC", "-c", runtime, "-o", self.runtime)
        self.link([*self.objects.values(), self.runtime], self.home / "plain" / LIBRARY)
        self.run_compiler("-O1", "-fPIC", "--coverage", "-frandom-seed=dump", "-c", dump, "-o", dump.with_suffix(".o"))
        self.link([*self.covered.values(), dump.with_suffix(".o")], self.home / "coverage" / LIBRARY, "--coverage")
        self.run_compiler("-O1", "-shared", "-fPIC", Path(__file__).with_name("stop_at_failure.c"), "-o", self.home / "stop.so", "-ldl")

    def run_compiler(self, *words):
        done = run([self.compiler, *map(str, words)])
        if done.returncode != 0:
            raise Invalid(done.stdout)

    def build_source(self, source, numbered):
        text = (self.top / source).read_text(encoding="utf-8")
        self.compile(source, text, self.covered[source], "-O0", "--coverage", f"-frandom-seed={source}")
        left = list(numbered)
        while True:
            combined, inside = schemata.combine(text, left)
            try:
                self.compile(source, combined, self.objects[source], "-ffunction-sections", limit=600)
                break
            except Invalid as report:
                wrong, other = schemata.refused(str(report))
                if not wrong and not inside:
                    raise
                if not wrong or other and not inside:
                    left = []  # each by itself
                for number in wrong:
                    self.fates[number] = "does not compile"
                left = [(n, m) for n, m in left if n not in wrong]
        if inside:
            self.compare(self.objects[source], [(n, m) for n, m in left if n in inside])

    def compare(self, built, numbered):
        """Which mutants have the code of the original, and which of them the same code."""
        codes = schemata.codes(run(["objdump", "-dr", str(built)]).stdout)
        for number, mutant in numbered:
            code = codes.get((mutant.function, number))
            if code is None or code == codes.get((mutant.function, 0)):
                self.fates[number] = "same code"
            else:
                self.fates[number] = (hashlib.sha256((mutant.function + code).encode()).hexdigest(), number)

    def mutant(self, source, number, mutant, worker):
        """(digest of its code, the directory of its library, the number of it in there), or why it is none."""
        fate = self.fates.get(number)
        if isinstance(fate, str):
            return fate
        if fate is not None:
            return fate[0], self.home / "plain", fate[1]
        text = (self.top / source).read_text(encoding="utf-8")
        plain, out = self.home / "plain" / f"whole_{self.objects[source].name}", self.home / worker / self.objects[source].name
        out.parent.mkdir(parents=True, exist_ok=True)
        try:
            if not plain.exists():
                self.compile(source, text, out)
                shutil.copy(out, plain)
            self.compile(source, operators.apply(text, mutant), out)
        except Invalid:
            return "does not compile"
        code = out.read_bytes()
        if code == plain.read_bytes():
            return "same code"
        objects = [out if s == source else o for s, o in self.objects.items()]
        self.link([*objects, self.runtime], self.home / worker / LIBRARY)
        (self.home / worker / ARCHIVE).unlink(missing_ok=True)
        return hashlib.sha256(code).hexdigest(), self.home / worker, 0

    def is_same_optimised(self, source, mutant, worker):
        """Whether the whole file compiles to the code of the original at -O2, which sees what callers and callees make of a change."""
        text = (self.top / source).read_text(encoding="utf-8")
        plain = self.home / "plain" / f"optimised_{self.objects[source].name}"
        out = self.home / worker / plain.name
        out.parent.mkdir(parents=True, exist_ok=True)
        try:
            if not plain.exists():
                self.compile(source, text, out, "-O2")
                shutil.copy(out, plain)
            self.compile(source, operators.apply(text, mutant), out, "-O2")
        except Invalid:
            return False
        return out.read_bytes() == plain.read_bytes()

    def archive(self, directory):
        """The objects of the library in a directory as an archive, for a program with functions of its own in the place of some."""
        out = directory / ARCHIVE
        if not out.exists():
            objects = (directory / LIBRARY).with_suffix(".objects").read_text(encoding="utf-8").split("\n")
            done = run(["ar", "rcsD", str(out), *objects])
            if done.returncode != 0:
                raise Invalid(done.stdout)
        return out

    def lines(self, counts):
        """{source: {line: count}} and {source: {function: (first, last)}} out of the counters in a directory, which are used up."""
        lines, functions = {}, {}
        for source in self.sources:
            gcda = next(iter(counts.rglob(self.covered[source].stem + ".gcda")), None)
            if gcda is None:
                continue
            shutil.copy(self.covered[source].with_suffix(".gcno"), gcda.with_suffix(".gcno"))
            done = subprocess.run(["gcov", "--json-format", "--stdout", gcda.name], cwd=gcda.parent, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                  check=True)
            for file in json.loads(done.stdout)["files"]:
                if Path(file["file"]).name != Path(source).name:
                    continue
                lines[source] = {line["line_number"]: line["count"] for line in file["lines"]}
                functions[source] = {f["name"]: (f["start_line"], f["end_line"]) for f in file["functions"]}
        shutil.rmtree(counts)
        return lines, functions


def link_command(build, program):
    """How CMake's makefiles link a program: (command, directory), or None."""
    for text in Path(build).rglob(f"{Path(program).name}.dir/link.txt"):
        directory = text.parent.parent.parent
        words = shlex.split(text.read_text(encoding="utf-8").splitlines()[0])
        if (directory / words[words.index("-o") + 1]).resolve() == Path(program).resolve():
            return words, directory
    return None


class Linkage:
    """How a program of a build is linked, with another library in the place of the static ones."""

    def __init__(self, words, directory, libraries):
        self.words, self.directory, self.libraries = words, directory, libraries

    def link(self, library, out, *more):
        words = [str(library) if w == self.libraries[0] else w for w in self.words if w not in self.libraries[1:]]
        words[words.index("-o") + 1] = str(out)
        done = run([*words, *more], cwd=self.directory)
        if done.returncode != 0:
            raise Invalid(done.stdout)


def linkage(build, program):
    """The linkage of a program, or None when it does not use the library."""
    found = link_command(build, program)
    libraries = [w for w in found[0] if re.search(r"libsecretchat(-sqlite)?\.a$", w)] if found else []
    return Linkage(*found, libraries) if libraries else None
