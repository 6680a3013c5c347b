# SPDX-License-Identifier: BSL-1.0
# What a server offers as (p, g), and what a peer offers as its public value.
from .draw import Draw
from .primes import SAFE, SAFE_BUT_WRONG_SIZE, UNSAFE

LOW = 2**1984


def residue_class(p, g):
    """R-DH-05: g generates the quadratic residues."""
    return {2: p % 8 == 7, 3: p % 3 == 2, 4: True, 5: p % 5 in (1, 4), 6: p % 24 in (19, 23), 7: p % 7 in (3, 5, 6)}.get(g, False)


def jacobi(a, n):
    result, a = 1, a % n
    while a:
        while a % 2 == 0:
            a //= 2
            if n % 8 in (3, 5):
                result = -result
        a, n = n, a
        if a % 4 == 3 and n % 4 == 3:
            result = -result
        a %= n
    return result if n == 1 else 0


def hex_of(n, size=256):
    return n.to_bytes(max(size, (n.bit_length() + 7) // 8), "big").hex()


def configs():
    made = []

    def case(what, rule, p, g, good):
        made.append({"kind": "config", "what": what, "rule": rule, "p": hex_of(p), "g": g, "verdict": "accept" if good else "refuse"})

    for name, p in SAFE:
        for g in range(-1, 10):
            case(f"{name}, g = {g}", "R-DH-05", p, g, residue_class(p, g))
        for g in (259, -(2**31), 2**31 - 1):
            case(f"{name}, g = {g}", "R-DH-05", p, g, False)
    for name, p in SAFE_BUT_WRONG_SIZE:
        for g in (3, 4):
            case(f"{name}, g = {g}", "R-DH-02", p, g, False)
    for name, p in UNSAFE:
        for g in [4] + [g for g in (7, 6, 5, 3, 2) if residue_class(p, g)][:1]:
            case(f"{name}, g = {g}", "R-DH-03, R-DH-04", p, g, False)
    telegram, other = SAFE[0][1], SAFE[1][1]
    numbers = {"0": 0, "1": 1, "2^2047 - 1": 2**2047 - 1, "2^2047": 2**2047, "2^2047 + 1": 2**2047 + 1, "2^2048 - 1": 2**2048 - 1, "2^2048": 2**2048,
               "the published prime less 1": telegram - 1, "the published prime and 1": telegram + 1, "the published prime less 2": telegram - 2,
               "the published prime and 2": telegram + 2, "half of the published prime": telegram // 2, "twice the published prime": telegram * 2,
               "the published prime without its top bit": telegram - 2**2047, "group 14 less 2": other - 2, "group 14 and 2": other + 2,
               "the published prime with a bit flipped": telegram ^ 1 << 1000, "its bytes in the other order": int.from_bytes(telegram.to_bytes(256, "big"), "little")}
    for name, p in numbers.items():
        case(f"{name}, g = 4", "R-DH-02, R-DH-03", p, 4, False)
    return made


def values(seed):
    made = []
    for name, p in SAFE[:2]:
        draw = Draw(seed, f"dh/{name}")
        own = pow(3, int.from_bytes(draw.bytes(256), "big"), p)

        def case(what, rule, value, good, size=256, p=p, own=own, name=name):
            number = value if isinstance(value, str) else hex_of(value, size)
            made.append({"kind": "value", "what": f"{what}, {name}", "rule": rule, "p": hex_of(p), "own": hex_of(own), "value": number,
                         "verdict": "accept" if good else "refuse"})

        for n in range(6):
            case(f"{n}", "R-DH-07", n, False)
            case(f"p - {n}", "R-DH-07", p - n, False)
        case("p + 1", "R-DH-07", p + 1, False)
        case("2^2048 - 1", "R-DH-07", 2**2048 - 1, False)
        for add in range(-6, 7):
            for what, n, inside in ((f"2^1984 + {add}", LOW + add, add >= 0), (f"p - 2^1984 + {add}", p - LOW + add, add <= 0)):
                case(what.replace("+ -", "- "), "R-DH-08, X-06", n, inside and jacobi(n, p) == 1)
        for n in range(8):
            square = pow(int.from_bytes(draw.bytes(256), "big"), 2, p)
            case(f"square {n}", "X-06", square, True)
            case(f"square {n} taken from p, no square", "X-06", p - square, False)
        case("our own value sent back", "X-07", own, False)
        case("our own value taken from p", "X-06", p - own, False)
        honest = pow(3, int.from_bytes(draw.bytes(256), "big"), p)
        case("an honest value", "R-DH-07", honest, True)
        case("an honest value after a zero byte", "D-14", "00" + hex_of(honest), True)
        case("an honest value after a byte of 1", "D-14", "01" + hex_of(honest), False)
        case("an honest value after two zero bytes", "D-14", "0000" + hex_of(honest), False)
        case("an honest value and a zero byte", "D-14", hex_of(honest) + "00", False)
        case("an honest value without its last byte", "R-DH-08, X-06", hex_of(honest)[:-2], LOW <= honest >> 8 and jacobi(honest >> 8, p) == 1)
        case("an honest value and p", "R-DH-07", hex_of(honest + p, 257), False)
        case("our own value after a zero byte", "X-07, D-14", "00" + hex_of(own), False)
        case("no byte at all", "D-14", "", False)
        case("one byte", "R-DH-08", "04", False)
        for size in (249, 250, 255, 257):
            case(f"2^1984 in {size} bytes", "D-14, R-DH-08", LOW, True, size)
        case("2^1984 in 258 bytes", "D-14", LOW, False, 258)
        case("2^1984 - 1 in 248 bytes", "R-DH-08", "ff" * 248, False)
    return made


def cases(seed):
    return configs() + values(seed)
