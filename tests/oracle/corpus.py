#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The messages of corpus.spec: what each value of a feature is in a message, and what must become of
its priority.  What must become of the rest is in compare.py."""

import datetime
import os
import struct

import makeblock
import makewinmail
import pairs

SPEC = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus.spec")

# priority: the headers that must be there; all others of PRIORITY_HEADERS must not
PRIORITY_HEADERS = (
    "Importance",
    "X-Priority",
    "X-MSMail-Priority",
    "Priority",
    "X-MSMail-Priority-Raw",
    "Disposition-Notification-To",
    "Auto-Submitted",
)
HIGH = {"Importance": "high", "X-Priority": "1", "X-MSMail-Priority": "High"}
PRIORITIES = {
    "1": {"Importance": "low", "X-Priority": "5", "X-MSMail-Priority": "Low"},
    "2": {},
    "3": {},
    "4": HIGH,
    "5": dict(HIGH, Priority="urgent"),
    "R": dict(HIGH, **{"Disposition-Notification-To": None}),
    "F": {"X-MSMail-Priority-Raw": "F"},
    "T": {"X-MSMail-Priority-Raw": "T"},
    "C": {"Auto-Submitted": "auto-replied"},
    "7": {"X-MSMail-Priority-Raw": "7"},
    "": {},
}
# letters that the code page has besides ASCII
LETTERS = {"437": "äöüßéñ", "850": "äöüßéñøå", "1252": "äöüßéñø€", "852": "ąęłžščáé", "866": "абвгджзЯ",
           "932": "表示能ソ予語ｱﾝ"}


def subject(kind, serial, letters):
    return {
        "plain": "Subject %d" % serial,
        "empty": "",
        "forty": ("Subject of forty %d " % serial).ljust(40, "x"),
        "longer": ("Subject %d of more than forty characters " % serial).ljust(60, "y"),
        "controls": "Sub\x07ject %d" % serial,
        "accents": "%d %s" % (serial, letters * 3),
        "encoded-look": "=?utf-8?Q?no=3F?= %d" % serial,
        "spaces": "two  spaces  and %d" % serial,
        "quotes": '"a", <b@c>; (d) \\ %d' % serial,
        "tab": "with\ttab %d" % serial,
    }[kind]


def sender(kind, world):
    boxes = ["/".join(("NORTH", "HQ", user["box"])) for user in world.users if user["box"]]
    mapped = [name for name in boxes if name.upper() in world.map]
    return {
        "local-mapped": mapped[0] if mapped else boxes[0],
        "local-unmapped": next(name for name in boxes if name.upper() not in world.map),
        "other-postoffice": "WEST/BRANCH/PEREZ",
        "smtp": "SMTP:sales.team@partner.example",
        "x400": "X400:/c=us/a=mci/p=corp/s=brown",
        "fax": "FAX:Fred^0DHome^0D^0D555 7^0D",
        "mhs": "MHS:User@Host {net/po/user}",
        "odd-characters": "MY_NET/PO.1/J&S-M=ITH",
    }[kind]


def recipients(row, world, serial):
    people = [p["address"] for p in world.queues[0]["people"] if p["mapped"]]
    locals_ = ["NORTH/HQ/" + user["box"] for user in world.users if user["box"]]
    at = serial % len(people)
    turned = people[at:] + people[:at]
    to = {"one": turned[:1], "two": turned[:2], "many": turned[:12], "twice": turned[:1] * 2}
    copies = {"none": [], "one": turned[-1:], "local": locals_[:1], "many": locals_ + turned[-3:]}
    return to[row["to"]], copies[row["cc"]]


def _lines_around(serial):
    return "".join("%d" % serial + "l" * (n - len(str(serial))) + "\r\n"
                   for n in (76, 77, 78, 79, 80, 997, 998, 999, 1000, 4000))


def _of_size(size, serial):
    line = "Line of message %d, and more of it.\r\n" % serial
    return (line * (size // len(line) + 1))[: size - 2] + "\r\n"


def text(kind, serial, letters):
    head = "Message %d\r\n" % serial
    return {
        "plain": head + "Line one.\r\n\r\nLine two.\r\n",
        "empty": "",
        "no-end": head + "no line end",
        "blank-first": "\r\n" + head,
        "dots": head + ".\r\n..\r\n.dot\r\n...\r\n.\r\n",
        "tabs": head + "\ta\tb\t\r\nblank at the end \r\n",
        "end-mark": head + "text\r\n\x1a",
        "nul": head + "one\0two\0\r\n",
        "bare-cr": head + "one\rtwo\r\n",
        "bare-lf": head + "one\ntwo\n",
        "mixed-ends": head + "one\r\r\ntwo\n\rthree",
        "lines-78-to-999": head + _lines_around(serial),
        "mime-look": head + "--=_mm_\r\nContent-Type: text/html\r\n\r\n=20=\r\nFrom here\r\n>From\r\n",
        "uuencode-look": head + "begin 644 x.txt\r\n#0V%T\r\n`\r\nend\r\n",
        "accents": head + (letters + " ") * 30 + "\r\n" + letters,
        "size-65535": _of_size(65535, serial),
        "size-65536": _of_size(65536, serial),
        "size-65537": _of_size(65537, serial),
        "one-dot": ".",
    }[kind]


def macbinary(serial):
    """A MacBinary I header of 128 octets with a data fork."""
    data = b"fork of %d" % serial
    head = bytearray(128)
    head[1:6] = b"\x04NOTE"
    head[65:73] = b"TEXTttxt"
    head[83:87] = struct.pack(">I", len(data))
    return bytes(head) + data.ljust(128, b"\0")


def files(kind, serial, letters):
    mark = b"%d " % serial
    return {
        "none": [],
        "one": [("ONE.DAT", mark + bytes(range(256)))],
        "two": [("A.TXT", mark + b"a\r\n"), ("B.BIN", mark + b"\r\n.\r\n\n\r")],
        "three-equal": [("F%d.DAT" % n, mark + bytes([n]) * 50) for n in range(3)],
        "zero": [("EMPTY.TXT", b""), ("LAST.TXT", mark)],
        "leading-nul": [("NULS.BIN", bytes(126) + mark)],
        "fifty": [("N%02d.DAT" % n, mark + b"%d" % n) for n in range(50)],
        "names": [(letters[:3].upper() + ".DOC", mark), ("A B.TXT", mark), ("NOEXT", mark),
                  ("a=_b_.x", mark), ("lower.txt", mark)],
        "macbinary": [("NOTE", macbinary(serial))],
        "text-file": [("READ.TXT", b"line\nline\rline\r\n.\r\nFrom x\r\n" + mark)],
        "large": [("LARGE.BIN", mark + bytes(range(256)) * 257)],
    }[kind]


def when(kind, serial):
    minute = serial % 60
    return {
        "plain": datetime.datetime(1997, 4, 7, 8) + datetime.timedelta(minutes=serial),
        "fold": datetime.datetime(1997, 10, 26, 2, minute),
        "gap": datetime.datetime(1998, 3, 29, 2, minute),
        "leap-day": datetime.datetime(2004, 2, 29, serial % 24, minute),
        "last-minute-1999": datetime.datetime(1999, 12, 31, 23, 59),
        "leap-2000": datetime.datetime(2000, 2, 29, 0, minute),
    }[kind]


def plan(world):
    """The messages in order; no two are alike in what makes a message (T01's journal)."""
    args, out, seen = world.args, [], set()
    letters = LETTERS[args.codepage]
    for row in pairs.rows(world.rng, pairs.read_spec(args.corpus), args.messages):
        serial = len(out) + 1
        to, cc = recipients(row, world, serial)
        item = {
            "sender": sender(row["sender"], world),
            "to": to,
            "cc": cc,
            "when": when(row["date"], serial),
            "full": subject(row["subject"], serial, letters),
            "text": text(row["text"], serial, letters),
            "priority": "" if row["priority"] == "none" else row["priority"],
            "files": files(row["files"], serial, letters),
            "wild": serial % 3 == 0,
            "block": "",
        }
        makeblock.add(item, row.get("block", "none"), args.codec, letters, serial)
        if "winmail" in row:
            makewinmail.add(item, row["winmail"], serial, args.codepage, letters)
        key = repr([item[name] for name in ("sender", "to", "cc", "when", "full", "text", "files")])
        if key not in seen:
            seen.add(key)
            out.append(item)
    return out
