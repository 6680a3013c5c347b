#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
# Writes the negative vectors: generate.py [--seed N] [FOLDER]. The same seed gives the same bytes on every machine.
import argparse
import json
from pathlib import Path

from negative import dh, envelope, files, objects, rekey
from negative.schema import Schema

VECTORS = Path(__file__).resolve().parent.parent.parent / "vectors"
SEED = 1


def everything(seed=SEED):
    """Name of each file and its cases."""
    schema = Schema(VECTORS / "e2e.tl")
    return {
        "negative_dh.json": dh.cases(seed),
        "negative_envelope.json": envelope.cases(schema, seed),
        "negative_file.json": files.cases(seed),
        "negative_rekey.json": rekey.cases(seed),
        "negative_tl.json": objects.cases(schema, seed, VECTORS / "tl.json"),
    }


def text_of(cases):
    """One case a line."""
    return "[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]\n"


def main():
    parser = argparse.ArgumentParser(description="writes the negative vectors")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("folder", nargs="?", type=Path, default=VECTORS)
    arguments = parser.parse_args()
    for name, cases in everything(arguments.seed).items():
        (arguments.folder / name).write_text(text_of(cases), encoding="utf-8")
        print(f"{name}: {len(cases)} cases, {sum(case.get('verdict', '') != 'accept' for case in cases)} of them not accepted")


if __name__ == "__main__":
    main()
