#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""How fast a standing queue goes out, in turn and to the same receiver:

  msmailgw  drains N messages from a mailbag of a made postoffice, until it has ended: read, queued
            durably, relayed, results stored, mailbag emptied
  Postfix   drains N messages from its own deferred queue, from `postqueue -f` until the receiver has
            counted the last one

The receiver is Postfix's smtp-sink, without TLS and AUTH, on loopback. Both have the default settings
but for the host to relay to. Disks and machines differ: only the ratio of one run means something.
Whether all messages moved decides about the exit status, the speed never does."""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
for part in ("peers", ""):
    sys.path.insert(0, os.path.join(TESTS, part))

import mkpostoffice  # noqa: E402
from peerbase import (Guard, PeerError, free_ports, need_searchable, run,  # noqa: E402
                      wait_until, write_file)
from postfix import PostfixPeer  # noqa: E402

SIZE = 5 * 1024
LIMIT = 300  # seconds of one run
PARALLEL = "20"  # connections that fill Postfix's queue; not timed

SETTINGS = """spool = spool
hostname = gw.test
postmaster = postmaster@corp.example
map = {map}
log = relay.log
postoffice BENCH {{
    name = {name}
    path = po
    profile = {profile}
    queues = {{ "{queue}" }}
}}
relay {{
    hosts = {{ "127.0.0.1:{port}" }}
    tls = none
}}
"""

CLIENT_CF = """smtp      unix - - n - - smtp
scache    unix - - n - 1 scache
"""


class Sink:
    """smtp-sink on a free port. It counts a message when it has its final dot."""

    def __init__(self):
        self.port = free_ports(1)[0]
        self.messages = 0
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
        while True:
            octets = os.read(self._process.stdout.fileno(), 65536)
            if not octets:
                return
            lines = (rest + octets).split(b"\r")
            rest = lines.pop()
            if lines:
                found = re.search(rb"mesg=(\d+)", lines[-1])
                with self._changed:
                    self.messages = int(found[1])
                    self._changed.notify_all()

    def wait(self, count):
        with self._changed:
            if not self._changed.wait_for(lambda: self.messages >= count, LIMIT):
                raise PeerError("smtp-sink got %d of %d messages within %d s"
                                % (self.messages, count, LIMIT))

    def stop(self):
        self._process.terminate()
        self._process.wait(20)
        self._guard.release()
        self._reader.join(10)


class Relay(PostfixPeer):
    """A Postfix that takes mail without AUTH, holds it, and relays it to `port`."""

    def __init__(self, workdir, port):
        super().__init__(workdir, settings={
            "mynetworks": "127.0.0.0/8",
            "smtpd_sasl_auth_enable": "no",
            "smtpd_relay_restrictions": "permit_mynetworks, reject",
            "smtpd_recipient_restrictions": "permit_mynetworks, reject",
            "smtpd_data_restrictions": "check_client_access static:HOLD",
            "default_transport": "smtp",
            "default_process_limit": "100",
            "relayhost": "[127.0.0.1]:%d" % port,
        })

    def _write_postfix(self, account):
        """The tests' own settings, those above in place of some, and the client."""
        super()._write_postfix(account)
        path = os.path.join(self.config, "main.cf")
        with open(path, encoding="utf-8") as file:
            values = dict(line.rstrip("\n").split(" =", 1) for line in file)
        write_file(path, "".join("%s =%s\n" % item for item in values.items()))
        with open(os.path.join(self.config, "master.cf"), "a", encoding="ascii") as file:
            file.write(CLIENT_CF)

    def fill(self, count):
        """`count` messages wait in the deferred queue; nothing is tried yet."""
        run(["smtp-source", "-d", "-s", PARALLEL, "-l", str(SIZE), "-m", str(count),
             "-f", "sender@corp.example", "-t", "user@corp.example",
             "127.0.0.1:%d" % self.ports["starttls"]])
        wait_until(lambda: self.queue_length() == count, 60, "filling the queue of Postfix")
        run(["postsuper", "-c", self.config, "-H", "ALL"])

    def drain(self, sink, count):
        before = sink.messages
        os.sync()
        began = time.monotonic()
        run(["postqueue", "-c", self.config, "-f"])
        sink.wait(before + count)
        took = time.monotonic() - began
        wait_until(lambda: self.queue_length() == 0, 60, "the queue of Postfix is empty")
        return took, sink.messages - before

    def version(self):
        return run(["postconf", "-c", self.config, "-h", "mail_version"]).strip()

    def connections(self):
        return run(["postconf", "-c", self.config, "-h",
                    "default_destination_concurrency_limit"]).strip()


class Gateway:
    """A postoffice that is made once, and copied for each run."""

    def __init__(self, base, program, count, port):
        self.base, self.program, self.port = base, program, port
        self.model = os.path.join(base, "model")
        self.truth = mkpostoffice.make(mkpostoffice.arguments(
            [self.model, "--messages", str(count), "--bench", str(SIZE)]))

    def prepare(self, serial):
        directory = os.path.join(self.base, "run%d" % serial)
        shutil.copytree(self.model, os.path.join(directory, "po"))
        write_file(os.path.join(directory, "msmailgw.conf"), SETTINGS.format(
            map=self.model + ".map.tsv", profile=self.model + ".profile", port=self.port,
            name="%s/%s" % (self.truth["network"], self.truth["postoffice"]),
            queue=self.truth["queues"][0]["name"]))
        return directory

    def drain(self, sink, directory, count):
        argv = [self.program, "-c", os.path.join(directory, "msmailgw.conf"), "--json", "drain"]
        before = sink.messages
        os.sync()
        began = time.monotonic()
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT)
        took = time.monotonic() - began
        if done.returncode != 0:
            raise PeerError("msmailgw drain: status %d\n%s%s" % (
                done.returncode, done.stdout.decode(), done.stderr.decode()))
        relayed = json.loads(done.stdout)["relayed"]
        if relayed != count:
            raise PeerError("msmailgw relayed %d of %d messages" % (relayed, count))
        sink.wait(before + count)
        shutil.rmtree(directory)
        return took, sink.messages - before


def measure(options, base, sink, postfix):
    """[(messages a second of msmailgw, of Postfix)] of each run. PeerError when a message is lost."""
    gateway = Gateway(base, options.program, options.count, sink.port)
    rates = []
    for serial in range(options.runs):
        directory = gateway.prepare(serial)
        ours, got = gateway.drain(sink, directory, options.count)
        postfix.fill(options.count)
        theirs, got_too = postfix.drain(sink, options.count)
        if (got, got_too) != (options.count, options.count):
            raise PeerError("run %d: %d sent twice: msmailgw delivered %d, Postfix %d" % (
                serial + 1, got + got_too - 2 * options.count, got, got_too))
        rates.append((options.count / ours, options.count / theirs))
        print("run %d: msmailgw %.2f s, Postfix %.2f s" % (serial + 1, ours, theirs), flush=True)
    return rates


def line(name, values, form):
    show = form.format
    return "%-30s %10s   %s..%s" % (name, show(statistics.median(values)), show(min(values)),
                                    show(max(values)))


def report(options, rates, postfix):
    print("\n%d messages of %d octets of text, plain SMTP to smtp-sink on 127.0.0.1; %d runs each, "
          "in turn" % (options.count, SIZE, len(rates)))
    print("default settings: msmailgw 4 connections, Postfix %s up to %s\n" % (
        postfix.version(), postfix.connections()))
    print("%-30s %10s   %s" % ("messages a second", "median", "min..max"))
    print(line("msmailgw, from a mailbag", [ours for ours, _ in rates], "{:.0f}"))
    print(line("Postfix, from its queue", [theirs for _, theirs in rates], "{:.0f}"))
    print(line("ratio msmailgw / Postfix", [ours / theirs for ours, theirs in rates], "{:.2f}"))


def arguments():
    parser = argparse.ArgumentParser(description="msmailgw and Postfix, relaying side by side")
    parser.add_argument("count", metavar="N", type=int, nargs="?", default=2000)
    parser.add_argument("runs", metavar="RUNS", type=int, nargs="?", default=3)
    options = parser.parse_args()
    if not 1 <= options.count <= 4096 or options.runs < 1:
        parser.error("N is 1 to 4096, what a mailbag holds; RUNS at least 1")
    options.program = os.path.abspath(os.environ.get("MSMAILGW", "msmailgw"))
    return options


def main():
    options = arguments()
    base = tempfile.mkdtemp(prefix="msmailgw-bench-")
    os.chmod(base, 0o711)
    sink, failed = None, 0
    try:
        need_searchable(base)
        sink = Sink()
        with Relay(os.path.join(base, "postfix"), sink.port) as postfix:
            report(options, measure(options, base, sink, postfix), postfix)
    except (PeerError, OSError, subprocess.SubprocessError) as error:
        print("bench: %s" % error)
        failed = 1
    finally:
        if sink is not None:
            sink.stop()
        shutil.rmtree(base)
    print("bench: %d passed, %d failed" % (1 - failed, failed))
    return failed


if __name__ == "__main__":
    sys.exit(main())
