#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The peers themselves, tried with Python's smtplib: python3 tests/peers/selftest.py

PEERS_CACHE names a directory where an unpacked Exim is kept between runs."""
import json
import os
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import badcases     # noqa: E402
import peerbase     # noqa: E402
import smtplog      # noqa: E402
from badsmtp import BadServer, load_case    # noqa: E402
from exim import EximPeer                   # noqa: E402
from peerpki import Pki                     # noqa: E402
from postfix import PostfixPeer             # noqa: E402
from smtpwire import limit_tls              # noqa: E402

USERS = {"relay": "p4ss word"}
WORK = tempfile.TemporaryDirectory(prefix="peers-")
os.chmod(WORK.name, 0o711)
PKI = Pki(os.path.join(WORK.name, "pki"))


def trusting():
    return ssl.create_default_context(cafile=PKI.ca_file)


def message(number, size=200):
    body = b"".join(b".%06d line\r\n" % n for n in range(size // 14))
    return (b"From: <a@old.test>\r\nTo: <alice@mail.test>\r\nSubject: test\r\n"
            b"Message-ID: <%d@old.test>\r\n\r\n" % number) + body


def open_client(port, implicit=False, timeout=8):
    """Connected, with TLS, EHLO said; not logged in."""
    if implicit:
        client = smtplib.SMTP_SSL("localhost", port, timeout=timeout, context=trusting())
    else:
        client = smtplib.SMTP("localhost", port, timeout=timeout)
        try:
            client.starttls(context=trusting())
        except BaseException:
            client.close()
            raise
    client.ehlo("client.test")
    return client


class RealServer:
    """The tests of a real server; subclasses say which."""

    mechanisms = ()

    @classmethod
    def setUpClass(cls):
        cls.peer = cls.make(os.path.join(WORK.name, cls.__name__)).start()

    @classmethod
    def tearDownClass(cls):
        pid = cls.peer.pid
        cls.peer.stop()
        if peerbase.session_members(pid):
            raise AssertionError("processes left behind")
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", cls.peer.ports["starttls"])) == 0:
                raise AssertionError("the port still answers")

    def _send(self, client, number, names):
        client.sendmail("a@old.test", ["%s@mail.test" % name for name in names],
                        message(number, 5000))

    def test_each_mechanism(self):
        before = self.peer.count()
        for number, name in enumerate(("plain", "login", "cram_md5")):
            with self.subTest(name), open_client(self.peer.ports["starttls"]) as client:
                client.user, client.password = "relay", USERS["relay"]
                method = getattr(client, "auth_" + name)
                code, _ = client.auth(name.upper().replace("_", "-"), method,
                                      initial_response_ok=name == "plain")
                self.assertEqual(code, 235)
                self._send(client, number, ["alice", "bob.%s" % name])
        self.assertEqual(self.peer.wait_delivered(before + 6), before + 6)
        found = [recipient for recipient, _ in self.peer.messages()]
        self.assertIn("bob.cram_md5@mail.test", found)

    def test_content_arrives_whole(self):
        before = self.peer.count()
        with open_client(self.peer.ports["implicit"], implicit=True) as client:
            client.login(*list(USERS.items())[0])
            client.sendmail("a@old.test", ["whole@mail.test"], message(77, 300000))
        self.peer.wait_delivered(before + 1)
        got = dict(self.peer.messages())["whole@mail.test"]
        self.assertTrue(got.endswith(message(77, 300000).replace(b"\r\n", b"\n")))

    def test_offers(self):
        with open_client(self.peer.ports["starttls"]) as client:
            for name in ("pipelining", "chunking", "8bitmime", "size"):
                self.assertTrue(client.has_extn(name), name)
            self.assertEqual(set(client.esmtp_features["auth"].split()), set(self.mechanisms))
        with smtplib.SMTP("127.0.0.1", self.peer.ports["starttls"], timeout=8) as client:
            client.ehlo()
            self.assertFalse(client.has_extn("auth"))

    def test_refuses(self):
        with open_client(self.peer.ports["starttls"]) as client:
            with self.assertRaises(smtplib.SMTPRecipientsRefused):
                self._send(client, 1, ["alice"])
        with open_client(self.peer.ports["starttls"]) as client:
            with self.assertRaises(smtplib.SMTPAuthenticationError):
                client.login("relay", "wrong")

    def test_swaks(self):
        before = self.peer.count()
        peerbase.run(["swaks", "--server", "localhost:%d" % self.peer.ports["starttls"], "--tls",
                      "--tls-verify", "--tls-ca-path", PKI.ca_file, "--auth", "PLAIN",
                      "--auth-user", "relay", "--auth-password", USERS["relay"], "--from",
                      "a@old.test", "--to", "swaks@mail.test", "--timeout", "10"])
        self.peer.wait_delivered(before + 1)


class Postfix(RealServer, unittest.TestCase):
    mechanisms = ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256")

    @staticmethod
    def make(workdir):
        return PostfixPeer(workdir, ["mail.test"], USERS, PKI)


class Exim(RealServer, unittest.TestCase):
    mechanisms = ("PLAIN", "LOGIN", "CRAM-MD5")

    @staticmethod
    def make(workdir):
        return EximPeer(workdir, ["mail.test"], USERS, PKI, os.environ.get("PEERS_CACHE"))


class Killed(unittest.TestCase):
    def test_nothing_stays_when_the_test_is_killed(self):
        code = ("import sys, os; sys.path.insert(0, %r)\n"
                "from exim import EximPeer\n"
                "peer = EximPeer(%r, users={'a': 'b'}, cache_dir=%r).start()\n"
                "print(peer.pid, flush=True); os.kill(os.getpid(), 9)\n" % (
                    HERE, os.path.join(WORK.name, "killed"),
                    os.environ.get("PEERS_CACHE") or os.path.join(WORK.name, "Exim", "cache")))
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
        self.assertEqual(done.returncode, -signal.SIGKILL, done.stderr)
        pid = int(done.stdout)
        peerbase.wait_until(lambda: not peerbase.session_members(pid), 15, "end of the daemon")


class Scripted(unittest.TestCase):
    """The scripted server: a handful of cases as smtplib sees them."""

    def serve(self, name, store=None, **words):
        server = BadServer(badcases.CASES[name], PKI.cert, store=store, deadline=20, **words)
        self.addCleanup(server.stop)
        return server.start()

    def login(self, server, implicit=False, timeout=8):
        client = open_client(server.port, implicit, timeout)
        self.addCleanup(client.close)
        client.login(badcases.USER, badcases.PASSWORD)
        return client

    def send(self, client, names=("alice",), number=1, size=500):
        return client.sendmail("a@old.test", ["%s@mail.test" % name for name in names],
                               message(number, size))

    def judge(self, server):
        server.stop()
        return smtplog.violations(server.case, server.log.events)

    def test_good_keeps_what_was_sent(self):
        store = os.path.join(WORK.name, "store")
        server = self.serve("good", store)
        client = self.login(server)
        for number in range(3):
            self.assertEqual(self.send(client, ("alice", "bob"), number), {})
        client.quit()
        self.assertEqual(self.judge(server), [])
        with open(os.path.join(store, "messages.jsonl"), encoding="utf-8") as source:
            rows = [json.loads(line) for line in source]
        self.assertEqual(rows, server.messages())
        self.assertEqual(rows[2]["to"], ["alice@mail.test", "bob@mail.test"])
        self.assertEqual(rows[2]["message_id"], "<2@old.test>")
        with open(os.path.join(store, rows[2]["file"]), "rb") as source:
            self.assertEqual(source.read(), message(2, 500))

    def test_bdat_and_pipelining(self):
        server = self.serve("good-plain")
        content = message(5)
        with socket.create_connection(("127.0.0.1", server.port), timeout=8) as sock:
            sock.sendall(b"EHLO x\r\nMAIL FROM:<a@old.test> SIZE=10\r\nRCPT TO:<b@mail.test>\r\n"
                         b"BDAT 10\r\n" + content[:10] + b"BDAT %d LAST\r\n" % (len(content) - 10)
                         + content[10:] + b"RSET\r\nQUIT\r\n")
            replies = b"".join(iter(lambda: sock.recv(4096), b""))
        self.assertEqual([line[:3] for line in replies.splitlines() if line[3:4] == b" "],
                         [b"220", b"250", b"250", b"250", b"250", b"250", b"250", b"221"])
        row, = server.messages()
        self.assertEqual((row["via"], row["size"]), ("BDAT", len(content)))
        self.assertTrue([v for v in self.judge(server) if "EHLO" in v])

    def test_each_mechanism_and_implicit_tls(self):
        for name in ("plain", "login", "cram_md5"):
            with self.subTest(name):
                server = self.serve("good-implicit")
                client = open_client(server.port, implicit=True)
                client.user, client.password = badcases.USER, badcases.PASSWORD
                method = getattr(client, "auth_" + name)
                client.auth(name.upper().replace("_", "-"), method, initial_response_ok=False)
                client.quit()
                self.assertEqual(self.judge(server), [])

    def test_refused_then_good(self):
        server = self.serve("refused")
        with self.assertRaises(ConnectionRefusedError):
            smtplib.SMTP("127.0.0.1", server.port, timeout=5)
        server.recover()
        self.send(self.login(server))
        self.assertEqual(len(server.messages()), 1)

    def test_certificates(self):
        for kind in ("wrongname", "expired", "selfsigned"):
            with self.subTest(kind):
                server = self.serve("cert-" + kind)
                with self.assertRaises(ssl.SSLCertVerificationError):
                    open_client(server.port)
                self.assertEqual(self.judge(server), [])

    def test_old_tls(self):
        for newest in ("1.0", "1.1"):
            server = self.serve("tls-" + newest)
            with self.assertRaises(ssl.SSLError):
                open_client(server.port)
            old = trusting()
            limit_tls(old, newest, newest)
            with smtplib.SMTP("localhost", server.port, timeout=8) as client:
                client.starttls(context=old)
                self.assertEqual(client.sock.version(), {"1.0": "TLSv1", "1.1": "TLSv1.1"}[newest])

    def test_one_recipient_refused(self):
        server = self.serve("rcpt-550")
        client = self.login(server)
        refused = self.send(client, ("alice", "bob", "carol"))
        self.assertEqual(list(refused), ["bob@mail.test"])
        client.quit()
        self.assertEqual(server.messages()[0]["to"], ["alice@mail.test", "carol@mail.test"])
        self.assertEqual(self.judge(server), [])

    def test_odd_but_right_replies(self):
        for name in ("no-text", "no-text-blank", "bare-lf", "lower-case", "caps-change",
                     "auth-prompts", "good-bare", "greeting-slow", "dot-250-closes"):
            with self.subTest(name):
                server = self.serve(name)
                if server.case["client"]["tls"] == "none":
                    client = smtplib.SMTP("127.0.0.1", server.port, timeout=8)
                    self.addCleanup(client.close)
                else:
                    client = self.login(server)
                self.assertEqual(self.send(client), {})
                self.assertEqual(len(server.messages()), 1)

    def test_rcpt_limit(self):
        server = self.serve("rcpt-452")
        refused = self.send(self.login(server), ("a", "b", "c", "d"))
        self.assertEqual(sorted(refused), ["c@mail.test", "d@mail.test"])

    def test_refused_auth_and_mail(self):
        server = self.serve("auth-5.7.3")
        with self.assertRaises(smtplib.SMTPAuthenticationError):
            self.login(server)
        # smtplib tries the next mechanism, which a right client does not.
        self.assertTrue([v for v in self.judge(server) if "AUTH again" in v])
        server = self.serve("mail-530")
        with self.assertRaises(smtplib.SMTPSenderRefused) as caught:
            self.send(self.login(server))
        self.assertEqual(caught.exception.smtp_code, 530)
        server = self.serve("good")
        with open_client(server.port) as client:
            with self.assertRaises(smtplib.SMTPSenderRefused):
                self.send(client)

    def test_lost_reply_makes_a_second_copy(self):
        server = self.serve("dot-closes-kept")
        for attempt in range(3):
            try:
                self.send(self.login(server))
            except smtplib.SMTPServerDisconnected:
                self.assertEqual(attempt, 0)
        self.assertEqual([row["acknowledged"] for row in server.messages()], [False, True, True])
        self.assertIn("3 copies", "\n".join(self.judge(server)))

    def test_hangs_end_with_the_client(self):
        for name in ("greeting-none", "ehlo-hangs", "slow-loris", "endless-lines"):
            with self.subTest(name):
                server = self.serve(name)
                with self.assertRaises((TimeoutError, smtplib.SMTPException)):
                    if name in ("slow-loris", "endless-lines"):
                        self._read_for(server.port, 0.6)
                    open_client(server.port, timeout=0.5)
                peerbase.wait_until(lambda: [event for event in server.log.events  # noqa: B023
                                             if event["ev"] == "close"], 5, "close")

    @staticmethod
    def _read_for(port, seconds):
        """A client with a limit for the whole reply, which smtplib has not."""
        with socket.create_connection(("127.0.0.1", port), timeout=seconds) as sock:
            sock.sendall(b"EHLO x\r\n")
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                if not sock.recv(65536):
                    raise AssertionError("the server closed")
        raise TimeoutError("as it should be")

    def test_deadline_ends_a_hanging_server(self):
        server = BadServer(badcases.CASES["greeting-none"], PKI.cert, deadline=1).start()
        self.addCleanup(server.stop)
        with socket.create_connection(("127.0.0.1", server.port), timeout=8) as sock:
            self.assertEqual(sock.recv(100), b"")

    def test_never_reads(self):
        server = self.serve("content-deaf")
        client = self.login(server, timeout=1)
        with self.assertRaises((TimeoutError, smtplib.SMTPException)):
            self.send(client, size=20000000)
        self.assertEqual(server.messages(), [])

    def test_injection_is_in_one_segment(self):
        server = self.serve("starttls-injection")
        with smtplib.SMTP("127.0.0.1", server.port, timeout=8) as client:
            client.ehlo()
            client.send("STARTTLS\r\n")
            self.assertGreater(client.sock.recv(4096).count(b"\r\n"), 2)

    def test_sessions_are_limited(self):
        server = self.serve("session-messages")
        client = self.login(server)
        for number in range(3):
            self.send(client, number=number)
        with self.assertRaises(smtplib.SMTPException):
            self.send(client, number=4)
        server = self.serve("concurrency")
        self.login(server)
        with self.assertRaises(smtplib.SMTPConnectError) as caught:
            smtplib.SMTP("127.0.0.1", server.port, timeout=5)
        self.assertEqual(caught.exception.smtp_code, 421)

    def test_violations_are_seen(self):
        server = self.serve("starttls-absent")
        with smtplib.SMTP("127.0.0.1", server.port, timeout=8) as client:
            client.ehlo()
            client.docmd("AUTH", "PLAIN " + "QQ==")
            client.docmd("MAIL", "FROM:<a@b>")
        text = "\n".join(self.judge(server))
        self.assertIn("AUTH in clear", text)
        self.assertIn("MAIL in clear", text)
        tight = [{"t": when, "conn": conn, "ev": "connect"} for conn, when in ((1, 0), (2, 0.1))]
        self.assertTrue(smtplog.violations(server.case, tight, min_gap=1))
        self.assertFalse(smtplog.violations(server.case, tight, min_gap=0.05))

    def test_bare_lf_is_seen(self):
        server = self.serve("good-plain")
        with socket.create_connection(("127.0.0.1", server.port), timeout=8) as sock:
            sock.sendall(b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<b@mail.test>\r\nDATA\r\n"
                         b"Message-ID: <1>\r\n\r\na\n.\nb\r\n..c\r\n.\r\nQUIT\r\n")
            while sock.recv(4096):
                pass
        self.assertTrue(server.messages())
        self.assertIn("bare_lf", "\n".join(self.judge(server)))

    def test_every_case_is_well_formed(self):
        actions = {name[4:] for name in dir(__import__("smtpsession").Session)
                   if name.startswith("_do_")} | {"good"}
        outcomes = {"delivered", "deferred", "suspended", "failed"}
        for name, case in badcases.CASES.items():
            with self.subTest(name):
                self.assertEqual(load_case(json.dumps(case)), case)
                self.assertIn(case["expect"], outcomes | {"mixed"})
                self.assertIn(case["or"], outcomes | {None})
                self.assertEqual(case["expect"] == "mixed", bool(case["recipients"]))
                self.assertLessEqual(set(case["checks"]), set(smtplog.NAMED))
                self.assertLessEqual(set(case["server"]), set(badcases.SERVER))
                for rule in case["rules"]:
                    self.assertLessEqual({action[0] for action in rule["do"]}, actions)

    def test_every_case_ends(self):
        """Each case against a client that does a whole session and minds no reply."""
        talk = (b"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<bob@mail.test>\r\nDATA\r\nx\r\n.\r\n"
                b"QUIT\r\n")
        for name, case in badcases.CASES.items():
            with self.subTest(name):
                server = BadServer(case, PKI.cert, deadline=0.3).start()
                try:
                    with socket.create_connection(("127.0.0.1", server.port), timeout=3) as sock:
                        sock.sendall(talk)
                        while sock.recv(65536):
                            pass
                except OSError as error:
                    self.assertNotIsInstance(error, TimeoutError)
                finally:
                    server.stop()
                reasons = [event["reason"] for event in server.log.events
                           if event["ev"] == "close"]
                self.assertEqual(len(reasons), 0 if name == "refused" else 1)
                self.assertNotIn("error in", "".join(reasons))

    def test_program(self):
        folder = os.path.join(WORK.name, "program")
        os.makedirs(folder)
        paths = {name: os.path.join(folder, name) for name in ("port-file", "log", "store")}
        argv = [sys.executable, os.path.join(HERE, "badsmtp.py"), "--case", "greeting-554",
                "--pki", PKI.directory, "--deadline", "20"]
        for name, path in paths.items():
            argv += ["--" + name, path]
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL) as proc:
            try:
                peerbase.wait_until(lambda: os.path.exists(paths["port-file"]), 5, "port file")
                with open(paths["port-file"], encoding="ascii") as source:
                    port = int(source.read())
                with self.assertRaises(smtplib.SMTPConnectError):
                    smtplib.SMTP("127.0.0.1", port, timeout=5)
                proc.send_signal(signal.SIGUSR1)
                peerbase.wait_until(lambda: "recover" in [
                    event["ev"] for event in smtplog.read_log(paths["log"])], 5, "recovery")
                with open_client(port) as client:
                    client.login(badcases.USER, badcases.PASSWORD)
                    self.send(client)
            finally:
                proc.terminate()
        self.assertEqual(proc.returncode, 0)
        self.assertEqual(smtplog.verbs(smtplog.read_log(paths["log"]), 2)[-1], "QUIT")


if __name__ == "__main__":
    try:
        unittest.main()
    finally:
        WORK.cleanup()
