#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`map import ldap` against a real OpenLDAP server: pages, TLS, a wrong password, a server that goes
away or says nothing, and values that nobody should have written."""
import itertools
import json
import os
import resource
import socket
import subprocess
import sys
import threading
import time

import gateway
from peerbase import write_file
from peerpki import Pki
from slapd import BASE, READER, Slapd, person

PASSWORD = "p\u00e4ss word/1"
MDB = "cn=store,cn=Microsoft Exchange," + BASE
USERS = 3000
# Printable ASCII, by the rules of the format: network, postoffice, mailbox.
OLD = "NORTH/HQ"


class Through:
    """A door to the server that passes `limit` octets of its answers on, then closes or goes
    silent."""

    def __init__(self, port, limit, silent):
        self.target, self.limit, self.silent = port, limit, silent
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(4)
        self.port = self.listener.getsockname()[1]
        self.open = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        try:
            client, _ = self.listener.accept()
        except OSError:
            return
        server = socket.create_connection(("127.0.0.1", self.target))
        self.open += [client, server]
        threading.Thread(target=self._up, args=(client, server), daemon=True).start()
        left = self.limit
        while left > 0:
            data = server.recv(min(left, 65536))
            if not data:
                break
            client.sendall(data)
            left -= len(data)
        if not self.silent:
            client.shutdown(socket.SHUT_RDWR)
            client.close()

    @staticmethod
    def _up(client, server):
        try:
            while True:
                data = client.recv(65536)
                if not data:
                    break
                server.sendall(data)
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        for sock in self.open:
            sock.close()


def many(count):
    for number in range(count):
        name = "U%07d" % number
        yield person(name, displayName="Person %d, M\u00fcller" % number, homeMDB=MDB,
                     proxyAddresses=["SMTP:%s@corp.example" % name.lower(),
                                     "smtp:%s@old.example" % name.lower(),
                                     "MS:ORG/SITE/%s" % name,
                                     "MIGRATE:MS:%s/%s" % (OLD, name),
                                     "X400:c=us;a= ;p=Org;o=Site;s=%s;" % name])


def odd():
    """(entry, is refused, part of the reason) for each case."""
    def ok(name, **more):
        more.setdefault("homeMDB", MDB)
        return person(name, **more)

    smtp = "SMTP:%s@corp.example"
    return [
        ok("ANNA", displayName="Anna\r\nBcc: x@y\t\u202eA",
           proxyAddresses=[smtp % "anna", "MS:ODD/PO/ANNA", "ms:odd/po/anna"]),
        ok("BROKEN", displayName=b"\xff\xfeBroken\x00z",
           proxyAddresses=[smtp % "broken", "MS:ODD/PO/BROKEN"]),
        ok("HUGE", displayName="x" * 1048576, proxyAddresses=[smtp % "huge", "MS:ODD/PO/HUGE"]),
        ok("HUGEPROXY", proxyAddresses=[smtp % "hp", "MS:ODD/PO/HP", "MS:" + "y" * 1048576]),
        ok("LINES", proxyAddresses=[smtp % "lines", "MS:ODD/PO/L\r\nODD/PO/Z\tz@z.example"]),
        ok("LINES2", proxyAddresses=["SMTP:a@b.example\r\nODD/PO/Q\tq@q", "MS:ODD/PO/L2"]),
        ok("TWICE", proxyAddresses=[smtp % "twice", "MS:ODD/PO/ANNA"]),
        ok("UMLAUT", proxyAddresses=[smtp % "umlaut", "MS:ODD/PO/M\u00dcLLER"]),
        ok("LONG", proxyAddresses=[smtp % "long", "MS:ODD/PO/ELEVENCHARS"]),
        ok("NOSMTP", proxyAddresses=["MS:ODD/PO/NOSMTP"]),
        ok("MAILONLY", mail="mailonly@corp.example", proxyAddresses=["MS:ODD/PO/MAILONLY"]),
        person("REMOTE", targetAddress="MS:ODD/PO/REMOTE",
               proxyAddresses=[smtp % "remote", "MS:ODD/PO/REMOTE"]),
        person("NOBOX", proxyAddresses=[smtp % "nobox", "MS:ODD/PO/NOBOX"]),
        person("LOOP", targetAddress="SMTP:loop@back.example",
               proxyAddresses=[smtp % "loop", "MS:ODD/PO/LOOP"]),
        person("CLOUD", targetAddress="SMTP:cloud@tenant.example",
               proxyAddresses=[smtp % "cloud", "MS:ODD/PO/CLOUD"]),
        person("SERVER", msExchHomeServerName="/o=Org/cn=X",
               proxyAddresses=[smtp % "server", "MS:ODD/PO/SERVER"]),
    ]


# Of odd(): who is in the map, and who is refused for which reason.
ODD_MAP = {
    "ODD/PO/ANNA": "anna@corp.example", "ODD/PO/BROKEN": "broken@corp.example",
    "ODD/PO/HUGE": "huge@corp.example", "ODD/PO/HP": "hp@corp.example",
    "ODD/PO/MAILONLY": "mailonly@corp.example", "ODD/PO/CLOUD": "cloud@corp.example",
    "ODD/PO/SERVER": "server@corp.example",
}
ODD_REFUSED = {
    "HUGEPROXY": "1048579 octets", "LINES": "7-bit", "LINES2": "not an SMTP address",
    "TWICE": "belongs to cn=ANNA", "UMLAUT": "7-bit", "LONG": "longer than 10",
    "NOSMTP": "no SMTP address", "REMOTE": "not migrated", "NOBOX": "no mailbox",
    "LOOP": "would come back",
}


class Ldap(gateway.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.map = os.path.join(cls.base, "map.tsv")
        cls.pki = Pki(os.path.join(cls.base, "pki"))
        cls.secret = os.path.join(cls.base, "secret")
        write_file(cls.secret, PASSWORD + "\n", 0o600)
        users = itertools.chain(many(cls.options.users), odd())
        cls.server = cls.enterClassContext(
            Slapd(os.path.join(cls.base, "slapd"), cls.pki, users, PASSWORD))

    def run_import(self, *more, server=None, user=READER, secret=None, json_form=False):
        argv = [gateway.program("MSMAILGW", "msmailgw")] + (["--json"] if json_form else []) + [
            "map", "import", "ldap", "--server", server or self.server.url(), "--base", BASE,
            "--write", self.map, "--routed", "back.example"]
        if user is not None:
            argv += ["--user", user, "--password-file", secret or self.secret]
        return subprocess.run(argv + list(more), stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=300)

    def test_progress(self):
        """On a terminal the number of people is shown while it grows, and is gone at the end."""
        main, side = os.openpty()
        argv = [gateway.program("MSMAILGW", "msmailgw"), "map", "import", "ldap", "--server",
                self.server.url(), "--base", BASE, "--user", READER, "--password-file",
                self.secret, "--page", "50", OLD]
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=side) as process:
            os.close(side)
            shown = b""
            while True:
                try:
                    piece = os.read(main, 65536)
                except OSError:  # the other side is closed
                    break
                if not piece:
                    break
                shown += piece
            self.assertEqual(process.wait(), 0, shown)
        os.close(main)
        self.assertTrue(shown.startswith(b"\rpeople "), shown[:80])
        self.assertIn(b"\r\x1b[K", shown)
        self.assertNotIn(b"people", self.run_import(OLD).stderr.encode())

    def rows(self):
        with open(self.map, encoding="utf-8", newline="") as source:
            lines = source.read().split("\n")
        self.assertEqual(lines.pop(), "")
        return [line.split("\t") for line in lines if not line.startswith("#")]

    def test_all_in_pages(self):
        began = time.monotonic()
        done = self.run_import(OLD, "--page", "500")
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = self.rows()
        self.assertEqual(len(rows), 2 * self.options.users)
        self.assertEqual(rows, sorted(rows, key=lambda row: row[0]))
        users = {row[0]: row for row in rows}
        for number in range(self.options.users):
            name = "U%07d" % number
            self.assertEqual(users["%s/%s" % (OLD, name)][1:],
                             ["%s@corp.example" % name.lower(), "", "",
                              "Person %d, M\u00fcller" % number])
            self.assertEqual(users["ORG/SITE/%s" % name][1:], ["%s/%s" % (OLD, name)])
        with open(self.map, encoding="utf-8") as source:
            self.assertIn("map import ldap from " + self.server.url(), source.readline())
        print("%d people in %.1f s, at most %d MB" % (
            self.options.users, time.monotonic() - began,
            resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024))

    def test_hostile_values(self):
        done = self.run_import("ODD/PO", "--page", "3", json_form=True)
        self.assertEqual(done.returncode, 1, done.stderr)
        rows = self.rows()
        self.assertEqual({row[0]: row[1] for row in rows}, ODD_MAP)
        names = {row[0]: row[4] for row in rows if len(row) > 4}
        self.assertEqual(names["ODD/PO/ANNA"], "Anna  Bcc: x@y \u202eA")
        self.assertEqual(len(rows), len(ODD_MAP))
        found = [json.loads(line) for line in done.stdout.splitlines()]
        refused = {}
        for row in found:
            if row["kind"] == "refused":
                refused[row["where"].split(",")[0][3:]] = row["text"]
        self.assertEqual(set(refused), set(ODD_REFUSED))
        for name, why in ODD_REFUSED.items():
            self.assertIn(why, refused[name])

    def test_tls(self):
        for more, server in ((["--starttls"], self.server.url()), ([], self.server.url(tls=True))):
            done = self.run_import("ODD/PO", "--ca-file", self.pki.ca_file, *more, server=server)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertEqual(len(self.rows()), len(ODD_MAP))
            os.unlink(self.map)
            done = self.run_import("ODD/PO", *more, server=server)
            self.assertIn(done.returncode, (1, 2), "a certificate that nobody signed was taken")
            self.assertFalse(os.path.exists(self.map))

    def kept(self, done, status, text):
        """Nothing was written: the map of before is there, whole."""
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertIn(text, done.stderr)
        with open(self.map, encoding="utf-8") as source:
            self.assertEqual(source.read(), "# before\n")
        self.assertEqual([name for name in os.listdir(self.base) if name.startswith("map.tsv.")],
                         [])

    def test_what_fails_keeps_the_map(self):
        write_file(self.map, "# before\n")
        wrong = os.path.join(self.base, "wrong")
        write_file(wrong, "not it\n", 0o600)
        self.kept(self.run_import(secret=wrong), 2, "Invalid credentials")
        write_file(wrong, "\n", 0o600)
        self.kept(self.run_import(secret=wrong), 2, "secret is empty")
        self.kept(self.run_import(user=None), 2, "No such object")
        self.kept(self.run_import("NO/ONE"), 1, "nobody was found")
        self.kept(self.run_import(server="ldap://dc.corp.example"), 2, "clear text")
        self.kept(self.run_import(server="http://127.0.0.1"), 2, "not a server")
        self.kept(self.run_import("--base", "dc=nowhere"), 2, "No such object")
        for limit in (0, 20, 5000, 100000):
            with Through(self.server.port, limit, silent=False) as door:
                done = self.run_import("--timeout", "30",
                                       server="ldap://127.0.0.1:%d" % door.port)
                self.kept(done, 1, "127.0.0.1:%d: " % door.port)
        with Through(self.server.port, 50000, silent=True) as door:
            done = self.run_import("--timeout", "1", server="ldap://127.0.0.1:%d" % door.port)
            self.kept(done, 1, "no answer for 1 seconds")

    def test_a_filter_is_no_way_in(self):
        write_file(self.map, "# before\n")
        self.kept(self.run_import("*)(cn=*"), 1, "nobody was found")


def main():
    parser = gateway.parser_for(__doc__)
    parser.add_argument("--users", type=int, default=USERS)
    return gateway.run_program("ldap", sys.modules[__name__], parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
