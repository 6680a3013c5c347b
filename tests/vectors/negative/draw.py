# SPDX-License-Identifier: BSL-1.0
# Numbers and bytes that follow from a seed and a label, on every machine and with every version of Python.
import hashlib


class Draw:
    def __init__(self, seed, label):
        self.head = f"{seed}/{label}/".encode()
        self.count = 0

    def bytes(self, size):
        out = b""
        while len(out) < size:
            out += hashlib.sha256(self.head + str(self.count).encode()).digest()
            self.count += 1
        return out[:size]

    def below(self, bound):
        return int.from_bytes(self.bytes(16), "big") % bound

    def long(self):
        return int.from_bytes(self.bytes(8), "little", signed=True) | 1
