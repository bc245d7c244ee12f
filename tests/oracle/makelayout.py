#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writing side of the oracle: where a made postoffice keeps what no document places.

REFERENCE is the layout of the test postoffices; random_layout() varies all of it that is assumed
and nothing that is published: the KEY bitmap's 512 octets (Q119088), the reference counter at
file offset 0x0B (Q104423), the identifiers of From and To (FIPS PUB 98 and Q104423).
"""

import makecontent

PARTS = ("from", "to", "cc", "date", "priority", "subject", "attachments", "text")
PUBLISHED_VENDORS = (0x32, 0x33, 0x37)
# forms of dates by name; the first is that of the reference layout
DATE_FORMS = {
    "yyyy-mm-dd hh:mm": "%Y-%m-%d %H:%M",
    "yyyy-mm-dd hh:mm:ss": "%Y-%m-%d %H:%M:%S",
    "dd-mm-yy hh:mm": "%d-%m-%y %H:%M",
    "mm/dd/yy hh:mm AM": "%m/%d/%y %I:%M %p",
    "m/d/yy h:mm AM": "%-m/%-d/%y %-I:%M %p",
    "dd.mm.yyyy hh:mm": "%d.%m.%Y %H:%M",
    "yyyymmddhhmm": "%Y%m%d%H%M",
    "hh:mm:ss dd/mm/yy": "%H:%M:%S %d/%m/%y",
}
# identifiers and qualifiers that Encoder.stranger() uses
STRANGE_FIELDS, STRANGE_VENDORS = {0x10, 0x14}, set(range(0x40, 0x54))
LONGEST_STRING = 65535


class Layout:
    """The reference layout; random_layout() changes the values of one of its own."""

    def __init__(self):
        self.name = "reference"
        self.bitmap, self.msb, self.set_is_deleted = 0x30, False, True
        self.counters = {"new": 0x00, "unread": 0x02, "live": 0x04}
        self.key_words = ()  # (offset, octets) that mean nothing
        self.access2_name, self.access2_mailbag, self.access2_binary = 0x02, 0x20, False
        self.access2_filler = ((0x00, 2), (0x0D, 6), (0x30, 4))
        self.counter_big, self.vendor_counter, self.vendor_priority = False, 0x31, 0x34
        self.fields = {
            "from": 0x01,
            "to": 0x05,
            "cc": 0x06,
            "date": 0x02,
            "subject": 0x07,
            "attachments": 0x08,
            "text": 0x04,
        }
        self.order = PARTS
        self.steady = {}  # part -> maker of an element that always follows it
        self.trailer, self.extra = bytes.fromhex("0080000040"), 12
        self.date_form = "yyyy-mm-dd hh:mm"
        self.att_enciphered = True
        self.chunking = None  # as makecontent.chunks says
        self.wild = 0.4  # share of messages with every length form and strangers
        self.period = None  # the key has a length of its own
        self.codepage = self.language = None
        self.blocks, self.wrap = 0.0, 72

    def date(self, when):
        return when.strftime(DATE_FORMS[self.date_form]).encode("ascii")

    def chunks(self, rng, size, wild):
        """Sizes of the strings that hold a text of `size` octets."""
        if self.chunking is None:
            return makecontent.chunks(rng, size, wild)
        kind, most = self.chunking
        out = []
        while size:
            out.append(min(size, most if kind == "fixed" else rng.randint(1, most)))
            size -= out[-1]
        return out or ([] if rng.random() < 0.5 else [0])

    def strangers_after(self, part, encoder):
        return self.steady[part](encoder) if part in self.steady else b""

    def make_key(self, rng):
        """The table over one period, or as much of a table without one as a string may need."""
        return bytes(octet & 0x7F for octet in rng.randbytes(self.period or LONGEST_STRING + 1))


REFERENCE = Layout()


def _key_file(rng, layout):
    layout.bitmap = rng.choice((0x00, 0x30, rng.randint(0, 48), 2 * rng.randint(0, 24)))
    layout.msb, layout.set_is_deleted = rng.random() < 0.5, rng.random() < 0.5
    free = [at for at in range(0, 558, 2) if at + 2 <= layout.bitmap or at >= layout.bitmap + 512]
    places = rng.sample(free, 3)
    layout.counters = {
        name: None if rng.random() < 0.2 else at
        for name, at in zip(("new", "unread", "live"), places)
    }
    others = [at for at in free if at not in layout.counters.values()]
    layout.key_words = tuple(
        (at, rng.randbytes(2)) for at in rng.sample(others, rng.choice((0, 0, 1, 2, 4)))
    )


def _access2(rng, layout):
    layout.access2_binary = rng.random() < 0.5
    sizes = {"name": 11, "bag": 4 if layout.access2_binary else 9}
    first, second = rng.sample(sorted(sizes), 2)
    start = rng.randint(0, 69 - sum(sizes.values()))
    places = {first: start}
    places[second] = rng.randint(start + sizes[first], 69 - sizes[second])
    layout.access2_name, layout.access2_mailbag = places["name"], places["bag"]
    used = {places[name] + n for name, size in sizes.items() for n in range(size)}
    free = [at for at in range(69) if at not in used]
    layout.access2_filler = tuple(
        (at, 1) for at in sorted(rng.sample(free, rng.randint(0, min(20, len(free)))))
    )


def _steady(rng, layout):
    """Elements of this writer that no reader knows, the same in each of its messages."""
    vendors = set(range(1, 0x80)) - STRANGE_VENDORS - set(PUBLISHED_VENDORS)
    vendors -= {layout.vendor_counter, layout.vendor_priority}
    fields = set(range(1, 0x80)) - STRANGE_FIELDS - set(layout.fields.values())
    vendors, fields = rng.sample(sorted(vendors), 4), rng.sample(sorted(fields), 3)
    number, words = rng.randrange(1 << 15), rng.choice((b"IPM.Note", b"2", b"3.2.15"))
    makers = (
        lambda e: e.vendor(vendors[0], e.integer(number, 2)),
        lambda e: e.vendor(vendors[1], e.integer(e.rng.randrange(1 << 31), 4)),
        lambda e: e.vendor(vendors[2], e.string(words)),
        lambda e: e.vendor(vendors[3], e.element(0x02, words)),
        lambda e: e.field(fields[0], e.string(b"%08X" % e.rng.randrange(1 << 32))),
        lambda e: e.field(fields[1], e.string(e.rng.choice((b"Urgent", b"List", b"Copy")))),
        lambda e: e.field(fields[2], e.string(words) + e.string(b"NET/PO/NOBODY")),
        lambda e: e.element(0x21, bytes(number % 9)),
    )
    count = rng.choice((0, 0, 1, 2, 4))
    layout.steady = dict(zip(rng.sample(PARTS, count), rng.sample(makers, count)))


def _mai(rng, layout):
    numbers = [n for n in range(2, 0x40) if n != 5 and n not in STRANGE_FIELDS]
    if rng.random() < 0.7:
        picked = rng.sample(numbers, 5)
        layout.fields.update(zip(("cc", "date", "subject", "attachments", "text"), picked))
    free = sorted(set(range(1, 0x80)) - STRANGE_VENDORS - set(PUBLISHED_VENDORS))
    layout.vendor_counter, layout.vendor_priority = rng.sample(free, 2)
    layout.counter_big = rng.random() < 0.2
    order = list(PARTS[2:])
    rng.shuffle(order)
    layout.order = PARTS[:2] + tuple(order)
    if rng.random() < 0.4:
        layout.order = tuple(rng.sample(PARTS, len(PARTS)))
    layout.trailer = b"\0" + rng.randbytes(rng.randint(1, 8))
    layout.extra = rng.choice((0, 12, rng.randint(0, 24)))
    layout.date_form = rng.choice(tuple(DATE_FORMS))
    layout.att_enciphered = rng.random() < 0.6
    layout.chunking = rng.choice(
        (
            ("fixed", LONGEST_STRING),
            ("fixed", LONGEST_STRING),
            ("fixed", rng.choice((250, 512, 1000, 1024, 2048, 4000, 4096, 8192))),
            ("random", rng.choice((300, 1000, 2000, 5000))),
        )
    )
    layout.wild = rng.choice((0.0, 0.0, 0.2, 0.5, 1.0))
    _steady(rng, layout)


def _write_language(rng, layout, corpora, args):
    """The language and code page that were asked for, or any two that go together."""
    pairs = [
        (language, page)
        for language, pages in corpora.CODEPAGES.items()
        for page in pages
        if args.language in (None, language) and args.codepage in (None, page)
    ]
    languages = sorted({language for language, _ in pairs})
    layout.language = rng.choice(languages)
    layout.codepage = rng.choice([page for name, page in pairs if name == layout.language])
    layout.blocks = rng.choice((0.0, 0.0, 0.3, 0.7, 1.0))
    layout.wrap = rng.choice((0, 60, 65, 72, 78))


def random_layout(rng, corpora, args):
    layout = Layout()
    layout.name = "random-%d" % args.seed
    _key_file(rng, layout)
    _access2(rng, layout)
    _mai(rng, layout)
    layout.period = rng.choice(
        (None, rng.randint(20, 64), rng.randint(65, 250), 251, rng.randint(252, 1024),
         rng.randint(1025, 4096), None)
    )  # fmt: skip
    _write_language(rng, layout, corpora, args)
    return layout


def _place(offset):
    return "none" if offset is None else "0x%02X" % offset


def profile_lines(layout):
    """Lines of the profile of a layout that is not the reference one, without the cipher's."""
    lines = [
        "key.bitmap_offset = 0x%02X" % layout.bitmap,
        "key.bitmap_order = " + ("msb" if layout.msb else "lsb"),
        "key.bitmap_set = " + ("deleted" if layout.set_is_deleted else "used"),
    ]
    lines += ["key.count_%s = %s" % (name, _place(at)) for name, at in layout.counters.items()]
    lines += [
        "access2.name_offset = 0x%02X" % layout.access2_name,
        "access2.mailbag_offset = 0x%02X" % layout.access2_mailbag,
        "access2.mailbag_form = " + ("binary" if layout.access2_binary else "ascii"),
        "mai.counter_offset = 0x0B       # Q104423",
        "mai.counter_order = " + ("big" if layout.counter_big else "little"),
    ]
    lines += ["mai.field.%s = 0x%02X" % pair for pair in layout.fields.items()]
    lines += [
        "mai.vendor.priority = 0x%02X" % layout.vendor_priority,
        "mai.address_trailer = " + layout.trailer.hex(" ").upper(),
        "mai.date_form = " + layout.date_form,
        "att.cipher = " + ("whole" if layout.att_enciphered else "none"),
    ]
    return lines + ["# truth: " + line for line in _unsayable(layout)]


def _unsayable(layout):
    """What is true of the layout and has no name in msmailgw-profile(5)."""
    return [
        "mai.vendor.counter = 0x%02X" % layout.vendor_counter,
        "mai.order = " + " ".join(layout.order),
        "mai.strangers_after = " + (" ".join(p for p in PARTS if p in layout.steady) or "none"),
        "mai.from_extra = %d" % layout.extra,
        "text.strings = %s %d" % layout.chunking,
        "text.blocks = %.1f" % layout.blocks,
        "language = " + layout.language,
    ]
