#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Reading side of the oracle: a postoffice as its profile says, independent of the product.

Also removes an item as the published rules say (Q77926, Q104423, Q120220), for the stand-in
GET program and for the verdict of checkpo.py.
"""

import datetime
import os
import re
import struct

KEY_SIZE, RECORD_SIZE, NETWORK_SIZE, XTN_SIZE = 560, 116, 122, 698
WITH_QUALIFIER = {0x43, 0x45, 0x46, 0x47, 0x4C, 0x4D, 0x7E, 0x7F}
CONSTRUCTORS = {0x09, 0x0A, 0x0B, 0x24, 0x28, 0x45, 0x4C, 0x4D}
MOST_DEPTH = 32
# year, month, day, hour, minute in each form of a date, by the name that a profile has for it
# words of a form of dates as msmailgw-profile(5) lists them; "mm" behind "hh" is the minute
WORDS = (
    ("yyyy", r"(?P<y>\d{4})"), ("yy", r"(?P<y>\d\d)"), ("mm", r"(?P<m>\d\d)"),
    ("m", r"(?P<m>\d\d?)"), ("dd", r"(?P<d>\d\d)"), ("d", r"(?P<d>\d\d?)"),
    ("hh", r"(?P<H>\d\d)"), ("h", r"(?P<H>\d\d?)"), ("nn", r"(?P<M>\d\d)"),
    ("ss", r"\d\d"), ("AM", r"(?P<x>[AP])M"),
)  # fmt: skip


class BadPostoffice(Exception):
    pass


# ---- profile -------------------------------------------------------------------------------


class Profile:
    """`name = value  # how learnt`; numbers decimal or 0x; the key octets that are known.

    "# truth: name = value" says what msmailgw-profile(5) has no word for.
    """

    def __init__(self, text):
        self.values = {}
        self.key = {}
        for number, line in enumerate(text.splitlines(), 1):
            line = line.removeprefix("# truth: ").split("#", 1)[0].strip()
            if not line:
                continue
            if "=" not in line:
                raise BadPostoffice("profile line %d has no '='" % number)
            name, value = (part.strip() for part in line.split("=", 1))
            run = re.fullmatch(r"cipher\.key\[(\d+)\.\.(\d+)\]", name)
            if run:
                self._add_run(int(run[1]), int(run[2]), value.split(), number)
            else:
                self.values[name] = value
        period = self.values.get("cipher.period", "none")
        self.period = None if period == "none" else int(period, 0)

    def _add_run(self, first, last, octets, number):
        if len(octets) != last - first + 1:
            raise BadPostoffice(
                "profile line %d: %d octets for %d positions"
                % (number, len(octets), last - first + 1)
            )
        for at, octet in enumerate(octets):
            if octet != "??":
                self.key[first + at] = int(octet, 16)

    def number(self, name):
        value = self.values[name]
        return None if value == "none" else int(value, 0)

    def stream(self, size):
        """The first `size` key octets; a position that is not known is never guessed."""
        try:
            if self.period:
                once = bytes(self.key[at] for at in range(min(self.period, size)))
                return (once * (size // self.period + 1))[:size]
            return bytes(self.key[at] for at in range(size))
        except KeyError as missing:
            raise BadPostoffice("key position %s is not known" % missing) from None

    def decipher(self, cipher):
        """p[i] = c[i] ^ c[i-1] ^ k[i]"""
        size = len(cipher)
        if not size:
            return b""
        stream = int.from_bytes(self.stream(size), "big")
        number = int.from_bytes(cipher, "big")
        return (number ^ (number >> 8) ^ stream).to_bytes(size, "big")


# ---- FIPS PUB 98 ---------------------------------------------------------------------------


class Element:
    """Identifier without flag bits, qualifier, content, and children if a constructor."""

    def __init__(self, ident, qualifier, content, children, start, end):
        self.ident, self.qualifier, self.content, self.children = (
            ident,
            qualifier,
            content,
            children,
        )
        self.start, self.end = start, end

    def strings(self):
        return [child.content for child in self.children or () if child.ident == 0x02]


def _length(data, at, end):
    """(length or None for indefinite, offset after the code)"""
    if at >= end:
        raise BadPostoffice("no length code at offset %d" % at)
    first = data[at]
    if first < 0x80:
        return first, at + 1
    count = first - 0x80
    if count == 0:
        return None, at + 1
    if at + 1 + count > end:
        raise BadPostoffice("length code cut off at offset %d" % at)
    return int.from_bytes(data[at + 1 : at + 1 + count], "big"), at + 1 + count


def _qualifier(data, at, end):
    if at >= end:
        raise BadPostoffice("no qualifier at offset %d" % at)
    if data[at] < 0x80:
        return data[at : at + 1], at + 1
    stop = at + 1 + data[at] - 0x80
    if stop > end:
        raise BadPostoffice("qualifier cut off at offset %d" % at)
    return data[at:stop], stop


def _one(data, at, end, depth):
    if depth > MOST_DEPTH:
        raise BadPostoffice("nested too deep at offset %d" % at)
    start, octet = at, data[at]
    length, at = _length(data, at + 1, end)
    stop = end if length is None else at + length
    if stop > end:
        raise BadPostoffice(
            "element at offset %d ends at %d, its parent at %d" % (start, stop, end)
        )
    ident = octet & 0x7F
    qualifier = b""
    if ident in WITH_QUALIFIER:
        qualifier, at = _qualifier(data, at, stop)
    if octet & 0x80:
        _, at = _one(data, at, stop, depth + 1)
    if length is None:
        children, after = _many(data, at, stop, depth + 1, True)
        return Element(ident, qualifier, data[at : after - 2], children, start, after), after
    children = None
    if ident in CONSTRUCTORS:
        children, _ = _many(data, at, stop, depth + 1, False)
    return Element(ident, qualifier, data[at:stop], children, start, stop), stop


def _many(data, at, end, depth, until_mark):
    out = []
    while at < end:
        if until_mark and data[at] == 0x01:
            if data[at : at + 2] != b"\x01\x00":
                raise BadPostoffice("bad end of constructor at offset %d" % at)
            return out, at + 2
        element, at = _one(data, at, end, depth)
        out.append(element)
    if until_mark:
        raise BadPostoffice("no end of constructor before offset %d" % end)
    return out, at


def parse(data):
    """All elements of a stream."""
    return _many(data, 0, len(data), 0, False)[0]


def date_pattern(form):
    form = re.sub("(hh?)([^a-z]*)mm", r"\1\2nn", form)
    out = ""
    while form:
        word, pattern = next((w for w in WORDS if form.startswith(w[0])),
                             (form[0], re.escape(form[0])))
        out, form = out + pattern, form[len(word):]
    return out


def minute(raw, form):
    """A date of the given form as octets `yyyy-mm-dd hh:mm`; years of two digits are 19yy."""
    found = re.fullmatch(date_pattern(form), raw.decode("ascii", "replace"))
    if not found:
        raise BadPostoffice("%r is no date of the form %s" % (raw, form))
    part = found.groupdict()
    year, hour = int(part["y"]), int(part["H"])
    if part.get("x"):
        hour = hour % 12 + (12 if part["x"] == "P" else 0)
    try:
        when = datetime.datetime(
            year + (1900 if year < 100 else 0), int(part["m"]), int(part["d"]), hour, int(part["M"])
        )
    except ValueError as error:
        raise BadPostoffice("%r: %s" % (raw, error)) from None
    return when.strftime("%Y-%m-%d %H:%M").encode("ascii")


# ---- message -------------------------------------------------------------------------------


class Message:
    """A MAI file: octets in the code page, addresses as str, attachments as (id, name, size)."""

    def __init__(self, data, profile):
        self.profile = profile
        elements = parse(data)
        if not elements or elements[0].ident != 0x4D or elements[0].end != len(data):
            raise BadPostoffice("not one Message element")
        self.fields = {}
        self.priority = ""
        self.subject, self.text, self.date = b"", b"", b""
        self.sender, self.to, self.cc, self.attachments = "", [], [], []
        at = profile.number("mai.counter_offset")
        self.counter = int.from_bytes(data[at : at + 2], profile.values["mai.counter_order"])
        for element in elements[0].children:
            self._take(element)

    def _take(self, element):
        profile = self.profile
        if element.ident == 0x7F and element.qualifier == bytes(
            [profile.number("mai.vendor.priority")]
        ):
            # a vendor element may be primitive or not: its content is read only where we know it
            inner = element.children if element.children is not None else parse(element.content)
            self.priority = profile.decipher(inner[0].content).decode("ascii")
        if element.ident != 0x4C or len(element.qualifier) != 1:
            return
        strings = element.strings()
        code = element.qualifier[0]
        name = next(
            (
                n
                for n in ("from", "to", "cc", "date", "subject", "attachments", "text")
                if profile.number("mai.field." + n) == code
            ),
            None,
        )
        if name == "from":
            self.sender = self._address(strings[0])
        elif name in ("to", "cc"):
            getattr(self, name).extend(self._address(s) for s in strings)
        elif name == "date":
            raw = profile.decipher(element.children[0].strings()[0])
            try:
                self.date = minute(raw, profile.values["mai.date_form"])
            except BadPostoffice:
                self.date = raw  # a damaged date: the rest of the message is as it is
        elif name in ("subject", "text"):
            setattr(self, name, b"".join(profile.decipher(s) for s in strings))
        elif name == "attachments":
            self.attachments = [
                self._attachment(child) for child in element.children if child.ident == 0x0A
            ]

    def _address(self, cipher):
        plain = self.profile.decipher(cipher)
        trailer = bytes.fromhex(self.profile.values["mai.address_trailer"])
        at = plain.find(b"\0")
        if at < 0 or plain[at : at + len(trailer)] != trailer:
            raise BadPostoffice("address string without its trailer")
        return plain[:at].decode("cp" + self.profile.values["codepage"])

    def _attachment(self, element):
        ident, name = (self.profile.decipher(s) for s in element.strings()[:2])
        size = next(c.content for c in element.children if c.ident == 0x20)
        return (
            ident.decode("ascii"),
            name.decode("cp" + self.profile.values["codepage"]),
            int.from_bytes(size, "little"),
        )


# ---- files ---------------------------------------------------------------------------------


class Folder:
    """All files beneath a root by their upper-case relative name; the octets are read on demand."""

    def __init__(self, root):
        self.root = root
        self.files = {}
        self.directories = {}
        for top, names, files in os.walk(root):
            inner = os.path.relpath(top, root)
            for name in names:
                path = os.path.normpath(os.path.join(inner, name))
                self.directories[path.upper()] = path
            for name in files:
                path = os.path.normpath(os.path.join(inner, name))
                self.files[path.upper()] = path

    def has(self, name):
        return name.upper() in self.files

    def path(self, name):
        try:
            return os.path.join(self.root, self.files[name.upper()])
        except KeyError:
            raise BadPostoffice("no file %s" % name) from None

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def write(self, name, content):
        with open(self.path(name), "r+b") as file:
            file.write(content)

    def remove(self, name):
        os.unlink(self.path(name))
        del self.files[name.upper()]


def mai_name(ident):
    return "MAI/MA%s/%s.MAI" % (ident[-1], ident)


def att_name(ident):
    return "ATT/AT%s/%s.ATT" % (ident[-1], ident)


def _name(octets):
    return octets.split(b"\0", 1)[0].decode("ascii")


class Record:
    def __init__(self, number, raw):
        self.number = number
        self.sender = raw[2:13].split(b"\0", 1)[0]
        self.subject = raw[13:54].split(b"\0", 1)[0]
        self.second, self.minute, self.hour, self.day, self.month, self.year = struct.unpack_from(
            "<6H", raw, 0x36
        )
        self.priority = raw[0x42:0x43].rstrip(b"\0").decode("ascii")
        self.mai = _name(raw[0x43:0x4C])
        self.size = struct.unpack_from("<I", raw, 0x4E)[0]


class Key:
    """The 560 octets of a KEY file under a profile."""

    def __init__(self, data, profile):
        if len(data) != KEY_SIZE:
            raise BadPostoffice("a KEY of %d octets" % len(data))
        self.data = bytearray(data)
        self.profile = profile

    def _place(self, record):
        bit = record % 8
        if self.profile.values["key.bitmap_order"] == "msb":
            bit = 7 - bit
        return self.profile.number("key.bitmap_offset") + record // 8, 1 << bit

    def live(self, record):
        at, mask = self._place(record)
        return bool(self.data[at] & mask) == (self.profile.values["key.bitmap_set"] == "used")

    def delete(self, record):
        """The delete bit, and one less in each counter that is known and not zero."""
        at, mask = self._place(record)
        if self.profile.values["key.bitmap_set"] == "used":
            self.data[at] &= ~mask & 0xFF
        else:
            self.data[at] |= mask
        for name in ("new", "unread", "live"):
            offset = self.profile.number("key.count_" + name)
            if offset is not None:
                value = struct.unpack_from("<H", self.data, offset)[0]
                struct.pack_into("<H", self.data, offset, max(0, value - 1))

    def count(self, name):
        return struct.unpack_from("<H", self.data, self.profile.number("key.count_" + name))[0]


def records(data):
    if len(data) % RECORD_SIZE:
        raise BadPostoffice("a mailbag of %d octets is not a whole number of records" % len(data))
    return [
        Record(n, data[n * RECORD_SIZE : (n + 1) * RECORD_SIZE])
        for n in range(len(data) // RECORD_SIZE)
    ]


class Postoffice:
    def __init__(self, root, profile):
        self.folder = Folder(root)
        self.profile = profile

    def key(self, mailbag):
        return Key(self.folder.read("KEY/%s.KEY" % mailbag), self.profile)

    def records(self, mailbag):
        return records(self.folder.read("MBG/%s.MBG" % mailbag))

    def live(self, mailbag):
        key = self.key(mailbag)
        return [record for record in self.records(mailbag) if key.live(record.number)]

    def message(self, ident):
        return Message(self.folder.read(mai_name(ident)), self.profile)

    def attachment(self, ident):
        data = self.folder.read(att_name(ident))
        return data if self.profile.values["att.cipher"] == "none" else self.profile.decipher(data)

    def users(self):
        """Mailbox name -> mailbag number, of the users that are not deleted."""
        data, out = self.folder.read("GLB/ACCESS2.GLB"), {}
        name, bag = self.profile.number("access2.name_offset"), self.profile.number(
            "access2.mailbag_offset"
        )
        for at in range(0, len(data), 69):
            raw = data[at : at + 69]
            if not raw[name]:
                continue
            if self.profile.values["access2.mailbag_form"] == "binary":
                number = "%08X" % struct.unpack_from("<I", raw, bag)[0]
            else:
                number = _name(raw[bag : bag + 9])
            out[_name(raw[name : name + 11])] = number
        return out

    def queues(self):
        """[(name, mailbag, service type)]: NET/PO behind each XTN, and gateways by name."""
        table, out = self.folder.read("GLB/NETWORK.GLB"), []
        for at in range(0, len(table), NETWORK_SIZE):
            raw = table[at : at + NETWORK_SIZE]
            if raw[0] != 1:
                continue
            net, xtn, bag = _name(raw[2:13]), _name(raw[0x0D:0x16]), _name(raw[0x21:0x2A])
            if xtn and self.folder.has("XTN/%s.XTN" % xtn):
                data = self.folder.read("XTN/%s.XTN" % xtn)
                for start in range(0, len(data), XTN_SIZE):
                    if data[start] == 1:
                        out.append(
                            (
                                net + "/" + _name(data[start + 1 : start + 12]),
                                _name(data[start + 12 : start + 21]),
                                raw[1],
                            )
                        )
            elif bag:
                out.append((net, bag, raw[1]))
        return out

    def removal(self, files, mailbag, record):
        """Change `files` (name -> octets, None = gone) as the removal of one item does.

        The delete bit and counters of KEY; one less in the reference counter of the MAI; the MAI
        and its attachments go when that counter comes to zero.  MBG stays as it is.
        """

        def now(name):
            return files[name] if name in files else self.folder.read(name)

        name = "KEY/%s.KEY" % mailbag
        key = Key(now(name), self.profile)
        if not key.live(record):
            raise BadPostoffice("record %d of %s is not live" % (record, mailbag))
        key.delete(record)
        files[name] = bytes(key.data)
        ident = self.records(mailbag)[record].mai
        data = bytearray(now(mai_name(ident)))
        offset = self.profile.number("mai.counter_offset")
        order = self.profile.values["mai.counter_order"]
        counter = int.from_bytes(data[offset : offset + 2], order) - 1
        if counter > 0:
            data[offset : offset + 2] = counter.to_bytes(2, order)
            files[mai_name(ident)] = bytes(data)
            return
        for att, _, _ in Message(bytes(data), self.profile).attachments:
            files[att_name(att)] = None
        files[mai_name(ident)] = None

    def remove(self, mailbag, record):
        """The same on the disk, in the published order: KEY, then MAI, then what goes away."""
        files = {}
        self.removal(files, mailbag, record)
        for name, content in files.items():
            if content is not None:
                self.folder.write(name, content)
        for name, content in files.items():
            if content is None and self.folder.has(name):
                self.folder.remove(name)


def load_profile(path):
    with open(path, encoding="utf-8") as file:
        return Profile(file.read())
