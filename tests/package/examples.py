#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
# Takes the C examples out of documents, one file each: examples.py DIRECTORY FILE…
#
# In Markdown, every block ```c, a whole source file of its own. In headers, what follows "Example:" in a comment, up to its end: the inside
# of a function.
import re
import sys
from pathlib import Path

INCLUDES = "#include <secretchat/secretchat.h>\n#include <secretchat/sqlite.h>\n"


def of_markdown(text):
    return re.findall(r"^```c\n(.*?)^```", text, re.M | re.S)


def of_header(text):
    for comment in re.findall(r"/\*.*?\*/", text, re.S):
        _, found, example = comment.partition("Example:\n")
        if found:
            lines = (re.sub(r"^ \* ?", "", line) for line in example.removesuffix("*/").splitlines())
            yield INCLUDES + "void example(void);\nvoid example(void) {\n" + "\n".join(lines) + "\n}\n"


def main(directory, *files):
    count = 0
    for name in files:
        text = Path(name).read_text(encoding="utf-8")
        for example in of_markdown(text) if name.endswith(".md") else of_header(text):
            count += 1
            (Path(directory) / f"{Path(name).stem}-{count}.c").write_text(example, encoding="utf-8")
    print(count, "examples")
    return 0 if count else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
