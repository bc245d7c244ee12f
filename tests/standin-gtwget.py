#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A stand-in for the GET programs of the postoffice (GTWGET, SMTPGET), for tests only.

  standin-gtwget.py [NET/PO | GATEWAY] -d<postoffice> -a<admin>:<password>
                    [-f0|1|2] [-h] [-n1..50] outfile

Options and limits are those that the KnowledgeBase prints: the name comes first (Q118531) and
without it all FFAPI postoffices are read; line ends CR (the default), LF or CR LF (Q85055); at most
50 messages a run (Q85059); Basic format, or Extended with -h (Q87223, Q118785); errors as
`eee-mmm-lll text` (Q118533).  It makes no file when there is no mail, and always exits with 0.

What it took is deleted in KEY, counted down in MAI, and erased at zero (Q85058, Q104423).
The profile is read from STANDIN_PROFILE or else <postoffice>.profile; STANDIN_PASSWORD, if set,
is the password that it wants to be given; STANDIN_DIE=writing makes it end with status 3 half
way through its output, STANDIN_DIE=written after that and before anything is deleted.
"""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "oracle"))

import postoffice  # noqa: E402

LINE_ENDS = (b"\r", b"\n", b"\r\n")
MOST, FFAPI_NETWORK = 50, 0x64


class Refusal(Exception):
    def __init__(self, number, text):
        super().__init__("%03d-000-000 %s" % (number, text))


class Options:
    def __init__(self, argv):
        self.name, self.drive, self.admin, self.outfile = None, None, None, None
        self.line_end, self.extended, self.most = LINE_ENDS[0], False, MOST
        plain = [word for word in argv if not word.startswith("-")]
        if argv and not argv[0].startswith("-") and len(plain) == 2:
            self.name = plain.pop(0)
        if len(plain) != 1:
            raise Refusal(
                20,
                "usage: [net/po] -d<drive> -a<admin>:<password> [-f0|1|2] [-h] [-n1..50] outfile",
            )
        self.outfile = plain[0]
        for word in argv:
            if word.startswith("-"):
                self._option(word[1:2], word[2:], word)
        if not self.drive:
            raise Refusal(20, "no -d<drive>")
        wanted = os.environ.get("STANDIN_PASSWORD")
        if self.admin is None or (wanted is not None and self.admin.partition(":")[2] != wanted):
            raise Refusal(20, "sign-on failed")

    def _option(self, letter, value, word):
        if letter == "d" and value:
            self.drive = value.rstrip("/")
        elif letter == "a" and ":" in value:
            self.admin = value
        elif letter == "f" and value in ("0", "1", "2"):
            self.line_end = LINE_ENDS[int(value)]
        elif letter == "h" and not value:
            self.extended = True
        elif letter == "n" and re.fullmatch(r"[0-9]{1,2}", value) and 1 <= int(value) <= MOST:
            self.most = int(value)
        else:
            raise Refusal(20, "bad option %s" % word)


def with_line_end(text, line_end):
    return re.sub(rb"\r\n|\r|\n", lambda _: line_end, text)


def mmff_address(address):
    typed = re.match(r"[A-Za-z0-9]+:", address)
    text = address if typed else "CSI:" + address
    return text.replace("\r", "^0D")


def mmff(office, record, options):
    """One message: header lines, text, then the attachments directly behind it (Q103801)."""
    codec = "cp" + office.profile.values["codepage"]
    message = office.message(record.mai)
    text = with_line_end(message.text, options.line_end)
    files = [
        (name.encode(codec), office.attachment(ident)) for ident, name, _ in message.attachments
    ]
    day, _, minute = message.date.partition(b" ")
    copies = b"CC:" if options.extended else b"TO:"
    lines = [b"VERSION:3.00"]
    lines += [b"TO:" + mmff_address(a).encode(codec) for a in message.to]
    lines += [copies + mmff_address(a).encode(codec) for a in message.cc]
    lines += [
        b"FROM:" + mmff_address(message.sender).encode(codec),
        b"DATE:" + day,
        b"TIME:" + minute,
    ]
    if message.subject:
        lines.append(b"SUBJECT:" + message.subject)
    if message.priority:
        lines.append(b"PRIORITY:" + message.priority.encode("ascii"))
    lines += [b"ATTACHMENT:%s %d" % (name, len(content)) for name, content in files]
    if options.extended:
        # none of the lines of the text is a header (Q147034)
        lines += [b"EXT:I:3:HEADLEN", b"0"]
    lines.append(b"TEXT:%d" % len(text))
    return (
        b"".join(line + options.line_end for line in lines)
        + text
        + b"".join(content for _, content in files)
    )


def mailbags(office, name):
    """The mailbag of that postoffice or gateway, or those of all FFAPI postoffices."""
    queues = office.queues()
    if name is None:
        return [bag for _, bag, kind in queues if kind == FFAPI_NETWORK]
    found = [bag for queue, bag, _ in queues if queue.upper() == name.upper()]
    if not found:
        raise Refusal(151, "unknown service %s" % name)
    return found


def write_out(path, content):
    """The file appears under its own name at once and grows, as that of a DOS program does."""
    die = os.environ.get("STANDIN_DIE")
    with open(path, "xb") as file:
        file.write(content[: len(content) // 2])
        if die == "writing":
            file.flush()
            os._exit(3)
        file.write(content[len(content) // 2 :])
    if die == "written":
        os._exit(3)


def run(argv):
    options = Options(argv)
    profile = os.environ.get("STANDIN_PROFILE", options.drive + ".profile")
    office = postoffice.Postoffice(options.drive, postoffice.load_profile(profile))
    taken = [
        (bag, record) for bag in mailbags(office, options.name) for record in office.live(bag)
    ][: options.most]
    if not taken:
        return
    if os.path.exists(options.outfile):
        raise Refusal(140, "output file %s exists" % options.outfile)
    write_out(options.outfile, b"".join(mmff(office, record, options) for _, record in taken))
    for bag, record in taken:
        office.remove(bag, record.number)


def main(argv):
    try:
        run(argv)
    except Refusal as refusal:
        print(refusal)
    except (postoffice.BadPostoffice, OSError) as error:
        print("201-000-000 %s" % error)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
