# SPDX-License-Identifier: BSL-1.0
"""Runs test programs on a library until one notices that it is another one: a failure, a crash or a hang."""
import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import NamedTuple, Optional

import workshop

MEMORY = 4 << 30
FILE = 1 << 30
TRIED_AT_LEAST = 2  # programs
TESTS_FIRST = 12  # of a program
DOUBTED_AFTER = 1.0  # seconds of a processor: then the compiler is asked whether the mutant is one at all


class Program(NamedTuple):
    name: str
    command: tuple
    environment: tuple = ()
    linkage: Optional[object] = None
    apart: bool = False  # linked anew to each mutant: the program has functions of its own in the place of some of the library's
    free: bool = False  # its tests may run in another order
    seconds: float = 0.0  # of a processor, on the library as it is


class Outcome(NamedTuple):
    good: bool
    seconds: float  # of a processor
    why: str
    test: str  # the one that ran last


def limits(cpu):
    def apply():
        resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE, FILE))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return apply


class Judge:
    def __init__(self, shop, programs, patience=3):
        self.workshop = shop
        self.patience = patience  # seconds of a processor that every program has at least
        self.programs = {p.name: p for p in programs}
        self.reach = {}  # source: {line: {programs}}
        self.bodies = {}  # source: {function: {programs}}

    def execute(self, program, libraries, scratch, more=()):
        """Runs one program on the library in a directory."""
        shutil.rmtree(scratch, ignore_errors=True)
        Path(scratch).mkdir(parents=True)
        environment = dict(os.environ, **dict(program.environment), LD_LIBRARY_PATH=str(libraries), TMPDIR=str(scratch),
                           LD_PRELOAD=str(self.workshop.home / "stop.so"), **dict(more))
        cpu = int(self.patience + 4 * program.seconds) if program.seconds else 300
        command = program.command
        if program.apart:
            command = (str(scratch / program.name), *command[1:])
            program.linkage.link(self.workshop.archive(libraries), command[0], "--coverage", *self.workshop.libraries)
        last = Path(scratch) / "last_test"
        environment["MUTATION_REPORT"] = str(last)
        before = time.monotonic()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        process = subprocess.Popen(command, cwd=scratch, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, preexec_fn=limits(cpu), start_new_session=True)
        try:
            code = process.wait(timeout=cpu * 8)
        except subprocess.TimeoutExpired:
            code = "hang"
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        now = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = now.ru_utime - used.ru_utime + now.ru_stime - used.ru_stime
        if code == -signal.SIGXCPU or code == "hang":
            code = "hang"
        test = last.read_text(errors="replace").strip("\0") if last.exists() else ""
        return Outcome(code == 0, min(seconds, time.monotonic() - before), str(code), test)

    def measure(self, report):
        """Every program on the library as it is: it passes, takes so long, and reaches these lines."""
        for name, program in list(self.programs.items()):
            kept = self.kept(program)
            if kept.exists():
                known = json.loads(kept.read_text(encoding="utf-8"))
            else:
                known = self.measure_one(program)
                if known is None:
                    report(f"{name} does not pass and is left out")
                    del self.programs[name]
                    continue
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_text(json.dumps(known), encoding="utf-8")
            self.programs[name] = program._replace(apart=known["apart"], free=known["free"], seconds=known["seconds"])
            self.note(name, known["lines"], known["bodies"])

    def kept(self, program):
        """The file with what is known of this program on this library from an earlier run."""
        digest = hashlib.sha256(b"2")
        for file in (self.workshop.home / "bin" / Path(program.command[0]).name, self.workshop.home / "coverage" / workshop.LIBRARY):
            digest.update(file.read_bytes() if file.exists() else "".join(program.command).encode())
        return self.workshop.home.parent / "mutation-measured" / f"{program.name}-{digest.hexdigest()[:16]}.json"

    def measure_one(self, program):
        scratch, counts = self.workshop.home / "scratch", self.workshop.home / "counts"
        plain = self.execute(program, self.workshop.home / "plain", scratch)
        if not plain.good and program.linkage is not None:
            program = program._replace(apart=True)
            plain = self.execute(program, self.workshop.home / "plain", scratch)
        if not plain.good:
            return None
        backwards = self.execute(program, self.workshop.home / "plain", scratch, {"MUTATION_FIRST": "-"}.items())
        self.execute(program, self.workshop.home / "coverage", scratch, {"GCOV_PREFIX": str(counts), "MUTATION_COVERAGE": "1"}.items())
        lines, functions = self.workshop.lines(counts) if counts.exists() else ({}, {})
        reached = {source: sorted(line for line, count in counted.items() if count) for source, counted in lines.items()}
        bodies = {source: sorted(f for f, (first, last) in found.items() if any(first <= line <= last for line in reached[source]))
                  for source, found in functions.items()}
        return {"apart": program.apart, "free": backwards.good, "seconds": max(plain.seconds, 0.001), "lines": reached, "bodies": bodies}

    def note(self, name, lines, bodies):
        for source, reached in lines.items():
            for line in reached:
                self.reach.setdefault(source, {}).setdefault(line, set()).add(name)
        for source, found in bodies.items():
            for function in found:
                self.bodies.setdefault(source, {}).setdefault(function, set()).add(name)

    def candidates(self, mutant):
        """Programs that reach the mutated line, or, when it has no code of its own, its statement, its function or its file."""
        reach, bodies = self.reach.get(mutant.file, {}), self.bodies.get(mutant.file, {})
        if mutant.function:
            reaching = next((reach[line] for line in mutant.lines if reach.get(line)), None)
            return reaching or bodies.get(mutant.function, set())
        return set().union(*(reach.get(line, ()) for line in mutant.lines)) or set().union(*bodies.values())

    def verdict(self, mutant, libraries, number, kills, scratch, effort=1e9):
        """(program that noticed or None, why, its test), within so many seconds of a processor, or "same code"."""
        names, used, doubted = self.candidates(mutant) & set(self.programs), 0.0, False
        for tried, name in enumerate(sorted(names, key=lambda n: self.order(n, mutant, kills))):
            used += self.programs[name].seconds
            if used > DOUBTED_AFTER and tried > 0 and not doubted:
                doubted = True
                if self.workshop.is_same_optimised(mutant.file, mutant, Path(scratch).parent.name):
                    return "same code"
            if used > effort and tried >= TRIED_AT_LEAST:
                return None, f"{tried} of {len(names)} programs", ""
            first = sorted((test for program, test in kills if program == name), key=lambda test: (-kills[name, test], test))
            more = {"MUTATION_ACTIVE": str(number), "MUTATION_FIRST": ",".join(first[:TESTS_FIRST]) if self.programs[name].free else ""}
            outcome = self.execute(self.programs[name], libraries, scratch, more.items())
            if not outcome.good:
                return name, outcome.why, outcome.test
        if not doubted and self.workshop.is_same_optimised(mutant.file, mutant, Path(scratch).parent.name):
            return "same code"
        return None, f"{len(names)} programs", ""

    def order(self, name, mutant, kills):
        """Programs that noticed much of this file in little time come first; the one that has its name is thought to."""
        noticed = sum(count for (program, _), count in kills.items() if program == name)
        likely = noticed + (5 if name == "test_" + Path(mutant.file).stem else 0.05)
        return -likely / (self.programs[name].seconds + 0.02), name
