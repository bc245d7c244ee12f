#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A small strict reader of RFC 5322 and MIME messages, beside Python's email package.

It accepts only what a careful sender may generate (no obsolete syntax, no comments) and uses
nothing of the email package.  check(raw) gives (complaints, leaf parts).
"""

import base64
import binascii
import datetime
import re

FIELD = re.compile(rb"([!-9;-~]+):(.*)", re.S)
ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
DOT_ATOM = ATEXT + r"+(?:\." + ATEXT + r"+)*"
QUOTED = r'"(?:[^"\\]|\\.)*"'
TOKEN = r"[!#$%&'*+.0-9A-Z^_`a-z{|}~-]+"
LEXER = re.compile(
    r"\s+|(?P<quoted>" + QUOTED + r")|(?P<atom>" + ATEXT + r"+)|(?P<special>[<>@,:;.()\[\]])"
)
ENCODED = re.compile(r"=\?([^?\s]+)\?([BbQq])\?([^?\s]*)\?=")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DATE = re.compile(
    r"(?:(%s), )?(\d{1,2}) (%s) (\d{4}) (\d\d):(\d\d)(?::(\d\d))? [+-](\d\d)(\d\d)"
    % ("|".join(DAYS), "|".join(MONTHS))
)
MESSAGE_ID = re.compile("<" + DOT_ATOM + "@" + DOT_ATOM + ">")
PARAMETER = re.compile(r"\s*;\s*(" + TOKEN + r")=(" + TOKEN + "|" + QUOTED + ")")
ONCE = (
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "bcc",
    "date",
    "subject",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "content-disposition",
    "content-id",
)
TRACE = (
    "received",
    "return-path",
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "delivery-date",
    "x-envelope-to",
    "x-envelope-from",
)
MOST_DEPTH = 20


class Checker:
    def __init__(self):
        self.complaints = []
        self.leaves = []

    def complain(self, text, *args):
        self.complaints.append(text % args if args else text)

    # ---- lines and header fields ----

    def lines(self, raw):
        if re.search(rb"\r(?!\n)", raw):
            self.complain("a CR without LF")
        if re.search(rb"(?<!\r)\n", raw):
            self.complain("an LF without CR")
        if b"\0" in raw:
            self.complain("a NUL octet")
        if raw and not raw.endswith(b"\r\n"):
            self.complain("the last line has no end")
        for number, line in enumerate(raw.split(b"\r\n"), 1):
            if len(line) > 998:
                self.complain("line %d has %d octets", number, len(line))

    def split(self, raw, where):
        """(list of (lower-case name, unfolded value), body)"""
        if raw.startswith(b"\r\n"):
            return [], raw[2:]
        at = raw.find(b"\r\n\r\n")
        if at < 0:
            if not raw.endswith(b"\r\n"):
                self.complain("%s: header without an end", where)
            head, body = raw.removesuffix(b"\r\n"), b""
        else:
            head, body = raw[:at], raw[at + 4 :]
        fields = []
        for line in re.split(rb"\r\n(?![ \t])", head):
            match = FIELD.fullmatch(line)
            if not match:
                self.complain("%s: not a header field: %r", where, line[:60])
                continue
            name = match[1].decode("ascii").lower()
            if any(not part.strip(b" \t") for part in match[2].split(b"\r\n")[1:]):
                self.complain("%s: %s has a folded line of white space only", where, name)
            if re.search(rb"[^\t\r\n -~]", match[2]):
                self.complain("%s: %s has an octet that is not printable ASCII", where, name)
            value = re.sub(rb"\r\n(?=[ \t])", b"", match[2]).decode("latin-1").strip(" \t")
            fields.append((name, value))
            if name not in TRACE:
                self.encoded_lines(name, match[2].decode("latin-1"))
        return fields, body

    def encoded_lines(self, name, folded):
        for line in (name + ":" + folded).split("\r\n"):
            if ENCODED.search(line) and len(line) > 76:
                self.complain("%s: a line with an encoded word has %d characters", name, len(line))

    def encoded_words(self, name, value, phrase=False):
        for match in ENCODED.finditer(value):
            charset, kind, body = match.groups()
            before, after = value[: match.start()][-1:], value[match.end() :][:1]
            if len(match[0]) > 75:
                self.complain("%s: encoded word of %d characters", name, len(match[0]))
            if before not in ("", " ", "\t") or after not in ("", " ", "\t"):
                self.complain("%s: encoded word without space around it: %s", name, match[0])
            try:
                if kind in "Bb":
                    octets = base64.b64decode(body, validate=True)
                else:
                    if re.search(r"=(?![0-9A-F]{2})", body) or (
                        phrase and re.search(r"[^A-Za-z0-9!*+/=_-]", body)
                    ):
                        raise ValueError("bad Q encoding")
                    octets = re.sub(
                        rb"=([0-9A-F]{2})",
                        lambda m: bytes([int(m[1], 16)]),
                        body.replace("_", " ").encode("ascii"),
                    )
                octets.decode(charset)
            except (ValueError, LookupError, binascii.Error) as error:
                self.complain("%s: encoded word %s: %s", name, match[0], error)

    # ---- structured values ----

    def lex(self, name, value):
        tokens, at = [], 0
        while at < len(value):
            match = LEXER.match(value, at)
            if not match:
                self.complain("%s: unexpected %r", name, value[at : at + 10])
                return []
            if match.lastgroup:
                tokens.append((match.lastgroup, match[0]))
            at = match.end()
        return tokens

    def address_list(self, name, value):
        """address *("," address), where an address may be a group of mailboxes."""
        tokens = self.lex(name, value)
        at, in_group = 0, False
        while True:
            at, in_group = self.one_address(name, tokens, at, in_group)
            if at >= len(tokens):
                break
            if tokens[at][1] != ",":
                self.complain("%s: unexpected %s", name, tokens[at][1])
                return
            at += 1
        if in_group:
            self.complain("%s: a group without its end", name)

    def one_address(self, name, tokens, at, in_group):
        """(offset after it, still inside a group)"""
        start = at
        while at < len(tokens) and tokens[at][1] not in (",", ";", ":", "<"):
            at += 1
        words, mark = tokens[start:at], tokens[at][1] if at < len(tokens) else ""
        if mark == ":" and not in_group:
            self.phrase(name, words)
            if at + 1 < len(tokens) and tokens[at + 1][1] == ";":
                return at + 2, False
            return self.one_address(name, tokens, at + 1, True)
        if mark == "<":
            if words:
                self.phrase(name, words)
            stop = next((n for n in range(at, len(tokens)) if tokens[n][1] == ">"), len(tokens))
            self.addr_spec(name, tokens[at + 1 : stop])
            at = stop + 1
        elif words:
            self.addr_spec(name, words)
        else:
            self.complain("%s: an empty address", name)
        if in_group and at < len(tokens) and tokens[at][1] == ";":
            return at + 1, False
        return at, in_group

    def phrase(self, name, words):
        if not words or any(kind == "special" for kind, _ in words):
            self.complain("%s: not a phrase: %s", name, " ".join(text for _, text in words))
        for kind, text in words:
            if kind == "atom":
                self.encoded_words(name, text, phrase=True)
            elif ENCODED.search(text):
                self.complain("%s: encoded word inside a quoted string", name)

    def addr_spec(self, name, words):
        text = "".join(word for _, word in words)
        if not re.fullmatch("(?:%s|%s)@%s" % (DOT_ATOM, QUOTED, DOT_ATOM), text):
            self.complain("%s: not an address: %s", name, text)

    def date(self, value):
        match = DATE.fullmatch(value)
        if not match:
            self.complain("date: %s", value)
            return
        try:
            day = datetime.datetime(
                int(match[4]),
                MONTHS.index(match[3]) + 1,
                int(match[2]),
                int(match[5]),
                int(match[6]),
            )
        except ValueError as error:
            self.complain("date: %s: %s", value, error)
            return
        if match[1] and DAYS[day.weekday()] != match[1]:
            self.complain("date: %s was not a %s", value, match[1])
        if int(match[8]) > 14 or int(match[9]) > 59:
            self.complain("date: zone of %s", value)

    def parameters(self, name, value):
        """(main value in lower case, {parameter: text}) with RFC 2231 forms joined."""
        main = re.match(TOKEN + "(?:/" + TOKEN + ")?", value)
        if not main:
            self.complain("%s: %s", name, value)
            return "", {}
        at, raw = main.end(), {}
        while at < len(value):
            match = PARAMETER.match(value, at)
            if not match:
                self.complain("%s: bad parameter: %s", name, value[at:])
                break
            key = match[1].lower()
            if key in raw:
                self.complain("%s: parameter %s twice", name, key)
            text = match[2]
            raw[key] = re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text
            at = match.end()
        return main[0].lower(), self.join_parameters(name, raw)

    def join_parameters(self, name, raw):
        out, parts = {}, {}
        for key, text in raw.items():
            match = re.fullmatch(r"([^*]+)(?:\*(\d+))?(\*)?", key)
            if not match:
                self.complain("%s: parameter name %s", name, key)
            elif match[2] is None and match[3] is None:
                out.setdefault(key, text)
            else:
                parts.setdefault(match[1], {})[int(match[2] or 0)] = (text, bool(match[3]))
        for key, pieces in parts.items():
            if sorted(pieces) != list(range(len(pieces))):
                self.complain("%s: parameter %s has gaps", name, key)
                continue
            out[key] = self.join_pieces(name, key, [pieces[n] for n in range(len(pieces))])
        return out

    def join_pieces(self, name, key, pieces):
        charset = "us-ascii"
        if pieces[0][1]:
            if pieces[0][0].count("'") < 2:
                self.complain("%s: parameter %s has no character set", name, key)
                return ""
            charset, _, first = pieces[0][0].split("'", 2)
            pieces[0] = (first, True)
        octets = b""
        for text, extended in pieces:
            if extended and re.search("%(?![0-9A-Fa-f]{2})", text):
                self.complain("%s: parameter %s: bad %%", name, key)
            octets += (
                re.sub(
                    rb"%([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]), text.encode("latin-1")
                )
                if extended
                else text.encode("latin-1")
            )
        try:
            return octets.decode(charset)
        except (LookupError, UnicodeDecodeError) as error:
            self.complain("%s: parameter %s: %s", name, key, error)
            return ""

    # ---- fields of a message, bodies ----

    def fields(self, fields, top):
        names = [name for name, _ in fields]
        for name in ONCE:
            if names.count(name) > 1:
                self.complain("%s: %d times", name, names.count(name))
        if top:
            for name in ("from", "date", "message-id", "mime-version"):
                if name not in names:
                    self.complain("no %s", name)
        for name, value in fields:
            if name in ("from", "to", "cc", "reply-to", "sender"):
                self.address_list(name, value)
            elif name == "date":
                self.date(value)
            elif name == "message-id" and not MESSAGE_ID.fullmatch(value):
                self.complain("message-id: %s", value)
            elif name == "mime-version" and value != "1.0":
                self.complain("mime-version: %s", value)
            elif name == "subject":
                self.encoded_words(name, value)

    def decode(self, encoding, body, where):
        if encoding in ("7bit", "8bit"):
            if encoding == "7bit" and re.search(rb"[^\x01-\x7f]", body):
                self.complain("%s: an octet above 127 under 7bit", where)
            return body
        if encoding == "base64":
            return self.base64(body, where)
        if encoding == "quoted-printable":
            return self.quoted_printable(body, where)
        self.complain("%s: transfer encoding %s", where, encoding)
        return body

    def base64(self, body, where):
        lines = body.split(b"\r\n")
        if any(len(line) > 76 for line in lines):
            self.complain("%s: base64 line too long", where)
        try:
            return base64.b64decode(b"".join(lines), validate=True)
        except (ValueError, binascii.Error) as error:
            self.complain("%s: base64: %s", where, error)
            return b""

    def quoted_printable(self, body, where):
        out = []
        for line in body.split(b"\r\n"):
            if len(line) > 76:
                self.complain("%s: quoted-printable line of %d octets", where, len(line))
            soft = line.endswith(b"=")
            text = line[:-1] if soft else line
            if re.search(rb"=(?![0-9A-F]{2})|[^\t -~]", text) or (
                not soft and re.search(rb"[ \t]$", text)
            ):
                self.complain("%s: quoted-printable: %r", where, line[:80])
            text = re.sub(rb"=([0-9A-F]{2})", lambda m: bytes([int(m[1], 16)]), text)
            out.append(text if soft else text + b"\r\n")
        return b"".join(out).removesuffix(b"\r\n")

    def entity(self, fields, body, where, depth, returned=False):
        """RETURNED: of a report, whose third part is as much as is known of a message."""
        values = dict(reversed(fields))
        ctype, params = self.parameters("content-type", values.get("content-type", "text/plain"))
        encoding = values.get("content-transfer-encoding", "7bit").lower()
        if ctype == "message/rfc822" and depth <= MOST_DEPTH:
            if encoding not in ("7bit", "8bit"):
                self.complain("%s: a message under %s", where, encoding)
            inner, content = self.split(body, where + " inside")
            self.fields(inner, not returned)
            if returned and not {"from", "date", "subject"} & {name for name, _ in inner}:
                self.complain("%s: neither From, Date nor Subject (RFC 2046, 5.2.1)", where)
            self.entity(inner, content, where + " inside", depth + 1)
            return
        if not ctype.startswith("multipart/"):
            disposition, extra = self.parameters(
                "content-disposition", values.get("content-disposition", "inline")
            )
            self.leaves.append(
                {
                    "type": ctype,
                    "charset": params.get("charset", "us-ascii"),
                    "disposition": disposition,
                    "name": extra.get("filename"),
                    "data": self.decode(encoding, body, where),
                }
            )
            return
        if encoding not in ("7bit", "8bit"):
            self.complain("%s: a multipart under %s", where, encoding)
        if encoding == "7bit" and re.search(rb"[^\x01-\x7f]", body):
            self.complain("%s: an octet above 127 under 7bit", where)
        boundary = params.get("boundary", "")
        if (
            not re.fullmatch(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]", boundary)
            or depth > MOST_DEPTH
        ):
            self.complain("%s: boundary %r", where, boundary)
            return
        for number, part in enumerate(self.parts(body, boundary, where), 1):
            inner, content = self.split(part, "%s part %d" % (where, number))
            self.fields(inner, False)
            self.entity(inner, content, "%s part %d" % (where, number), depth + 1,
                        ctype == "multipart/report")

    def parts(self, body, boundary, where):
        marks = list(
            re.finditer(
                rb"(?:\A|\r\n)--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*(?=\r\n|\Z)", body
            )
        )
        closed = next((n for n, mark in enumerate(marks) if mark[1]), None)
        if closed is None or closed == 0:
            self.complain("%s: multipart without parts or without its end", where)
            return []
        return [body[marks[n].end() + 2 : marks[n + 1].start()] for n in range(closed)]


def check(raw):
    """Complaints about a message with CR LF line ends, and its leaf parts in order."""
    checker = Checker()
    checker.lines(raw)
    fields, body = checker.split(raw, "message")
    checker.fields(fields, True)
    checker.entity(fields, body, "message", 0)
    return checker.complaints, checker.leaves
