#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What benchmarks send to, and through: receivers that keep no mail, a line with latency, and the
programs that msmailgw is measured beside. All on 127.0.0.1; all ended by their process ids."""
import os
import re
import subprocess
import sys
import threading
import time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
for part in ("peers", ""):
    sys.path.insert(0, os.path.join(TESTS, part))

import mkpostoffice  # noqa: E402
from peerbase import Guard, PeerError, free_ports, run, wait_until, write_file  # noqa: E402
from postfix import PostfixPeer  # noqa: E402

LIMIT = 600  # seconds of one run
FILL_CONNECTIONS = 20  # that fill the queue of a rival; not timed
SENDER, RECIPIENT = "sender@corp.example", "user@corp.example"


def tool(name):
    """A program of tests/bench that was built beside msmailgw."""
    built = os.path.dirname(os.path.abspath(os.environ.get("MSMAILGW", "msmailgw")))
    path = os.path.join(built, "tests", "bench", name)
    if not os.path.exists(path):
        raise PeerError("%s: not built: run make in %s" % (path, built))
    return path


class Tool:
    """A program of ours that prints its port and ends with its input."""

    def __init__(self, *argv):
        self._process = subprocess.Popen([str(word) for word in argv], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)
        self.port = int(self._line().split()[1])

    def _line(self):
        line = self._process.stdout.readline()
        if not line:
            raise PeerError("%s ended" % self._process.args[0])
        return line

    def say(self, line):
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def stop(self):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(20)


class Sink(Tool):
    """tests/bench/sink: PIPELINING, CHUNKING and STARTTLS as asked for."""

    name = "sink"

    def __init__(self, pki=None, chunking=True):
        words = ["--chunking"] if chunking else []
        if pki is not None:
            words += ["--tls", *pki.cert()]
        super().__init__(tool("sink"), *words)
        self.messages = 0

    def wait(self, count):
        """Until `count` more have come. Monotonic seconds at the end of the last."""
        self.say("wait %d" % (self.messages + count))
        alarm = threading.Timer(LIMIT, self._process.kill)
        alarm.start()
        try:
            words = self._line().split()
        finally:
            alarm.cancel()
        self.messages = int(words[1])
        return float(words[2])

    def waits(self):
        """{milliseconds: how many answers of clients took so long} since the last question."""
        self.say("waits")
        found = {}
        while (line := self._line()) != "end\n":
            milliseconds, count = line.split()
            found[int(milliseconds)] = int(count)
        return found


class SmtpSink:
    """smtp-sink of Postfix: PIPELINING, no CHUNKING, no TLS. It counts a message at its final dot."""

    name = "smtp-sink"

    def __init__(self):
        self.port = free_ports(1)[0]
        self.messages = self._seen = 0
        self._ended = 0.0
        self._changed = threading.Condition()
        self._process = subprocess.Popen(
            ["smtp-sink", "-u", "nobody", "-c", "127.0.0.1:%d" % self.port, "1000"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self._guard = Guard(self._process.pid)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        """Its counters come as "sess=1 quit=0 mesg=2", each followed by CR."""
        rest = b""
        while octets := os.read(self._process.stdout.fileno(), 65536):
            lines = (rest + octets).split(b"\r")
            rest = lines.pop()
            if lines:
                with self._changed:
                    self._seen = int(re.search(rb"mesg=(\d+)", lines[-1])[1])
                    self._ended = time.monotonic()
                    self._changed.notify_all()

    def wait(self, count):
        target = self.messages + count
        with self._changed:
            if not self._changed.wait_for(lambda: self._seen >= target, LIMIT):
                raise PeerError("smtp-sink got %d of %d messages within %d s"
                                % (self._seen, target, LIMIT))
            self.messages = self._seen
            return self._ended

    def stop(self):
        self._process.terminate()
        self._process.wait(20)
        self._guard.release()
        self._reader.join(10)


class Delay(Tool):
    """A line to `port` on which each octet takes `milliseconds`, both ways."""

    def __init__(self, port, milliseconds):
        super().__init__(tool("delay"), port, milliseconds)


def ceiling(port, count, size, connections, form, tls):
    """Seconds that a sender without queue and disk takes. FORM: "data", or the depth of "bdat"."""
    depth, form = (1, "data") if form == "data" else (form, "bdat")
    return float(run([tool("ceiling"), port, count, size, connections, depth, form,
                      "tls" if tls else "plain"]))


CLIENT_CF = """smtp      unix - - n - - smtp
scache    unix - - n - 1 scache
tlsproxy  unix - - n - 0 tlsproxy
"""


class PostfixRelay(PostfixPeer):
    """A Postfix that takes mail without AUTH, holds it until it is told, and relays it to `port`.
    Default settings but for `settings`."""

    name = "Postfix"

    def __init__(self, workdir, port, settings=(), hold=True):
        own = {
            "mynetworks": "127.0.0.0/8",
            "smtpd_sasl_auth_enable": "no",
            "smtpd_relay_restrictions": "permit_mynetworks, reject",
            "smtpd_recipient_restrictions": "permit_mynetworks, reject",
            "default_transport": "smtp",
            "default_process_limit": "100",
            "relayhost": "[127.0.0.1]:%d" % port,
        }
        if hold:
            own["smtpd_data_restrictions"] = "check_client_access static:HOLD"
        own.update(settings)
        super().__init__(workdir, settings=own)

    def _write_postfix(self, account):
        """The tests' own settings, those above in place of some, and the client."""
        super()._write_postfix(account)
        path = os.path.join(self.config, "main.cf")
        with open(path, encoding="utf-8") as file:
            values = dict(line.rstrip("\n").split(" =", 1) for line in file)
        write_file(path, "".join("%s =%s\n" % item for item in values.items()))
        with open(os.path.join(self.config, "master.cf"), "a", encoding="ascii") as file:
            file.write(CLIENT_CF)

    def send(self, count, size):
        """`count` messages come in by SMTP. Monotonic seconds at the start."""
        began = time.monotonic()
        run(["smtp-source", "-d", "-s", FILL_CONNECTIONS, "-l", size, "-m", count, "-f", SENDER,
             "-t", RECIPIENT, "127.0.0.1:%d" % self.ports["starttls"]])
        return began

    def fill(self, count, size):
        """`count` messages wait in the deferred queue; nothing is tried yet."""
        self.send(count, size)
        wait_until(lambda: self.queue_length() == count, 60, "filling the queue of Postfix")
        run(["postsuper", "-c", self.config, "-H", "ALL"])

    def drain(self, sink, count):
        """Seconds from the word to begin to the end of the last message."""
        began = time.monotonic()
        run(["postqueue", "-c", self.config, "-f"])
        took = sink.wait(count) - began
        wait_until(lambda: self.queue_length() == 0, 60, "the queue of Postfix is empty")
        return took

    def version(self):
        return "Postfix " + run(["postconf", "-c", self.config, "-h", "mail_version"]).strip()


ONE_CONNECTION = {"default_destination_concurrency_limit": "1",
                  "initial_destination_concurrency": "1"}
TLS = {"smtp_tls_security_level": "encrypt"}
TLS_REUSE = dict(TLS, smtp_tls_connection_reuse="yes")
