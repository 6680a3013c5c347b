# SPDX-License-Identifier: BSL-1.0
"""Compiles: every source once as it is, a mutant's file alone, and a shared library of all of them that the test programs are linked to."""
import hashlib
import json
import re
import shlex
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

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
        self.objects = {source: self.home / "plain" / (source.replace("/", "_")[:-2] + ".o") for source in self.sources}
        self.covered = {source: self.home / "coverage" / (source.replace("/", "_")[:-2] + ".o") for source in self.sources}

    def compile(self, source, text, out, *more):
        """Compiles a text in the place of a source. Its name in the object is that of the source, so equal code gives equal objects."""
        where = out.parent / "text" / source
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text(text, encoding="utf-8")
        command = [self.compiler, *self.common, f"-iquote{(self.top / source).parent}", f"-fmacro-prefix-map={where.parent}=.", *more, "-c", where.name,
                   "-o", str(out)]
        try:
            done = run(command, cwd=where.parent, timeout=60)
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

    def prepare(self, jobs):
        """The library as it is, plain and with coverage."""
        shutil.rmtree(self.home, ignore_errors=True)
        for directory in ("plain", "coverage"):
            (self.home / directory).mkdir(parents=True)

        def both(source):
            text = (self.top / source).read_text(encoding="utf-8")
            self.compile(source, text, self.objects[source])
            self.compile(source, text, self.covered[source], "-O0", "--coverage")

        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(both, self.sources))
        dump = self.home / "coverage" / "dump.c"
        dump.write_text(DUMP, encoding="utf-8")
        self.link(self.objects.values(), self.home / "plain" / LIBRARY)
        self.link([*self.covered.values(), dump], self.home / "coverage" / LIBRARY, "--coverage")
        stop = Path(__file__).with_name("stop_at_failure.c")
        done = run([self.compiler, "-O1", "-shared", "-fPIC", str(stop), "-o", str(self.home / "stop.so"), "-ldl"])
        if done.returncode != 0:
            raise Invalid(done.stdout)

    def original(self, source):
        return self.objects[source].read_bytes()

    def mutant_object(self, source, text, worker):
        """Compiles a mutant; returns the digest of its code, or None when the code is that of the original."""
        out = self.home / worker / self.objects[source].name
        out.parent.mkdir(parents=True, exist_ok=True)
        self.compile(source, text, out)
        code = out.read_bytes()
        return None if code == self.original(source) else hashlib.sha256(code).hexdigest()

    def mutant_library(self, source, worker):
        """The library with the object that mutant_object has just made; returns its directory."""
        mutated = self.home / worker / self.objects[source].name
        objects = [mutated if s == source else o for s, o in self.objects.items()]
        self.link(objects, self.home / worker / LIBRARY)
        (self.home / worker / ARCHIVE).unlink(missing_ok=True)
        return self.home / worker

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
