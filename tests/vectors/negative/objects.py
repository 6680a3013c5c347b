# SPDX-License-Identifier: BSL-1.0
# One lawful object for every constructor, and what a hand or a wrong reader may make of it.
import json

from .draw import Draw
from .schema import VECTOR, int32, string


def examples(path):
    """For every constructor the known answer with most parts in least bytes."""
    best = {}
    with open(path, encoding="utf-8") as f:
        for case in json.load(f):
            rank = (-len(case["value"]), len(case["bytes"]))
            if case["constructor"] not in best or rank < best[case["constructor"]][0]:
                best[case["constructor"]] = (rank, case)
    return [case for _, case in best.values()]


# Flags without bytes that clients of the cloud set: readers may know them or not.
BARE = {"documentAttributeVideo": (1,)}


class Maker:
    def __init__(self, schema, seed):
        self.schema, self.draw, self.made, self.example = schema, Draw(seed, "tl"), [], None

    def case(self, what, rule, verdict, data):
        name, kind = self.example["constructor"], self.example["type"]
        assert self.schema.reads(kind, data) == (verdict == "accept"), f"{name}: {what}"  # the strict reader says the same
        self.made.append({"what": f"{name}: {what}", "rule": rule, "type": kind, "constructor": name, "bytes": data.hex(), "verdict": verdict})

    def whole(self, data):
        self.case("as it should be", "X-03", "accept", data)
        self.case("four zeros more", "X-03", "refuse", data + bytes(4))
        self.case("one byte more", "X-03", "refuse", data + b"\0")
        self.case("four bytes less", "X-03", "refuse", data[:-4])
        self.case("one byte less", "X-03", "refuse", data[:-1])

    def identifier(self, data, site):
        where = f"in {site.constructor.name} at {site.at}"
        put = lambda number: data[: site.at] + int32(number) + data[site.end :]
        self.case(f"an unknown constructor {where}", "X-03, D-03", "refuse", put(site.constructor.number ^ 1 << self.draw.below(32)))
        self.case(f"a constructor of another type {where}", "X-03", "refuse", put(self.schema.others(site.constructor.type).number))

    def string(self, data, site):
        body = data[site.at : site.end]
        where = f"{site.field} of {site.constructor.name} at {site.at}"
        put = lambda new: data[: site.at] + new + data[site.end :]
        self.case(f"a length of 255: {where}", "X-03", "refuse", put(b"\xff" + body[1:]))
        self.case(f"far beyond the end: {where}", "X-03", "refuse", put(b"\xfe\xff\xff\xff" + body[4:]))
        if body[0] < 254:
            content = body[1 : 1 + body[0]]
            long = b"\xfe" + len(content).to_bytes(3, "little") + content
            self.case(f"the long form for {len(content)} bytes: {where}", "X-03", "refuse", put(long + bytes(-len(long) % 4)))
            spare = len(body) - 1 - len(content)
        else:
            spare = len(body) - 4 - int.from_bytes(body[1:4], "little")
        for i in range(spare):
            self.case(f"byte {i + 1} of {spare} after it is not zero: {where}", "X-03", "refuse", put(body[: len(body) - spare + i] + b"\1" + body[len(body) - spare + i + 1 :]))

    def vector(self, data, site):
        count = int.from_bytes(data[site.at + 4 : site.end], "little")
        where = f"{site.field} of {site.constructor.name}"
        put = lambda head, n: data[: site.at] + int32(head) + int32(n) + data[site.end :]
        self.case(f"no vector: {where}", "X-03", "refuse", put(VECTOR ^ 1, count))
        for n in (count + 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x20000000, 0x40000001):
            self.case(f"{n} things instead of {count}: {where}", "X-03", "refuse", put(VECTOR, n))
        if count > 0:
            self.case(f"one thing less than there is: {where}", "X-03", "refuse", put(VECTOR, count - 1))

    def flags(self, data, site):
        flags = int.from_bytes(data[site.at : site.end], "little")
        for bit in range(32):
            if bit not in site.constructor.bits and bit not in BARE.get(site.constructor.name, ()):
                self.case(f"flag {bit}, which means nothing", "X-03", "refuse", data[: site.at] + int32(flags | 1 << bit) + data[site.end :])
        for name, kind, bit in site.constructor.fields:
            if bit is not None and kind != "true":
                self.case(f"flag {bit} turned over, {name} left as it is", "X-03", "refuse", data[: site.at] + int32(flags ^ 1 << bit) + data[site.end :])
            elif bit is not None:
                self.case(f"flag {bit} turned over, which has no bytes", "X-03", "accept", data[: site.at] + int32(flags ^ 1 << bit) + data[site.end :])

    def take(self, example):
        self.example = example
        data = bytes.fromhex(example["bytes"])
        self.whole(data)
        seen = set()
        for site in self.schema.sites(example["type"], data):
            if (site.what, site.field, site.constructor.name) in seen:
                continue  # the same once more, deeper inside
            seen.add((site.what, site.field, site.constructor.name))
            {"id": self.identifier, "string": self.string, "vector": self.vector, "flags": self.flags}[site.what](data, site)

    def by_hand(self):
        number = self.schema.number
        noop = number("decryptedMessageService") + bytes(7) + b"\1" + number("decryptedMessageActionNoop")
        text = number("decryptedMessage") + int32(1 << 5) + bytes(7) + b"\1" + int32(0) + string(b"hush")
        self.example = {"constructor": "decryptedMessage", "type": "DecryptedMessage"}
        self.case("silent", "X-03", "accept", text)
        self.case("silent, with a boxed true for the flag", "X-03", "refuse", text[:8] + int32(0x997275B5) + text[8:])
        self.case("silent, with a boxed false for the flag", "X-03", "refuse", text[:8] + int32(0xBC799737) + text[8:])
        self.case("nothing", "X-03", "refuse", b"")
        self.case("a constructor and nothing else", "X-03", "refuse", text[:4])
        self.case("a Noop", "X-03", "accept", noop)
        self.case("a message in the place of an action", "X-03", "refuse", noop[:12] + noop)
        self.case("a gzipped object", "X-03", "refuse", int32(0x3072CFA1) + string(noop))
        self.case("a vector around it", "X-03", "refuse", int32(VECTOR) + int32(1) + noop)
        self.example = {"constructor": "decryptedMessageLayer", "type": "DecryptedMessageLayer"}
        wrap = lambda inner: number("decryptedMessageLayer") + string(bytes(15)) + int32(73) + int32(0) + int32(1) + inner
        self.case("around a Noop", "X-03", "accept", wrap(noop))
        for depth in (2, 3, 100):
            inner = noop
            for _ in range(depth):
                inner = wrap(inner)
            self.case(f"{depth} deep", "X-03", "refuse", inner)


def cases(schema, seed, known):
    m = Maker(schema, seed)
    for example in examples(known):
        m.take(example)
    m.by_hand()
    return m.made
