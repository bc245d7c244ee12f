#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Is what arrived at a server exactly what the truth says should have been relayed?

  compare.py --truth T --received MAILDIR|DIR|FILE.jsonl --encap-domain D [--zone Europe/Berlin] ...

Every message is read twice, by Python's email package and by strict5322.py; both must be content
and agree.  Differences are printed; exit status 1 if there are any.
"""

import argparse
import datetime
import email.header
import email.utils
import hashlib
import json
import os
import re
import sys
import zoneinfo

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import checkpo  # noqa: E402
import comparemeaning  # noqa: E402
import maildir  # noqa: E402
import strict5322  # noqa: E402


# ---- what should have come -------------------------------------------------------------------


def encapsulated(kind, value, domain):
    """IMCEA form of an address that has no SMTP address of its own."""
    out = "".join(
        "_"
        if c == "/"
        else c
        if re.fullmatch(r"[A-Za-z0-9=-]", c)
        else "".join("+%02X" % o for o in c.encode("utf-8"))
        for c in value
    )
    return "IMCEA%s-%s@%s" % (kind.upper(), out, domain)


def smtp_of(address, table, domain):
    """(addr-spec, display names that are right; the first is the one of the map)"""
    entry = table.get(address.upper())
    box = address.split(":", 1)[-1].rsplit("/", 1)[-1]
    if entry:
        return entry["smtp"], [entry["display"]] if entry["display"] else [
            "",
            box,
            address,
            entry["smtp"],
        ]
    kind = re.match(r"([A-Za-z0-9]+):", address)
    if kind and kind[1].upper() == "SMTP":
        return address[5:], ["", address[5:], address]
    if kind:
        return encapsulated(kind[1], address[kind.end() :], domain), ["", box, address]
    return encapsulated("MS", address, domain), ["", box, address]


def date_as_read(local, zone):
    """A minute that clocks skipped is written with the standard offset: it is read an hour later."""
    when = datetime.datetime.strptime(local, "%Y-%m-%d %H:%M").replace(tzinfo=zone)
    return when.astimezone(datetime.timezone.utc).astimezone(zone).strftime("%Y-%m-%d %H:%M")


def subject_as_read(stored):
    """Controls are blanks (Q141970)."""
    return "".join(" " if c < " " or c == "\x7f" else c for c in stored)


def plain_lines(text):
    return text.replace("\r\n", "\n").replace("\r", "\n")


class Wanted:
    """A message of the truth as it should look at the receiver."""

    def __init__(self, truth, message, options):
        self.truth, self.options = truth, options
        self.owed = comparemeaning.Owed(message, options.header_block == "use")
        self.mai = message["mai"]
        self.sender = self._people("from", [message["sender"]])
        self.to = self._people("to", message["to"])
        self.cc = self._people("cc", message["cc"])
        if options.cc_as_to:
            self.to, self.cc = self.to + self.cc, []
        self.date = date_as_read(message["date"], zoneinfo.ZoneInfo(options.zone))
        self.subject = subject_as_read(self.owed.subject)
        self.text = plain_lines(self.owed.text.replace("\0", "").rstrip("\x1a"))
        self.attachments = [(a["name"], a["size"], a["sha256"]) for a in message["attachments"]]
        self.rcpts = set()
        self.copies = {}

    def _people(self, field, addresses):
        """The map's name goes before that of the header block; without both it is the old address."""
        out = []
        for at, address in enumerate(addresses):
            spec, names = smtp_of(address, self.truth["map"], self.options.encap_domain)
            written = self.owed.name(field, at)
            mapped = self.truth["map"].get(address.upper(), {}).get("display")
            out.append((spec, [written] if written and not mapped else names))
        return out


def wanted_messages(truth, options):
    places = checkpo.chosen(truth, options.items, options.queue)
    out = []
    for message in truth["messages"]:
        wanted = Wanted(truth, message, options)
        for item in message["items"]:
            if (item["mailbag"], item["record"]) in places:
                wanted.rcpts.update(mapped["smtp"].lower() for mapped in item["mapped"])
        out.append(wanted)
    return out


# ---- what came -------------------------------------------------------------------------------


def leaf_parts(message):
    """As strict5322 has them: those of a message inside, too; fields for programs are one part."""
    if message.get_content_type() == "message/rfc822":
        return leaf_parts(message.get_content())
    if message.get_content_maintype() == "message" or not message.is_multipart():
        return [message]
    return [leaf for part in message.iter_parts() for leaf in leaf_parts(part)]


def local_minute(message, zone):
    value = message["Date"]
    when = getattr(value, "datetime", None)
    if when is None:
        return str(value)
    if when.tzinfo is None:
        when = when.replace(tzinfo=datetime.timezone.utc)
    return when.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def addresses(message, name):
    """[(addr-spec, display name)] of all fields of that name.

    The structured parser of Python 3.11 keeps the white space between two encoded words of a
    display name, which RFC 2047 6.2 says is not there; its older decoder does not.
    """
    parsed = [a for field in message.get_all(name, []) for a in field.addresses]
    raw = [
        re.sub(r"[\r\n]+", "", value)
        for key, value in message.raw_items()
        if key.lower() == name.lower()
    ]
    plain = email.utils.getaddresses(raw)
    if len(plain) != len(parsed):
        return [(a.addr_spec, a.display_name) for a in parsed]
    return [
        (
            a.addr_spec,
            str(email.header.make_header(email.header.decode_header(display)))
            if "=?" in display
            else a.display_name,
        )
        for a, (display, _) in zip(parsed, plain)
    ]


class Seen:
    """What Python's email package reads in one received message."""

    def __init__(self, received, zone):
        message = self.message = received.message
        self.received = received
        self.sender, self.to, self.cc = (addresses(message, name) for name in ("From", "To", "Cc"))
        self.subject = str(message["Subject"] or "")
        self.date = local_minute(message, zone)
        self.text, self.attachments, self.multipart = "", [], message.is_multipart()
        self.problems = []
        for at, part in enumerate(comparemeaning.content_leaves(message)):
            octets = part.get_payload(decode=True) or b""
            if at == 0 and part.get_content_disposition() != "attachment":
                self._take_text(part, octets)
            else:
                self.attachments.append(
                    (part.get_filename(), len(octets), hashlib.sha256(octets).hexdigest())
                )

    def _take_text(self, part, octets):
        if part.get_content_type() != "text/plain":
            self.problems.append("the text is %s" % part.get_content_type())
        try:
            self.text = plain_lines(octets.decode(part.get_content_charset("us-ascii")))
        except (LookupError, UnicodeDecodeError) as error:
            self.problems.append("text: %s" % error)


def around(text, at):
    return repr(text[max(0, at - 20) : at + 20])


def text_difference(want, got):
    at = checkpo.first_difference(want, got)
    return "text differs at character %d of %d (%d came): %s wanted, %s came" % (
        at,
        len(want),
        len(got),
        around(want, at),
        around(got, at),
    )


def same_address(one, two):
    left, right = one.rpartition("@"), two.rpartition("@")
    return left[0] == right[0] and left[2].lower() == right[2].lower()


def address_differences(name, want, got):
    if len(want) != len(got) or not all(same_address(w[0], g[0]) for w, g in zip(want, got)):
        return [
            "%s: %s wanted, %s came"
            % (
                name,
                ", ".join(w[0] for w in want) or "nobody",
                ", ".join(g[0] for g in got) or "nobody",
            )
        ]
    return [
        "%s: display name of %s: %r wanted, %r came" % (name, w[0], w[1][0], g[1])
        for w, g in zip(want, got)
        if g[1] not in w[1]
    ]


def differences(want, seen, options):
    out = list(seen.problems)
    for name, one, two in (
        ("From", want.sender, seen.sender),
        ("To", want.to, seen.to),
        ("Cc", want.cc, seen.cc),
    ):
        out += address_differences(name, one, two)
    if seen.subject != want.subject:
        out.append("Subject: %r wanted, %r came" % (want.subject, seen.subject))
    if seen.date != want.date:
        out.append("Date: %s wanted, %s came" % (want.date, seen.date))
    text = seen.text
    if options.final_newline_ok and not seen.multipart and text == want.text + "\n":
        text = want.text
    if text != want.text:
        out.append(text_difference(want.text, text))
    if seen.attachments != want.attachments:
        for at in range(max(len(seen.attachments), len(want.attachments))):
            one, two = want.attachments[at : at + 1], seen.attachments[at : at + 1]
            if one != two:
                out.append(
                    "attachment %d: %s wanted, %s came" % (at + 1, one or "none", two or "none")
                )
    out += comparemeaning.header_differences(want, seen.message, want.owed)
    return out + comparemeaning.report_differences(
        want, want.owed, seen.received, want.truth, options, zoneinfo.ZoneInfo(options.zone), smtp_of
    )


def defects(message):
    out = []
    for part in message.walk():
        out += ["defect: %s" % type(defect).__name__ for defect in part.defects]
        for name, value in part.items():
            if name.lower() not in strict5322.TRACE:
                out += [
                    "defect in %s: %r" % (name, defect) for defect in getattr(value, "defects", ())
                ]
    return out


def second_opinion(received):
    """Complaints of the strict reader, and whatever the two readers do not agree on."""
    complaints, leaves = strict5322.check(received.raw)
    parts = leaf_parts(received.message)
    if len(parts) != len(leaves):
        return complaints + ["one reader finds %d parts, the other %d" % (len(parts), len(leaves))]
    for at, (part, leaf) in enumerate(zip(parts, leaves), 1):
        if part.get_content_maintype() == "message":
            continue
        one, two = part.get_payload(decode=True) or b"", leaf["data"]
        if leaf["type"].startswith("text/") and leaf["disposition"] != "attachment":
            one, two = (octets.replace(b"\r\n", b"\n") for octets in (one, two))
        if one != two:
            complaints.append("the readers disagree about the octets of part %d" % at)
        if part.get_filename() != leaf["name"]:
            complaints.append(
                "the readers disagree about the name of part %d: %r, %r"
                % (at, part.get_filename(), leaf["name"])
            )
    return complaints


def find(wanted, seen, options):
    """The message of the truth that this copy is most alike, and how it differs."""

    def alike(want):
        return (
            (want.date == seen.date)
            + (want.subject == seen.subject)
            + 2 * (want.text == seen.text)
            + (want.attachments == seen.attachments)
            + (len(seen.sender) == 1 and same_address(want.sender[0][0], seen.sender[0][0]))
        )

    best = max(wanted, key=alike, default=None)
    if best is None or alike(best) < 2:
        return None, []
    return best, differences(best, seen, options)


# ---- the verdict -----------------------------------------------------------------------------


class Verdict:
    def __init__(self, truth, options):
        self.options = options
        self.zone = zoneinfo.ZoneInfo(options.zone)
        self.wanted = wanted_messages(truth, options)
        self.problems, self.duplicates, self.copies = [], [], 0

    def take(self, received):
        self.copies += 1
        seen = Seen(received, self.zone)
        want, found = find(self.wanted, seen, self.options)
        found += defects(received.message)
        found += second_opinion(received) if self.options.strict else []
        if want is None:
            found.insert(0, "a message that the truth does not know (subject %r)" % seen.subject)
        if not received.rcpts:
            found.append("no envelope recipient is noted")
        name = os.path.basename(received.file)
        self.problems += [
            "%s%s: %s" % (name, " (MAI %s)" % want.mai if want else "", text) for text in found
        ]
        for rcpt in received.rcpts if want else ():
            want.copies.setdefault(rcpt, []).append((received.id, name))

    def _recipients(self, want, allowed):
        for rcpt in sorted(want.rcpts - set(want.copies)):
            self.problems.append(
                "missing: MAI %s for %s (%s, %r)" % (want.mai, rcpt, want.date, want.subject)
            )
        for rcpt in sorted(set(want.copies) - want.rcpts):
            self.problems.append(
                "not wanted: MAI %s for %s in %s" % (want.mai, rcpt, want.copies[rcpt][0][1])
            )
        for rcpt, copies in want.copies.items():
            if len(copies) < 2:
                continue
            line = "MAI %s for %s: %d copies: %s" % (
                want.mai,
                rcpt,
                len(copies),
                ", ".join(c[1] for c in copies),
            )
            self.duplicates.append(
                "duplicate%s: %s %s"
                % (" (allowed)" if copies[0][0] in allowed else "", copies[0][0], line)
            )
            if copies[0][0] not in allowed:
                self.problems.append("duplicate: " + line)
        if len({ident for copies in want.copies.values() for ident, _ in copies}) > 1:
            self.problems.append("MAI %s arrived under more than one Message-ID" % want.mai)

    def finish(self, allowed):
        owner = {}
        for want in self.wanted:
            self._recipients(want, allowed)
            for copies in want.copies.values():
                for ident, name in copies:
                    if owner.setdefault(ident, want) is not want:
                        self.problems.append(
                            "%s: Message-ID %s belongs to two messages" % (name, ident)
                        )
        return self.problems


def arguments(argv):
    parser = argparse.ArgumentParser(description="Compare what arrived with the truth.")
    parser.add_argument("--truth", required=True)
    parser.add_argument(
        "--received",
        required=True,
        action="append",
        help="Maildir, directory or *.jsonl; repeatable",
    )
    parser.add_argument("--encap-domain", required=True)
    parser.add_argument("--zone", default="UTC", help="IANA zone of the postoffice")
    parser.add_argument(
        "--header-block",
        choices=("keep", "use"),
        default="use",
        help="what the gateway was told to do with header blocks of Windows clients",
    )
    parser.add_argument(
        "--items",
        default="expected",
        help="expected, mapped, all, none or a LIST as checkpo.py has",
    )
    parser.add_argument("--queue", action="append", default=[], help="only this queue; repeatable")
    parser.add_argument(
        "--cc-as-to", action="store_true", help="Basic MMFF has no Cc: its recipients are in To"
    )
    parser.add_argument(
        "--allow-duplicates", metavar="FILE", help="Message-IDs of which second copies are allowed"
    )
    parser.add_argument(
        "--final-newline-ok",
        action="store_true",
        help="a text without a last line end may have got one (single part messages)",
    )
    parser.add_argument(
        "--no-strict", dest="strict", action="store_false", help="only Python's email package"
    )
    return parser.parse_args(argv)


def main(argv):
    options = arguments(argv)
    with open(options.truth, encoding="utf-8") as file:
        truth = json.load(file)
    allowed = set()
    if options.allow_duplicates:
        with open(options.allow_duplicates, encoding="utf-8") as file:
            allowed = {line.strip() for line in file if line.strip()}
        allowed |= {"<%s>" % ident.strip("<>") for ident in allowed}
    verdict = Verdict(truth, options)
    for path in options.received:
        for received in maildir.load(path):
            verdict.take(received)
    problems = verdict.finish(allowed)
    for line in problems + verdict.duplicates:
        print(line)
    expected = [want for want in verdict.wanted if want.rcpts]
    print(
        "%d messages for %d recipients expected, %d copies received, %d duplicates, %d differences"
        % (
            len(expected),
            sum(len(want.rcpts) for want in expected),
            verdict.copies,
            len(verdict.duplicates),
            len(problems),
        )
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
