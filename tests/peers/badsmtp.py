#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A scripted SMTP server on loopback that misbehaves as a case of badcases.py says; the cases
"good..." make it a reference sink. A class for tests (BadServer), and a program:

  badsmtp.py --list                       the cases as JSON
  badsmtp.py --case NAME --pki DIR [--port N] [--port-file F] [--log F] [--store DIR]
             [--deadline SECONDS]         serve; SIGUSR1 makes it a good server, SIGTERM ends it

--script FILE takes one case from a JSON file instead; --cert and --key show that certificate
instead of the case's own. The program ends by itself at the deadline."""
import argparse
import copy
import json
import os
import signal
import select
import socket
import sys
import threading
import time

from badcases import CASES, CLIENT, SEND, SERVER, CLEAR_SERVER
from peerbase import PeerError
from peerpki import Pki
from smtpsession import Counters, Session, Store
from smtpwire import Log, Wire, tls_context


def good_plan(client):
    """The good server for a client that is set up like this."""
    server = copy.deepcopy(SERVER)
    if client["tls"] == "none":
        server.update(copy.deepcopy(CLEAR_SERVER))
    elif client["tls"] == "implicit":
        server["tls"] = "implicit"
    return {"server": server, "rules": []}


def load_case(text):
    """A case from JSON; what is missing is as in the good server. ValueError says what is wrong."""
    given = json.loads(text)
    blank = {"name": "script", "about": "", "expect": "delivered", "or": None, "recipients": {},
             "limit": None, "copies": 1, "checks": [], "rules": [], "send": SEND,
             "client": CLIENT, "server": SERVER}
    unknown = set(given) - set(blank)
    if unknown:
        raise ValueError("unknown words in the case: %s" % ", ".join(sorted(unknown)))
    for part in ("send", "client", "server"):
        given[part] = dict(blank[part], **given.get(part, {}))
    return dict(blank, **given)


class BadServer:
    """Serves one case. `certs(kind)` gives (certificate, key), for instance Pki(dir).cert."""

    def __init__(self, case, certs, log=None, store=None, deadline=60.0, port=0):
        self.case = case
        self.plan = {"server": case["server"], "rules": case["rules"]}
        self.log = Log(log)
        self.store = Store(store)
        self.counters = Counters()
        self.port = port
        self._certs = certs
        self._seconds = deadline
        self._until = None
        self._listener = None
        self._wake = None
        self._stopping = False
        self._acceptor = None
        self._lock = threading.Lock()
        self._active = {}
        self._busy = 0
        self._number = 0

    def start(self):
        """Bind and serve in the background; `port` is known then."""
        self._until = time.monotonic() + self._seconds
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self.plan["server"]["rcvbuf"]:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                      self.plan["server"]["rcvbuf"])
        self._listener.bind(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        if self.plan["server"]["listen"]:
            self._listener.listen(64)
        self._wake = os.eventfd(0, os.EFD_CLOEXEC)
        self._acceptor = threading.Thread(target=self._accept_all, name="accept")
        self._acceptor.start()
        return self

    def recover(self):
        """Be a good server from the next connection on."""
        self.plan = good_plan(self.case["client"])
        self.log.add(0, "recover")
        self._listener.listen(64)

    def stop(self):
        """Close all and wait for the threads. PeerError when one does not end."""
        if self._acceptor is None:
            return
        self._stopping = True
        os.eventfd_write(self._wake, 1)
        self._acceptor.join(5)
        with self._lock:
            active = dict(self._active)
        for wire in active.values():
            try:
                socket.socket.shutdown(wire.sock, socket.SHUT_RDWR)
            except OSError:
                wire.note("shutdown-late")
        for thread in active:
            thread.join(5)
        if self._acceptor.is_alive() or any(thread.is_alive() for thread in active):
            raise PeerError("a thread of the scripted server does not end")
        self._acceptor = None
        os.close(self._wake)
        self.log.close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def messages(self):
        """Rows of what was stored, in order."""
        return self.store.rows()

    def context(self):
        """TLS context as the plan of this moment says."""
        server = self.plan["server"]
        cert, key = self._certs(server["cert"])
        return tls_context(cert, key, server["newest"])

    def _accept_all(self):
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        try:
            while not self._stopping and time.monotonic() < self._until:
                # A socket that does not listen reports a hang-up all the time: leave it out.
                if self.plan["server"]["listen"]:
                    poll.register(self._listener, select.POLLIN)
                ready = poll.poll(min(0.2, max(0.0, self._until - time.monotonic())) * 1000)
                if any(fd == self._listener.fileno() for fd, _ in ready):
                    self._accept_one()
        finally:
            self._listener.close()

    def _accept_one(self):
        try:
            sock, _ = self._listener.accept()
        except OSError as error:
            self.log.add(0, "accept-failed", reason=str(error))
            return
        self._number += 1
        number = self._number
        wire = Wire(sock, number, self.log, self._until)
        wire.drip = self.plan["server"]["drip"]
        wire.note("connect")
        thread = threading.Thread(target=self._serve, args=(wire, self.plan), name=str(number))
        with self._lock:
            over = self.plan["server"]["max_conn"]
            refuse = over is not None and self._busy >= over
            self._busy += not refuse
            self._active[thread] = wire
        if refuse:
            self._refuse(thread, wire)
        else:
            thread.start()

    def _refuse(self, thread, wire):
        try:
            wire.queue(b"421 4.3.2 The maximum number of concurrent connections has exceeded a "
                       b"limit, closing transmission channel\r\n")
            wire.sock.settimeout(1)
            wire.flush()
            wire.close()
        finally:
            wire.note("close", reason="too many connections")
            with self._lock:
                del self._active[thread]

    def _serve(self, wire, plan):
        reason = "error in the scripted server"
        try:
            reason = Session(wire, plan, self).run()
        finally:
            with self._lock:
                self._busy -= 1
            wire.close(polite=reason == "quit")
            wire.note("close", reason=reason)
            with self._lock:
                del self._active[threading.current_thread()]


def _arguments():
    parser = argparse.ArgumentParser(description="SMTP server that misbehaves")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--list", action="store_true", help="print the cases as JSON")
    what.add_argument("--case", choices=sorted(CASES), metavar="NAME")
    what.add_argument("--script", metavar="FILE", help="one case as JSON")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--port-file", metavar="FILE", help="gets the port number")
    parser.add_argument("--log", metavar="FILE", help="JSON lines of all that happens")
    parser.add_argument("--store", metavar="DIR", help="accepted messages")
    parser.add_argument("--deadline", type=float, default=600.0, metavar="SECONDS")
    parser.add_argument("--pki", metavar="DIR", help="certificates, made when not there")
    parser.add_argument("--cert", metavar="FILE")
    parser.add_argument("--key", metavar="FILE")
    args = parser.parse_args()
    if not args.list and not args.pki and not (args.cert and args.key):
        parser.error("--pki, or --cert and --key, must be given")
    return args


def _serve_until_told(server, deadline):
    """Main thread of the program: signals, until SIGTERM, SIGINT or the deadline."""
    wanted = {signal.SIGTERM, signal.SIGINT, signal.SIGUSR1}
    until = time.monotonic() + deadline
    while (left := until - time.monotonic()) > 0:
        told = signal.sigtimedwait(wanted, left)
        if told is None or told.si_signo != signal.SIGUSR1:
            return
        server.recover()


def main():
    args = _arguments()
    if args.list:
        json.dump(CASES, sys.stdout, indent=1)
        print()
        return 0
    case = CASES.get(args.case)
    if args.script:
        with open(args.script, encoding="utf-8") as source:
            case = load_case(source.read())
    certs = (lambda kind: (args.cert, args.key)) if args.cert else Pki(args.pki).cert
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGUSR1})
    with BadServer(case, certs, args.log, args.store, args.deadline, args.port) as server:
        if args.port_file:
            with open(args.port_file + ".tmp", "w", encoding="ascii") as out:
                out.write("%d\n" % server.port)
            os.rename(args.port_file + ".tmp", args.port_file)
        _serve_until_told(server, args.deadline)
    return 0


if __name__ == "__main__":
    sys.exit(main())
