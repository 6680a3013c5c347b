# SPDX-License-Identifier: BSL-1.0
# Exchanges of keys step by step: what a peer does, lawful or not, and how the implementation under test must answer each step.
from .dh import LOW, hex_of, jacobi
from .draw import Draw
from .primes import SAFE

P = SAFE[0][1]
MINUTE, DAY, WEEK = 60, 86400, 604800
REQUEST, ACCEPT, COMMIT, ABORT, NOOP, RESEND = "RequestKey", "AcceptKey", "CommitKey", "AbortKey", "Noop", "Resend"


class Stream:
    """The steps of one case. Each names what is sent because of it, which key is in use after it, and what the user is told of it."""

    def __init__(self, book, what, rule):
        self.book, self.what, self.rule, self.steps, self.key = book, what, rule, [], "old"

    def step(self, fields, sends=(), tells=None, key=None):
        self.key = key or self.key
        self.steps.append({**fields, "sends": list(sends), "key": self.key, **({"tells": tells} if tells else {})})
        return self

    def may(self, action):
        """What may follow at once, or later."""
        self.steps[-1]["may"] = action
        return self

    def begin(self):
        return self.step({"do": "begin"}, [REQUEST])

    def wait(self, seconds, sends=(), tells=None):
        return self.step({"do": "wait", "seconds": seconds}, sends, tells)

    def lose(self):
        return self.step({"do": "lose"})

    def fill(self, sends=(), tells=None, key=None):
        return self.step({"do": "fill"}, sends, tells, key)

    def say(self, action, sends=(), tells=None, key=None, **fields):
        return self.step({"do": "peer", "action": action, **fields}, sends, tells, key)

    def fresh(self, again):
        """An exponent of the peer's, unless it uses its last one again."""
        return {} if again else {"exponent": self.book.exponent()}

    def request(self, number, sends=(), tells=None, again=False, **fields):
        return self.say(REQUEST, sends, tells, exchange_id=str(number), **self.fresh(again), **fields)

    def accept(self, number, sends=(), tells=None, key=None, fingerprint="right", again=False, **fields):
        return self.say(ACCEPT, sends, tells, key, exchange_id=str(number), **self.fresh(again), fingerprint=fingerprint, **fields)

    def commit(self, number, sends=(), tells=None, key=None, fingerprint="right", **fields):
        return self.say(COMMIT, sends, tells, key, exchange_id=str(number), fingerprint=fingerprint, **fields)

    def abort(self, number, sends=(), tells=None):
        return self.say(ABORT, sends, tells, exchange_id=str(number))

    # What a lawful exchange goes on with.

    def committed(self, number, **fields):
        return self.commit(number, [NOOP], "rekeyed", "new", **fields)

    def answered(self, number="own", **fields):
        return self.accept(number, [COMMIT], "rekeyed", "new", **fields)


class Book:
    def __init__(self, seed):
        self.draw, self.made = Draw(seed, "rekey"), []

    def exponent(self):
        return self.draw.bytes(256).hex()

    def number(self):
        return self.draw.long()

    def keep(self, stream):
        """Each stream for both sides of a chat: who started the chat has no part in who starts an exchange."""
        refused = any(step.get("tells") in ("failed", "rejected") for step in stream.steps)
        for originator in (True, False):
            self.made.append({"what": stream.what, "rule": stream.rule, "receiver_is_originator": originator, "steps": stream.steps,
                              "verdict": "refuse" if refused else "accept"})

    def stream(self, what, rule):
        return Stream(self, what, rule)


def bad_values(draw):
    honest = pow(3, int.from_bytes(draw.bytes(256), "big"), P)
    yield "no bytes", ""
    for n in (0, 1, 2):
        yield f"{n}", hex_of(n)
        yield f"p - {n}", hex_of(P - n)
    yield "p + 1", hex_of(P + 1)
    yield "2^1984 - 1", hex_of(LOW - 1)
    yield "p - 2^1984 + 1", hex_of(P - LOW + 1)
    yield "all ones", "ff" * 256
    yield "no quadratic residue", hex_of(P - honest)
    yield "257 bytes that begin with 1", "01" + hex_of(honest)
    yield "258 bytes", "0000" + hex_of(honest)


def good_values(draw):
    honest = pow(3, int.from_bytes(draw.bytes(256), "big"), P)
    yield "2^1984 in 249 bytes", hex_of(LOW, 249)
    yield "257 bytes that begin with 0", "00" + hex_of(honest)
    least = next(n for n in range(1, 100) if jacobi(P - LOW - n, P) == 1)
    yield f"p - 2^1984 - {least}, a residue", hex_of(P - LOW - least)


def values(book):
    for name, value in bad_values(book.draw):
        n = book.number()
        book.keep(book.stream(f"g_a is {name}", "R-PFS-05, R-PFS-18, D-22").request(n, [ABORT], "failed", value=value).wait(DAY).request(n ^ 2, [ACCEPT]))
        book.keep(book.stream(f"g_b is {name}", "R-PFS-12, R-PFS-18, D-22").begin().accept("own", [ABORT], "failed", value=value))
    for name, value in good_values(book.draw):
        book.keep(book.stream(f"g_a is {name}", "R-PFS-05, D-14").request(book.number(), [ACCEPT], value=value))
    book.keep(book.stream("g_b is our own value", "X-07").begin().accept("own", [ABORT], "failed", value="own"))
    n, m = book.number(), book.number()
    ended = lambda: book.stream("", "X-09, D-32").request(n, [ACCEPT]).committed(n).say(NOOP, under="new")
    for name, value in (("our own value of the exchange before", "own"), ("the peer's own value of the exchange before", "again")):
        s = ended().request(m, [ABORT], "failed", value=value, under="new")
        s.what = f"g_a is {name}"
        book.keep(s)


def acceptor(book):
    n, m = book.number(), book.number()
    asked = lambda what, rule: book.stream(what, rule).request(n, [ACCEPT])
    book.keep(asked("a whole exchange, asked for by the peer", "R-PFS-08, R-PFS-15, R-PFS-20").committed(n).say(NOOP, under="new"))
    book.keep(asked("a message under the new key instead of CommitKey", "R-PFS-15").say(NOOP, [NOOP], "rekeyed", "new", under="new"))
    book.keep(asked("CommitKey after a message under the new key", "R-PFS-15, X-10").say(NOOP, [NOOP], "rekeyed", "new", under="new").commit(n, under="new"))
    book.keep(asked("messages under the old key before CommitKey", "R-PFS-09").say(NOOP).say(NOOP).committed(n))
    book.keep(asked("the same RequestKey again", "D-21").request(n, again=True).committed(n))
    book.keep(asked("another RequestKey while one is accepted", "D-21").request(m, [ABORT], again=True).committed(n))
    for name in ("wrong", "zero", "old", "reversed"):
        late = asked(f"CommitKey with a fingerprint that is {name}, then the right one", "D-22, X-10").commit(n, [ABORT], "failed", fingerprint=name)
        book.keep(late.commit(n))
    for name, other in (("the next", n + 1), ("the one before", n - 1), ("the lowest", -(2**63))):
        book.keep(asked(f"CommitKey for {name} exchange", "D-22").commit(other, [ABORT], "failed").committed(n))
    book.keep(book.stream("CommitKey out of nothing", "D-22").commit(n, [ABORT], "failed", fingerprint="old"))
    book.keep(book.stream("AcceptKey out of nothing", "D-22").accept(n, [ABORT], "failed", fingerprint="old"))
    book.keep(book.stream("AbortKey out of nothing", "D-20").abort(n).request(n, [ACCEPT]))
    book.keep(asked("AcceptKey for what we have accepted", "R-PFS-17, D-22").accept(n, tells="rejected", fingerprint="old", again=True).committed(n))
    book.keep(asked("AbortKey for what we have accepted, then CommitKey", "R-PFS-17, X-10").abort(n, tells="failed").commit(n))
    book.keep(asked("AbortKey for another exchange", "D-20").abort(m).committed(n))
    done = lambda what: asked(what, "X-10").committed(n).say(NOOP, under="new")
    book.keep(done("RequestKey of a finished exchange").request(n, under="new"))
    book.keep(done("CommitKey of a finished exchange").commit(n, under="new", fingerprint="old"))
    book.keep(done("AbortKey of a finished exchange").abort(n))
    book.keep(done("AcceptKey of a finished exchange").accept(n, tells="rejected", under="new", fingerprint="old"))
    book.keep(done("another exchange after a finished one").request(m, [ACCEPT], under="new"))
    book.keep(done("a message under the old key after a finished exchange").say(NOOP, tells="rejected", under="first"))
    book.keep(book.stream("RequestKey behind a gap", "R-PFS-11").lose().request(n, [RESEND]).fill([ACCEPT]).committed(n))
    book.keep(asked("CommitKey behind a gap", "R-PFS-16").lose().commit(n, [RESEND]).fill([NOOP], "rekeyed", "new"))
    again = book.stream("a bad g_a at once after a bad g_a: one AbortKey a minute, then two", "D-21")
    again.request(n, [ABORT], "failed", value="").request(n + 2, [], "failed", value="").wait(MINUTE - 1).request(n + 4, [], "failed", value="")
    again.wait(1).request(n + 6, [ABORT], "failed", value="").wait(2 * MINUTE - 1).request(n + 8, [], "failed", value="").wait(1)
    book.keep(again.request(n + 10, [ABORT], "failed", value=""))


def initiator(book):
    n = book.number()
    asked = lambda what, rule: book.stream(what, rule).begin()
    book.keep(asked("a whole exchange, asked for by us", "R-PFS-12, R-PFS-13, R-PFS-19, D-24").answered().say(NOOP, [NOOP], under="new"))
    for name in ("wrong", "zero", "old", "reversed"):
        late = asked(f"AcceptKey with a fingerprint that is {name}, then the right one", "R-PFS-12, D-22").accept("own", [ABORT], "failed", fingerprint=name)
        book.keep(late.accept("own", tells="rejected"))
    for other in ("own+1", "own-1", str(-(2**63))):
        book.keep(asked(f"AcceptKey for exchange {other}", "R-PFS-12, D-22").accept(other, [ABORT], "failed").answered())
    book.keep(asked("AbortKey, then AcceptKey", "R-PFS-17, X-10").abort("own", tells="failed").accept("own", tells="rejected"))
    book.keep(asked("AbortKey for another exchange", "D-20").abort("own+1").answered())
    book.keep(asked("CommitKey for what we have asked for", "D-22").commit("own", tells="rejected", fingerprint="old").answered())
    book.keep(asked("AcceptKey twice", "X-10").answered().accept("own", tells="rejected", again=True))
    book.keep(asked("AcceptKey again, under the new key", "X-10").answered().accept("own", [NOOP], tells="rejected", under="new", again=True))
    book.keep(asked("AbortKey after CommitKey", "R-PFS-17").answered().abort("own"))
    book.keep(asked("AcceptKey behind a gap", "R-PFS-14").say(NOOP).lose().accept("own", [RESEND]).fill([COMMIT], "rekeyed", "new"))
    book.keep(asked("messages under the old key after CommitKey, then one under the new key", "R-PFS-19").answered().say(NOOP).say(NOOP).say(NOOP, [NOOP], under="new"))
    book.keep(asked("RequestKey of a smaller number while ours is open", "R-PFS-21, D-20").request("own-1").answered())
    book.keep(asked("RequestKey of the smallest number while ours is open", "R-PFS-21, D-20").request(-(2**63)).answered())
    book.keep(asked("RequestKey of a larger number while ours is open", "R-PFS-22, D-20").request("own+1", [ACCEPT]).committed("last"))
    book.keep(asked("RequestKey of the largest number while ours is open", "R-PFS-22, D-20").request(2**63 - 1, [ACCEPT]).committed(2**63 - 1))
    book.keep(asked("RequestKey of the same number while ours is open, then AcceptKey", "R-PFS-23, D-20").request("own").may(REQUEST).accept("first", tells="rejected"))
    book.keep(asked("RequestKey of a larger number with a bad g_a", "R-PFS-22, D-22").request("own+1", [ABORT], "failed", value="").may(REQUEST))
    # Who accepts ours has dropped its own, whatever its number: no CommitKey will come for it.
    crossed = asked("AcceptKey for ours after the peer's larger one", "R-PFS-04, X-10").request("own+1", [ACCEPT])
    book.keep(crossed.accept("first", tells="failed", fingerprint="old", again=True).commit("last"))
    book.keep(asked("RequestKey while the previous key is held, then a message under the new key", "D-21").answered().request(n).say(NOOP, [ACCEPT], under="new"))
    book.keep(asked("no answer for seven days: AcceptKey in time", "D-20").wait(WEEK).answered())
    book.keep(asked("no answer for more than seven days: AcceptKey too late", "D-20").wait(WEEK).wait(1, tells="failed").accept("own", tells="rejected"))


def cases(seed):
    book = Book(seed)
    for group in (values, acceptor, initiator):
        group(book)
    return book.made
