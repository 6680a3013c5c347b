#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Makes schema.inc and schema_enum.inc, the tables of the codec, from e2e.tl and cloud.tl.

    tlgen.py            writes both beside itself
    tlgen.py --check    compares instead: 0 when both are up to date
"""
import os
import re
import sys
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
ALWAYS = "SCHAT__TL_ALWAYS"
SCALARS = {"int": "INT", "long": "LONG", "double": "DOUBLE", "string": "STRING", "bytes": "STRING", "#": "FLAGS", "true": "TRUE"}
VECTORS = {"int": "VECTOR_INT", "long": "VECTOR_LONG"}
LEAST = {"INT": 4, "LONG": 8, "DOUBLE": 8, "STRING": 4, "FLAGS": 4, "TRUE": 0, "VECTOR_INT": 8, "VECTOR_LONG": 8, "VECTOR_OBJECT": 8}
# The one id that Telegram did not compute from the line; its layout is the official schema's.
NOT_A_CRC = {0x6ABD9782}
HASH_BITS = 10


class SchemaError(Exception):
    pass


class Field:
    def __init__(self, text):
        self.name, written = text.split(":", 1)
        self.bit = None
        match = re.fullmatch(r"flags\.(\d+)\?(.+)", written)
        if match:
            self.bit, written = int(match.group(1)), match.group(2)
        self.written, self.type = written, None
        vector = re.fullmatch(r"Vector<(\w+)>", written)
        if vector:
            self.kind = VECTORS.get(vector.group(1), "VECTOR_OBJECT")
            self.type = vector.group(1) if self.kind == "VECTOR_OBJECT" else None
        else:
            self.kind = SCALARS.get(written, "OBJECT")
            self.type = written if self.kind == "OBJECT" else None


class Constructor:
    def __init__(self, line, layer):
        match = re.fullmatch(r"(\w+)#([0-9a-f]{8})((?: \w+:\S+)*) = (\w+);", line)
        if not match:
            raise SchemaError("cannot be read: " + line)
        self.name, self.id, self.type, self.layer = match.group(1), int(match.group(2), 16), match.group(4), layer
        self.fields = [Field(text) for text in match.group(3).split()]
        self.check_flags()
        if self.id not in NOT_A_CRC and self.id not in self.crcs():
            raise SchemaError("%s: the id is not the CRC-32 of the line" % self.name)

    def check_flags(self):
        bits = [f.bit for f in self.fields if f.bit is not None]
        words = [i for i, f in enumerate(self.fields) if f.kind == "FLAGS"]
        if len(set(bits)) != len(bits) or words != ([0] if bits else []):
            raise SchemaError("%s: flags must come first and each bit stand for one field" % self.name)

    def crcs(self):
        """CRC-32 of the line in its normal form, under the full name and without the mark of a layer or an id."""
        words = []
        for f in self.fields:
            if f.kind != "TRUE":
                written = f.written.replace("bytes", "string").replace("<", " ").replace(">", "")
                words.append("%s:%s%s" % (f.name, "" if f.bit is None else "flags.%d?" % f.bit, written))
        names = (self.name, re.sub(r"\d+$", "", self.name), re.sub(r"_%08x$" % self.id, "", self.name))
        return [zlib.crc32(" ".join([name] + words + ["=", self.type]).encode()) for name in names]

    def with_bytes(self):
        return [(f.name, f.written, f.bit) for f in self.fields if f.kind != "TRUE"]


def read(path, has_layers):
    """The constructors of one file, in order. `// layer N` begins the constructors of a layer."""
    found, layer = [], 0
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            begin = re.fullmatch(r"// layer (\d+)\n", line)
            if begin:
                layer = int(begin.group(1))
            line = line.split("//")[0].strip()
            if line:
                found.append(Constructor(line, layer if has_layers else 0))
    return found


def merge(secret, cloud):
    """Secret constructors, then those of the cloud. One that both have may gain flags without bytes, nothing else."""
    known = {c.id: c for c in secret}
    merged = list(secret)
    for c in cloud:
        old = known.get(c.id)
        if old is None:
            merged.append(c)
        elif c.with_bytes() == old.with_bytes() and (c.name, c.type) == (old.name, old.type):
            old.fields = c.fields
        else:
            raise SchemaError("%s differs from its secret form" % c.name)
    for key in ("id", "name"):
        if len({getattr(c, key) for c in merged}) != len(merged):
            raise SchemaError("two constructors have the same " + key)
    return merged


def ordered(names):
    return list(dict.fromkeys(names))


class Schema:
    def __init__(self, constructors):
        self.constructors = constructors
        self.types = ordered(c.type for c in constructors)
        self.words = ordered(f.name for c in constructors for f in c.fields)
        unknown = {f.type for c in constructors for f in c.fields if f.type} - set(self.types)
        if unknown:
            raise SchemaError("no constructor of " + ", ".join(sorted(unknown)))
        self.depth = max(self.depth_of(t, ()) for t in self.types)

    def depth_of(self, name, above):
        """Objects inside one another at most. The codec recurses by type, so a type inside itself is refused."""
        if name in above:
            raise SchemaError("%s can contain itself" % name)
        inner = {f.type for c in self.constructors if c.type == name for f in c.fields if f.type}
        return 1 + max((self.depth_of(t, above + (name,)) for t in inner), default=0)

    def least_of(self, name):
        """Bytes that an object of this type has at least, with its id: bounds the count of a vector."""
        return min(self.least(c) for c in self.constructors if c.type == name)

    def least(self, constructor):
        return 4 + sum(LEAST[f.kind] if f.kind in LEAST else self.least_of(f.type) for f in constructor.fields if f.bit is None)

    def multiplier(self):
        """An odd number whose product with every id has different upper bits: a perfect hash."""
        for n in range(1, 1 << 20):
            k = (n * 0x9E3779B1 | 1) & 0xFFFFFFFF
            if len({c.id * k % (1 << 32) >> (32 - HASH_BITS) for c in self.constructors}) == len(self.constructors):
                return k
        raise SchemaError("no perfect hash was found")


HEAD = "/* SPDX-License-Identifier: BSL-1.0\n * Made by tlgen.py from e2e.tl and cloud.tl: %s. Do not edit. */\n"


def enum(prefix, names):
    return ["enum {"] + ["  SCHAT__%s_%s," % (prefix, name) for name in names] + ["  SCHAT__%s_COUNT" % prefix, "};", ""]


def enums(schema):
    lines = enum("TL", [c.name for c in schema.constructors]) + enum("TYPE", schema.types)
    lines += ["/* Names of fields. Two constructors that have a field of one name share its word. */"] + enum("WORD", schema.words)
    return HEAD % "constructors, types and names of fields" + "\n" + "\n".join(lines[:-1]) + "\n"


def field_rows(schema):
    for c in schema.constructors:
        for f in c.fields:
            bit = ALWAYS if f.bit is None else str(f.bit)
            kind = "SCHAT__TYPE_" + f.type if f.type else "0"
            yield '  {"%s", SCHAT__TL_%s, %s, %s, %d, SCHAT__WORD_%s},' % (f.name, f.kind, bit, kind, f.written == "bytes", f.name)


def constructor_rows(schema):
    first = 0
    for c in schema.constructors:
        bits = sum(1 << f.bit for f in c.fields if f.bit is not None)
        yield '  {"%s", 0x%08xu, 0x%05xu, SCHAT__TYPE_%s, %d, %d, %d},' % (c.name, c.id, bits, c.type, c.layer, len(c.fields), first)
        first += len(c.fields)


def hash_rows(schema, multiplier):
    slots = [0] * (1 << HASH_BITS)
    for index, c in enumerate(schema.constructors):
        slots[c.id * multiplier % (1 << 32) >> (32 - HASH_BITS)] = index + 1
    for at in range(0, len(slots), 32):
        yield "  " + ", ".join(map(str, slots[at:at + 32])) + ","


def tables(schema):
    multiplier = schema.multiplier()
    lines = ["#define SCHEMA_DEPTH %du" % schema.depth, ""]
    lines += ["static const schat__tl_field all_fields[] = {"] + list(field_rows(schema)) + ["};", ""]
    lines += ["static const schat__tl_constructor all_constructors[] = {"] + list(constructor_rows(schema)) + ["};", ""]
    lines += ["/* Bytes of an object of each type at least. */", "static const uint8_t least_size[] = {"]
    lines += ["  %d, /* %s */" % (schema.least_of(t), t) for t in schema.types] + ["};", ""]
    lines += ["/* A perfect hash of the ids: index of the constructor + 1, or 0. */", "#define HASH_MULTIPLIER 0x%08xu" % multiplier]
    lines += ["#define HASH_SHIFT %d" % (32 - HASH_BITS), "static const uint8_t by_hash[] = {"]
    lines += list(hash_rows(schema, multiplier)) + ["};"]
    return HEAD % "the tables of the codec" + "\n" + "\n".join(lines) + "\n"


def generate(folder=HERE):
    """The two files: name -> text."""
    schema = Schema(merge(read(os.path.join(folder, "e2e.tl"), True), read(os.path.join(folder, "cloud.tl"), False)))
    return {"schema_enum.inc": enums(schema), "schema.inc": tables(schema)}


def main(arguments):
    stale = 0
    for name, text in generate().items():
        path = os.path.join(HERE, name)
        if "--check" in arguments:
            with open(path, encoding="utf-8") as f:
                stale |= f.read() != text
        else:
            with open(path, "w", encoding="utf-8", newline="\n") as f:
                f.write(text)
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
