# SPDX-License-Identifier: Apache-2.0
"""Receipts, checked by another program than Sotto's: written from aggregation/PROTOCOL.md alone
("Receipts" and what it leans on). Signatures and points are libsodium's, by ctypes; hashes are
hashlib's. It knows nothing of tables and statistics."""

import ctypes
import ctypes.util
import hashlib
import json
import struct

_sodium = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so")
assert _sodium.sodium_init() >= 0

ROSTER, ADVERT = 4, 16


class Wrong(Exception):
    """The receipt does not hold."""


def expect(is_so, why):
    if not is_so:
        raise Wrong(why)


# --- Hashes, signatures, points ---

def digest(label, data):
    """H(label, data)."""
    return hashlib.blake2b(label.encode() + b"\0" + data, digest_size=32).digest()


def signed(label, data):
    """What a signature with this label signs."""
    chunk = 1024 * 1024
    if len(data) <= chunk:
        return hashlib.blake2b(label.encode() + b"\0" + data, digest_size=64).digest()
    hashes = b"".join(hashlib.blake2b(data[at:at + chunk], digest_size=64).digest()
                      for at in range(0, len(data), chunk))
    return hashlib.blake2b(label.encode() + b"\1" + hashes, digest_size=64).digest()


def check_signature(key, signature, label, data, why):
    expect(_sodium.crypto_sign_verify_detached(signature, signed(label, data),
                                               ctypes.c_ulonglong(64), key) == 0, why)


def is_point(data):
    return data != bytes(32) and _sodium.crypto_core_ristretto255_is_valid_point(data) == 1


# --- Bytes ---

class Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def bytes(self, count):
        expect(self.at + count <= len(self.data), "the bytes end too early")
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, form):
        return struct.unpack("<" + form, self.bytes(struct.calcsize("<" + form)))[0]

    def blob(self):
        return self.bytes(self.number("I"))

    def bitmap(self, count):
        data = self.bytes((count + 7) // 8)
        bits = [data[i // 8] >> i % 8 & 1 == 1 for i in range(len(data) * 8)]
        expect(not any(bits[count:]), "a bitmap has bits beyond its parties")
        return data, bits[:count]

    def signatures(self):
        """A count, then index and signature of each, ascending."""
        found = [(self.number("I"), self.bytes(64)) for _ in range(self.number("I"))]
        indices = [index for index, _ in found]
        expect(indices == sorted(set(indices)), "signatures are not in ascending order")
        return found

    def finish(self):
        expect(self.at == len(self.data), "there are bytes left over")


# --- Messages ---

class Message:
    """An envelope, opened."""

    def __init__(self, data):
        expect(len(data) >= 164, "a message is too short")
        reader = Reader(data[:-64])
        expect(reader.bytes(4) == b"SOTO" and reader.number("H") == 2 and reader.number("H") == 1,
               "a message of another version")
        self.type = reader.number("H")
        expect(reader.number("H") == 0, "a message's header is not right")
        self.task = reader.bytes(16)
        self.label = reader.number("I"), reader.number("I")
        self.session = reader.bytes(32)
        self.sender = reader.bytes(32)
        self.body = data[100:-64]
        check_signature(self.sender, data[-64:], "sotto message", data[:-64],
                        "the signature of a message is not right")


class Advert:
    def __init__(self, data, round_):
        message = Message(data)
        self.data = data
        self.key = message.sender
        expect((message.type, message.task, message.label) == (ADVERT, round_.task, round_.label),
               "an advert of another attempt")
        reader = Reader(message.body)
        expect(reader.bytes(32) == round_.aggregator, "an advert for another aggregator")
        expect(reader.bytes(32) == round_.plan_digest, "an advert for another plan")
        expect(is_point(reader.bytes(32)) and is_point(reader.bytes(32)), "a point is not usable")
        reader.bytes(16)
        self.minimum = reader.number("I")
        self.colluders = reader.number("H")
        flags = reader.number("B")
        expect(flags & ~7 == 0, "an unknown flag")
        self.must_consent = flags & 1 == 1
        reader.blob()
        reader.finish()


class Round:
    """A record, checked."""

    def __init__(self, reader, task, aggregator, plan_digest, min_clients):
        self.task, self.aggregator, self.plan_digest = task, aggregator, plan_digest
        self.label = reader.number("I"), reader.number("I")
        self.agreement = reader.bytes(32)
        self.read_roster(reader.blob())
        n = len(self.adverts)
        self.minimum = min_clients or n
        dealers, is_dealer = reader.bitmap(n)
        dealings = b"".join(reader.bytes(64) for i in range(n) if is_dealer[i])
        living, self.lives = reader.bitmap(n)
        expect(all(is_dealer[i] for i in range(n) if self.lives[i]), "a survivor that never dealt")
        masked = b"".join(reader.bytes(32) for i in range(n) if self.lives[i])
        self.session = self.make_session()
        self.survivors = digest("sotto survivors", self.session + dealers + living +
                                digest("sotto dealings", dealings) + masked)
        self.check_consents(reader.signatures())
        self.aggregate_digest = reader.bytes(32)

    def read_roster(self, data):
        message = Message(data)
        expect((message.type, message.task, message.label, message.sender) ==
               (ROSTER, self.task, self.label, self.aggregator), "a roster of another session")
        reader = Reader(message.body)
        n, self.h, self.p, self.t = (reader.number("I") for _ in range(4))
        expect(3 <= n <= 1000, "a roster of too few or too many")
        self.adverts = [Advert(reader.blob(), self) for _ in range(n)]
        reader.finish()
        keys = [advert.key for advert in self.adverts]
        expect(keys == sorted(set(keys)), "a roster is not in ascending order")
        self.k = max([0 if n < 5 else 1] + [advert.colluders for advert in self.adverts])
        threshold = max(2 * n // 3 + 1, (n + self.k + 1) // 2 + 1)
        expect((self.h, self.p, self.t) == (n, n - 1, threshold), "another threshold than the table's")

    def make_session(self):
        n = len(self.adverts)
        return digest("sotto session",
                      self.task + struct.pack("<II", *self.label) + self.aggregator +
                      self.plan_digest + self.agreement +
                      struct.pack("<IIIII", self.h, self.p, self.t, self.minimum, n) +
                      b"".join(digest("sotto advert", advert.data) for advert in self.adverts))

    def check_consents(self, consents):
        need = max([self.t, self.k + 3, self.minimum] + [advert.minimum for advert in self.adverts])
        expect(sum(self.lives) >= need, "fewer survivors than needed")
        expect(len(consents) >= self.t, "too few consents")
        for index, signature in consents:
            expect(index < len(self.adverts) and self.lives[index], "a consent of an outsider")
            check_signature(self.adverts[index].key, signature, "sotto survivors", self.survivors,
                            "a consent is not right")
        given = {index for index, _ in consents}
        for index, advert in enumerate(self.adverts):
            expect(not self.lives[index] or not advert.must_consent or index in given,
                   "a consent is missing that an advert asks for")

    def keys_of_living(self):
        return [advert.key for advert, lives in zip(self.adverts, self.lives) if lives]


# --- The receipt ---

def verify(data, known):
    """Checks a receipt, believing nobody but the keys in known. Gives (plan, result, keys of those
    whose rows are in the result, keys of those who confirm). Raises Wrong."""
    expect(len(data) >= 64, "no receipt")
    reader = Reader(data[:-64])
    expect(reader.bytes(4) == b"SOTR" and reader.number("H") == 1, "no receipt of this version")
    is_full = reader.number("H")
    expect(is_full in (0, 1), "an unknown flag")
    task, aggregator = reader.bytes(16), reader.bytes(32)
    expect(aggregator in known, "an unknown aggregator")
    check_signature(aggregator, data[-64:], "sotto receipt", data[:-64],
                    "the receipt's signature is not right")
    plan_text, schema, result = reader.blob(), reader.blob(), reader.blob()
    plan_digest = digest("sotto plan", plan_text)
    try:
        plan = json.loads(plan_text)
    except ValueError:
        raise Wrong("the plan is no JSON") from None
    min_clients = plan.get("strategy", {}).get("min_clients", 3)
    rounds = reader.number("I")
    expect(rounds >= 1, "a task without rounds")
    opened, last = bytes(32), None
    for number in range(1, rounds + 1):
        round_ = Round(reader, task, aggregator, plan_digest,
                       min_clients if number == 1 else None)
        keys = [advert.key for advert in round_.adverts]
        expect(round_.label[0] == number, "rounds do not count from 1")
        expect(all(key in known for key in keys), "an unknown party")
        opened = digest("sotto opened", opened + round_.session + round_.survivors +
                        round_.aggregate_digest)
        last = round_
    confirmed = digest("sotto confirmed", task + plan_digest + digest("sotto schema", schema) +
                       opened + digest("sotto result", result))
    confirmations = reader.signatures()
    for _ in range(rounds if is_full else 0):
        reader.blob()  # what opens the round, which this program does not
    reader.finish()
    for index, signature in confirmations:
        expect(index < len(last.adverts) and last.lives[index], "a confirmation of an outsider")
        check_signature(last.adverts[index].key, signature, "sotto confirmed", confirmed,
                        "a confirmation is not right")
    return (plan, json.loads(result), last.keys_of_living(),
            [last.adverts[index].key for index, _ in confirmations])
