#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writing side of the oracle: the cipher and the FIPS PUB 98 elements of a MAI file.

Sources: FIPS PUB 98 (RFC 841) for the element structure, Q104423 for the reference
counter and the bytes of a real file.  Nothing here is used by the reading side.
"""

from makelayout import REFERENCE

STRING, SEQUENCE, INTEGER, DATE, FIELD, MESSAGE, VENDOR = 0x02, 0x0A, 0x20, 0x28, 0x4C, 0x4D, 0x7F
SET, NOOP, PADDING, PROPERTY_LIST, PROPERTY, BOOLEAN = 0x0B, 0x00, 0x21, 0x24, 0x45, 0x08
END = b"\x01\x00"
TRAILER = bytes.fromhex("0080000040")


def encipher(plain, key):
    """c[i] = p[i] ^ c[i-1] ^ k[i] as a prefix XOR over one big number."""
    size = len(plain)
    if not size:
        return b""
    stream = (key * (size // len(key) + 1))[:size]
    number = int.from_bytes(plain, "little") ^ int.from_bytes(stream, "little")
    shift = 8
    while shift < 8 * size:
        number ^= number << shift
        shift *= 2
    return (number & ((1 << (8 * size)) - 1)).to_bytes(size, "little")


class Encoder:
    """Elements with shortest lengths, or (wild) with every length form the standard allows."""

    def __init__(self, key, rng, wild=False):
        self.key = key
        self.rng = rng
        self.wild = wild

    def length(self, count):
        least = max(1, (count.bit_length() + 7) // 8)
        if self.wild and self.rng.random() < 0.4:
            octets = self.rng.randint(least, 4)
        elif count < 128:
            return bytes([count])
        else:
            octets = least
        return bytes([0x80 + octets]) + count.to_bytes(octets, "big")

    def element(self, ident, content, qualifier=b"", constructor=False):
        """The length counts the qualifier; an indefinite one ends with End-of-Constructor."""
        if constructor and self.wild and self.rng.random() < 0.35:
            return bytes([ident, 0x80]) + qualifier + content + END
        return bytes([ident]) + self.length(len(qualifier) + len(content)) + qualifier + content

    def string(self, plain):
        return self.element(STRING, encipher(plain, self.key))

    def field(self, number, content):
        return self.element(FIELD, content, bytes([number]), constructor=True)

    def integer(self, value, size):
        return self.element(INTEGER, value.to_bytes(size, "little"))

    def date(self, text):
        return self.element(DATE, self.string(text), constructor=True)

    def sequence(self, content):
        return self.element(SEQUENCE, content, constructor=True)

    def address(self, name, extra=b"", trailer=TRAILER):
        return self.string(name + trailer + extra)

    def vendor(self, number, content):
        return self.element(VENDOR, content, bytes([number]), constructor=True)

    def nest(self, depth):
        inner = self.element(BOOLEAN, b"\xff")
        for _ in range(depth):
            inner = self.element(SET, inner + self.integer(depth, 2), constructor=True)
        return inner

    def stranger(self):
        """An element that no reader knows; any reader must step over it by its length."""
        kind = self.rng.randrange(8)
        if kind == 0:
            return self.element(NOOP, b"")
        if kind == 1:
            return self.element(PADDING, bytes(self.rng.randrange(200)))
        if kind == 2:
            return self.vendor(
                self.rng.randint(0x40, 0x4F), self.integer(self.rng.randrange(1 << 15), 2)
            )
        if kind == 3:
            return self.element(VENDOR, self.string(b"not for us"), bytes.fromhex("83 00 01 0A"))
        if kind == 4:
            return self.field(0x14, self.string(b"keyword") + self.string(b"NET/PO/NOBODY"))
        if kind == 5:
            return self.vendor(0x50, self.nest(self.rng.randint(1, 6)))
        if kind == 6:
            # primitive content that looks like an unfinished element
            return bytes([VENDOR]) + self.length(5) + b"\x51\x4c\x84\xff\xff"
        prop = self.element(PROPERTY, self.string(b"printing name"), b"\x02")
        plist = self.element(PROPERTY_LIST, prop)
        return self.element(FIELD | 0x80, plist + self.string(b"a comment"), b"\x10")

    def gap(self):
        if not self.wild or self.rng.random() < 0.5:
            return b""
        return b"".join(self.stranger() for _ in range(self.rng.randint(1, 2)))


def _text_strings(encoder, text, chunks):
    """`chunks` is a list of sizes that add up to len(text)."""
    out, at = [], 0
    for size in chunks:
        out.append(encoder.string(text[at : at + size]))
        at += size
    return b"".join(out)


def _attachments(encoder, attachments, stamp):
    out = []
    for item in attachments:
        out.append(
            encoder.sequence(
                encoder.string(item["id"].encode("ascii"))
                + encoder.string(item["raw_name"])
                + encoder.element(INTEGER, item["size"].to_bytes(4, "little"))
                + encoder.date(stamp)
            )
        )
    return b"".join(out)


def _parts(encoder, item, layout):
    """(name, element) of each part that the message has, in the order of the layout."""

    def addresses(number, names, extra=b""):
        content = b"".join(encoder.address(a, extra, layout.trailer) for a in names)
        return encoder.field(number, content)

    code = layout.fields
    makers = {
        "from": lambda: addresses(code["from"], [item["sender"]], item["sender_extra"]),
        "to": lambda: addresses(code["to"], item["to"]),
        "cc": lambda: item["cc"] and addresses(code["cc"], item["cc"]),
        "date": lambda: encoder.field(code["date"], encoder.date(item["stamp"])),
        "priority": lambda: item["priority"]
        and encoder.vendor(
            layout.vendor_priority, encoder.string(item["priority"].encode("ascii"))
        ),
        "subject": lambda: (item["subject"] or not item["drop_empty"])
        and b"".join(encoder.field(code["subject"], encoder.string(subject))
                     for subject in (item["subject"], *item.get("more_subjects", ()))),
        "attachments": lambda: item["attachments"]
        and encoder.field(
            code["attachments"], _attachments(encoder, item["attachments"], item["stamp"])
        ),
        "text": lambda: (item["text"] or not item["drop_empty"])
        and encoder.field(code["text"], _text_strings(encoder, item["text"], item["chunks"])),
    }
    for name in layout.order:
        part = makers[name]()
        if part:
            yield part + layout.strangers_after(name, encoder)


def message_file(encoder, item, layout=REFERENCE):
    """The bytes of a MAI file; `item` holds bytes in the code page, addresses as bytes."""
    order = "big" if layout.counter_big else "little"
    counters = [(layout.vendor_counter, item["counter"].to_bytes(2, order))]
    counters += [
        (n, value.to_bytes(2, "little")) for n, value in ((0x32, 2), (0x33, 10), (0x37, 10))
    ]
    body = b"\x01" + b"".join(
        bytes([VENDOR, 5, number, INTEGER, 2]) + value for number, value in counters
    )
    parts = list(_parts(encoder, item, layout))
    body += b"".join(encoder.gap() + part for part in parts) + encoder.gap()
    return bytes([MESSAGE, 0x83]) + len(body).to_bytes(3, "big") + body
