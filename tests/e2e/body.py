#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What is in a message, octet for octet, from the postoffice to a server: every code page, pairs at
every border, the character set of the settings, sizes around 64 KB, dates that cannot be, and 100 MB
in little memory. What is odd is told to the operator."""
import binascii
import datetime
import hashlib
import os
import re
import sys

import gateway
from gateway import SINK_PASSWORD, Case, Gateway, Office, Sink

import corpora
import makebodies
from makebodies import BORDERS, DOUBLE, SINGLE, Text
from postman import Postman
from strict5322 import check as strict_check

QUEUE = "NORTH/SALES"
BIG = 100 * 1000 * 1000
GROWTH_KB = 16 * 1024
PAGES = SINGLE + sorted(DOUBLE)
LINE = b"A line of a text of 100 MB, and more of the same.\r\n"
# a GET program that gives what is prepared, once
GIVE = """import os, sys
if os.path.exists(sys.argv[1]):
    os.rename(sys.argv[1], sys.argv[2])
"""


class Scene:
    """A postoffice whose queue has just what the test puts there, and a receiver."""

    made = None

    def __init__(self, base, name, sink, **settings):
        self.sink, self.domain = sink, name + ".test"
        if Scene.made is None:
            Scene.made = Office(base, "made", seed=31, messages=1, queues=1, people=3,
                                codepage="850")
        self.office = Scene.made.instance(base, name, self.domain, Scene.made.name)
        self.post = Postman(self.office.root, self.office.profile)
        self.mailbag = next(queue["mailbag"] for queue in self.office.truth["queues"]
                            if queue["name"] == QUEUE)
        self.to = sorted(name for name in self.office.truth["map"]
                         if name.startswith(QUEUE + "/"))[0]
        self.post.reset(self.mailbag)
        self.gate = Gateway(base, name + ".gw", sink.relay(),
                            [self.office.native(queues=[QUEUE], **settings)], [self.office.map],
                            SINK_PASSWORD)

    def deliver(self, subject, **parts):
        return self.post.deliver([self.mailbag], [self.to], subject, **parts)

    def drain(self):
        """{MAI: copy} of what came."""
        self.gate.drain()
        ids = {row["msgid"]: row["mai"] for row in self.gate.events("queued")}
        copies = [copy for copy in self.sink.copies()
                  if any(rcpt.endswith("@" + self.domain) for rcpt in copy.rcpts)]
        found = {ids[copy.id]: copy for copy in copies}
        assert len(found) == len(copies), "a message came twice"
        return found

    def told(self, mai, event):
        return [row for row in self.gate.events(event) if row["mai"] == mai]


def text_of(copy):
    """(text, its charset) with the line ends of the wire."""
    part = copy.message.get_body(("plain",))
    charset = part.get_param("charset")
    return part.get_payload(decode=True).decode(charset), charset


class Body(Case):
    @classmethod
    def setUpClass(cls):
        cls.sink = Sink(cls.base).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.sink.__exit__()

    def compare(self, what, got, want):
        if got != want:
            at = next((i for i, pair in enumerate(zip(got, want)) if pair[0] != pair[1]),
                      min(len(got), len(want)))
            self.fail("%s: differs at %d: %r, not %r" % (what, at, got[at:at + 40], want[at:at + 40]))

    # ---- code pages (T114, T115, T105)

    def test_pages(self):
        """Every octet of 27 code pages, in text, subject and name; each that means nothing is counted."""
        for page in PAGES:
            scene = Scene(self.base, "cp" + page, self.sink, codepage=page)
            whole, word = makebodies.whole_page(page), makebodies.letters(page, 5)
            raw = word.encode(makebodies.codec_of(page))
            mai = scene.deliver(b"S " + raw, text=whole.octets, files=[(raw[:8] + b".TXT", b"x")])
            copy = scene.drain()[mai]
            self.compare("text of " + page, text_of(copy)[0], whole.text)
            self.compare("subject of " + page, str(copy.message["Subject"]), "S " + word)
            part, = copy.message.iter_attachments()
            self.compare("name of " + page, part.get_filename(),
                         decoded_name(raw[:8], page) + ".TXT")
            self.check_count(scene, mai, whole.bad, page)
            self.assertEqual(strict_check(copy.raw)[0], [], page)

    def check_count(self, scene, mai, bad, page):
        told = [int(row["count"]) for row in scene.told(mai, "undecodable")]
        self.assertEqual(told, [bad] if bad else [], page)

    def test_pairs_at_borders(self):
        """A pair over each border of what is read, converted and written at once, in strings of
        several sizes; half a pair is one mark, and a half that the end of the subject cut is none."""
        for page in sorted(DOUBLE):
            scene, wanted = Scene(self.base, "pair" + page, self.sink, codepage=page), {}
            pair = makebodies.PAIRS[page][1].encode(makebodies.codec_of(page))
            for border in BORDERS:
                for shift in (0, 1, 2):
                    for piece in (None, 4097, 113):
                        text = makebodies.border_text(page, border, shift)
                        mai = scene.deliver(b"s" * 39 + pair[:1], text=text.octets, piece=piece)
                        wanted[mai] = text
            copies = scene.drain()
            for mai, text in wanted.items():
                self.compare("text of " + page, text_of(copies[mai])[0], text.text)
                self.assertEqual(str(copies[mai].message["Subject"]), "s" * 39)
                self.check_count(scene, mai, 2, page)

    # ---- the setting "charset" (6.3)

    def test_charset(self):
        """ISO 8859-1 only for what it has; headers in UTF-8; the same letters in any case."""
        scene = Scene(self.base, "latin", self.sink, charset="latin1")
        cases = {"ascii": ("plain\r\n", "iso-8859-1"), "german": ("Grüße\r\n", "iso-8859-1"),
                 "long": ("ä" * 1200 + " \r\n", "iso-8859-1"), "open": ("ö", "iso-8859-1"),
                 "box": ("Grüße ═\r\n", "utf-8"), "empty": ("", "iso-8859-1"),
                 "large": ("åäö 0123456789\r\n" * 9000, "iso-8859-1")}
        mais = {scene.deliver(("Sé " + name).encode("cp850"), text=text.encode("cp850")): name
                for name, (text, _) in cases.items()}
        copies = scene.drain()
        for mai, name in mais.items():
            text, charset = text_of(copies[mai])
            self.assertEqual(charset, cases[name][1], name)
            self.compare(name, text.rstrip("\r\n"), cases[name][0].rstrip("\r\n"))
            self.assertEqual(copies[mai].message["Subject"], "Sé " + name)
            self.assertNotIn(b"8859", copies[mai].raw.partition(b"\r\nContent-")[0])
            self.assertEqual(strict_check(copies[mai].raw)[0], [])

    # ---- controls (T116)

    def test_controls(self):
        """How MS-DOS clients keep highlights in a text is not published: nothing is taken for one, and
        every control but NUL, line ends and ^Z at the end arrives."""
        scene = Scene(self.base, "controls", self.sink)
        text = b"".join(b"%d" % octet + bytes([octet]) * 2 + b"x\x04\x1f\r\n"
                        for octet in range(1, 0x20) if octet not in b"\r\n") + b"\x7f\x1a."
        mai = scene.deliver("controls", text=text)
        copy = scene.drain()[mai]
        self.compare("text", text_of(copy)[0], text.decode("ascii"))

    # ---- what the operator is told

    def test_told(self):
        """Octets without a meaning: the relay log, history, `queue show` and the sum of `status`."""
        scene = Scene(self.base, "told", self.sink, codepage="1252")
        mai = scene.deliver(b"two \x81\x8d", text=b"three \x8f\x90\x9d\r\n")
        scene.deliver("plain")
        other = scene.deliver("one", text=b"\x81")
        scene.drain()
        row, = scene.told(mai, "undecodable")
        self.assertEqual(row["count"], "5")
        self.assertIn("CP1252", row["reason"])
        shown = scene.gate.json("queue", "show", row["id"])
        remark, = [line for line in shown if line["kind"] == "remark"]
        self.assertEqual((remark["event"], remark["reason"]), ("undecodable", row["reason"]))
        self.assertIn("mean nothing", scene.gate.run("queue", "show", row["id"]).out)
        traced = scene.gate.json("trace", row["id"])
        self.assertIn("undecodable", [line.get("event") for line in traced])
        content, = [line for line in scene.gate.json("status") if line["kind"] == "content"]
        self.assertEqual((content["undecodable"], content["undecodable_messages"]), (6, 2))
        self.assertEqual(len(scene.told(other, "undecodable")), 1)

    def test_stripped(self):
        """A WINMAIL.DAT that is not sent is told for its message, and in the sum."""
        scene = Scene(self.base, "strip", self.sink, tnef="drop")
        winmail = bytes.fromhex("789f3e22") + b"\x01\0" + bytes(64)
        mai = scene.deliver("with", files=[(b"A.TXT", b"a"), (b"WINMAIL.DAT", winmail)])
        scene.deliver("without", files=[(b"A.TXT", b"a")])
        part, = scene.drain()[mai].message.iter_attachments()
        self.assertEqual(part.get_filename(), "A.TXT")
        self.assertEqual([row["mai"] for row in scene.gate.events("stripped")], [mai])
        content, = [line for line in scene.gate.json("status") if line["kind"] == "content"]
        self.assertEqual(content["stripped"], 1)

    def test_two_subjects(self):
        """T94: the first of two subjects is sent, of the message and of a header block, nothing of the
        other, and that there was one is told."""
        scene = Scene(self.base, "twice", self.sink)
        block = ("Microsoft Mail v3.0 IPM.Microsoft Mail.Note\r\nFrom: A\r\nTo: B\r\nSubject: Block\r\n"
                 "%sDate: 1998-05-04 08:05\r\n\r\n-------------------------------------\r\nBody\r\n")
        field = scene.deliver("Field", more_subjects=["Second one"])
        line = scene.deliver("Block", text=block % "Subject: Second one\r\n")
        one = scene.deliver("Block", text=block % "")
        copies = scene.drain()
        for mai, subject in ((field, "Field"), (line, "Block"), (one, "Block")):
            self.assertEqual(copies[mai].message["Subject"], subject)
            self.assertNotIn(b"Second one", copies[mai].raw)
        for mai in (field, line):
            row, = scene.told(mai, "repeated")
            self.assertIn("subject", row["reason"])
            shown = scene.gate.json("queue", "show", row["id"])
            remark, = [line for line in shown if line["kind"] == "remark"]
            self.assertEqual((remark["event"], remark["reason"]), ("repeated", row["reason"]))
        self.assertEqual(scene.told(one, "repeated"), [])
        content, = [line for line in scene.gate.json("status") if line["kind"] == "content"]
        self.assertEqual(content["repeated"], 2)

    def test_hint(self):
        """`check` and `postoffice check` say when texts look like another page than the one that is
        set, and which; and nothing when they do not. Nothing is changed by it."""
        chinese = "会议改在星期一举行，资料已经寄出，请大家准时参加。谢谢合作。"
        taiwan = "會議改在星期一舉行，資料已經寄出，請大家準時參加。謝謝合作。"
        korean = "회의는 월요일로 변경되었습니다. 자료를 보내 드립니다. 감사합니다."
        japanese = makebodies.PAIRS["932"] + "です。会議は月曜日に変更になりました、資料を送付します。"
        cases = (("russian", "866", "866", None), ("russian", "866", "850", r"look like code page 866 "),
                 ("polish", "852", "852", None), ("polish", "852", "437", r"look like .*\b852\b"),
                 ("german", "1252", "850", r"look like .*\b1252\b"), ("german", "850", "850", None),
                 (japanese, "932", "932", None), (japanese, "932", "850", r"look like .*\b932\b"),
                 (chinese, "936", "936", None), (korean, "949", "949", None),
                 (taiwan, "950", "950", None), ("german", "850", "932", r"look like .*\b850\b"),
                 ("russian", "866", "949", "mean nothing in code page CP949|look like .*866"))
        for number, (language, page, setting, wanted) in enumerate(cases):
            scene = Scene(self.base, "hint%d" % number, self.sink, codepage=setting)
            lines = (corpora.sentences(language) if language in corpora.SENTENCES
                     else [language, language[3:] + language[:3]])
            for line in lines:
                scene.deliver("s", text=(line + "\r\n").encode(makebodies.codec_of(page)))
            rows = [row for row in scene.gate.json("postoffice", "check", scene.office.title,
                                                   expect=None) if row.get("code") == "codepage"]
            if wanted is None:
                self.assertEqual(rows, [], cases[number])
            else:
                self.assertEqual([bool(re.search(wanted, row["text"])) for row in rows], [True],
                                 (cases[number], rows))
                told = scene.gate.run("check", expect=None).out
                self.assertRegex(told, wanted)

    # ---- dates (T65, T122 to T125)

    def test_dates(self):
        """A date that cannot be, or of a clock that was wrong: the stamp of the mailbag is taken, the
        other one is kept in a header, and the log says so. Nothing expires by it."""
        scene = Scene(self.base, "dates", self.sink, timezone="Europe/Berlin")
        stamp = datetime.datetime(1998, 5, 4, 8, 30)
        taken = "Mon, 04 May 1998 08:30:00 +0200"
        cases = {
            "1998-05-04 08:05": ("Mon, 04 May 1998 08:05:00 +0200", None, None),
            "1997-10-26 02:30": ("Sun, 26 Oct 1997 02:30:00 +0100", None, "twice"),
            "1997-03-30 02:30": ("Sun, 30 Mar 1997 02:30:00 +0100", None, "put forward"),
            "1998-05-05 08:29": ("Tue, 05 May 1998 08:29:00 +0200", None, None),
            "1998-05-05 08:31": (taken, "1998-05-05 08:31", "more than a day after"),
            "2068-12-16 12:00": (taken, "2068-12-16 12:00", "more than a day after"),
            "1984-12-31 23:59": (taken, "1984-12-31 23:59", "clock that was wrong"),
            "1980-01-01 00:07": (taken, "1980-01-01 00:07", "clock that was wrong"),
            "1900-01-00 00:00": (taken, None, "missing or impossible"),
            "1998-02-30 08:05": (taken, None, "missing or impossible"),
            "1998-05-04 24:10": (taken, None, "missing or impossible"),
            "1998-13-04 12:10": (taken, None, "missing or impossible"),
            "12/16/68 12:00PM": (taken, None, "missing or impossible"),
        }
        mais = {scene.deliver("d%d" % number, stamp=text, received=stamp): text
                for number, text in enumerate(cases)}
        copies = scene.drain()
        for mai, text in mais.items():
            date, original, reason = cases[text]
            self.assertEqual(str(copies[mai].message["Date"]), date, text)
            self.assertEqual(copies[mai].message["X-MSMail-Date"], original, text)
            told = [row["reason"] for row in scene.told(mai, "date")]
            self.assertEqual([reason in line for line in told] if reason else told,
                             [True] if reason else [], text)
        content, = [line for line in scene.gate.json("status") if line["kind"] == "content"]
        self.assertEqual(content["dates"], sum(1 for _, _, reason in cases.values() if reason))

    # ---- sizes (T113)

    def test_sizes(self):
        """Texts and attachments of 64 KB less one, 64 KB, and one more, in lines and in one line."""
        scene, wanted = Scene(self.base, "sizes", self.sink), {}
        for size in (65535, 65536, 65537):
            line = b"0123456789 line\r\n" * (size // 17 + 1)
            for text in (line[:size - 2] + b"\r\n", b"x" * size, line[:size - 1] + b"\x84"):
                content = bytes(range(256)) * 257
                mai = scene.deliver("s%d" % size, text=text, files=[(b"F.BIN", content[:size])])
                wanted[mai] = (Text("850").add(text).text, content[:size])
        copies = scene.drain()
        for mai, (text, content) in wanted.items():
            got = text_of(copies[mai])[0]
            self.compare("text", re.sub("\r(?!\n)", "\r\n", got), re.sub("\r(?!\n)", "\r\n", text))
            part, = copies[mai].message.iter_attachments()
            self.assertEqual(part.get_payload(decode=True), content)


    # ---- 100 MB (T113)

    def test_large(self):
        """A text and then an attachment of 100 MB through the service: each process stays within
        16 MB of what it has when it is idle."""
        directory = os.path.join(self.base, "large")
        os.mkdir(directory, 0o711)
        give, source, people = (os.path.join(directory, name) for name in ("give", "mail", "map"))
        gateway.write_file(give, GIVE)
        gateway.write_file(people, "NET/PO/BEN\tben@large.test\n")
        section = ("big", {"name": "NET/PO", "door": "ffapi", "codepage": "850", "interval": 1,
                           "max-size": 2 * BIG,
                           "command": [sys.executable, give, source, "{file}"]})
        with Sink(directory) as sink:
            sink.case["server"]["size"] = 4 * BIG
            sink.case["server"]["caps_tls"] = ["PIPELINING", "AUTH PLAIN"]
            gate = Gateway(directory, "gw", sink.relay(), [section], [people], SINK_PASSWORD)
            with gate.daemon():
                gate.wait(lambda: len(gate.children()) == 2, 30, "two processes")
                for number, text in enumerate((LINE, LINE * (BIG // len(LINE)))):
                    self.relay_one(gate, sink, source, number, mmff(text, b"small"))
                    idle = idle if number else memory(gate)
                self.check_text(sink, text)
                content = bytes(range(256)) * (BIG // 256)
                self.relay_one(gate, sink, source, 2, mmff(b"text\r\n", content))
                self.check_content(sink, content)
                peak = memory(gate, "VmHWM")
            print("  " + ", ".join("%s: idle %d KB, peak %d KB" % (who[0], idle[who], peak[who])
                                   for who in sorted(peak) if who in idle))
            self.assertEqual(set(idle), set(peak), "a process was started anew")
            if not sanitized():
                for who, size in peak.items():
                    self.assertLess(size, idle[who] + GROWTH_KB, who)

    def relay_one(self, gate, sink, source, number, mail):
        with open(source + ".new", "wb") as out:
            out.writelines(mail)
        os.rename(source + ".new", source)
        gate.wait(lambda: len(gate.events("sent")) == number + 1, 300, "the message is sent")

    def stored(self, sink):
        row = sink.server.messages()[-1]
        with open(os.path.join(sink.directory, row["file"]), "rb") as source:
            return source.read()

    def check_text(self, sink, text):
        raw = self.stored(sink)
        at = raw.index(LINE)
        self.assertEqual(hashlib.sha256(raw[at:at + len(text)]).digest(),
                         hashlib.sha256(text).digest())

    def check_content(self, sink, content):
        part = self.stored(sink).rpartition(b"Content-Disposition: attachment")[2]
        base64 = part.partition(b"\r\n\r\n")[2].partition(b"\r\n--")[0]
        self.assertEqual(hashlib.sha256(binascii.a2b_base64(base64)).digest(),
                         hashlib.sha256(content).digest())


def mmff(text, content):
    yield (b"VERSION:3.00\r\nTO:CSI:NET/PO/BEN\r\nFROM:CSI:NET/PO/ANNA\r\nDATE:1996-02-03\r\n"
           b"TIME:10:11\r\nSUBJECT:large\r\nATTACHMENT:BIG.BIN %d\r\nTEXT:%d\r\n"
           % (len(content), len(text)))
    yield text
    yield content


def memory(gate, field="VmRSS"):
    """{(role, pid): KB} of the service's processes."""
    found = {}
    for role, pid in [("parent", gate.pid)] + sorted(gate.children().items()):
        with open("/proc/%d/status" % pid, encoding="ascii") as status:
            found[role, pid] = int(re.search(field + r":\s*(\d+) kB", status.read())[1])
    return found


def sanitized():
    with open(gateway.program("MSMAILGWD", "msmailgwd"), "rb") as source:
        return b"AddressSanitizer" in source.read()


def decoded_name(raw, page):
    """A name whose last pair was cut loses its half."""
    return raw.decode(makebodies.codec_of(page), "ignore")


def main():
    options = gateway.parser_for(__doc__.split("\n")[0]).parse_args()
    return gateway.run_program("body", sys.modules[__name__], options)


if __name__ == "__main__":
    sys.exit(main())
