#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Mail that comes into a made postoffice of the reference layout later on, and clients that take it:
what a delivery agent and a client do to KEY, MBG, MAI and CONTROL.GLB."""

import datetime
import os
import random
import struct

import makefips
import maketree
import postoffice


def octets(text):
    return text if isinstance(text, bytes) else text.encode("cp850")


class Postman:
    def __init__(self, root, profile):
        self.root = root
        self.profile = postoffice.load_profile(profile)
        self.key = self.profile.stream(self.profile.period or 4096)
        self.rng = random.Random("postman")
        self.minutes = 0

    def path(self, name):
        return os.path.join(self.root, name)

    def read(self, name):
        with open(self.path(name), "rb") as source:
            return source.read()

    def write(self, name, content):
        with open(self.path(name), "wb") as out:
            out.write(content)

    def next_id(self):
        bags, letter = struct.unpack("<II", self.read("GLB/CONTROL.GLB"))
        self.write("GLB/CONTROL.GLB", struct.pack("<II", bags, letter + 1))
        return maketree.hexid(letter)

    def attach(self, files):
        """What a message says of its attachments [(name in the code page, octets)]."""
        out = []
        for name, content in files:
            ident = self.next_id()
            path = "ATT/AT%s/%s.ATT" % (ident[-1], ident)
            self.write(path, makefips.encipher(content, self.key))
            out.append({"id": ident, "raw_name": name, "size": len(content)})
        return out

    def deliver(self, mailbags, to, subject, sender="NORTH/HQ/ADMIN", cc=(), text="Text\r\n",
                files=(), stamp=None, received=None, piece=None,
                more_subjects=()):
        """One message into these mailbags, whatever `to` says. Its MAI id. Texts, or octets of the
        code page; `stamp` is what it has for a date, `received` the time in the mailbags, `piece`
        the size of the strings that the text is cut into; `more_subjects` follow the first one."""
        attachments = self.attach(files)
        ident = self.next_id()
        self.minutes += 1
        when = datetime.datetime(1998, 5, 4, 8, 0) + datetime.timedelta(minutes=self.minutes)
        raw, head = octets(text), octets(subject)
        stamp = octets(when.strftime("%Y-%m-%d %H:%M") if stamp is None else stamp)
        cuts = [len(raw)] if piece is None else [
            min(piece, len(raw) - at) for at in range(0, len(raw), piece)]
        mai = makefips.message_file(
            makefips.Encoder(self.key, self.rng),
            {
                "counter": len(mailbags),
                "sender": octets(sender),
                "sender_extra": bytes(12),
                "to": [name.encode("cp850") for name in to],
                "cc": [name.encode("cp850") for name in cc],
                "stamp": stamp,
                "priority": "3",
                "subject": head,
                "more_subjects": [octets(more) for more in more_subjects],
                "attachments": attachments,
                "text": raw,
                "drop_empty": False,
                "chunks": cuts,
            },
        )
        self.write(postoffice.mai_name(ident), mai)
        box = octets(sender).split(b"/")[-1]
        record = maketree.mailbag_record(
            self.rng, received or when, box, head, ident, len(mai), "3"
        )
        for mailbag in mailbags:
            self.insert(mailbag, record)
        return ident

    def insert(self, mailbag, record):
        """The header into the first vacant record (Q147586), then its bit and the counters."""
        key = postoffice.Key(self.read("KEY/%s.KEY" % mailbag), self.profile)
        data = bytearray(self.read("MBG/%s.MBG" % mailbag))
        count = len(data) // postoffice.RECORD_SIZE
        place = next((at for at in range(count) if not key.live(at)), count)
        at = place * postoffice.RECORD_SIZE
        data[at : at + postoffice.RECORD_SIZE] = record
        self.write("MBG/%s.MBG" % mailbag, bytes(data))
        octet, mask = 0x30 + place // 8, 1 << place % 8
        key.data[octet] &= ~mask & 0xFF
        for name in ("new", "unread", "live"):
            offset = self.profile.number("key.count_" + name)
            value = struct.unpack_from("<H", key.data, offset)[0]
            struct.pack_into("<H", key.data, offset, value + 1)
        self.write("KEY/%s.KEY" % mailbag, bytes(key.data))
        return place

    def reader(self):
        return postoffice.Postoffice(self.root, self.profile)

    def live(self, mailbag):
        """{subject: record number} of what lies there."""
        return {
            record.subject.decode("ascii", "replace"): record.number
            for record in self.reader().live(mailbag)
        }

    def collect(self, mailbag, subject):
        """A client fetches a message: it is deleted from the mailbag."""
        self.reader().remove(mailbag, self.live(mailbag)[subject])

    def reset(self, mailbag):
        """The mailbag is emptied by a repair program (Q130285)."""
        self.write("MBG/%s.MBG" % mailbag, b"")
        self.write("KEY/%s.KEY" % mailbag, bytes(postoffice.KEY_SIZE))

    def swap(self, one, other):
        """ACCESS2 gives each of two users the other's mailbag (Q117738)."""
        data = bytearray(self.read("GLB/ACCESS2.GLB"))
        name, bag = (self.profile.number("access2." + n) for n in ("name_offset", "mailbag_offset"))
        places = {}
        for at in range(0, len(data), 69):
            box = data[at + name : at + name + 11].split(b"\0")[0].decode("ascii")
            places[box] = at + bag
        first, second = places[one], places[other]
        data[first : first + 9], data[second : second + 9] = (
            data[second : second + 9],
            data[first : first + 9],
        )
        self.write("GLB/ACCESS2.GLB", bytes(data))
