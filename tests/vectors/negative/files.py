# SPDX-License-Identifier: BSL-1.0
# Files as a peer describes them and as the server keeps them.
import hashlib

from .cipher import ige_encrypt, xor
from .draw import Draw


def folded(digest):
    return int.from_bytes(xor(digest[:4], digest[4:8]), "little", signed=True)


def md5(data):
    return hashlib.md5(data).digest()


class File:
    def __init__(self, draw, size):
        self.key, self.iv, self.plain = draw.bytes(32), draw.bytes(32), draw.bytes(size)
        self.fingerprint = folded(md5(self.key + self.iv))
        self.cipher = ige_encrypt(self.key, self.iv, self.plain + draw.bytes(-size % 16))


def cases(seed):
    draw, made = Draw(seed, "file"), []

    def case(what, rule, verdict, f, **change):
        fields = {"key": f.key.hex(), "iv": f.iv.hex(), "key_fingerprint": f.fingerprint, "declared_size": str(len(f.plain)),
                  "file_size": str(len(f.cipher)), "ciphertext": f.cipher.hex(), "plaintext": f.plain.hex() if verdict == "accept" else ""}
        fields.update({name: value.hex() if isinstance(value, bytes) else value for name, value in change.items()})
        made.append({"what": what, "rule": rule, **fields, "verdict": verdict})

    for size in (0, 1, 15, 16, 17, 31, 32, 33, 47, 48, 49, 255, 256, 257):
        f = File(draw, size)
        case(f"{size} bytes", "R-FILE-01, D-30", "accept", f)
        case(f"{size} bytes, declared as one more than the server has", "D-30", "refuse", f, declared_size=str(len(f.cipher) + 1))
        case(f"{size} bytes, all of the ciphertext declared", "D-30", "accept", File(draw, size + -size % 16))
        if size > 0:
            case(f"{size} bytes, one byte of ciphertext missing", "D-30", "refuse", f, ciphertext=f.cipher[:-1], file_size=str(len(f.cipher) - 1))
            case(f"{size} bytes, one byte fed less than the server said", "D-30", "refuse", f, ciphertext=f.cipher[:-1])
            case(f"{size} bytes, a block fed less than the server said", "D-30", "refuse", f, ciphertext=f.cipher[:-16])
        case(f"{size} bytes, one byte of ciphertext more", "D-30", "refuse", f, ciphertext=f.cipher + b"\0", file_size=str(len(f.cipher) + 1))
        case(f"{size} bytes, a block fed more than the server said", "D-30", "refuse", f, ciphertext=f.cipher + bytes(16))
    f = File(draw, 40)
    case("the right fingerprint", "R-FILE-02", "accept", f)
    for bit in range(0, 32):
        wrong = (f.fingerprint ^ 1 << bit) & 0xFFFFFFFF
        case(f"bit {bit} of the fingerprint differs", "R-FILE-03", "refuse", f, key_fingerprint=wrong - (wrong >> 31 << 32))
    digest = md5(f.key + f.iv)
    others = {"of iv and key": folded(md5(f.iv + f.key)), "not folded": int.from_bytes(digest[:4], "little", signed=True), "of key alone": folded(md5(f.key)),
              "of the second half": folded(digest[8:]), "read from the other end": int.from_bytes(xor(digest[:4], digest[4:8]), "big", signed=True), "0": 0,
              "of SHA-1": folded(hashlib.sha1(f.key + f.iv).digest())}
    for name, number in others.items():
        case(f"a fingerprint {name}", "R-FILE-02, R-FILE-03", "refuse", f, key_fingerprint=number)
    case("key and iv exchanged", "R-FILE-03", "refuse", f, key=f.iv, iv=f.key)
    case("another iv", "R-FILE-03", "refuse", f, iv=draw.bytes(32))
    for declared in (-1, -16, -(2**31), -(2**63), 2**31, 2**63 - 1, 2**63 - 16):
        case(f"a declared size of {declared}", "D-30", "refuse", f, declared_size=str(declared))
    for size in (-16, -1, 0, 1, 39, 47, 49, 2**63 - 1, -(2**63)):
        case(f"{size} bytes at the server", "D-30", "refuse", f, file_size=str(size))
    return made
