#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writing side of the oracle: the directory tree and the tables of a postoffice.

Directories Q77926 and Q132744, record sizes Q77926, NETWORK.GLB Q148666 and Q118561,
XTN Q86625 and Q148666, CONTROL.GLB Q87388 (long values least significant octet first,
Q122852), KEY Q119088, mailbag records Q108027.
"""

import os
import struct

import makelayout
from makelayout import REFERENCE

HEX = "0123456789ABCDEF"
TOP = (
    "XTN",
    "CAL",
    "FOLDERS",
    "GLB",
    "GRP",
    "HLP",
    "INF",
    "INI",
    "KEY",
    "LOG",
    "USR",
    "MBG",
    "MEM",
    "MMF",
    "NME",
    "P1",
    "TPL",
    "MAI",
    "ATT",
)
KEY_SIZE, RECORD, MOST_RECORDS = 560, 116, 4096


class Tree:
    """Files under one root, named as DOS does or (lower) as a Unix server may show them."""

    def __init__(self, root, lower=False):
        self.root = root
        self.lower = lower

    def path(self, *parts):
        name = os.path.join(*parts)
        return os.path.join(self.root, name.lower() if self.lower else name)

    def write(self, content, *parts):
        with open(self.path(*parts), "wb") as file:
            file.write(content)

    def make_directories(self):
        os.makedirs(self.root, exist_ok=True)
        for name in TOP:
            os.makedirs(self.path(name), exist_ok=True)
        for digit in HEX:
            os.makedirs(self.path("MAI", "MA" + digit), exist_ok=True)
            os.makedirs(self.path("ATT", "AT" + digit), exist_ok=True)
        for name in ("LOC", "PUB"):
            os.makedirs(self.path("FOLDERS", name), exist_ok=True)


def hexid(number):
    return "%08X" % number


def padded(text, size):
    raw = text if isinstance(text, bytes) else text.encode("ascii")
    if len(raw) >= size:
        raise ValueError("%r does not fit %d octets and a NUL" % (text, size))
    return raw.ljust(size, b"\0")


def put(record, offset, content):
    record[offset : offset + len(content)] = content


class Mailbag:
    """A KEY and MBG pair; a new header takes the first vacant record (Q147586)."""

    def __init__(self, ident, kind, name):
        self.id = ident
        self.kind = kind
        self.name = name
        self.records = []
        self.live = []

    def insert(self, record):
        for at, used in enumerate(self.live):
            if not used:
                self.records[at], self.live[at] = record, True
                return at
        if len(self.live) >= MOST_RECORDS:
            raise ValueError("mailbag %s is full" % self.id)
        self.records.append(record)
        self.live.append(True)
        return len(self.live) - 1

    def delete(self, at):
        self.live[at] = False

    def key(self, rng, layout=REFERENCE):
        out = bytearray(KEY_SIZE)
        live = sum(self.live)
        new = unread = live
        if self.kind == "user" and live:
            unread = rng.randint(0, live)
            new = rng.randint(0, unread)
        counts = {"new": new, "unread": unread, "live": live}
        for name, offset in layout.counters.items():
            if offset is not None:
                put(out, offset, struct.pack("<H", counts[name]))
        for offset, content in layout.key_words:
            put(out, offset, content)
        for at, used in enumerate(self.live):
            if used != layout.set_is_deleted:
                bit = 7 - at % 8 if layout.msb else at % 8
                out[layout.bitmap + at // 8] |= 1 << bit
        return bytes(out)

    def mbg(self):
        return b"".join(self.records)


def mailbag_record(rng, when, sender, subject, mai, size, priority):
    """`sender` and `subject` are octets of the code page; the times are local (Q133192)."""
    out = bytearray(RECORD)
    put(out, 0x02, padded(sender[:10], 11))
    put(out, 0x0D, padded(subject[:40], 41))
    put(
        out,
        0x36,
        struct.pack(
            "<6H",
            when.second or rng.randrange(60),
            when.minute,
            when.hour,
            when.day,
            when.month,
            when.year,
        ),
    )
    put(out, 0x42, priority.encode("ascii")[:1])
    put(out, 0x43, padded(mai, 9))
    put(out, 0x4E, struct.pack("<I", size))
    put(out, 0x58, struct.pack("<H", 2 if priority == "5" else 24))
    put(out, 0x6C, rng.randbytes(4))
    return bytes(out)


def network_record(name, kind, xtn="", mailbag="", active=True):
    out = bytearray(122)
    out[0], out[1] = int(active), kind
    put(out, 0x02, padded(name, 11))
    put(out, 0x0D, padded(xtn, 9))
    put(out, 0x21, padded(mailbag, 9))
    return bytes(out)


def xtn_record(rng, name, mailbag, active=True):
    out = bytearray(698)
    out[0] = int(active)
    put(out, 0x01, padded(name, 11))
    put(out, 0x0C, padded(mailbag, 9))
    put(out, 0x200, rng.randbytes(8))
    return bytes(out)


def nme_record(kind, full_name, tid):
    out = bytearray(45)
    out[0] = kind
    put(out, 2, padded(full_name, 31))
    put(out, 41, struct.pack("<I", tid))
    return bytes(out)


def access2_record(rng, user, layout=REFERENCE):
    """Mailbox name and mailbag number; a deleted user has an empty name (Q85058)."""
    out = bytearray(69)
    for offset, size in layout.access2_filler:
        put(out, offset, rng.randbytes(size))
    put(out, layout.access2_name, padded(user["box"], 11))
    number = struct.pack("<I", int(user["mailbag"], 16))
    put(
        out,
        layout.access2_mailbag,
        number if layout.access2_binary else padded(user["mailbag"], 9),
    )
    return bytes(out)


def _access(rng, size, users):
    out = bytearray()
    for _ in users:
        record = bytearray(size)
        put(record, 4, rng.randbytes(12))
        out += record
    return bytes(out)


def write_users(tree, rng, users, layout=REFERENCE):
    records = [access2_record(rng, user, layout) for user in users]
    tree.write(b"".join(records), "GLB", "ACCESS2.GLB")
    tree.write(_access(rng, 586, users), "GLB", "ACCESS.GLB")
    tree.write(_access(rng, 512, users), "GLB", "ACCESS3.GLB")
    names = b"".join(
        nme_record(1, user["full"], 0x100 + at) for at, user in enumerate(users) if user["box"]
    )
    for name in ("ADMIN", "ADMINSHD", "GAL"):
        tree.write(names if name != "ADMINSHD" else b"", "NME", name + ".NME")
        if name != "GAL":
            tree.write(bytes(8), "GRP", name + ".GRP")
    for user in users:
        if user["box"]:
            tree.write(b"", "NME", user["mailbag"] + ".NME")
            tree.write(bytes(8), "GRP", user["mailbag"] + ".GRP")
    tree.write(struct.pack("<I", 0x100 + len(users)), "GLB", "TID.GLB")


def write_globals(tree, rng, own, numbers, postoffices):
    """Every table of the published list of sizes; what is not known is zero or arbitrary."""
    master = bytearray(176)
    put(master, 0x02, padded(own[0], 11))
    put(master, 0x0D, padded(own[1], 11))
    put(master, 0x40, rng.randbytes(16))
    tree.write(bytes(master), "GLB", "MASTER.GLB")
    tree.write(struct.pack("<II", *numbers), "GLB", "CONTROL.GLB")
    sizes = {
        "FLAG": 2,
        "GLOBAL": 512,
        "GROUP": 4,
        "GRPMEM": 4,
        "MODEM": 64,
        "PROCESS": 512,
        "REQCONF": 512,
        "SERVER": 0,
        "SRVCONF": 1024 + 1024 * postoffices,
        "RNETSEM": 4,
        "C850SORT": 795,
        "ANSISORT": 795,
    }
    for name, size in sizes.items():
        tree.write(bytes(size), "GLB", name + ".GLB")
    tree.write(bytes(4) + rng.randbytes(43 * 3), "GLB", "NETPO.GLB")
    tree.write(b"", "P1", "POPULATE.MSM")
    tree.write(b"", "TPL", "ADMIN.TPL")
    tree.write(b"", "INF", "ADMIN.INF")
    tree.write(b"", "LOG", "SESSION.LOG")
    tree.write(b"[External]\r\n", "INI", "EXTERNAL.INI")
    tree.write(b"", "CAL", "SCHEDULE.KEY")


def write_routes(tree, rng, networks):
    """`networks`: name, kind, and either xtn with its postoffices or the mailbag of a gateway."""
    table = []
    for net in networks:
        table.append(
            network_record(
                net["name"],
                net["kind"],
                net.get("xtn", ""),
                net.get("mailbag", ""),
                net.get("active", True),
            )
        )
        if "postoffices" not in net:
            continue
        records = []
        for po in net["postoffices"]:
            records.append(xtn_record(rng, po["name"], po["mailbag"], po.get("active", True)))
            if po.get("active", True):
                tree.write(bytes(53) * po.get("known", 0), "USR", po["mailbag"] + ".USR")
                tree.write(b"", "INF", po["mailbag"] + ".INF")
                tree.write(b"", "TPL", po["mailbag"] + ".TPL")
        tree.write(b"".join(records), "XTN", net["xtn"] + ".XTN")
    tree.write(b"".join(table), "GLB", "NETWORK.GLB")


def _reference_lines():
    return [
        "key.bitmap_offset = 0x30       # 512 octets: Q119088; their place: reference",
        "key.bitmap_order = lsb",
        "key.bitmap_set = deleted",
        "key.count_new = 0x00",
        "key.count_unread = 0x02",
        "key.count_live = 0x04",
        "access2.name_offset = 0x02",
        "access2.mailbag_offset = 0x20",
        "access2.mailbag_form = ascii",
        "mai.counter_offset = 0x0B       # Q104423",
        "mai.counter_order = little",
        "mai.field.from = 0x01          # FIPS PUB 98",
        "mai.field.to = 0x05",
        "mai.field.cc = 0x06",
        "mai.field.date = 0x02",
        "mai.field.subject = 0x07",
        "mai.field.attachments = 0x08",
        "mai.field.text = 0x04",
        "mai.vendor.priority = 0x34",
        "mai.address_trailer = 00 80 00 00 40   # what follows the name",
        "mai.date_form = yyyy-mm-dd hh:mm",
        "att.cipher = whole",
    ]


def profile_text(key, known_period, codepage, holes=(), layout=REFERENCE, verdict="proven"):
    """The profile of a layout with this key table; `holes` are left unknown."""
    lines = [
        "# profile of a made postoffice",
        "profile = " + layout.name,
        "verdict = %s             # made by mkpostoffice" % verdict,
    ]
    lines += _reference_lines() if layout is REFERENCE else makelayout.profile_lines(layout)
    lines += [
        "cipher.chain = previous-ciphertext-xor",
        "cipher.period = %s" % (len(key) if known_period else "none"),
    ]
    for at in range(0, len(key), 16):
        run = key[at : at + 16]
        text = " ".join("??" if at + n in holes else "%02X" % octet for n, octet in enumerate(run))
        lines.append("cipher.key[%d..%d] = %s" % (at, at + len(run) - 1, text))
    lines.append("codepage = " + codepage)
    return "\n".join(lines) + "\n"
