#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""WINMAIL.DAT of made messages, and what a reader of them has to find, from [MS-OXTNEF],
[MS-OXRTFCP] and [MS-OLEDS]. Shares nothing with the gateway.

A stream is a list of attributes, each with its effects: what is known when that attribute has been
read. So the truth of a stream that is cut, or has a wrong checksum, is that of its sound attributes.
What must become of the effects in a message is in comparetnef.py."""
import random
import struct

import maketnef as t

NAME = "WINMAIL.DAT"
APPOINTMENT = bytes.fromhex("0220060000000000C000000000000046")
WHERE = bytes.fromhex("90DAD86E0B451B1098DA00AA003F1305")
PREFILL = (b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript "
           b"\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n"
           b"\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx")


class Stream:
    """Attributes in their order."""

    def __init__(self, page):
        self.page, self.items = page, []
        self.add(1, 0x00089006, struct.pack("<I", 0x10000))
        self.add(1, 0x00069007, struct.pack("<II", int(page[2:]), 0))

    def add(self, level, ident, data, *effects):
        self.items.append((t.attribute(level, ident, data), list(effects)))
        return self

    def text(self, level, ident, value, name):
        return self.add(level, ident, t.text(value, self.page), [name, value])

    def props(self, *pairs, level=1):
        """(octets of a property, effect or None)"""
        ident = 0x00069003 if level == 1 else 0x00069005
        return self.add(level, ident, t.props([one for one, _ in pairs]),
                        *[effect for _, effect in pairs if effect])

    def octets(self):
        return head() + b"".join(octets for octets, _ in self.items)

    def effects(self, but=()):
        return [one for at, (_, some) in enumerate(self.items) if at not in but for one in some]

    def truth(self):
        return {"effects": self.effects(), "damaged": False}


def head():
    return struct.pack("<IH", t.SIGNATURE, 4711)


def wide(tag, value):
    return t.prop(tag, (value + "\0").encode("utf-16-le"))


# ---- formatted text ----


def rtf(runs, page, before=""):
    """RTF of [(text, style)]: a style is made of b, i, u and r (red)."""
    words = {"b": "\\b", "i": "\\i", "u": "\\ul", "r": "\\cf1"}
    out = "{\\rtf1\\ansi\\ansicpg%s\\deff0{\\fonttbl{\\f0\\fswiss Arial;}}" % page[2:]
    out += "{\\colortbl;\\red255\\green0\\blue0;}%s\\pard " % before
    for text, style in runs:
        inside = ""
        for char in text:
            if char == "\n":
                inside += "\\par\r\n"
            elif char in "\\{}":
                inside += "\\" + char
            elif char < "\x80":
                inside += char
            else:
                try:
                    inside += "".join("\\'%02x" % octet for octet in char.encode(page))
                except UnicodeEncodeError:
                    inside += "\\u%d ?" % (ord(char) - (65536 if ord(char) > 32767 else 0))
        marks = "".join(words[mark] for mark in style)
        out += "{%s %s}" % (marks, inside) if marks else inside
    return (out + "}").encode("ascii")


def packed(raw):
    """With references as long as they can be ([MS-OXRTFCP] 2.2.1)."""
    ring, place = bytearray(PREFILL.ljust(4096, b" ")), len(PREFILL)
    out, at, ended = bytearray(), 0, False
    while not ended:
        control, group = 0, bytearray()
        for bit in range(8):
            if at >= len(raw):
                control |= 1 << bit
                group += struct.pack(">H", place << 4)
                ended = True
                break
            best, where = 0, 0
            for size in range(min(17, len(raw) - at), 1, -1):
                found = bytes(ring).find(raw[at:at + size])
                # not over what is being written
                if found >= 0 and not (found <= place < found + size):
                    best, where = size, found
                    break
            if best < 2:
                best, group = 1, group + raw[at:at + 1]
            else:
                control |= 1 << bit
                group += struct.pack(">H", where << 4 | (best - 2))
            for octet in raw[at:at + best]:
                ring[place] = octet
                place = (place + 1) % 4096
            at += best
        out += bytes([control]) + group
    return envelope(bytes(out), len(raw), b"LZFu")


def stored(raw):
    return struct.pack("<II", len(raw) + 12, len(raw)) + b"MELA" + bytes(4) + raw


def envelope(out, size, kind, spoil=0):
    crc = (t.zlib.crc32(out, 0xFFFFFFFF) ^ 0xFFFFFFFF ^ spoil) & 0xFFFFFFFF
    return struct.pack("<II", len(out) + 12, size) + kind + struct.pack("<I", crc) + out


def formatted(stream, runs, page, pack, before=""):
    raw = rtf(runs, page, before)
    words = "".join(text for text, _ in runs)
    marks = sorted({mark for _, style in runs for mark in style})
    return stream.props((t.prop(0x10090102, pack(raw)), ["rtf", words, "".join(marks)]))


# ---- OLE ----


def metafile(serial):
    record = struct.pack("<IHHH", 5, 0x020B, serial % 100, 0)
    end = struct.pack("<IH", 3, 0)
    size = 9 + (len(record) + len(end)) // 2
    return struct.pack("<HHHIHIH", 1, 9, 0x300, size, 0, 5, 0) + record + end


def ole(class_name, native, picture=None):
    def string(value):
        data = value.encode() + b"\0" if value else b""
        return struct.pack("<I", len(data)) + data
    out = struct.pack("<II", 0x501, 2) + string(class_name) + string("") + string("")
    out += struct.pack("<I", len(native)) + native
    if picture is None:
        return out + struct.pack("<II", 0x501, 0)
    return (out + struct.pack("<II", 0x501, 5) + string("METAFILEPICT") +
            struct.pack("<iiI", 3000, -2000, len(picture) + 8) +
            struct.pack("<HHHH", 8, 3000, 2000, 0) + picture)


# ---- attachments ----


def attach(stream, kind="file", title=None, data=None, long=None, short=None, picture=None):
    number = {"file": 1, "message": 1, "ole": 2, "picture": 3}[kind]
    stream.add(2, 0x00069002, t.rendering(number, len(stream.items), False), ["begin", kind])
    stream.add(2, 0x00038013, t.date(1996, 2, 29, 12, 30))
    if title is not None:
        stream.text(2, 0x00018010, title, "title")
    if data is not None:
        stream.add(2, 0x0006800F, data, ["data", data.hex()])
    if picture is not None:
        stream.add(2, 0x00068011, picture, ["metafile", picture.hex()])
    some = []
    if long is not None:
        some.append((wide(0x3707001F, long), ["long", long]))
    if short is not None:
        some.append((t.prop(0x3704001E, t.text(short, stream.page)), ["short", short]))
    return stream.props(*some, level=2) if some else stream


def attach_message(stream, inner, title):
    attach(stream, "message", title)
    octets = inner.octets()
    return stream.props(
        (t.prop(0x37050003, 5), None),
        (t.prop(0x3701000D, t.IMESSAGE + octets),
         ["message", {"effects": inner.effects(), "octets": octets.hex()}]), level=2)


# ---- people ----


def sender(stream, name, address):
    one, two = t.text(name, stream.page), address.encode() + b"\0"
    data = struct.pack("<HHHH", 4, len(one) + len(two) + 16, len(one), len(two)) + one + two
    return stream.add(1, 0x00008000, data.ljust(len(data) + 8, b"\0"), ["from", name, address])


def recipients(stream, rows):
    """[(1 To, 2 Cc or 3 Bcc, name, type, address)]"""
    made = []
    for kind, name, form, address in rows:
        row = [t.prop(0x0C150003, kind), t.prop(0x3001001E, t.text(name, stream.page))]
        if address:
            row += [t.prop(0x3002001E, form.encode() + b"\0"),
                    t.prop(0x3003001E, address.encode() + b"\0")]
        made.append(t.props(row))
    return stream.add(1, 0x00069004, struct.pack("<I", len(made)) + b"".join(made),
                      ["people", [list(row) for row in rows]])


def inner_message(page, serial, deeper=0, people=True):
    stream = Stream(page)
    stream.text(1, 0x00078008, "IPM.Microsoft Mail.Note", "class")
    stream.text(1, 0x00018004, "Inner %d of %d" % (deeper, serial), "subject")
    if people:
        stream.add(1, 0x00038005, t.date(1996, 3, 4, 10, deeper),
                   ["sent", "1996-03-04 10:%02d" % deeper])
        sender(stream, "Ms. Inner", "MS:FAR/OFFICE/INNER%d" % deeper)
        recipients(stream, [(1, "One, First", "MS", "FAR/OFFICE/FIRST"),
                            (2, "Two", "SMTP", "two@partner.example"), (3, "Hidden", "MS", "FAR/X/Y")])
    stream.text(1, 0x0002800C, "Inside %d, level %d.\r\n" % (serial, deeper), "body")
    return stream


def nested(page, serial, levels):
    stream = inner_message(page, serial, levels)
    for level in range(levels - 1, 0, -1):
        outer = inner_message(page, serial, level)
        attach_message(outer, stream, "Level %d" % (level + 1))
        stream = outer
    return stream


# ---- the values of the feature ----

MEETINGS = {"request": "MtgReq", "accept": "MtgRespP", "decline": "MtgRespN", "tentative": "MtgRespA",
            "cancel": "MtgCncl"}


def meeting(stream, kind, start=(1996, 3, 5, 10, 0), end=(1996, 3, 5, 11, 30), where=None, guid=APPOINTMENT):
    stream.text(1, 0x00078008, "IPM.Microsoft Schedule." + MEETINGS[kind], "class")
    name, address = t.text("Owner", stream.page), b"MS:NORTH/HQ/ADMIN\0"
    stream.add(1, 0x00060000, struct.pack("<H", len(name)) + name + struct.pack("<H", len(address)) + address)
    for ident, moment, word in ((0x00030006, start, "start"), (0x00030007, end, "end")):
        if moment:
            stream.add(1, ident, t.date(*moment), [word, "%04d-%02d-%02d %02d:%02d" % moment])
    stream.add(1, 0x00050008, struct.pack("<I", 4711))
    stream.add(1, 0x00040009, struct.pack("<H", 1))
    if where:
        number = 0x8208 if guid == APPOINTMENT else 2
        wide_text = (where + "\0").encode("utf-16-le")
        octets = (struct.pack("<I", 0x8005001F) + guid + struct.pack("<II", 0, number) +
                  struct.pack("<II", 1, len(wide_text)) + t.pad(wide_text))
        stream.props((octets, ["location", where]))
    return stream


def named_files(stream, files, longs, **how):
    for (_, content), long in zip(files, longs):
        attach(stream, title=long, data=content if how.get("data") else None)
    return stream


LONG_NAMES = ["Quarterly report of the office", "b's plan & more", "third, and last"]
ODD_NAMES = ["C:\\My Files\\plan", "../../etc/passwd", 'what? "now" <or:never>|*', "  .hidden. ",
             "AUX", "com1", "n" * 300]


def with_suffix(stem, short):
    dot = short.rfind(".")
    return stem + (short[dot:].lower() if dot >= 0 else "")


def build(kind, serial, page, item):
    """The stream, its truth; may change text, subject and files of the message."""
    stream, files, letters = Stream(page), item["files"], item.get("letters", "äöü")
    word = "%s %d " % (letters[:3], serial)
    family, _, way = kind.partition("-")
    if family != "meeting":
        stream.text(1, 0x00078008, "IPM.Microsoft Mail.Note", "class")
    if kind == "long-names":
        for at, (name, _) in enumerate(files):
            attach(stream, title=with_suffix("%s %d" % (LONG_NAMES[at % 3], at), name), short=name)
    elif kind == "wide-names":
        for at, (name, content) in enumerate(files):
            attach(stream, title=with_suffix("title %d" % at, name), data=content,
                   long=with_suffix("日本語 Отчёт %s %d" % (letters[:2], at), name))
    elif kind == "att-names":
        files[:] = [("ATT%d" % (at + 1), content) for at, (_, content) in enumerate(files)]
        for at in range(len(files)):
            attach(stream, title="Found again %d.doc" % at)
    elif kind == "equal-names":
        for name, _ in files:
            attach(stream, title=with_suffix("The same", name))
    elif kind == "odd-names":
        for at, (name, _) in enumerate(files):
            attach(stream, title=with_suffix(ODD_NAMES[(serial + at) % len(ODD_NAMES)], name), short=name)
    elif family == "rtf":
        rich(stream, way, word, page, item)
    elif kind == "html":
        stream.props((t.prop(0x10130102, b"<p>Hello <b>%d</b>" % serial),
                      ["html", (b"<p>Hello <b>%d</b>" % serial).hex()]))
    elif kind == "body-other":
        stream.text(1, 0x0002800C, "Quite another text %d\r\n" % serial, "body")
    elif kind == "body-same":
        stream.text(1, 0x0002800C, item["text"].replace("\0", "").replace("\x1a", ""), "body")
    elif family == "hidden":
        hidden(stream, way, serial, files)
    elif family == "nested":
        inside(stream, way, serial, page)
    elif family == "ole":
        objects(stream, way, serial, files)
    elif family == "meeting":
        meet(stream, way)
    elif kind == "class-form":
        stream.text(1, 0x00078008, "IPM.Vendor.Form", "class")
    elif kind == "people":
        sender(stream, "Somebody", "MS:FAR/OFFICE/OTHER")
        recipients(stream, [(1, "A", "MS", "FAR/A/B"), (2, "B", "SMTP", "b@partner.example")])
        stream.add(1, 0x00018009, b"0123456789ABCDEF0123456789ABCDEF\0")
        stream.add(1, 0x0001800B, b"FEDCBA9876543210\0")
        stream.props((t.prop(0x0070001E, b"The topic\0"), ["topic", "The topic"]),
                     (t.prop(0x0C1A001E, b"Other\0"), None))
    return stream


def rich(stream, way, word, page, item):
    plain = item["text"].replace("\r\n", "\n")
    if way == "stored":
        formatted(stream, [("plain ", ""), (word, "b"), ("red & <more>", "r")], page, stored)
    elif way == "packed":
        formatted(stream, [(word * 20, "i"), ("line\nline\n", ""), (word * 9, "ur")], page, packed)
    elif way == "dbcs":
        formatted(stream, [("日本語の", "b"), (" text ", ""), ("表ソ能", "r")], "cp932", packed)
    elif way == "unicode":
        formatted(stream, [("€ Ω ж 日 ", "b"), ("end", "")], "cp1252", stored)
    elif way == "hostile":
        formatted(stream, [("<script>alert(1)</script> ", "b"), ('" onload="x', "i")], page, packed,
                  "{\\field{\\*\\fldinst HYPERLINK \"javascript:x\"}{\\fldrslt }}{\\pict\\wmetafile8 0100}")
    elif way == "same":
        ascii_text = "".join(c for c in plain if c == "\n" or " " <= c < "\x7f")
        item["text"] = ascii_text.replace("\n", "\r\n")
        formatted(stream, [(ascii_text, "")], page, packed)
    elif way == "other":
        formatted(stream, [("words that are nowhere else " + word, "")], page, packed)
    elif way == "crc":
        raw = rtf([("lost words", "b")], page)
        stream.props((t.prop(0x10090102, envelope(b"\0" + raw[:8], 8, b"LZFu", 1)), ["broken"]))


def hidden(stream, way, serial, files):
    if way == "files":
        attach(stream, title="Only here %d.bin" % serial, data=b"%d " % serial + bytes(range(256)) * 300)
        attach(stream, title="empty.txt", data=b"")
        attach(stream, data=b"without a name %d" % serial)
    elif way == "clash":  # as many octets, and others
        for name, content in files:
            attach(stream, title=name, data=content[:-1] + bytes([content[-1] ^ 1]))
    elif way == "same":
        for at, (name, content) in enumerate(files):
            attach(stream, title=with_suffix("in stream and file %d" % at, name), short=name, data=content)
    elif way == "macbinary":
        attach(stream, title="Mac note", data=bytes([0, 4]) + b"NOTE".ljust(126, b"\0") + b"fork")


def inside(stream, way, serial, page):
    if way == "one":
        attach_message(stream, inner_message(page, serial), "The inner one")
    elif way == "nobody":
        attach_message(stream, inner_message(page, serial, people=False), "Of nobody")
    elif way == "deep":
        attach_message(stream, nested(page, serial, 7), "Level 1")
    elif way == "files":
        inner = inner_message(page, serial)
        attach(inner, title="Inner file %d.txt" % serial, data=b"inner octets %d" % serial)
        formatted(inner, [("Inside %d, level 0." % serial, "b")], page, packed)
        attach_message(stream, inner, "With files")
        attach_message(stream, inner_message(page, serial, 1), "The second")
    elif way == "broken":
        attach(stream, "message", "No message")
        junk = b"this is no stream %d" % serial
        stream.props((t.prop(0x37050003, 5), None),
                     (t.prop(0x3701000D, t.IMESSAGE + junk), ["data", junk.hex()]), level=2)
        stream.items[-1][1].append(["broken"])


def objects(stream, way, serial, files):
    native = b"native %d" % serial
    if way == "stream":
        attach(stream, "ole", "Bitmap", ole("PBrush", native))
        attach(stream, "ole", "Table", ole("ExcelWorksheet", native, metafile(serial)))
    elif way == "file":
        files.append(("OLE1.DAT", ole("WordDocument", native, metafile(serial))))
        for name, _ in files[:-1]:
            attach(stream, title=name)
        attach(stream, "ole", "OLE1.DAT")
    elif way == "static":
        attach(stream, "picture", "Drawing", picture=metafile(serial))
        attach(stream, "picture", "No drawing", picture=b"no metafile %d" % serial)
    elif way == "unknown":
        attach(stream, "ole", "What", b"\1\2\3\4 not understood %d" % serial)


def meet(stream, way):
    if way in MEETINGS:
        meeting(stream, way, where="Room 1; second floor, left" if way == "request" else None)
    elif way == "where":
        meeting(stream, "request", end=(1996, 3, 6, 9, 15), where="Old room", guid=WHERE)
    elif way == "untimed":
        meeting(stream, "request", start=None)
    elif way == "backwards":
        meeting(stream, "cancel", start=(1996, 3, 5, 12, 0))
    elif way == "fold":
        meeting(stream, "request", start=(1996, 10, 27, 2, 30), end=(1996, 10, 27, 3, 30))
    elif way == "summer":
        meeting(stream, "accept", start=(1996, 7, 1, 23, 30), end=(1996, 7, 2, 0, 30))


# ---- damage ----


def sample(serial, page):
    """A stream with something of everything, for damage."""
    stream = Stream(page)
    meeting(stream, "request", where="Room")
    formatted(stream, [("bold words %d" % serial, "b")], page, packed)
    attach(stream, title="First hidden file.bin", data=b"first %d" % serial)
    attach(stream, "ole", "Object", ole("PBrush", b"native"))
    attach_message(stream, inner_message(page, serial), "Inner")
    attach(stream, title="last.bin", data=b"last %d" % serial)
    return stream


def damage(way, serial, page):
    """(octets, truth) of a stream that is spoilt; SERIAL chooses where."""
    stream = sample(serial, page)
    octets, count = [one for one, _ in stream.items], len(stream.items)
    at = serial % count
    if way == "checksum":
        octets[at] = octets[at][:-2] + bytes([octets[at][-2] ^ 0x5A]) + octets[at][-1:]
        effects = stream.effects((at,))
        if ["begin", "ole"] in stream.items[at][1] or ["begin", "message"] in stream.items[at][1] or \
                ["begin", "file"] in stream.items[at][1]:
            effects = _begin_all_the_same(stream, at)
        return head() + b"".join(octets), {"effects": effects, "damaged": True}
    if way == "border":
        return (head() + b"".join(octets[:at]),
                {"effects": stream.effects(range(at, count)), "damaged": False})
    if way == "cut":
        keep = random.Random(serial).randrange(1, len(octets[at]))
        return (head() + b"".join(octets[:at]) + octets[at][:keep],
                {"effects": stream.effects(range(at, count)), "damaged": True})
    if way == "length":
        spoilt = octets[at][:5] + struct.pack("<I", 0x7FFFFFF0) + octets[at][9:]
        return (head() + b"".join(octets[:at]) + spoilt + b"".join(octets[at + 1:]),
                {"effects": stream.effects(range(at, count)), "damaged": True})
    if way == "level":
        return (head() + b"".join(octets[:at]) + b"\x07" + b"".join(octets[at:])[1:],
                {"effects": stream.effects(range(at, count)), "damaged": True})
    if way == "property":
        stream.add(1, 0x00069003, struct.pack("<III", 1, 0x0037001E, 0x7FFFFFFF))
        return stream.octets(), {"effects": stream.effects(), "damaged": True}
    if way == "garbage":
        return random.Random(serial).randbytes(500), {"effects": [], "damaged": True}
    if way == "tail":
        return stream.octets() + bytes(7), {"effects": stream.effects(), "damaged": True}
    return {"empty": b"", "signature": head(), "half": head()[:3]}[way], {
        "effects": [], "damaged": True}  # what ends behind its beginning may be cut there


def _begin_all_the_same(stream, spoilt):
    """An attachment whose beginning is spoilt begins nevertheless, as a file."""
    out = []
    for at, (_, effects) in enumerate(stream.items):
        out += [["begin", "file"]] if at == spoilt else effects
    return out


def add(item, kind, serial, page, letters):
    """WINMAIL.DAT behind the files of the message, and the truth about it."""
    if kind == "none":
        return
    page = {"866": "cp866", "850": "cp850", "437": "cp437", "1252": "cp1252"}.get(page, "cp" + page)
    item["letters"] = letters
    family, _, way = kind.partition("-")
    if family == "damaged":
        octets, truth = damage(way, serial, page)
    else:
        stream = build(kind, serial, page, item)
        octets, truth = stream.octets(), stream.truth()
        truth["damaged"] = ["broken"] in truth["effects"]
    item["files"] = item["files"] + [(NAME, octets)]
    item["winmail"] = dict(truth, kind=kind)
