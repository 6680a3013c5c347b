# SPDX-License-Identifier: BSL-1.0
# The schema of secret chats as e2e.tl tells it: bytes of objects, and a strict reader that tells where each part of an object stands.
import re
import struct

VECTOR = 0x1CB5C415
LINE = re.compile(r"^(\w+)#([0-9a-f]+)\s*(.*?)\s*=\s*(\w+);")


def int32(n):
    return struct.pack("<I", n & 0xFFFFFFFF)


def int64(n):
    return struct.pack("<Q", n & 0xFFFFFFFFFFFFFFFF)


def string(data):
    head = bytes([len(data)]) if len(data) < 254 else b"\xfe" + len(data).to_bytes(3, "little")
    return head + data + bytes(-(len(head) + len(data)) % 4)


class Unlawful(Exception):
    """These bytes are no object of that type in its one form (X-03)."""


def must(condition):
    if not condition:
        raise Unlawful


class Constructor:
    def __init__(self, name, number, fields, kind):
        self.name, self.number, self.type = name, number, kind
        self.fields = []
        for field in fields.split():
            name, kind = field.split(":", 1)
            optional = re.match(r"flags\.(\d+)\?(.*)", kind)
            self.fields.append((name, optional.group(2) if optional else kind, int(optional.group(1)) if optional else None))
        self.bits = {bit for _, _, bit in self.fields if bit is not None}


class Site:
    """A part of an object's bytes: what ('id', 'string', 'vector', 'flags'), where, and how long."""

    def __init__(self, what, at, end, field, constructor):
        self.what, self.at, self.end, self.field, self.constructor = what, at, end, field, constructor


class Reader:
    def __init__(self, schema, data):
        self.schema, self.data, self.at, self.sites = schema, data, 0, []

    def take(self, size):
        must(size <= len(self.data) - self.at)
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self):
        return int.from_bytes(self.take(4), "little")

    def note(self, what, at, end, field, constructor):
        self.sites.append(Site(what, at, end, field, constructor))

    def object(self, kind):
        start, c = self.at, self.schema.by_id.get(self.number())
        must(c is not None and c.type == kind)
        self.note("id", start, self.at, None, c)
        flags = 0
        for name, kind, bit in c.fields:
            if kind == "#":
                flags = self.flags(name, c)
            elif bit is None or flags >> bit & 1:
                self.field(name, kind, c)

    def flags(self, name, c):
        flags = self.number()
        must(all(bit in c.bits for bit in range(32) if flags >> bit & 1))
        self.note("flags", self.at - 4, self.at, name, c)
        return flags

    def string(self, name, c):
        start, head = self.at, self.take(1)[0]
        must(head != 255)
        if head == 254:
            head = int.from_bytes(self.take(3), "little")
            must(head >= 254)
        self.take(head)
        must(not any(self.take(-(self.at - start) % 4)))
        self.note("string", start, self.at, name, c)

    def vector(self, name, kind, c):
        must(self.number() == VECTOR)
        count = self.number()
        self.note("vector", self.at - 8, self.at, name, c)
        must(count <= (len(self.data) - self.at) // 4)
        for _ in range(count):
            self.field(name, kind, c)

    def field(self, name, kind, c):
        if kind in ("int", "long", "double"):
            self.take(4 if kind == "int" else 8)
        elif kind in ("string", "bytes"):
            self.string(name, c)
        elif kind.startswith("Vector<"):
            self.vector(name, kind[7:-1], c)
        elif kind != "true":
            self.object(kind)


class Schema:
    def __init__(self, path):
        self.by_id, self.by_name = {}, {}
        with open(path, encoding="utf-8") as f:
            for line in f:
                found = LINE.match(line)
                if found:
                    c = Constructor(found.group(1), int(found.group(2), 16), found.group(3), found.group(4))
                    self.by_id[c.number] = self.by_name[c.name] = c

    def number(self, name):
        return int32(self.by_name[name].number)

    def others(self, kind):
        """A constructor of another type."""
        return next(c for c in self.by_id.values() if c.type != kind)

    def sites(self, kind, data):
        """The parts of one object that fills the bytes; Unlawful when they are none."""
        reader = Reader(self, data)
        reader.object(kind)
        must(reader.at == len(data))
        return reader.sites

    def reads(self, kind, data):
        try:
            return self.sites(kind, data) is not None
        except Unlawful:
            return False
