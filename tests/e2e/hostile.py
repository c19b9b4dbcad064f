# SPDX-License-Identifier: Apache-2.0
"""A pinned peer that is not Sotto's program: it signs and seals whatever a test wants. libsodium by ctypes."""

import ctypes
import ctypes.util
import hashlib
import http.client
import json
import os
import struct

_sodium = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so")

HELLO, POLL, MESSAGE = 1, 2, 3
PATHS = {HELLO: "hello", POLL: "poll", MESSAGE: "message"}
INVITATION = 1


class Hostile:
    """What a node's key can do to a node that pins it."""

    def __init__(self, key_file, target):
        """key_file: of sotto keygen; target: the support.Node that is called."""
        with open(key_file) as file:
            seed = bytes.fromhex(file.read().split()[-1])
        self.key = ctypes.create_string_buffer(32)
        self.secret = ctypes.create_string_buffer(64)
        _sodium.crypto_sign_seed_keypair(self.key, self.secret, seed)
        self.target = target
        self.counter = 0
        self.seen = 0  # the last message that it fetched
        self.instance = os.urandom(16)
        secret = os.urandom(32)
        share = ctypes.create_string_buffer(32)
        _sodium.crypto_scalarmult_base(share, secret)
        status, body = self.call(HELLO, share.raw, session=os.urandom(16))
        assert status == 200, status
        self.session, ticket, other = body[198:214], body[214:230], body[230:]
        self.take_keys(secret, share.raw, ticket, other)

    def take_keys(self, secret, share, ticket, other):
        """What requests of the session are sealed with (PEER.md)."""
        shared = ctypes.create_string_buffer(32)
        _sodium.crypto_scalarmult(shared, secret, other)
        data = (b"sotto peer keys\0" + self.key.raw + bytes.fromhex(self.target.key) + self.session +
                share + other)
        self.pass_ = share + ticket
        self.request_key = hashlib.blake2b(data, digest_size=64, key=shared.raw).digest()[:32]

    def sign(self, label, data):
        digest = hashlib.blake2b(label + b"\0" + data, digest_size=64).digest()
        signature = ctypes.create_string_buffer(64)
        _sodium.crypto_sign_detached(signature, None, digest, ctypes.c_ulonglong(64), self.secret)
        return signature.raw

    def envelope(self, kind, body, session=None, length=None):
        """length: what the header says of a body that has not come to its end."""
        if kind != HELLO:
            self.counter += 1
        header = (b"sottoper" + bytes([2, kind]) + self.key.raw + bytes.fromhex(self.target.key) +
                  (session or self.session) + struct.pack("<QI", self.counter, length or len(body)) +
                  hashlib.blake2b(body, digest_size=32).digest())
        if kind == HELLO:
            return header + self.sign(b"sotto peer request", header) + body
        sealed = header + self.pass_
        return sealed + hashlib.blake2b(sealed, digest_size=16, key=self.request_key).digest() + body

    def connect(self):
        host, port = self.target.peer_listen.rsplit(":", 1)
        return http.client.HTTPConnection(host, int(port), timeout=20)

    def call(self, kind, body, session=None):
        connection = self.connect()
        try:
            connection.request("POST", "/peer/v1/" + PATHS[kind],
                               self.envelope(kind, body, session))
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def message(self, kind, task, body, round_=1, attempt=1):
        """A signed message of the protocol."""
        data = (b"SOTO" + struct.pack("<HHHH", 2, 1, kind, 0) + task +
                struct.pack("<II", round_, attempt) + bytes(32) + self.key.raw + body)
        return data + self.sign(b"sotto message", data)

    def send(self, *messages):
        return self.call(MESSAGE, b"".join(struct.pack("<I", len(m)) + m for m in messages))[0]

    def fetch(self):
        """The messages that wait for this node; those that were fetched before are acknowledged."""
        status, body = self.call(POLL, struct.pack("<Q", self.seen) + self.instance)
        assert status == 200, status
        at, messages = 198, []
        while at < len(body):
            self.seen, length = struct.unpack_from("<QI", body, at)
            messages.append(body[at + 12:at + 12 + length])
            at += 12 + length
        return messages

    def invite(self, task, plan):
        return self.send(self.message(INVITATION, task, json.dumps(plan).encode()))
