#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The messages that a test server received, each with its envelope recipients.

Three forms: a Maildir; a directory of files; a file *.jsonl of lines
{"rcpt": [...], "sender": "...", "file": "relative name"}.  Without the last, the envelope is
what the server noted on top of the message (X-Original-To, Delivered-To, Envelope-To).
"""

import email
import email.headerregistry
import email.policy
import functools
import json
import os

# the package parses a field anew each time it is asked for; what it makes of it never changes
POLICY = email.policy.default.clone(
    header_factory=functools.lru_cache(maxsize=8192)(email.headerregistry.HeaderRegistry())
)
ENVELOPE = ("X-Original-To", "X-Envelope-To", "Envelope-To", "Delivered-To")


class Received:
    """One stored copy: `raw` has CR LF line ends."""

    def __init__(self, file, raw, rcpts, sender):
        self.file = file
        self.raw = raw
        self.message = email.message_from_bytes(raw, policy=POLICY)
        self.rcpts = [rcpt.strip().strip("<>").lower() for rcpt in rcpts or self._noted()]
        self.sender = sender
        self.id = str(self.message["Message-ID"] or "").strip()

    def _noted(self):
        for name in ENVELOPE:
            values = self.message.get_all(name)
            if values:
                # the topmost one is that of this delivery
                return str(values[0]).split(",")
        return []


def network_form(raw):
    """Servers on Unix store LF; what went over the wire had CR LF."""
    return raw if b"\r\n" in raw else raw.replace(b"\n", b"\r\n")


def _from_list(path):
    top = os.path.dirname(os.path.abspath(path))
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.strip():
                note = json.loads(line)
                rcpts = note["rcpt"] if "rcpt" in note else note["to"]
                sender = note.get("sender", note.get("from"))
                yield os.path.join(top, note["file"]), rcpts, sender


def _from_directory(path):
    for top, names, files in os.walk(path):
        names[:] = sorted(name for name in names if name != "tmp")
        for name in sorted(files):
            # Maildir servers keep their own notes beside the messages
            if not name.startswith(("dovecot", "maildirsize", "courier")) and not name.endswith(
                (".json", ".jsonl")
            ):
                yield os.path.join(top, name), None, None


def load(path):
    if not os.path.exists(path):
        return []
    found = _from_list(path) if path.endswith(".jsonl") else _from_directory(path)
    out = []
    for name, rcpts, sender in found:
        with open(name, "rb") as file:
            out.append(Received(name, network_form(file.read()), rcpts, sender))
    return out
