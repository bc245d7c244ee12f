#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The ffapi door: the same messages as the native one relays, taken through a stand-in for the
postoffice's own GET program, give the same result; and whatever becomes of that program, no
message is lost and none comes twice."""
import collections
import os
import re
import sys

import gateway
from gateway import SINK_PASSWORD, Case, Gateway, Office, Sink

# seed, code page, options of the GET program
FORMS = (
    (61, "850", ("-f0",)),
    (62, "437", ("-f1",)),
    (63, "1252", ("-f2",)),
    (64, "850", ("-f0", "-h")),
    (65, "437", ("-f1", "-h")),
    (66, "1252", ("-f2", "-h")),
)
QUEUE = "NORTH/SALES"  # of a postoffice made with --bench
# runs the GET program that its arguments name, then does as it is told
WRAPPER = """#!/usr/bin/env python3
import subprocess, sys, time
done = subprocess.run(sys.argv[2:])
if sys.argv[1] == "hang":
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "%(mark)s"])
    time.sleep(600)
if sys.argv[1] == "grumble":
    print("something is wrong here")
    sys.exit(5)
sys.exit(done.returncode)
"""


def processes_with(mark):
    """Process numbers whose command line has the text."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open("/proc/%s/cmdline" % name, "rb") as source:
                words = source.read()
        except OSError:
            continue
        if mark.encode() in words:
            found.append(int(name))
    return found


def unmapped_of(office):
    """Counter of (date, address in capitals): recipients on the queues that nobody mapped."""
    return collections.Counter(
        (message["date"], address.upper())
        for message, item in gateway.checkpo.truth_items(office.truth)
        for address in item["unmapped"]
    )


def held_rows(gate):
    """The same of what `queue list --state held` shows."""
    return collections.Counter(
        (row["date"][:16].replace("T", " "), row["original"].upper()) for row in gate.queue("held")
    )


class Forms(Case):
    """All line ends, Basic and Extended; each queue of the postoffice has its own section."""

    def run_form(self, seed, codepage, options):
        name = "f%d" % seed
        office = Office(self.base, name, seed=seed, codepage=codepage, domain=name + ".test")
        with Sink(self.base, name + ".sink") as sink:
            sections = [office.ffapi(queue, options) for queue in office.queues]
            gate = Gateway(self.base, name + ".gw", sink.relay(), sections, [office.map],
                           password=SINK_PASSWORD, postmaster="postmaster@admin.test")
            gate.drain(expect=1)  # held mail is something that the operator must know
            self.check_all(office, gate, sink, options)
            sent, held = len(gate.events("sent")), held_rows(gate)
            gate.drain()
            self.assertEqual(len(gate.events("sent")), sent, "the second run relays nothing")
            self.assertEqual(held_rows(gate), held)

    def check_all(self, office, gate, sink, options):
        self.assert_none(
            office.compare(sink.copies(), "mapped", cc_as_to="-h" not in options), "what arrived")
        self.assert_none(office.check("all"), "the postoffice")
        self.assertEqual(held_rows(gate), unmapped_of(office), "held is what is not in the map")
        self.assertEqual(
            sorted(row["to"].lower() for row in gate.queue("sent")),
            sorted(rcpt for _, rcpt in office.wanted_copies("mapped")))
        self.assertEqual(gate.json("status", "--remains"), [])
        self.assertEqual(leftovers(gate), [])
        self.assert_none(gate.integrity(), "the store")

    @classmethod
    def add(cls, seed, codepage, options):
        def form(self):
            self.run_form(seed, codepage, options)

        setattr(cls, "test_form%s" % "".join(options).replace("-", "_"), form)


for each in FORMS:
    Forms.add(*each)


def leftovers(gate):
    """Files in the doors' directories that hold mail."""
    found = []
    for top, _, files in os.walk(os.path.join(gate.spool, "ffapi")):
        found += [name for name in files if not name.endswith(".lock")]
    return sorted(found)


class Programs(Case):
    """GET programs that die, hang or grumble: one postoffice of 130 messages for each test."""

    count = 130

    def set_up(self, name, environment=(), wrapper=None, **more):
        self.office = Office(self.base, name, seed=70, bench=700, messages=self.count,
                             domain=name + ".test")
        self.sink = self.enterContext(Sink(self.base, name + ".sink"))
        title, self.good = self.office.ffapi(QUEUE, ("-f2",), **more)
        self.odd = dict(self.good, command=list(self.good["command"]))
        if environment:
            self.odd["command"][:0] = ["/usr/bin/env"] + list(environment)
        if wrapper:
            path = os.path.join(self.base, name + ".wrapper")
            gateway.write_file(path, WRAPPER % {"mark": self.base + name}, 0o755)
            self.odd["command"][:0] = [sys.executable, path, wrapper]
        self.title = title
        self.gate = Gateway(self.base, name + ".gw", self.sink.relay(), [(title, self.odd)],
                            [self.office.map], password=SINK_PASSWORD,
                            postmaster="postmaster@admin.test")

    def mend(self):
        """From now on the GET program is as it should be."""
        self.gate.postoffices = [(self.title, self.good)]
        self.gate.write_settings()

    def arrived(self):
        return len(self.sink.copies())

    def error(self):
        """What `status` says about the postoffice."""
        rows = self.gate.json("status", expect=None)
        return [row["error"] for row in rows if row["kind"] == "postoffice"][0] or ""

    def check_end(self):
        """All arrived once, the postoffice is empty, nothing is left behind."""
        self.assert_none(self.office.compare(self.sink.copies()), "what arrived")
        self.assert_none(self.office.check(), "the postoffice")
        self.assert_none(self.gate.integrity(), "the store")
        self.assertEqual(self.gate.queue("held"), [])

    def test_called_again(self):
        """More than 50: the program is called again until it gives nothing."""
        self.set_up("again")
        self.mend()
        self.gate.drain()
        removed = [row["reason"] for row in self.gate.events("removed")]
        self.assertEqual(removed, ["50 items", "50 items", "30 items"])
        self.assertEqual(leftovers(self.gate), [])
        self.check_end()

    def test_small_batch(self):
        """{count} is the number that the settings allow."""
        self.set_up("small", batch=40)
        self.mend()
        self.gate.drain()
        removed = [row["reason"] for row in self.gate.events("removed")]
        self.assertEqual(removed, ["40 items", "40 items", "40 items", "10 items"])
        self.check_end()

    def test_dies_writing(self):
        """Half a file is left: what is whole in it goes, its last message is held, and all come
        again from the postoffice, where they still are."""
        self.set_up("writing", ["STANDIN_DIE=writing"])
        done = self.gate.drain(expect=None)
        self.assertNotEqual(done.status, 0)
        self.assertIn("status 3", self.error() + done.err)
        self.assertEqual(self.office.check("none"), [])
        self.mend()
        self.gate.drain(expect=None)
        left = leftovers(self.gate)
        self.assertTrue(left and all(re.match(r"held-[0-9A-F]+-\d+\.mmf$", n) for n in left), left)
        remains = self.gate.json("status", "--remains")
        self.assertEqual({row["cause"] for row in remains}, {"damaged"})
        self.assertTrue(all(row["mai"].startswith("get-") for row in remains))
        self.assertGreater(len(self.gate.events("duplicate")), 0, "the journal knew some")
        self.check_end()

    def test_dies_written(self):
        """The file is whole, nothing is deleted yet: the journal knows them when they come again."""
        self.set_up("written", ["STANDIN_DIE=written"])
        done = self.gate.drain(expect=None)
        self.assertNotEqual(done.status, 0)
        self.assertIn("status 3", self.error() + done.err)
        self.assertEqual(self.office.check("none"), [])
        self.mend()
        self.gate.drain()
        self.assertEqual(self.arrived(), self.count)
        self.assertGreaterEqual(len(self.gate.events("duplicate")), 50)
        self.assertEqual(leftovers(self.gate), [])
        self.check_end()

    def test_leftover_of_a_run(self):
        """The file of a run whose end nobody lived to see is finished at the next start."""
        self.set_up("leftover", ["STANDIN_DIE=written"])
        self.mend()
        folder = os.path.join(self.gate.spool, "ffapi", self.title.replace("-", "_"))
        os.makedirs(folder, 0o700)
        for path in (self.gate.spool, os.path.dirname(folder), folder):
            os.chmod(path, 0o700)
        out = os.path.join(folder, "G0000001.TMP")
        command = [word.replace("{file}", out).replace("{count}", "50")
                   for word in self.good["command"]]
        gateway.subprocess.run(command, check=True, timeout=60)
        self.assertEqual(len(self.office.live()), self.count - 50, "50 are out already")
        with self.gate.daemon():
            self.gate.wait(lambda: self.arrived() == self.count, 60, "all")
            self.assertEqual(self.gate.stop(), 0)
        self.assertEqual(self.gate.events("duplicate"), [])
        self.assertEqual(leftovers(self.gate), [])
        self.check_end()

    def test_hangs(self):
        """The time limit ends the program and all that it started; what it wrote is not lost."""
        self.set_up("hangs", wrapper="hang", **{"command-limit": 2})
        began = gateway.time.monotonic()
        done = self.gate.drain(expect=None, timeout=60)
        self.assertLess(gateway.time.monotonic() - began, 30)
        self.assertNotEqual(done.status, 0)
        self.assertIn("time limit", self.error() + done.err)
        self.assertEqual(processes_with(self.base + "hangs.wrapper"), [])
        self.assertEqual(processes_with(self.base + "hangs"), [], "what it had started")
        self.mend()
        self.gate.drain()
        self.assertEqual(self.gate.events("duplicate"), [])
        self.check_end()

    def test_exit_status(self):
        """A status other than 0 is told, with the last line of the program; the file is kept."""
        self.set_up("status", wrapper="grumble")
        done = self.gate.drain(expect=None)
        self.assertNotEqual(done.status, 0)
        self.assertRegex(self.error() + done.err, "status 5")
        self.assertIn("something is wrong here", self.error() + done.err)
        self.mend()
        self.gate.drain()
        self.check_end()
        self.assertEqual(self.gate.events("duplicate"), [])

    def test_refusal(self):
        """An error in the published form: status 0, no file, but an error it is."""
        self.set_up("refusal", ["STANDIN_PASSWORD=another"])
        done = self.gate.drain(expect=None)
        self.assertNotEqual(done.status, 0)
        self.assertIn("020-000-000 sign-on failed", self.error())
        self.assertEqual(self.office.check("none"), [])
        self.mend()
        self.gate.drain()
        self.check_end()

    def test_no_program(self):
        self.set_up("none")
        self.odd["command"][0] = "/nonexistent/GTWGET"
        self.gate.write_settings()
        done = self.gate.drain(expect=None)
        self.assertNotEqual(done.status, 0)
        self.assertIn("/nonexistent/GTWGET", self.error() + done.err)

    def test_failure_is_not_repeated(self):
        """A program that fails is run once a sweep, not again and again."""
        self.set_up("once", ["STANDIN_DIE=writing"])
        path = os.path.join(self.base, "once.count")
        script = 'echo run >> "$0"; exec "$@"'
        self.odd["command"][:0] = ["/bin/sh", "-c", script, path]
        self.gate.write_settings()
        self.gate.drain(expect=None)
        with open(path, encoding="ascii") as source:
            runs = len(source.readlines())
        self.assertLessEqual(runs, 2)
        self.assertEqual(self.office.check("none"), [])

    def enterContext(self, manager):
        """As unittest has it from Python 3.11 on."""
        entered = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return entered


class Daemon(Case):
    def test_daemon(self):
        """The service with this door, a few sections at once."""
        office = Office(self.base, "serve", seed=67, domain="serve.test")
        with Sink(self.base, "serve.sink") as sink:
            sections = [office.ffapi(q, ("-f2", "-h"), interval=1) for q in office.queues]
            gate = Gateway(self.base, "serve.gw", sink.relay(), sections, [office.map],
                           password=SINK_PASSWORD, postmaster="postmaster@admin.test")
            wanted = len(office.wanted_copies("mapped"))
            with gate.daemon():
                gate.wait(lambda: not office.live() and len(gate.queue("sent")) >= wanted, 60,
                          "all of it")
                self.assertEqual(gate.stop(), 0)
            self.assert_none(office.compare(sink.copies(), "mapped"), "what arrived")
            self.assert_none(office.check("all"), "the postoffice")
            self.assertEqual(held_rows(gate), unmapped_of(office))


def main():
    parser = gateway.parser_for(__doc__.split(":")[0])
    return gateway.run_program("ffapi", sys.modules[__name__], parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
