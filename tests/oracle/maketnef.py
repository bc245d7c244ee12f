# SPDX-License-Identifier: BSD-2-Clause
"""Makes TNEF streams (WINMAIL.DAT) with known contents, from [MS-OXTNEF] and [MS-OXRTFCP].

Shares nothing with the gateway's reader. `case(seed)` gives (octets, truth): the truth is what a
reader has to find. `python3 maketnef.py DIRECTORY COUNT` writes files."""
import json
import random
import struct
import sys
import zlib

SIGNATURE = 0x223E9F78
IMESSAGE = bytes.fromhex("0703020000000000C000000000000046")
FORMATTED = "{\\rtf1\\ansi\\ansicpg1252\\pard %s}"


def attribute(level, name, data, spoil=False):
    total = sum(data) & 0xFFFF
    if spoil:
        total ^= 0x55
    return struct.pack("<BII", level, name, len(data)) + data + struct.pack("<H", total)


def text(value, encoding):
    return value.encode(encoding) + b"\0"


def date(year, month, day, hour, minute):
    return struct.pack("<7H", year, month, day, hour, minute, 0, 1)


def pad(data):
    return data + bytes(-len(data) % 4)


def prop(tag, value):
    """A property without a name; VALUE are the octets of one value, or the number."""
    kind = tag & 0xFFFF
    if kind in (0x3, 0xB):
        return struct.pack("<II", tag, value)
    if kind == 0x40:
        return struct.pack("<IQ", tag, value)
    return struct.pack("<III", tag, 1, len(value)) + pad(value)


def named(tag, guid, name, value):
    wide = (name + "\0").encode("utf-16-le")
    head = struct.pack("<I", tag) + guid + struct.pack("<II", 1, len(wide)) + pad(wide)
    return head + struct.pack("<II", 1, len(value)) + pad(value)


def several(tag, values):
    return struct.pack("<II", tag, len(values)) + b"".join(
        struct.pack("<I", len(v)) + pad(v) for v in values)


def props(items):
    return struct.pack("<I", len(items)) + b"".join(items)


def pack_rtf(plain, rng):
    """Compressed with literals only, or stored."""
    raw = plain.encode("latin-1")
    if rng.random() < 0.3:
        return struct.pack("<II", len(raw) + 12, len(raw)) + b"MELA" + bytes(4) + raw
    place, out, at = 207, b"", 0
    while at < len(raw):
        part = raw[at:at + 8]
        at += 8
        place += len(part)
        if len(part) == 8:
            out += b"\0" + part
        else:
            out += bytes([1 << len(part)]) + part + struct.pack(">H", (place % 4096) << 4)
    if len(raw) % 8 == 0:
        out += b"\1" + struct.pack(">H", (place % 4096) << 4)
    crc = zlib.crc32(out, 0xFFFFFFFF) ^ 0xFFFFFFFF
    return struct.pack("<II", len(out) + 12, len(raw)) + b"LZFu" + struct.pack("<I", crc) + out


def filetime(hour):
    return (11644473600 + 825897600 + hour * 3600) * 10000000  # 1996-03-04 UTC and HOUR


def ole_stream(class_name, native):
    def string(value):
        data = value.encode() + b"\0" if value else b""
        return struct.pack("<I", len(data)) + data
    return (struct.pack("<II", 0x501, 2) + string(class_name) + string("") + string("") +
            struct.pack("<I", len(native)) + native + struct.pack("<II", 0x501, 0))


def rendering(kind, position, mac):
    return struct.pack("<HIHHI", kind, position, 32, 32, 1 if mac else 0)


def make_attachment(rng, number, page, depth):
    kind = rng.choice(["file", "file", "file", "ole", "message" if depth < 2 else "file"])
    truth = {"kind": kind, "macbinary": False}
    long_name = rng.choice(["Bericht über Größe %d.doc", "plan %d.xls", "a.b.c %d", "n%d.txt"]) % number
    position = rng.randrange(1000)
    mac = kind == "file" and rng.random() < 0.2
    truth["position"], truth["macbinary"], truth["title"] = position, mac, long_name
    out = attribute(2, 0x00069002, rendering(2 if kind == "ole" else 1, position, mac))
    out += attribute(2, 0x00038013, date(1995, 12, 31, 23, 59))
    truth["modified"] = "1995-12-31 23:59"
    out += attribute(2, 0x00018010, text(long_name, page))
    items = []
    if kind == "message":
        inner, inner_truth = stream(rng, depth + 1)
        truth["message"] = inner_truth
        truth["size"] = len(inner)
        items += [prop(0x37050003, 5), prop(0x3701000D, IMESSAGE + inner)]
    elif rng.random() < 0.8:
        data = bytes(rng.randrange(256) for _ in range(rng.choice([0, 1, 17, 5000])))
        if kind == "ole":
            data = ole_stream("PBrush", data)
            truth["ole_class"] = "PBrush"
        out += attribute(2, 0x0006800F, data)
        truth["size"], truth["data"] = len(data), data.hex()
    if rng.random() < 0.5:
        items += [prop(0x3707001F, (long_name + "\0").encode("utf-16-le"))]
        truth["long_name"] = long_name
    if rng.random() < 0.5:
        items += [prop(0x3704001E, b"SHORT%03d.DOC\0" % (number % 1000))]
        truth["short_name"] = "SHORT%03d.DOC" % (number % 1000)
    if items:
        out += attribute(2, 0x00069005, props(items))
    return out, truth


def meeting(rng, truth, page):
    truth.update({"class": rng.choice(["IPM.Microsoft Schedule.MtgReq", "IPM.Microsoft Schedule.MtgRespP"]),
                  "start": "1996-03-05 10:00", "end": "1996-03-05 11:30", "owner_id": 4711,
                  "owner_name": "Müller", "owner_address": "MS:NET/PO/MUELLER",
                  "response_requested": 1})
    name, address = text("Müller", page), b"MS:NET/PO/MUELLER\0"
    return (attribute(1, 0x00060000, struct.pack("<H", len(name)) + name +
                      struct.pack("<H", len(address)) + address) +
            attribute(1, 0x00030006, date(1996, 3, 5, 10, 0)) +
            attribute(1, 0x00030007, date(1996, 3, 5, 11, 30)) +
            attribute(1, 0x00050008, struct.pack("<I", 4711)) +
            attribute(1, 0x00040009, struct.pack("<H", 1)))


def message_props(rng, truth, words):
    items = [named(0x8001001E, bytes(range(16)), "Keyword", b"x\0"),
             several(0x8002101E & 0x7FFFFFFF, [b"a\0", b"bcd\0"]) if rng.random() < 0.5
             else prop(0x0E1F000B, 1)]
    if rng.random() < 0.6:
        truth["rtf"] = FORMATTED % words
        truth["rtf_text"] = words
        items.append(prop(0x10090102, pack_rtf(truth["rtf"], rng)))
    if rng.random() < 0.5:
        items.append(prop(0x0070001F, "Thema\0".encode("utf-16-le")))
        truth["topic"] = "Thema"
    items.append(prop(0x00390040, filetime(9)))
    truth["sent"] = "1996-03-04 09:00Z"
    rng.shuffle(items)
    return attribute(1, 0x00069003, props(items))


def stream(rng, depth=0, spoil=False):
    page = rng.choice(["cp1252", "cp850", "cp437"])
    words = "words %d" % rng.randrange(10**6)
    truth = {"codepage": page.upper(), "class": "IPM.Microsoft Mail.Note", "recipients": 0,
             "bad_checksums": 0, "malformed": 0, "truncated": False, "attachments": []}
    out = struct.pack("<IH", SIGNATURE, rng.randrange(65536))
    out += attribute(1, 0x00089006, struct.pack("<I", 0x10000))
    out += attribute(1, 0x00069007, struct.pack("<II", int(page[2:]), 0))
    extra = meeting(rng, truth, page) if rng.random() < 0.3 else b""
    out += attribute(1, 0x00078008, text(truth["class"], page)) + extra
    if rng.random() < 0.8:
        truth["subject"] = "Größe %d" % rng.randrange(100)
        out += attribute(1, 0x00018004, text(truth["subject"], page))
    truth["message_id"] = "%032X" % rng.getrandbits(128)
    out += attribute(1, 0x00018009, truth["message_id"].encode() + b"\0")
    if rng.random() < 0.4:
        out += attribute(1, 0x00038005, date(1996, 3, 4, 10, 0))
        truth["sent"] = "1996-03-04 10:00"
    if rng.random() < 0.4:
        truth["body"] = "Grüße\n" + words
        out += attribute(1, 0x0002800C, text(truth["body"].replace("\n", "\r\n"), page))
    if rng.random() < 0.4:
        out += attribute(1, 0x00069004, props([props([prop(0x3001001E, b"R\0")])]))
        truth["recipients"] = 1
    if rng.random() < 0.7:
        local = truth.get("sent")
        out += message_props(rng, truth, words)
        truth["sent"] = local or truth["sent"]
    if spoil:
        out += attribute(1, 0x0004800D, struct.pack("<H", 2), spoil=True)
        truth["bad_checksums"] += 1
    if "rtf" in truth and "body" not in truth:
        truth["body"] = words
    for number in range(rng.choice([0, 1, 2, 3, 9])):
        data, one = make_attachment(rng, number, page, depth)
        out += data
        truth["attachments"].append(one)
    return out, truth


def case(seed, spoil=False):
    return stream(random.Random(seed), spoil=spoil)


def main():
    directory, count = sys.argv[1], int(sys.argv[2])
    for seed in range(count):
        octets, truth = case(seed)
        with open("%s/%03d.tnef" % (directory, seed), "wb") as file:
            file.write(octets)
        with open("%s/%03d.json" % (directory, seed), "w") as file:
            json.dump(truth, file, indent=1)


if __name__ == "__main__":
    main()
