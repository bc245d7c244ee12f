#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""MMFF -> MIME -> MMFF of the corpus: a stand-in GET program gives mail out as MMFF, the gateway relays
it, and what the receiver stored becomes the MMFF it came from, to the octet.

The program ROUNDTRIP (default: tests/roundtrip beside MSMAILGW) turns files into MMFF."""
import os
import subprocess
import sys

import gateway
from gateway import SINK_PASSWORD, Case, Gateway, Office, Sink

import corpus

sys.path.insert(0, gateway.TESTS)
ZONE = "Europe/Berlin"
HELPER = os.environ.get("ROUNDTRIP") or os.path.join(
    os.path.dirname(os.path.abspath(os.environ.get("MSMAILGW", "./msmailgw"))), "tests/roundtrip")


def mmff_of(kind, page, files):
    done = subprocess.run([HELPER, "CP" + page, ZONE, gateway.HOSTNAME, kind] + list(files),
                          capture_output=True, timeout=120)
    if done.returncode != 0:
        raise gateway.GatewayError("roundtrip: %s" % done.stderr.decode("utf-8", "replace"))
    return done.stdout


def normal(octets):
    """Without what FORMATS.md says that does not come back: the writer of a relayed message is the
    same; priorities that mean Normal are 3, and controls in a subject are blanks."""
    head, mark, rest = octets.partition(b"\r\nTEXT:")
    lines = []
    for line in head.split(b"\r\n"):
        if line == b"PRIORITY:2":
            line = b"PRIORITY:3"
        if line.startswith(b"SUBJECT:"):
            line = bytes(o if o >= 0x20 and o != 0x7F else 0x20 for o in line)
        lines.append(line)
    if not any(line.startswith(b"PRIORITY:") for line in lines):
        at = next((n for n, line in enumerate(lines) if line.startswith((b"ATTACHMENT", b"EXT:"))),
                  len(lines))
        lines.insert(at, b"PRIORITY:3")
    return b"\r\n".join(lines) + mark + rest


def marks_of(text):
    """What of a text no form of line ends changes."""
    return bytes(octet for octet in text if octet not in b"\r\n\x1a\0")


def text_of(octets):
    size, _, rest = octets.partition(b"\r\nTEXT:")[2].partition(b"\r\n")
    return rest[: int(size)]


class RoundTrip(Case):
    def run_page(self, page, block):
        """Header blocks that are used do not come back (FORMATS.md): those messages are left out."""
        office = Office(self.base, "r" + page, corpus=corpus.SPEC, codepage=page, queues=2, people=14,
                        messages=80, seed=int(page))
        queue, taken = office.queues[0], os.path.join(self.base, "taken." + page)
        script = os.path.join(self.base, "get." + page)
        gateway.write_file(script, "#!/bin/sh\n# keeps a copy of what the GET program gives\n"
                           "for last; do :; done\n\"$@\"\n"
                           "[ ! -e \"$last\" ] || cat \"$last\" >> %s\n" % taken, 0o755)
        title, values = office.ffapi(queue, ("-f2", "-h"), timezone=ZONE, **{"header-block": block})
        values["command"] = [script] + values["command"]
        # everybody is reached at the encapsulated address: the map of names is not part of this
        with Sink(self.base, "sink" + page) as sink:
            gate = Gateway(self.base, "r%s.gw" % page, sink.relay(), [(title, values)], [office.map],
                           password=SINK_PASSWORD)
            gate.drain(timeout=300, expect=None)
            copies = {copy.id: copy for copy in sink.copies()}
        came = self.messages_of(copies, page, office)
        given = self.split(mmff_of("mmff", page, [taken]))
        self.assertGreater(len(copies), 100)
        self.assertEqual(len(given), len(came))
        used = {marks_of(message["text"].encode("cp" + page)) for message in office.truth["messages"]
                if block == "use" and "meaning" in message}
        same = [octets for octets in given if marks_of(text_of(octets)) not in used]
        self.assertGreater(len(same), len(given) // 10)
        for octets in same:
            self.assertIn(normal(octets), came)

    def messages_of(self, copies, page, office):
        """The MMFF of each stored message, people of the map under their old names."""
        table = {entry["smtp"].lower().encode(): entry["address"].encode()
                 for entry in office.truth["map"].values()}
        out = set()
        for number, copy in enumerate(copies.values()):
            name = os.path.join(self.base, "copy.%s.%d" % (page, number))
            with open(name, "wb") as file:
                file.write(copy.raw)
            head, mark, rest = mmff_of("mime", page, [name]).partition(b"\r\nTEXT:")
            lines = []
            for line in head.split(b"\r\n"):
                token, _, value = line.partition(b":SMTP:")
                old = table.get(value.lower())
                if old is not None:
                    line = token + b":" + (b"" if b":" in old else b"CSI:") + old
                lines.append(line)
            out.add(normal(b"\r\n".join(lines) + mark + rest))
        return out

    def split(self, octets):
        """Messages of a file whose sizes are right."""
        out, at = [], 0
        while at < len(octets):
            end = octets.index(b"\r\n", octets.index(b"\r\nTEXT:", at) + 2) + 2
            lines = octets[at:end].split(b"\r\n")
            size = sum(int(line.rsplit(b" ", 1)[1]) for line in lines
                       if line.startswith(b"ATTACHMENT:"))
            size += next(int(line[5:]) for line in lines if line.startswith(b"TEXT:"))
            out.append(octets[at : end + size])
            at = end + size
        return out

    def test_western(self):
        self.run_page("850", "keep")

    def test_windows(self):
        self.run_page("1252", "use")


if __name__ == "__main__":
    sys.exit(gateway.run_program("roundtrip", sys.modules[__name__],
                                 gateway.parser_for(__doc__.split("\n")[0]).parse_args()))
