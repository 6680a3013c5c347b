# SPDX-License-Identifier: BSL-1.0
# Whole encrypted messages as they reach a chat whose numbers are given, and what must become of each.
from .cipher import ige_encrypt, kdf1, kdf2, key_fingerprint, msg_key2, sha1, sha256
from .draw import Draw
from .schema import int32, int64, string

RECEIVED, SENT, CONFIRMED = 4, 4, 2  # messages of the peer that were applied; ours; how many of ours the peer has confirmed
LONGEST_RAW = 2**30 - 1
RESEND_SPAN = 1000


class Writer:
    """One chat, seen by the peer that writes into it."""

    def __init__(self, schema, seed, receiver_is_originator):
        self.schema, self.receiver = schema, receiver_is_originator
        self.draw = Draw(seed, f"envelope/{receiver_is_originator}")
        self.key = self.draw.bytes(256)
        self.x = 8 if receiver_is_originator else 0
        self.cases = []

    def wire_out(self, raw):
        return 2 * raw + (0 if self.receiver else 1)

    def wire_in(self, raw):
        return 2 * raw + (1 if self.receiver else 0)

    def text(self, text="a message"):
        return self.schema.number("decryptedMessage") + int32(0) + int64(self.draw.long()) + int32(0) + string(text.encode())

    def service(self, action, name="decryptedMessageService"):
        extra = string(self.draw.bytes(16)) if name.endswith("8") else b""
        return self.schema.number(name) + int64(self.draw.long()) + extra + action

    def wrapper(self, message=None, random_bytes=None, layer=144, wire_in=None, wire_out=None, number=None):
        noise = random_bytes if random_bytes is not None else string(self.draw.bytes(31))
        numbers = int32(self.wire_in(CONFIRMED) if wire_in is None else wire_in) + int32(self.wire_out(RECEIVED) if wire_out is None else wire_out)
        head = number if number is not None else self.schema.number("decryptedMessageLayer")
        return head + noise + int32(layer) + numbers + (self.text() if message is None else message)

    def padded(self, thing, padding=None, length=None):
        """length, object and padding; the smallest lawful padding unless it is told."""
        size = 12 + -(4 + len(thing) + 12) % 16 if padding is None else padding
        assert (4 + len(thing) + size) % 16 == 0
        return int32(len(thing) if length is None else length) + thing + self.draw.bytes(size)

    def seal(self, padded, x=None, msg_key=None, kdf_x=None, fingerprint=None):
        x = self.x if x is None else x
        msg_key = msg_key2(self.key, x, padded) if msg_key is None else msg_key
        aes_key, aes_iv = kdf2(self.key, x if kdf_x is None else kdf_x, msg_key)
        return (fingerprint or key_fingerprint(self.key)) + msg_key + ige_encrypt(aes_key, aes_iv, padded)

    def seal_old(self, thing, padding=None, length=None, hashed=None):
        """MTProto 1: the hash ends where the object does."""
        size = -(4 + len(thing)) % 16 if padding is None else padding
        plain = int32(len(thing) if length is None else length) + thing
        padded = plain + self.draw.bytes(size)
        msg_key = sha1(plain if hashed is None else padded[:hashed])[4:20]
        aes_key, aes_iv = kdf1(self.key, msg_key)
        return key_fingerprint(self.key) + msg_key + ige_encrypt(aes_key, aes_iv, padded)

    def case(self, what, rule, verdict, message, **more):
        self.cases.append({"what": what, "rule": rule, "receiver_is_originator": self.receiver, "key": self.key.hex(),
                           "received": RECEIVED, "sent": SENT, "confirmed": CONFIRMED, **more, "message": message.hex(), "verdict": verdict})

    def say(self, what, rule, verdict, thing, **more):
        self.case(what, rule, verdict, self.seal(self.padded(thing)), **more)

    def resend(self, first, last):
        return {"resend": [self.wire_out(first), self.wire_out(last)]}

    def sized(self, remainder):
        """A wrapped text whose size leaves that remainder by 16."""
        for n in range(64):
            thing = self.wrapper(self.text("x" * n))
            if len(thing) % 16 == remainder:
                return thing
        raise AssertionError


def paddings(w):
    for size in (0, 4, 8, 12, 16, 20, 24, 28, 508, 1008, 1012, 1016, 1020, 1024, 1028, 1032, 1036, 1040, 1056):
        thing = w.sized((12 - size) % 16)
        w.case(f"{size} bytes of padding", "R-DEC-04", "accept" if 12 <= size <= 1024 else "refuse", w.seal(w.padded(thing, size)))


def lengths(w):
    thing = w.wrapper(w.service(w.schema.number("decryptedMessageActionNoop")), random_bytes=string(w.draw.bytes(27)))
    assert len(thing) == 60
    room = 60 + 1024  # for object and padding
    lies = {"one more": 61, "two more": 62, "three more": 63, "one less": 59, "two less": 58, "three less": 57, "padding of 1,028 bytes": 56,
            "nothing": 0, "all but 8 bytes": room - 8, "all but 4 bytes": room - 4, "all": room, "4 bytes beyond the end": room + 4,
            "the whole and its own field": room + 8, "0xffffffff": -1, "0xfffffffc": -4, "0x80000000": -(2**31), "0x7fffffff": 2**31 - 1,
            "0x7ffffffc": 2**31 - 4, "0x80000000 more": 60 - 2**31, "a byte in the wrong place": 60 << 8, "big-endian": 60 << 24,
            "0x00100000 more": 60 + (1 << 20)}
    for name, length in lies.items():
        w.case(f"the length says {name}", "R-DEC-04, R-DEC-05", "refuse", w.seal(w.padded(thing, 1024, length)))
    w.case("the length is the truth, with the same padding", "R-DEC-04", "accept", w.seal(w.padded(thing, 1024)))
    w.case("the length takes 4 bytes of the padding into the message", "X-03, D-03", "unsupported", w.seal(w.padded(thing, 1024, 64)))
    w.case("the length leaves all but 12 bytes in the message", "X-03, D-03", "unsupported", w.seal(w.padded(thing, 1024, room - 12)))
    short = w.wrapper(w.text("a text that loses its last four bytes..."))
    w.case("the length leaves the last four bytes out", "X-03, D-03", "unsupported", w.seal(w.padded(short, None, len(short) - 4)))
    w.case("the same text, whole", "X-03", "accept", w.seal(w.padded(short)))


def sizes(w):
    least = w.wrapper(w.service(w.schema.number("decryptedMessageActionNoop")), random_bytes=string(w.draw.bytes(15)))
    assert len(least) == 48
    whole = w.seal(w.padded(least, 12))
    assert len(whole) == 88
    w.case("88 bytes, the smallest message there is", "X-02", "accept", whole)
    for size in (0, 1, 4, 7, 8, 9, 15, 16, 20, 23, 24, 25, 32, 39, 40, 41, 48, 56, 63, 64, 71, 72, 73, 80, 84, 87):
        w.case(f"the first {size} bytes of it", "R-DEC-06, X-02", "refuse", whole[:size])
    for size in (1, 2, 3, 4, 7, 8, 9, 12, 15):
        w.case(f"{size} bytes more than whole blocks", "X-02, D-02", "refuse", whole + w.draw.bytes(size))
    w.case("a block more", "R-DEC-01", "refuse", whole + w.draw.bytes(16))
    w.case("a block of zeros more", "R-DEC-01", "refuse", whole + bytes(16))
    w.case("the last block twice", "R-DEC-01", "refuse", whole + whole[-16:])
    w.case("the message twice", "R-DEC-01", "refuse", whole + whole)
    tiny = w.seal(int32(4) + bytes(4) + w.draw.bytes(8))
    w.case("an authentic message of one block", "X-02", "refuse", tiny)
    w.case("an authentic message of two blocks around nothing", "X-02", "refuse", w.seal(int32(0) + w.draw.bytes(28)))
    w.case("an authentic message of four blocks around nothing", "X-03", "refuse", w.seal(int32(0) + w.draw.bytes(60)))
    long = w.seal(w.padded(w.wrapper(w.text("blocks that change their places " * 3))))
    w.case("a message of more blocks", "R-DEC-01", "accept", long)
    w.case("two of its blocks exchanged", "R-DEC-01", "refuse", long[:56] + long[72:88] + long[56:72] + long[88:])
    w.case("its last block left out", "R-DEC-01", "refuse", long[:-16])
    w.case("its first block left out", "R-DEC-01", "refuse", long[:24] + long[40:])
    w.case("its last block replaced", "R-DEC-01", "refuse", long[:-16] + w.draw.bytes(16))
    for bit in range(0, 8 * (len(long) - 24), 171):
        at = 24 + bit // 8
        w.case(f"bit {bit} of its ciphertext flipped", "R-DEC-01", "refuse", long[:at] + bytes([long[at] ^ 1 << bit % 8]) + long[at + 1 :])


def fingerprints(w):
    thing = w.padded(w.wrapper())
    right = key_fingerprint(w.key)
    for i in range(8):
        wrong = right[:i] + bytes([right[i] ^ 1 << w.draw.below(8)]) + right[i + 1 :]
        w.case(f"byte {i} of the key's fingerprint differs", "D-02", "refuse", w.seal(thing, fingerprint=wrong))
    w.case("the fingerprint's bytes in the other order", "R-DH-12", "refuse", w.seal(thing, fingerprint=right[::-1]))
    w.case("the first bytes of the hash as fingerprint", "R-DH-12", "refuse", w.seal(thing, fingerprint=sha1(w.key)[:8]))
    w.case("the tail of SHA-256 as fingerprint", "R-DH-12", "refuse", w.seal(thing, fingerprint=sha256(w.key)[-8:]))
    w.case("no fingerprint", "D-02", "refuse", w.seal(thing, fingerprint=bytes(8)))
    w.case("the right fingerprint", "R-DH-12", "accept", w.seal(thing))


def msg_keys(w):
    thing = w.padded(w.wrapper())
    large = sha256(w.key[88 + w.x : 120 + w.x] + thing)
    right = w.seal(thing)
    w.case("the right msg_key", "R-DEC-01", "accept", right)
    for i in range(16):
        at = 8 + i
        w.case(f"byte {i} of msg_key differs", "R-DEC-01", "refuse", right[:at] + bytes([right[at] ^ 1 << w.draw.below(8)]) + right[at + 1 :])
    w.case("msg_key of zeros", "R-DEC-01", "refuse", right[:8] + bytes(16) + right[24:])
    w.case("another msg_key, and the ciphertext it gives", "R-DEC-01", "refuse", w.seal(thing, msg_key=w.draw.bytes(16)))
    w.case("the first 16 bytes of the hash as msg_key", "R-ENC-05", "refuse", w.seal(thing, msg_key=large[:16]))
    w.case("the last 16 bytes of the hash as msg_key", "R-ENC-05", "refuse", w.seal(thing, msg_key=large[16:]))
    unpadded = thing[: 4 + int.from_bytes(thing[:4], "little")]
    w.case("msg_key without the padding", "R-ENC-05", "refuse", w.seal(thing, msg_key=msg_key2(w.key, w.x, unpadded)))
    w.case("msg_key without the length", "R-ENC-05", "refuse", w.seal(thing, msg_key=msg_key2(w.key, w.x, thing[4:])))
    w.case("msg_key of the plaintext alone", "R-ENC-05", "refuse", w.seal(thing, msg_key=sha256(thing)[8:24]))
    w.case("msg_key as in version 1", "R-ENC-05", "refuse", w.seal(thing, msg_key=sha1(unpadded)[4:20]))
    other = 8 - w.x
    w.case("sealed for the other direction", "R-ENC-07", "refuse", w.seal(thing, x=other))
    w.case("msg_key for the other direction", "R-ENC-07", "refuse", w.seal(thing, msg_key=msg_key2(w.key, other, thing)))
    w.case("AES key for the other direction", "R-ENC-07", "refuse", w.seal(thing, kdf_x=other))


def random_bytes(w):
    for size in (0, 1, 13, 14, 15, 16, 31, 252, 253, 254, 255, 256):
        thing = w.wrapper(random_bytes=string(w.draw.bytes(size)))
        w.say(f"{size} random bytes", "R-DEC-08", "accept" if size >= 15 else "refuse", thing)
    noise = w.draw.bytes(31)
    w.say("31 random bytes in the long form", "X-03", "refuse", w.wrapper(random_bytes=b"\xfe\x1f\0\0" + noise + bytes(1)))
    w.say("253 random bytes in the long form", "X-03", "refuse", w.wrapper(random_bytes=b"\xfe\xfd\0\0" + w.draw.bytes(253) + bytes(3)))
    w.say("29 random bytes and a tail that is not zero", "X-03", "refuse", w.wrapper(random_bytes=b"\x1d" + noise[:29] + b"\0\x01"))
    w.say("29 random bytes and a tail of zeros", "X-03", "accept", w.wrapper(random_bytes=b"\x1d" + noise[:29] + b"\0\0"))
    w.say("a length byte of 255", "X-03", "refuse", w.wrapper(random_bytes=b"\xff" + noise))
    w.say("random bytes beyond the end", "X-03", "refuse", w.wrapper(random_bytes=b"\xfd" + noise))
    w.say("random bytes far beyond the end", "X-03", "refuse", w.wrapper(random_bytes=b"\xfe\xff\xff\xff" + noise[:28]))


def layers(w):
    for layer in (-(2**31), -1, 0, 1, 6, 7, 8, 9, 17, 20, 45, 46, 72, 73, 74, 101, 143, 144, 145, 200, 2**31 - 1):
        w.say(f"a wrapper of layer {layer}", "D-04, R-DEC-09", "accept" if layer >= 8 else "refuse", w.wrapper(layer=layer))


def parities(w):
    """Every combination of the lowest bits, at several places: only one is the sender's."""
    for raw_in, raw_out in ((CONFIRMED, RECEIVED), (CONFIRMED, 0), (CONFIRMED, 1000), (-1, RECEIVED), (CONFIRMED, -1), (-(2**30), -(2**30))):
        for flip in (1, 2, 3):
            low_in, low_out = flip & 1, flip >> 1
            wire_in, wire_out = w.wire_in(raw_in) ^ low_in, w.wire_out(raw_out) ^ low_out
            if not -(2**31) <= wire_in < 2**31 or not -(2**31) <= wire_out < 2**31:
                continue
            wrong = " and ".join(["in_seq_no"] * low_in + ["out_seq_no"] * low_out)
            w.say(f"wrong parity of {wrong} ({wire_in}, {wire_out})", "R-SEQ-05", "close", w.wrapper(wire_in=wire_in, wire_out=wire_out))
    w.say("right parity of both", "R-SEQ-04, R-SEQ-05", "accept", w.wrapper())


def orders(w):
    for raw in (0, 1, RECEIVED - 1):
        w.say(f"number {raw} once more, with other content", "R-SEQ-08", "ignore", w.wrapper(wire_out=w.wire_out(raw)))
    w.say("a number below nothing", "R-SEQ-08", "ignore", w.wrapper(wire_out=w.wire_out(-1)))
    w.say("the lowest number an int can hold", "R-SEQ-08", "ignore", w.wrapper(wire_out=w.wire_out(-(2**30))))
    w.say("the next number", "R-SEQ-03", "accept", w.wrapper())
    for gap in (1, 2, 3, 999, 1000):
        w.say(f"{gap} missing before it", "R-SEQ-09, R-SEQ-10", "wait", w.wrapper(wire_out=w.wire_out(RECEIVED + gap)), **w.resend(RECEIVED, RECEIVED + gap - 1))
    for gap in (1001, 10**6, 10**9):
        w.say(f"{gap} missing before it", "R-SEQ-10, D-37", "wait", w.wrapper(wire_out=w.wire_out(RECEIVED + gap)),
              **w.resend(RECEIVED, RECEIVED + RESEND_SPAN - 1))
    w.say("the last number there is", "R-SEQ-23", "wait", w.wrapper(wire_out=w.wire_out(LONGEST_RAW)), **w.resend(RECEIVED, RECEIVED + RESEND_SPAN - 1))


def acknowledgements(w):
    for raw in range(CONFIRMED - 2, SENT + 3):
        rule = "R-SEQ-17" if raw < CONFIRMED else "R-SEQ-18"
        w.say(f"in_seq_no {raw}", rule, "accept" if CONFIRMED <= raw <= SENT else "close", w.wrapper(wire_in=w.wire_in(raw)))
    for raw in (-1, -(2**30), LONGEST_RAW):
        w.say(f"in_seq_no {raw}", "R-SEQ-17, R-SEQ-19", "close", w.wrapper(wire_in=w.wire_in(raw)))
    behind = {"wire_out": w.wire_out(RECEIVED + 1)}
    w.say("in_seq_no of all we sent, behind a gap", "R-SEQ-18", "wait", w.wrapper(wire_in=w.wire_in(SENT), **behind), **w.resend(RECEIVED, RECEIVED))
    w.say("in_seq_no of one more than we sent, behind a gap", "R-SEQ-18, R-SEQ-19", "close", w.wrapper(wire_in=w.wire_in(SENT + 1), **behind))


def resends(w):
    """Requests for what we sent: 2 and 3 are not confirmed yet, 0 and 1 are, 4 does not exist."""
    def ask(first, last, parity=0):
        own = lambda raw: 2 * raw + (1 if w.receiver else 0) + parity
        return w.wrapper(w.service(w.schema.number("decryptedMessageActionResend") + int32(own(first)) + int32(own(last))))
    for first, last in ((2, 2), (2, 3), (3, 3), (0, 3), (1, 1)):
        w.say(f"a Resend for {first} to {last}", "R-SEQ-14, D-07", "accept", ask(first, last))
    for first, last in ((2, 4), (4, 4), (3, 2), (-1, 2), (2, LONGEST_RAW), (LONGEST_RAW, LONGEST_RAW), (-(2**30), 3)):
        w.say(f"a Resend for {first} to {last}", "R-SEQ-14", "close", ask(first, last))
    w.say("a Resend of the other side's parity", "R-SEQ-14, R-SEQ-22", "close", ask(2, 3, 1 if not w.receiver else -1))


def wrappers(w):
    number = w.schema.number
    known = ("decryptedMessage", "decryptedMessageService", "decryptedMessageMediaEmpty", "decryptedMessageActionNoop")
    for name in known:
        w.say(f"{name} in the place of the wrapper", "X-03", "refuse", w.wrapper(number=number(name)))
    for value in (0, 0xFFFFFFFF, 0x99A438CF, 0x1BE31788, 0x8917E31B):
        w.say(f"{value:#010x} in the place of the wrapper", "X-03", "refuse", w.wrapper(number=int32(value)))
    filler = string(bytes(60))
    w.say("a message without a wrapper", "R-ENC-01, D-05", "refuse", w.text("no wrapper around this text, which is long enough to be a message"))
    notify = number("decryptedMessageActionNotifyLayer") + int32(73)
    w.say("NotifyLayer of layer 8 without a wrapper", "R-DEC-11, D-05", "unordered", w.service(notify, "decryptedMessageService8"))
    w.say("NotifyLayer of layer 17 without a wrapper", "D-05", "refuse", w.service(notify) + filler)
    w.say("another action of layer 8 without a wrapper", "D-05", "refuse",
          w.service(number("decryptedMessageActionSetMessageTTL") + int32(5), "decryptedMessageService8"))
    w.say("NotifyLayer of layer 8 without a wrapper, and four bytes more", "D-05, X-03", "refuse", w.service(notify, "decryptedMessageService8") + bytes(4))
    whole = w.wrapper()
    head = len(whole) - len(w.text())
    for cut in range(0, head, 4):
        w.case(f"the first {cut} bytes of a wrapper", "X-03", "refuse", w.seal(w.padded(whole[:cut], 60 + -(cut + 64) % 16)))
    for cut in range(head, len(whole), 4):
        w.say(f"a wrapper around the first {cut - head} bytes of a message", "X-03, D-03", "unsupported", whole[:cut])
    w.say("a wrapper around a whole message", "X-03", "accept", whole)
    w.say("four zeros after the message", "X-03, D-03", "unsupported", w.wrapper() + bytes(4))
    w.say("a second message after the message", "X-03, D-03", "unsupported", w.wrapper() + w.text())
    w.say("a wrapper in a wrapper", "X-03, D-03", "unsupported", w.wrapper(w.wrapper()))
    w.say("an unknown constructor in the wrapper", "D-03", "unsupported", w.wrapper(int32(0x12345678) + bytes(16)))
    w.say("a medium in the place of the message", "X-03, D-03", "unsupported", w.wrapper(number("decryptedMessageMediaEmpty")))
    w.say("an action in the place of the message", "X-03, D-03", "unsupported", w.wrapper(number("decryptedMessageActionNoop")))
    unnamed = number("decryptedMessage") + int32(0) + int64(0) + int32(0) + string(b"no name")
    w.say("a message whose random_id is 0", "D-26", "unsupported", w.wrapper(unnamed))


def versions(w):
    new, old = {"mtproto2_seen": True}, {"mtproto2_seen": False}
    say = w.wrapper(layer=46)
    w.case("MTProto 1 after MTProto 2", "D-01, R-DEC-10", "refuse", w.seal_old(say), **new)
    w.case("MTProto 1 before MTProto 2", "D-01, X-04", "accept", w.seal_old(say), **old)
    w.case("MTProto 2 as the first", "D-01", "accept", w.seal(w.padded(say)), **old)
    w.case("MTProto 1 with 16 bytes of padding too many", "R-DEC-04", "refuse", w.seal_old(say, -(4 + len(say)) % 16 + 16), **old)
    w.case("MTProto 1 whose length says more than there is", "R-DEC-04", "refuse", w.seal_old(say, length=len(say) + 32), **old)
    w.case("MTProto 1 whose length is negative", "R-DEC-05", "refuse", w.seal_old(say, length=-4), **old)
    w.case("MTProto 1 whose msg_key covers the padding", "R-DEC-01", "refuse", w.seal_old(w.sized(8), 4, hashed=-1), **old)
    whole = w.seal_old(say)
    w.case("MTProto 1 with a bit of the object flipped", "R-DEC-01", "refuse", whole[:30] + bytes([whole[30] ^ 4]) + whole[31:], **old)


GROUPS = (paddings, lengths, sizes, fingerprints, msg_keys, random_bytes, layers, parities, orders, acknowledgements, resends, wrappers, versions)


def cases(schema, seed):
    made = []
    for receiver in (True, False):
        w = Writer(schema, seed, receiver)
        for group in GROUPS:
            group(w)
        made += w.cases
    return made
