#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What must become of a message with a WINMAIL.DAT (makewinmail.py), and whether it did.

`expected` makes of the effects of a stream what has to arrive; `seen` is what arrived, as Python's
email package reads it; `differences` compares the two, messages inside too. Written from the
documents of the formats and of the settings; shares nothing with the gateway."""
import base64
import datetime
import html
import re
import struct
import zoneinfo

import compare
import pairs

DEPTH = 4  # messages inside messages that are made messages
DEVICES = {"CON", "PRN", "AUX", "NUL", "CLOCK$", "CONIN$", "CONOUT$"} | {
    one + str(number) for one in ("COM", "LPT") for number in range(10)}
METHODS = {"MtgReq": ("REQUEST", "NEEDS-ACTION"), "MtgRespP": ("REPLY", "ACCEPTED"),
           "MtgRespN": ("REPLY", "DECLINED"), "MtgRespA": ("REPLY", "TENTATIVE"),
           "MtgCncl": ("CANCEL", "NEEDS-ACTION")}
LENGTH = 240  # octets of a name


class Settings:
    def __init__(self, zone, domain, table, tnef="decode", schedule="text", ole="keep"):
        self.zone, self.domain, self.table = zoneinfo.ZoneInfo(zone), domain, table
        self.zone_name, self.tnef, self.schedule, self.ole = zone, tnef, schedule, ole


# ---- names of files ----


def clean(name):
    """A name that every system takes, or None."""
    if re.match(r"[A-Za-z]:", name):
        name = name[2:]
    name = re.split(r"[/\\]", name)[-1]
    name = "".join("_" if c in '<>:"|?*' else c for c in name if c >= " " and c != "\x7f")
    name = name.rstrip(" .").lstrip(" .")
    if not name:
        return None
    if name.split(".")[0].rstrip(" ").upper() in DEVICES:
        name = "_" + name
    return shorten(name, "")


def shorten(name, suffix):
    stem, dot, ending = name.rpartition(".")
    if not dot or not stem or not ending or len(ending.encode()) > 31:
        stem, dot, ending = name, "", ""
    room = LENGTH - len((suffix + dot + ending).encode())
    return stem.encode()[:room].decode("utf-8", "ignore") + suffix + dot + ending


class Names:
    """Given once in a message, whatever the case."""

    def __init__(self):
        self.taken = set()

    def take(self, *choices):
        name = next((clean(one) for one in choices if one is not None and clean(one)), "attachment")
        number, other = 1, name
        while other.casefold() in self.taken:
            number += 1
            other = shorten(name, "-%d" % number)
        self.taken.add(other.casefold())
        return other


# ---- what a stream says ----


class Facts:
    """The effects of a stream, one after the other."""

    def __init__(self, effects):
        self.value, self.files = {}, []
        for name, *rest in effects:
            if name == "begin":
                self.files.append({"kind": rest[0]})
            elif name in ("title", "long", "short", "data", "metafile", "message"):
                if not self.files:
                    self.files.append({"kind": "file"})
                self.files[-1][name] = rest[0]
                if name == "message":
                    self.files[-1]["kind"] = "message"
            else:
                self.value[name] = rest if len(rest) > 1 else rest[0] if rest else True
        for one in self.files:
            for key in ("data", "metafile"):
                if key in one:
                    one[key] = bytes.fromhex(one[key])
            if "message" in one:
                one["data"] = bytes.fromhex(one["message"]["octets"])

    def get(self, name):
        return self.value.get(name)


def name_of(one):
    return one.get("long") or one.get("title") or one.get("short")


def suffix_of(name):
    return name.rpartition(".")[2].upper()[:3] if "." in name else None


def agree(short, long):
    if suffix_of(short) is None:
        return long is not None
    return long is not None and suffix_of(short) == suffix_of(long)


def match(facts, at, files):
    """Which of the stream is file AT; None when none is."""
    name, octets = files[at]
    fits = [one for one in facts.files if "file" not in one and one.get("data", octets) == octets]
    for one in facts.files:
        names = [one.get(key) for key in ("short", "title", "long")]
        if one in fits and name.casefold() in [each.casefold() for each in names if each]:
            return one
    for guess in (lambda one: one["kind"] != "message" and "data" not in one,
                  lambda one: one["kind"] != "message", lambda one: one["kind"] == "file"):
        some = [one for one in facts.files if guess(one)]
        if len(some) == len(files) and some[at] in fits and agree(name, name_of(some[at])):
            return some[at]
    return None


# ---- what has to arrive ----


def ole_facts(octets):
    """(class, picture, width, height) of an OLE 1 stream; None when it is none."""
    try:
        version, form, size = struct.unpack_from("<III", octets)
        name, at = octets[12:12 + size], 12 + size
        if version != 0x501 or form != 2 or not name.endswith(b"\0"):
            return None
        for _ in range(2):
            at += 4 + struct.unpack_from("<I", octets, at)[0]
        at += 4 + struct.unpack_from("<I", octets, at)[0]
        version, form = struct.unpack_from("<II", octets, at)
        if form != 5:
            return name[:-1].decode(), None, 0, 0
        at += 8 + 4 + 13
        width, height, size = struct.unpack_from("<iiI", octets, at)
        return name[:-1].decode(), octets[at + 20:at + 12 + size], width, -height
    except struct.error:
        return None


def is_metafile(octets):
    return len(octets) >= 18 and octets[0] in (1, 2) and octets[1:4] == b"\0\x09\0"


def placeable(octets, width, height):
    first = struct.pack("<IHhhhhHI", 0x9AC6CDD7, 0, 0, 0, width or 10000, height or 10000, 2540, 0)
    total = 0
    for word in struct.unpack("<10H", first):
        total ^= word
    return first + struct.pack("<H", total) + octets


class Expected:
    """A message as it has to arrive: its shown forms, then its parts in order."""

    def __init__(self, facts, text, files, settings, damaged, date, depth=0):
        self.date = date
        self.names, self.parts, self.objects = Names(), [], 0
        self.facts, self.settings, self.depth = facts, settings, depth
        self.text, self.html, self.calendar, self.topic = text, None, None, None
        decode = settings.tnef == "decode" or (settings.tnef == "pass" and damaged)
        read = settings.tnef in ("decode", "pass")
        plain = [one for one in files if one[0] != "WINMAIL.DAT"]
        stream = next((one[1] for one in files if one[0] == "WINMAIL.DAT"), None)
        self.kind = facts.get("class") if read else None
        if decode:
            self._rich()
        if read:
            self._meeting()
            self.topic = facts.get("topic")
        for at, (name, octets) in enumerate(plain):
            self._file(name, octets, match(facts, at, plain) if read else None, decode)
        if stream is not None and ((read and damaged) or settings.tnef == "keep"):
            self._add("WINMAIL.DAT", stream, "application/octet-stream")
        if decode:
            for one in facts.files:
                if "file" not in one:
                    self._hidden(one)
        self.passed = read and not decode and stream is not None

    def _add(self, name, octets, form=None, long=None):
        self.parts.append(("file", self.names.take(long, name), form, octets))

    def _rich(self):
        body, rich = self.facts.get("body"), self.facts.get("rtf")
        words = compare.plain_lines(body if body is not None else rich[0] if rich else "")
        if not self.text:
            self.text = words
        elif body is not None and squeeze(words) not in squeeze(self.text):
            self._add("message.txt", body.replace("\r\n", "\n").encode())
        if rich and (rich[1] or squeeze(rich[0]) not in squeeze(self.text)):
            self.html = rich
        if self.facts.get("html"):
            self._add("message.html", bytes.fromhex(self.facts.get("html")))

    def _meeting(self):
        name = (self.kind or "").rpartition(".")[2]
        if name not in METHODS:
            return
        where, above = self.facts.get("location"), ""
        start, end = (self._moment(self.facts.get(word)) for word in ("start", "end"))
        timed = start and end and end >= start
        if timed:
            local = [one.astimezone(self.settings.zone) for one in (start, end)]
            same = local[0].date() == local[1].date()
            above += "When: %s - %s (%s)\n" % (
                local[0].strftime("%Y-%m-%d %H:%M"),
                local[1].strftime("%H:%M" if same else "%Y-%m-%d %H:%M"), self.settings.zone_name)
        if where:
            above += "Where: %s\n" % where
        if above:
            self.text = above + "\n" + self.text
        if timed and self.settings.schedule != "text":
            self.calendar = (METHODS[name], start, end, where)

    def _moment(self, text):
        if not text:
            return None
        when = datetime.datetime.strptime(text, "%Y-%m-%d %H:%M")
        return when.replace(tzinfo=self.settings.zone).astimezone(datetime.timezone.utc)

    def _object(self, octets, picture):
        self.objects += 1
        facts = ole_facts(octets) or ("", None, 0, 0)
        self.parts.append(("note", "[OLE object%s]\n" % (": " + facts[0] if facts[0] else "")))
        if self.settings.ole == "text":
            return
        self._add("object%d.ole" % self.objects, octets, "application/x-oleobject")
        if facts[1] and is_metafile(facts[1]):
            self._add("object%d.wmf" % self.objects, placeable(*facts[1:]))
        elif picture and is_metafile(picture):
            self._add("object%d.wmf" % self.objects, placeable(picture, 0, 0))

    def _file(self, name, octets, one, decode):
        if one is not None:
            one["file"] = True
            if decode and one["kind"] == "ole" and ole_facts(octets):
                self._object(octets, one.get("metafile"))
                return
        self._add(name, octets, None, name_of(one) if one else None)

    def _hidden(self, one):
        if one["kind"] == "picture" and "data" not in one:
            if "metafile" in one:
                self._static(one["metafile"])
        elif "data" in one and one["kind"] in ("ole", "picture"):
            self._object(one["data"], one.get("metafile"))
        elif one["kind"] == "message" and "message" in one and self.depth < DEPTH:
            self.parts.append(("message", Inside(one["message"], self.settings, self.date, self.depth + 1)))
        elif "data" in one:
            self._add("message.dat" if one["kind"] == "message" else "", one["data"], None, name_of(one))

    def _static(self, octets):
        if self.settings.ole == "text" or not is_metafile(octets):
            self._object(octets, None)
            return
        self.objects += 1
        self._add("object%d.wmf" % self.objects, placeable(octets, 0, 0))


class Inside(Expected):
    """A message inside: its people too."""

    def __init__(self, truth, settings, date, depth):
        facts = Facts(truth["effects"])
        settings = Settings(settings.zone_name, settings.domain, settings.table, "decode",
                            settings.schedule, settings.ole)
        if facts.get("sent"):
            date = compare.date_as_read(facts.get("sent"), settings.zone)
        super().__init__(facts, "", [], settings, False, date, depth)
        self.subject = facts.get("subject") or ""
        author = facts.get("from")
        self.sender = self._person(author[0], author[1]) if author else ("unknown@" + settings.domain, "")
        self.to, self.cc = [], []
        for kind, name, form, address in facts.get("people") or []:
            if kind in (1, 2):
                (self.to if kind == 1 else self.cc).append(self._person(name, form + ":" + address))

    def _person(self, name, address):
        if address.upper().startswith("MS:"):
            address = address[3:]
        return compare.smtp_of(address, self.settings.table, self.settings.domain)[0], name


# ---- what arrived ----


class Shown:
    """A message of the email package, taken apart."""

    def __init__(self, message):
        self.message, self.problems = message, []
        self.text, self.html, self.calendar, self.method = "", None, None, None
        body, rest = message, []
        if message.get_content_type() == "multipart/mixed":
            body, *rest = message.get_payload()
        forms = body.get_payload() if body.get_content_type() == "multipart/alternative" else [body]
        for at, form in enumerate(forms):
            self._form(at, form)
        self.parts = [self._part(one) for one in rest]

    def _form(self, at, form):
        kind = form.get_content_type()
        if (kind == "text/plain") != (at == 0) or form.get_content_disposition() == "attachment":
            self.problems.append("form %d of the text is %s" % (at, kind))
            return
        text = form.get_payload(decode=True).decode(form.get_content_charset("us-ascii"))
        if kind == "text/plain":
            self.text = compare.plain_lines(text)
        elif kind == "text/html":
            self.html = text
        elif kind == "text/calendar":
            self.calendar, self.method = text, form.get_param("method")
        else:
            self.problems.append("a form of the text is %s" % kind)

    def _part(self, part):
        kind = part.get_content_type()
        if kind == "message/rfc822":
            return "message", Shown(part.get_payload(0))
        octets = part.get_payload(decode=True)
        if part.get_content_disposition() == "attachment":
            return "file", part.get_filename(), kind, octets
        return "note", compare.plain_lines(octets.decode("utf-8"))


def squeeze(text):
    return "".join(c for c in text if c >= "\x80" or c.isalnum())


def words_of_html(source):
    body = re.search(r"<body[^>]*>(.*)</body>", source, re.S)
    text = re.sub(r"<(br|/p|/div|p|div)\b[^>]*>", " ", body[1] if body else source)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", text)).split())


MARKS = {"b": r"<b>|font-weight:\s*bold", "i": r"<i>|font-style:\s*italic",
         "u": r"<u>|underline", "r": r"color:\s*#ff0000|color=\"?#ff0000"}


def html_problems(want, source):
    if want is None or source is None:
        return [] if want is source else ["HTML: %r wanted, %r came" % (want, source)]
    out = []
    if words_of_html(source) != " ".join(want[0].split()):
        out.append("HTML: words %r wanted, %r came" % (" ".join(want[0].split()), words_of_html(source)))
    out += ["HTML shows no %s: %r" % (mark, source) for mark in want[1]
            if not re.search(MARKS[mark], source, re.I)]
    if re.search(r"<\s*(script|img|object|iframe|link|a)\b|javascript:|<[^>]*\son\w+=", source, re.I):
        out.append("HTML does more than show: %r" % source)
    return out


# ---- calendars ----


def calendar_lines(source):
    """[(name, {parameter: value}, value)] of RFC 5545 lines."""
    out = []
    for line in re.sub(r"\r\n[ \t]", "", source).split("\r\n"):
        found = re.match(r'([A-Z-]+)((?:;[A-Z-]+=(?:"[^"]*"|[^":;]*))*):(.*)$', line)
        if found:
            pairs = re.findall(r';([A-Z-]+)=("[^"]*"|[^":;]*)', found[2])
            out.append((found[1], {key: value.strip('"') for key, value in pairs}, found[3]))
        elif line:
            out.append(("?", {}, line))
    return out


def unescaped(value):
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] in "nN" else m[1], value)


def calendar_problems(want, shown, message):
    if want is None or shown.calendar is None:
        return [] if want is shown.calendar else [
            "calendar: %r wanted, %r came" % (want, shown.calendar)]
    (method, partstat), start, end, where = want
    if re.search(r"(?<!\r)\n", shown.calendar):
        return ["calendar: a line ends without CR LF"]
    lines = calendar_lines(shown.calendar)
    first = {}
    for name, _, value in lines:
        first.setdefault(name, value)
    wanted = {"METHOD": method, "VERSION": "2.0", "DTSTART": start.strftime("%Y%m%dT%H%M%SZ"),
              "DTEND": end.strftime("%Y%m%dT%H%M%SZ"), "SUMMARY": str(message["Subject"] or "")}
    out = ["calendar: %s is %r, not %r" % (name, first.get(name), value)
           for name, value in wanted.items() if unescaped(first.get(name, "?")) != value]
    if unescaped(first.get("LOCATION", "")) != (where or ""):
        out.append("calendar: place %r, not %r" % (first.get("LOCATION"), where))
    sender = [a.addr_spec for a in message["From"].addresses]
    others = [a.addr_spec for name in ("To", "Cc") for a in (message[name].addresses if message[name] else ())]
    organizer, attendees = (others[:1], sender) if method == "REPLY" else (sender, others)
    if first.get("ORGANIZER") != "mailto:" + organizer[0]:
        out.append("calendar: organizer %r" % first.get("ORGANIZER"))
    came = [value for name, _, value in lines if name == "ATTENDEE"]
    if came != ["mailto:" + one for one in attendees]:
        out.append("calendar: attendees %r, not %r" % (came, attendees))
    for name, parameters, _ in lines:
        if name == "ATTENDEE" and parameters.get("PARTSTAT") != partstat:
            out.append("calendar: %r" % parameters)
        if name == "?":
            out.append("calendar: a line that is none")
    if not first.get("UID") or not first.get("DTSTAMP") or shown.method != method:
        out.append("calendar: UID, DTSTAMP or the method of its type is missing")
    return out


# ---- the verdict ----


def file_problems(place, want, came):
    _, name, form, octets = want
    _, other, kind, data = came
    out = []
    if name != other:
        out.append("%s: name %r wanted, %r came" % (place, name, other))
    if octets != data:
        out.append("%s (%s): %d octets wanted, %d others came" % (place, name, len(octets), len(data)))
    if form is not None and form != kind:
        out.append("%s (%s): type %s wanted, %s came" % (place, name, form, kind))
    return out


def inside_problems(want, shown, zone):
    message, out = shown.message, []
    came = compare.Seen.__new__(compare.Seen)
    came.sender, came.to, came.cc = (compare.addresses(message, n) for n in ("From", "To", "Cc"))
    for name, one, other in (("From", [want.sender], came.sender), ("To", want.to, came.to),
                             ("Cc", want.cc, came.cc)):
        if [tuple(each) for each in one] != [tuple(each) for each in other]:
            out.append("%s: %r wanted, %r came" % (name, one, other))
    if str(message["Subject"] or "") != want.subject:
        out.append("subject %r wanted, %r came" % (want.subject, str(message["Subject"])))
    if compare.local_minute(message, zone) != want.date:
        out.append("date %s wanted, %s came" % (want.date, message["Date"]))
    return out


def differences(want, shown, zone):
    out = list(shown.problems)
    if shown.text != want.text:
        out.append(compare.text_difference(want.text, shown.text))
    out += html_problems(want.html, shown.html)
    out += calendar_problems(want.calendar, shown, shown.message)
    kind = want.kind if want.kind and want.kind != "IPM.Microsoft Mail.Note" else None
    if shown.message["X-MSMail-Message-Class"] != kind:
        out.append("class %r wanted, %r came" % (kind, shown.message["X-MSMail-Message-Class"]))
    if shown.message["Thread-Topic"] != want.topic:
        out.append("topic %r wanted, %r came" % (want.topic, shown.message["Thread-Topic"]))
    parts = list(shown.parts)
    if want.passed:
        out += passed_problems(parts.pop() if parts else None, shown.message)
    if [one[0] for one in parts] != [one[0] for one in want.parts]:
        return out + ["parts %r wanted, %r came" % ([one[:2] for one in want.parts], [one[:2] for one in parts])]
    for at, (one, came) in enumerate(zip(want.parts, parts)):
        place = "part %d" % (at + 1)
        if one[0] == "file":
            out += file_problems(place, one, came)
        elif one[0] == "note":
            out += [] if one == came else ["%s: %r wanted, %r came" % (place, one, came)]
        else:
            found = inside_problems(one[1], came[1], zone) + differences(one[1], came[1], zone)
            out += ["%s, inside: %s" % (place, text) for text in found]
    return out


def passed_problems(part, message):
    """A stream that is sent on names nobody and belongs to this message."""
    if part is None or part[:3] != ("file", "winmail.dat", "application/ms-tnef"):
        return ["the stream is not sent on: %r" % (part and part[:3],)]
    out, octets, at, ids = [], part[3], 6, []
    if octets[:4] != b"\x78\x9f\x3e\x22":
        return ["what is sent on is no stream"]
    while at < len(octets):
        level, ident, size = struct.unpack_from("<BII", octets, at)
        data = octets[at + 9:at + 9 + size]
        if struct.unpack_from("<H", octets, at + 9 + size)[0] != sum(data) & 0xFFFF:
            out.append("sent on with a wrong checksum")
        ids.append((level, ident & 0xFFFF))
        at += size + 11
    if {(1, 0x8000), (1, 0x9004), (1, 0x0000)} & set(ids):
        out.append("sent on with people in it: %r" % ids)
    key = struct.pack("<II", 0x007F0102, 1)
    ident = str(message["Message-ID"]).strip().encode() + b"\0"
    if key + struct.pack("<I", len(ident)) + ident not in octets:
        out.append("sent on without its message's id")
    return out


def expected(message, settings):
    """Of a message of the truth."""
    winmail = message.get("winmail")
    text = compare.plain_lines(message["text"].replace("\0", "").rstrip("\x1a"))
    files = [(one["name"], base64.b64decode(one["b64"])) for one in message["attachments"]]
    return Expected(Facts(winmail["effects"] if winmail else []), text, files, settings,
                    is_damaged(message, settings),
                    compare.date_as_read(message["date"], settings.zone))


def stream_of(message):
    return base64.b64decode(message["attachments"][-1]["b64"])


def levels(effects):
    """Messages inside messages."""
    return max([1 + levels(one[1]["effects"]) for one in effects if one[0] == "message"], default=0)


def is_damaged(message, settings):
    """The stream is not read whole; what is sent on has no more levels than are looked at."""
    winmail = message.get("winmail")
    return bool(winmail and (winmail["damaged"] or (
        settings.tnef == "pass" and levels(winmail["effects"]) > DEPTH)))


def kinds(spec):
    """The values of the feature."""
    return pairs.read_spec(spec)["winmail"]
