# SPDX-License-Identifier: BSL-1.0
# AES-256-IGE and the keys of both versions of MTProto, written down from their definitions.
import hashlib
import struct


def _tables():
    sbox, p, q = [0] * 256, 1, 1
    while True:  # q is the inverse of p throughout
        p ^= (p << 1 & 0xFF) ^ (0x1B if p & 0x80 else 0)
        for shift in (1, 2, 4):
            q ^= q << shift & 0xFF
        q ^= 0x09 if q & 0x80 else 0
        turned = [(q << n | q >> (8 - n)) & 0xFF for n in range(5)]
        sbox[p] = turned[0] ^ turned[1] ^ turned[2] ^ turned[3] ^ turned[4] ^ 0x63
        if p == 1:
            break
    sbox[0] = 0x63
    rows = []
    for s in sbox:
        s2 = (s << 1 & 0xFF) ^ (0x1B if s & 0x80 else 0)
        rows.append(s2 << 24 | s << 16 | s << 8 | s ^ s2)
    turned = [rows] + [[(w >> 8 * n | w << (32 - 8 * n)) & 0xFFFFFFFF for w in rows] for n in (1, 2, 3)]
    return sbox, turned


SBOX, (T0, T1, T2, T3) = _tables()


def _word(w):
    return SBOX[w >> 24] << 24 | SBOX[w >> 16 & 255] << 16 | SBOX[w >> 8 & 255] << 8 | SBOX[w & 255]


class Aes256:
    def __init__(self, key):
        words, rcon = list(struct.unpack(">8I", key)), 1
        for i in range(8, 60):
            t = words[-1]
            if i % 8 == 0:
                t = _word((t << 8 | t >> 24) & 0xFFFFFFFF) ^ rcon << 24
                rcon = (rcon << 1 & 0xFF) ^ (0x1B if rcon & 0x80 else 0)
            elif i % 8 == 4:
                t = _word(t)
            words.append(words[i - 8] ^ t)
        self.words = words

    def encrypt(self, block):
        k = self.words
        a, b, c, d = (x ^ y for x, y in zip(struct.unpack(">4I", block), k))
        for i in range(4, 56, 4):
            a, b, c, d = (
                T0[a >> 24] ^ T1[b >> 16 & 255] ^ T2[c >> 8 & 255] ^ T3[d & 255] ^ k[i],
                T0[b >> 24] ^ T1[c >> 16 & 255] ^ T2[d >> 8 & 255] ^ T3[a & 255] ^ k[i + 1],
                T0[c >> 24] ^ T1[d >> 16 & 255] ^ T2[a >> 8 & 255] ^ T3[b & 255] ^ k[i + 2],
                T0[d >> 24] ^ T1[a >> 16 & 255] ^ T2[b >> 8 & 255] ^ T3[c & 255] ^ k[i + 3],
            )
        s, out = (a, b, c, d), []
        for i in range(4):
            w = SBOX[s[i] >> 24] << 24 | SBOX[s[(i + 1) % 4] >> 16 & 255] << 16 | SBOX[s[(i + 2) % 4] >> 8 & 255] << 8
            out.append((w | SBOX[s[(i + 3) % 4] & 255]) ^ k[56 + i])
        return struct.pack(">4I", *out)


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def ige_encrypt(key, iv, plain):
    aes, last_cipher, last_plain, out = Aes256(key), iv[:16], iv[16:], []
    for at in range(0, len(plain), 16):
        block = plain[at : at + 16]
        last_cipher = xor(aes.encrypt(xor(block, last_cipher)), last_plain)
        last_plain = block
        out.append(last_cipher)
    return b"".join(out)


def sha256(data):
    return hashlib.sha256(data).digest()


def sha1(data):
    return hashlib.sha1(data).digest()


def key_fingerprint(key):
    return sha1(key)[12:20]


def msg_key2(key, x, plain):
    return sha256(key[88 + x : 120 + x] + plain)[8:24]


def kdf2(key, x, msg_key):
    a, b = sha256(msg_key + key[x : x + 36]), sha256(key[40 + x : 76 + x] + msg_key)
    return a[:8] + b[8:24] + a[24:], b[:8] + a[8:24] + b[24:]


def kdf1(key, msg_key):
    a = sha1(msg_key + key[:32])
    b = sha1(key[32:48] + msg_key + key[48:64])
    c = sha1(key[64:96] + msg_key)
    d = sha1(msg_key + key[96:128])
    return a[:8] + b[8:20] + c[4:16], a[8:20] + b[:8] + c[16:20] + d[:8]
