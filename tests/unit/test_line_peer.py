#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Two line peers talk through a small server in this script: handshake, texts, crashes, rekeying, timers, deletion, close.

Usage: test_line_peer.py [PROGRAM]; PROGRAM is build/tests/line_peer of this tree, or $LINE_PEER, when it is not given.
"""
import os
import random
import struct
import subprocess
import sys

DATE = 1800000000
PRIME = bytes.fromhex(
    "c71caeb9c6b1c9048e6c522f70f13f73980d40238e3e21c14934d037563d930f48198a0aa7c14058229493d22530f4dbfa336f6e0ac92513"
    "9543aed44cce7c3720fd51f69458705ac68cd4fe6b6b13abdc9746512969328454f18faf8c595f642477fe96bb2a941d5bcd1d4ac8cc4988"
    "0708fa9b378e3c4f3a9060bee67cf9a4a4a695811051907e162753b56b0f6b410dba74d8a84b2a14b3144e0ef1284754fd17ed950d5965b4"
    "b9dd46582db1178d169c6bc465b0d6ff9ca3928fef5b9ae4e418fc15e83ebea0f87fa9ff5eed70050ded2849f47bf959d956850ce929851f"
    "0d8115f635b105ee2e4e15d04b2454bf6f4fadf034b10403119cd8e3b92fcc5b")
BOOL_TRUE = 0x997275b5
SENDS = ("messages.sendEncrypted", "messages.sendEncryptedService")


def program():
    here = os.path.dirname(os.path.abspath(__file__))
    fallback = os.environ.get("LINE_PEER", os.path.join(here, "..", "..", "build", "tests", "line_peer"))
    return sys.argv[1] if len(sys.argv) > 1 else fallback


def check(condition, *what):
    if not condition:
        print("not ok " + Scenes.name)
        print("#", *what)
        sys.exit(1)


# TL -------------------------------------------------------------------------------------------------------------------

def u32(value):
    return struct.pack("<I", value & 0xffffffff)


def u64(value):
    return struct.pack("<Q", value & 0xffffffffffffffff)


def blob(data):
    head = bytes([len(data)]) if len(data) < 254 else b"\xfe" + struct.pack("<I", len(data))[:3]
    return head + data + b"\0" * (-(len(head) + len(data)) % 4)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        check(self.at + size <= len(self.data), "a query ends too early")
        self.at += size
        return self.data[self.at - size:self.at]

    def id(self):
        return struct.unpack("<I", self.take(4))[0]

    def int(self):
        return struct.unpack("<i", self.take(4))[0]

    def long(self):
        return struct.unpack("<q", self.take(8))[0]

    def blob(self):
        start = self.at
        size = self.take(1)[0]
        if size == 254:
            size = int.from_bytes(self.take(3), "little")
        data = self.take(size)
        self.take(-(self.at - start) % 4)
        return data

    def end(self):
        check(self.at == len(self.data), "bytes follow a query")


def encrypted_chat(chat, side, value, fingerprint):
    return u32(0x61f0d4c7) + chat_head(chat, side) + blob(value) + u64(fingerprint)


def chat_head(chat, side):
    return u32(chat) + u64(access_hash(side)) + u32(DATE) + u64(1) + u64(2)


def access_hash(side):
    return 0x1111111111111111 if side == 0 else -0x2222222222222222


# The peers and the server ------------------------------------------------------------------------------------------------

class Peer:
    def __init__(self, side, *options):
        self.side = side
        self.lines = []     # everything it ever said but queries
        self.queries = []   # (qid, method, bytes, after): not answered
        self.sends = []     # qids of sends, in order
        self.process = subprocess.Popen([program(), *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def tell_raw(self, line):
        """Sends one line of bytes; returns what it causes, without the final ok."""
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()
        said = []
        while True:
            answer = self.process.stdout.readline()
            check(answer.endswith(b"\n"), "the peer ended after", line[:80])
            answer = answer[:-1].decode()
            if answer == "ok":
                break
            said.append(answer)
            self.note(answer)
        return said

    def tell(self, line):
        return self.tell_raw(line.encode())

    def note(self, line):
        words = line.split(" ")
        if words[0] != "query":
            self.lines.append(line)
            return
        after = int(words[4][6:]) if len(words) == 5 else None
        qid, method = int(words[1]), words[2]
        check(qid > max([q[0] for q in self.queries], default=0), "a QID is used twice", line[:80])
        if method in SENDS:
            check(after is None or after in self.sends, "chained to something that is no send", line[:80])
            self.sends.append(qid)
        self.queries.append((qid, method, bytes.fromhex(words[3]), after))

    def said(self, line):
        return self.lines.count(line)

    def last_state(self):
        state = [line for line in self.lines if line.startswith("state ")][-1].split(" ")
        return state[1], dict(word.split("=") for word in state[2:])

    def quit(self):
        self.process.stdin.write(b"quit\n")
        self.process.stdin.flush()
        check(self.process.stdout.read() == b"ok\n" and self.process.wait(10) == 0, "quit")


class Server:
    def __init__(self, first, second):
        self.peers = (first, second)
        self.chat = None
        self.seen = {0: {}, 1: {}}  # random_ids taken from each side, and their bytes
        self.delivered = {0: [], 1: []}
        self.hold = False  # messages are accepted, and lost

    def settle(self):
        """Answers queries until neither peer asks anything."""
        while any(peer.queries for peer in self.peers):
            for peer in self.peers:
                while peer.queries:
                    self.serve(peer, *peer.queries.pop(0))

    def serve(self, peer, qid, method, tl, _after):
        other = self.peers[1 - peer.side]
        handlers = {
            "messages.getDhConfig": self.get_dh_config,
            "messages.requestEncryption": self.request_encryption,
            "messages.acceptEncryption": self.accept_encryption,
            "messages.discardEncryption": self.discard_encryption,
            "messages.sendEncrypted": self.send,
            "messages.sendEncryptedService": self.send,
            "messages.readEncryptedHistory": self.nothing,
        }
        check(method in handlers, "an unexpected method", method)
        reader = Reader(tl)
        result, then = handlers[method](peer, other, reader)
        peer.tell("result %d %s" % (qid, result.hex()))
        if then is not None:
            other.tell(then)

    @staticmethod
    def get_dh_config(_peer, _other, reader):
        check(reader.id() == 0x26cf8950, "messages.getDhConfig")
        version, length = reader.int(), reader.int()
        reader.end()
        check(length == 256, "random_length")
        if version == 5:
            return u32(0xc0e24635) + blob(os.urandom(256)), None
        return u32(0x2c221edd) + u32(3) + blob(PRIME) + u32(5) + blob(os.urandom(256)), None

    def request_encryption(self, _peer, _other, reader):
        check(reader.id() == 0xf64daf43 and reader.id() == 0xf21158c6, "messages.requestEncryption")
        check(reader.long() == 2 and reader.long() == -77, "inputUser")
        self.chat, g_a = reader.int(), reader.blob()
        reader.end()
        check(len(g_a) == 256, "g_a")
        self.g_a = g_a
        waiting = u32(0x66b25953) + chat_head(self.chat, 0)
        requested = u32(0x48f1d94c) + u32(0) + chat_head(self.chat, 1) + blob(g_a)
        return waiting, "update_chat " + requested.hex()

    def accept_encryption(self, _peer, _other, reader):
        check(reader.id() == 0x3dbc0415, "messages.acceptEncryption")
        self.input_chat(reader, 1)
        g_b, fingerprint = reader.blob(), reader.long()
        reader.end()
        # The update as a whole, this time: updateEncryption around the chat.
        update = u32(0xb4a2e88d) + encrypted_chat(self.chat, 0, g_b, fingerprint) + u32(DATE)
        return encrypted_chat(self.chat, 1, self.g_a, fingerprint), "update_chat " + update.hex()

    def discard_encryption(self, _peer, _other, reader):
        check(reader.id() == 0xf393aea0, "messages.discardEncryption")
        flags, chat = reader.id(), reader.int()
        reader.end()
        check(chat == self.chat, "the chat to discard")
        discarded = u32(0x1e1c7c45) + u32(flags & 1) + u32(chat)
        return u32(BOOL_TRUE), "update_chat " + discarded.hex()

    def send(self, peer, _other, reader):
        if reader.id() == 0x44fa7a15:
            check(reader.id() & ~1 == 0, "flags")
        self.input_chat(reader, peer.side)
        random_id, data = reader.long(), reader.blob()
        reader.end()
        known = self.seen[peer.side].setdefault(random_id, data)
        sent = u32(0x560f8935) + u32(DATE)
        if self.hold:
            del self.seen[peer.side][random_id]  # lost for good: the queue does not hold it
            return sent, None
        if known is not data and known == data:
            return sent, None  # repeated: not queued twice
        self.delivered[1 - peer.side].append(data)
        return sent, "inbound %d %s" % (DATE, data.hex())

    def nothing(self, _peer, _other, _reader):
        return u32(BOOL_TRUE), None

    def input_chat(self, reader, side):
        check(reader.id() == 0xf141b5e1 and reader.int() == self.chat and reader.long() == access_hash(side), "inputEncryptedChat")


# Scenes -------------------------------------------------------------------------------------------------------------------

def text_line(random_id, text, ttl=0):
    return "send_text %d %d %s" % (random_id, ttl, text.encode().hex())


def received(peer, random_id):
    return [line for line in peer.lines if line.startswith("message random_id=%d " % random_id)]


def say(server, peer, random_id, text, ttl=0):
    """A text goes from a peer to the other, and is shown there once."""
    other = server.peers[1 - peer.side]
    peer.tell(text_line(random_id, text, ttl))
    server.settle()
    shown = received(other, random_id)
    start = "message random_id=%d text=%s ttl=%d media=decryptedMessageMediaEmpty dump=7446cc91" % (random_id, text.encode().hex(), ttl)
    check(len(shown) == 1 and shown[0].startswith(start), "shown", random_id, shown)
    check(peer.said("sent %d %d" % (random_id, DATE)) == 1, "sent", random_id)


def a_chat_is_made(a, b, server, accept):
    """R-DH-01, R-DH-14: nothing is accepted before somebody says so."""
    a.tell("create 2 -77")
    server.settle()
    if accept:
        check(a.last_state()[0] == "Waiting" and a.last_state()[1]["outbound"] == "1", "the state of who asks")
        check(b.last_state()[0] == "Waiting" and b.last_state()[1]["outbound"] == "0", "the state of who is asked")
        check(b.last_state()[1]["key_hash"] == "", "no key yet")
        b.tell("accept")
        server.settle()
    states = a.last_state(), b.last_state()
    check(states[0][0] == "Active" and states[1][0] == "Active", "active", states)
    check(states[0][1]["key_hash"] == states[1][1]["key_hash"] and len(states[0][1]["key_hash"]) == 72, "key_hash")
    check(states[0][1]["layer"] == "144" and states[1][1]["layer"] == "144", "layers", states)
    check(states[0][1]["access_hash"] == str(access_hash(0)), "access_hash")
    check(states[1][1]["access_hash"] == str(access_hash(1)), "access_hash")
    return states[0][1]["key_hash"]


def texts_go_both_ways(a, b, server):
    say(server, a, 1001, "one")
    say(server, b, -1002, "zwei – два")
    a.tell("send_text 1003 0")
    server.settle()
    check(received(b, 1003)[0].startswith("message random_id=1003 text= ttl=0 "), "an empty text")


def a_crash_loses_and_doubles_nothing(a, b, server):
    """X-14, D-35, D-38: the same bytes are asked for again, and nothing is shown twice."""
    a.tell(text_line(2001, "before the crash"))
    before = [query[1:3] for query in a.queries]
    check(len(before) >= 1, "a query")
    old = a.queries[-1][0]
    a.queries = []
    shown = len(received(a, -1002))
    a.tell("restart")
    check(before == [query[1:3] for query in a.queries][:len(before)], "the same queries after a restart")
    check(len(received(a, -1002)) == shown, "an event is shown again")
    check(a.tell("result %d %s" % (old, (u32(0x560f8935) + u32(DATE)).hex())) == ["log SCHAT_IGNORED"], "an answer to a query of before")
    b.tell("restart")
    server.settle()
    check(len(received(b, 2001)) == 1 and a.said("sent 2001 %d" % DATE) == 1, "arrived once")
    b.tell("restart")
    say(server, b, 2002, "after the crash")
    check(b.tell("inbound %d %s" % (DATE, server.delivered[1][-1].hex())) == ["log SCHAT_DUPLICATE"], "a replay")


def an_answer_may_be_an_error(a, b, server):
    a.tell(text_line(2101, "later"))
    qid = a.queries[-1][0]
    a.queries = []
    check(not any(line.startswith("send_error") for line in a.tell("error %d 420 FLOOD_WAIT_3" % qid)), "FLOOD_WAIT")
    a.tell("tick 4000")
    server.settle()
    check(len(received(b, 2101)) == 1, "sent after the wait")
    a.tell(text_line(2102, "never"))
    qid = a.queries[-1][0]
    a.queries = []
    a.tell("error %d 400 DATA_INVALID" % qid)
    server.settle()
    check(a.said("send_error 2102 400 DATA_INVALID") == 1 and not received(b, 2102), "refused for good")


def a_gap_is_filled(a, b, server):
    """R-SEQ-10: messages that were lost come again, and are shown in order."""
    server.hold = True
    a.tell(text_line(2201, "lost"))
    server.settle()
    server.hold = False
    a.tell(text_line(2202, "not lost"))
    server.settle()
    order = [line.split(" ")[1] for line in b.lines if line.startswith("message random_id=220")]
    check(order == ["random_id=2201", "random_id=2202"], "order", order)
    say(server, a, 2203, "and on")


def keys_are_renewed(a, b, server):
    """R-PFS-02: more than a hundred messages, and another key; the picture stays (R-DH-16)."""
    for i in range(70):
        say(server, a, 3000 + i, "a %d" % i)
        say(server, b, 4000 + i, "b %d" % i)
    check(a.said("log rekeyed") >= 1 and b.said("log rekeyed") >= 1, "rekeyed")
    for peer in (a, b):
        peer.tell("restart")
    say(server, a, 3999, "under the new key")
    say(server, b, 4999, "under the new key, too")


def timers_run(a, b, server):
    """R-TTL-02, R-TTL-03, R-TTL-04."""
    a.tell("set_ttl 30 5000")
    server.settle()
    check(b.said("set_ttl 30 5000") == 1, "set_ttl")
    check(a.last_state()[1]["ttl"] == "30" and b.last_state()[1]["ttl"] == "30", "ttl in the state")
    a.tell(text_line(5001, "short", -1))
    server.settle()
    check("ttl=30 " in received(b, 5001)[0], "the chat's timer")
    say(server, a, 5002, "shorter", 7)
    b.tell("open 5002")
    server.settle()
    check(a.said("read 5002") == 1, "read")
    for peer in (a, b):
        peer.tell("tick 6000")
        check(peer.said("deleted 5002") == 0, "too early")
        peer.tell("tick 2000")
        check(peer.said("deleted 5002") == 1, "expired")
    b.tell("read_history %d" % (DATE + 100))
    server.settle()
    b.tell("tick 31000")
    check(b.said("deleted 5001") == 1, "expired after reading")
    a.tell("set_ttl 0 5003")
    server.settle()
    check(b.last_state()[1]["ttl"] == "0", "the timer is off")


def things_are_removed_and_told(a, b, server):
    say(server, a, 6001, "gone soon")
    say(server, a, 6002, "gone as well")
    a.tell("delete 6001 6002")
    server.settle()
    check(b.said("deleted 6001 6002") == 1, "deleted")
    b.tell("screenshot")
    server.settle()
    check(sum(line.startswith("screenshot ") for line in a.lines) == 1, "screenshot")
    b.tell("flush_history")
    server.settle()
    check(a.said("flush") == 1, "flush")


def an_object_goes_as_it_is(a, b, server):
    media = u32(0x35480a59) + struct.pack("<dd", 52.5, -13.25)
    raw = u32(0x91cc4674) + u32(1 << 9) + u64(7001) + u32(0) + blob(b"here") + media
    a.tell("send_raw " + raw.hex())
    server.settle()
    line = received(b, 7001)[0]
    check(" media=decryptedMessageMediaGeoPoint dump=" in line, "media", line)
    check(bytes.fromhex(line.split("dump=")[1])[:4] == raw[:4], "dump")


def damaged_messages_are_rejected(a, b, server):
    """R-DEC-01, R-DEC-03: each bit counts, and the answer is always the same."""
    a.tell(text_line(8001, "whole"))
    query = [query for query in a.queries if query[1] == "messages.sendEncrypted"][0]
    data = message_of(query[2])
    for i in range(8, len(data), 7):
        damaged = data[:i] + bytes([data[i] ^ (1 << i % 8)]) + data[i + 1:]
        check(b.tell("inbound %d %s" % (DATE, damaged.hex())) == ["rejected not_authentic"], "a flipped bit at", i)
    check(b.tell("inbound %d %s" % (DATE, data[:-1].hex())) == ["rejected not_authentic"], "a message cut short")
    server.settle()
    check(len(received(b, 8001)) == 1, "the whole one")


def message_of(tl):
    reader = Reader(tl)
    reader.take(4 + 4 + 16 + 8)
    return reader.blob()


BAD = ["", " ", "nonsense", "create", "create 1", "create x y", "create 99999999999999999999 1", "update_chat",
       "update_chat 0", "update_chat zz", "update_chat 00", "inbound", "inbound 1", "inbound 1 abc", "inbound 1 ab zz",
       "inbound 99999999999 ab", "result", "result 1", "result -1 ab", "result 1 xyz", "error", "error 1",
       "error x 1 Y", "send_text", "send_text 1", "send_text 1 2 3", "send_text 1 x 61", "send_raw", "send_raw 6",
       "send_raw 616263", "open", "open x", "delete", "delete 1 x", "set_ttl", "set_ttl 5", "set_ttl x 1",
       "read_history", "read_history y", "close", "close 2", "close -1", "tick", "tick -1", "tick 99999999999999999999",
       "tick 9223372036854775807", "ok", "query 1 2 3", "\x7f\x01", "result 4000000000 00", "error 4000000000 500 X",
       "inbound 1 00 00", "read_history -5", "set_ttl -1 1"]


def bad_lines_do_no_harm(a, b, server):
    """Any line is answered, and nothing of the chat changes."""
    states = a.last_state(), b.last_state()
    for line in BAD:
        said = a.tell(line)
        check(all(word.split(" ")[0] in ("log", "rejected") for word in said), "a bad line", line, said)
        check(len(said) >= 1, "a bad line without a word", line)
    for raw in (b"tick 1\0000", b"send_text 1 2 \xff\xfe", b"a" * 100000, b"send_raw " + b"0" * (1 << 20), b"tick 0\r"):
        a.tell_raw(raw)
    check(a.tell_raw(b"x" * ((16 << 20) + 1)) == ["log bad command, too long or with a NUL"], "a line over the limit")
    noise = random.Random(1)
    words = ["inbound", "result", "error", "open", "delete", "send_raw", "update_chat", "1", "-1", "0", "ff", "abcd", "x", ""]
    for _ in range(500):
        line = " ".join(noise.choice(words) for _ in range(noise.randrange(1, 6)))
        if not line.startswith(("open 1", "open 0", "open -1", "delete 1", "delete 0", "delete -1")):
            a.tell(line)
    check((a.last_state(), b.last_state()) == states, "a bad line changed the state")
    a.queries = [query for query in a.queries if query[1] in SENDS]
    server.settle()
    say(server, a, 9001, "still here")


def the_chat_ends(a, b, server, key_hash):
    check(a.last_state()[1]["key_hash"] == key_hash, "the picture is that of the first key")
    b.tell("close 1")
    server.settle()
    check(a.last_state()[0] == "Closed" and b.last_state()[0] == "Closed", "closed")
    check(any(line == "log error SCHAT_E_STATE" for line in a.tell(text_line(9999, "too late"))), "a send after the end")


class Scenes:
    """Plays scenes one by one, each a test case of its own."""
    count = 0

    @classmethod
    def play(cls, scene, suffix, *arguments):
        cls.count += 1
        cls.name = "%d - %s%s" % (cls.count, scene.__name__, suffix)
        result = scene(*arguments)
        print("ok " + cls.name)
        return result


def run(accept):
    suffix = "" if accept else ", accepted at once"
    a = Peer(0)
    b = Peer(1) if accept else Peer(1, "--accept-at-once")
    server = Server(a, b)
    key_hash = Scenes.play(a_chat_is_made, suffix, a, b, server, accept)
    Scenes.play(texts_go_both_ways, suffix, a, b, server)
    for scene in LONG if accept else ():
        Scenes.play(scene, suffix, a, b, server)
    Scenes.play(the_chat_ends, suffix, a, b, server, key_hash)
    for peer in (a, b):
        check(not any("without_reason" in line for line in peer.lines), "a rejection without a reason")
        peer.quit()


LONG = (a_crash_loses_and_doubles_nothing, an_answer_may_be_an_error, a_gap_is_filled, keys_are_renewed, timers_run,
        things_are_removed_and_told, an_object_goes_as_it_is, damaged_messages_are_rejected, bad_lines_do_no_harm)


def main():
    print("1..%d" % (len(LONG) + 6))
    run(accept=True)
    run(accept=False)


main()
