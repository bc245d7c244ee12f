#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A postoffice on a real Samba share: drained through a mount, beside DOS-like clients, and while
the share disappears.

The mount is smbnetfs (FUSE and libsmbclient): no kernel module is needed. What it cannot do, the
kernel's cifs may: FORMATS.md section 7. Needs root and /dev/fuse."""
import fcntl
import os
import signal
import struct
import subprocess
import sys
import time

import gateway
from gateway import Case, Gateway, GatewayError, Office, Sink

from samba import Namespace, SambaServer, SmbClient, SmbError, SmbMount

OFFICE = {"messages": 16, "queues": 3, "users": 3, "people": 4, "max_attachments": 2}
VIOLATION, CONFLICT = "C0000043", "C0000054"
F_OFD_GETLK = 36
LIMIT = 40  # seconds for one run, a share that is gone among them


class Site(Case):
    """A postoffice, a server that shares it, and a gateway that relays to a sink."""

    def scene(self, name, mounted=True, queues=None, **options):
        base = os.path.join(self.base, name)
        os.mkdir(base, 0o755)
        self.office = Office(base, "po", **dict(OFFICE, **options))
        self.space = self.enter(Namespace())
        self.server = self.enter(SambaServer(base, self.office.root, self.space))
        self.mount = self.enter(SmbMount(self.server)) if mounted else None
        self.sink = self.enter(Sink(base))
        section = self.office.native(path=self.mount.path if mounted else self.office.root)
        if queues:
            section[1]["queues"] = queues(self.office)
        self.gateway = Gateway(base, "gw", self.sink.relay(), [section], [self.office.map],
                               password=gateway.SINK_PASSWORD)

    def enter(self, context):
        self.addCleanup(context.__exit__, None, None, None)
        return context.__enter__()

    def lock_file(self, mailbag):
        """As the server has it, in any case; None."""
        folder = next(name for name in os.listdir(self.office.root) if name.upper() == "P1")
        folder = os.path.join(self.office.root, folder)
        found = [name for name in os.listdir(folder) if name.upper() == mailbag + ".0LK"]
        return os.path.join(folder, found[0]) if found else None

    def busy(self):
        """Mailbags of the queues with mail to relay, in the order of the settings."""
        full = {place[0] for place in self.office.expected()}
        return [queue["mailbag"] for queue in self.office.truth["queues"]
                if queue["mailbag"] in full]

    # ---- a run that something happens to

    def begin(self):
        console = open(self.gateway.console, "ab")
        self.addCleanup(console.close)
        process = subprocess.Popen(
            [self.gateway.command, "-c", self.gateway.settings_file, "drain"],
            stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        self.addCleanup(process.kill)
        return process

    def until(self, process, condition, what):
        """Asks as fast as it can: what is waited for lasts milliseconds."""
        end = time.monotonic() + LIMIT
        while not condition():
            if process.poll() is not None or time.monotonic() > end:
                raise GatewayError("%s: did not come; drain: %s\n%s" % (
                    what, process.poll(), self.gateway.console_text()[-1500:]))

    def stop_while_locked(self, mailbags):
        """A run that is stopped while it holds the lock of one of MAILBAGS; which one."""
        process = self.begin()
        while True:
            self.until(process, lambda: any(map(self.taken, mailbags)), "a lock")
            process.send_signal(signal.SIGSTOP)
            for mailbag in mailbags:
                if self.taken(mailbag):
                    return process, mailbag
            process.send_signal(signal.SIGCONT)

    def taken(self, mailbag):
        """Its lock is there and, where a lock can be seen from here, held."""
        path = self.lock_file(mailbag)
        if path is None or self.mount is not None:
            return path is not None
        try:
            with open(path, "rb") as lock:
                asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
                answer = fcntl.fcntl(lock, F_OFD_GETLK, asked)
        except FileNotFoundError:
            return False
        return struct.unpack_from("h", answer)[0] != fcntl.F_UNLCK

    def go_on(self, process, status=0):
        process.send_signal(signal.SIGCONT)
        self.assertEqual(process.wait(LIMIT), status, self.gateway.console_text()[-1500:])

    # ---- what must come of it

    def error(self):
        return " ".join(row["error"] or "" for row in self.gateway.json("status", expect=None)
                        if row["kind"] == "postoffice")

    def judge_all(self):
        """All is relayed once, and the postoffice is as it has to be."""
        self.assertEqual(self.error(), "")
        self.assert_none(self.office.compare(self.sink.copies()), "what arrived")
        self.assert_none(self.office.check(), "the postoffice")
        self.assertEqual(self.gateway.events("possible-duplicate"), [])
        self.assert_none(self.gateway.integrity(), "the store")


class Mounted(Site):
    """Everything through the mount."""

    def drain_all(self, name, **options):
        self.scene(name, **options)
        checked = self.gateway.json("postoffice", "check", "po")[-1]
        self.assertTrue(checked["safe"], checked)
        self.gateway.drain()
        self.judge_all()
        count = len(self.sink.copies())
        self.gateway.drain()
        self.assertEqual(len(self.sink.copies()), count, "a second run relayed something")
        self.judge_all()

    def test_names_of_dos(self):
        self.drain_all("upper", seed=11)

    def test_names_in_lower_case(self):
        """With a lock that somebody left."""
        self.drain_all("lower", seed=12, lowercase=True, stranded_lock=True)

    def test_our_lock_is_seen(self):
        """The .0LK that we hold open cannot be opened with deny-all, nor deleted."""
        self.scene("ours", seed=14)
        process, mailbag = self.stop_while_locked(self.busy())
        with SmbClient(self.server) as dos:
            for wrong in (lambda: dos.open("P1\\%s.0LK" % mailbag, share=0),
                          lambda: dos.delete("P1\\%s.0LK" % mailbag)):
                with self.assertRaisesRegex(SmbError, VIOLATION):
                    wrong()
            self.assertEqual(len(dos.load("KEY\\%s.KEY" % mailbag)), 560, "clients read on")
        self.go_on(process)
        self.judge_all()

    def test_their_lock_is_seen(self):
        """Deny-all by somebody else: this mailbag waits for the next round. After a refused open
        smbnetfs takes no requests for seconds, so the queue is the last one."""
        self.scene("theirs", seed=15, queues=lambda office: office.queues[1:] + office.queues[:1])
        mailbag = self.office.truth["queues"][0]["mailbag"]
        self.assertIn(mailbag, self.busy())
        with SmbClient(self.server) as dos:
            handle = dos.open("P1\\%s.0LK" % mailbag, share=0, make=True)
            self.gateway.drain(expect=1, timeout=LIMIT)
            self.assertRegex(self.error(), mailbag)
            dos.close(handle)
            dos.delete("P1\\%s.0LK" % mailbag)
        others = {place for place in self.office.expected() if place[0] != mailbag}
        self.assertEqual(set(self.office.live()), (self.office.expected("all") - others))
        gateway.wait_until(lambda: os.path.isdir(os.path.join(self.mount.path, "P1")), 20, "mount")
        self.gateway.drain()
        self.judge_all()


class Beside(Site):
    """The gateway on the server's own disk, clients through the share."""

    def test_clients_beside_us(self):
        self.scene("beside", mounted=False, seed=16)
        process, mailbag = self.stop_while_locked(self.busy())
        lock = "P1\\%s.0LK" % mailbag
        with SmbClient(self.server) as dos:
            handle = dos.open(lock)
            with self.assertRaisesRegex(SmbError, CONFLICT):
                dos.write(handle, b"x")
            dos.close(handle)
            self.assertGreater(len(dos.load("MBG\\%s.MBG" % mailbag)), 0)
            try:
                self.assertEqual(len(dos.load("KEY\\%s.KEY" % mailbag)), 560)
            except SmbError as refused:  # stopped while it changes KEY, which is locked then
                self.assertRegex(str(refused), CONFLICT)
        self.go_on(process)
        self.judge_all()
        with SmbClient(self.server) as dos:
            self.assertEqual(dos.load("KEY\\%s.KEY" % mailbag), self.office_key(mailbag),
                             "clients see the new KEY")

    def office_key(self, mailbag):
        with open(os.path.join(self.office.root, "KEY", mailbag + ".KEY"), "rb") as source:
            return source.read()

    def test_client_has_the_key_open(self):
        """A client that polls holds KEY open while we change it."""
        self.scene("polled", mounted=False, seed=17)
        with SmbClient(self.server) as dos:
            handles = [(mailbag, dos.open("KEY\\%s.KEY" % mailbag, SmbClient.READ))
                       for mailbag in self.busy()]
            before = {mailbag: dos.read(handle, 560) for mailbag, handle in handles}
            self.gateway.drain()
            for mailbag, handle in handles:
                self.assertNotEqual(dos.read(handle, 560), before[mailbag])
                self.assertEqual(dos.read(handle, 560), self.office_key(mailbag))
        self.judge_all()


class Gone(Site):
    """The share disappears, and comes back."""

    def moments(self):
        """{name: condition}: each comes once in a run."""
        first = self.busy()[0]
        key = os.path.join(self.office.root, "KEY", first + ".KEY")
        old = os.stat(key).st_mtime_ns
        return {
            "first-lock": lambda: self.lock_file(first),
            "key-written": lambda: os.stat(key).st_mtime_ns != old,
        }

    def lose(self, moment, seed, cut, back):
        """A moment lasts milliseconds: one that was missed comes in another run."""
        for again in range(8):
            self.scene("%s-%d" % (moment, seed + 100 * again), seed=seed + 100 * again)
            process = self.begin()
            try:
                self.until(process, self.moments()[moment], moment)
            except GatewayError:
                self.assertEqual(process.wait(LIMIT), 0, self.gateway.console_text()[-1500:])
                continue
            cut()
            if process.wait(LIMIT) == 1:
                return self.come_back(back)
        self.fail("%s was missed eight times" % moment)

    def come_back(self, back):
        self.assertRegex(self.error(), r"Input/output error|not connected|Stale|abort|"
                                       r"No such file or directory")
        self.assert_none(self.gateway.integrity(), "the store")
        back()
        gateway.wait_until(lambda: os.path.isdir(os.path.join(self.mount.path, "P1")), 20, "mount")
        self.gateway.drain()
        self.judge_all()

    def lose_server(self, moment, seed):
        self.lose(moment, seed, lambda: self.server.kill(), lambda: self.server.start())

    def lose_mount(self, moment, seed):
        def again():
            self.mount.stop()
            self.mount.start()
        self.lose(moment, seed, lambda: self.mount.program.end(signal.SIGKILL), again)

    def test_server_at_first_lock(self):
        self.lose_server("first-lock", 21)

    def test_server_when_key_is_written(self):
        self.lose_server("key-written", 22)

    def test_mount_when_key_is_written(self):
        self.lose_mount("key-written", 25)

    def test_gone_before_the_round(self):
        self.scene("before", seed=26)
        self.server.kill()
        done = self.gateway.drain(expect=None, timeout=LIMIT)
        self.assertNotEqual(done.status, 0)
        self.assertNotIn("AddressSanitizer", done.err)
        self.server.start()
        gateway.wait_until(lambda: os.path.isdir(os.path.join(self.mount.path, "P1")), 20, "mount")
        self.gateway.drain()
        self.judge_all()


def main():
    parser = gateway.parser_for(__doc__.partition("\n")[0])
    return gateway.run_program("share", sys.modules[__name__], parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
