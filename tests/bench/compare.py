#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""msmailgw beside the mail servers of Debian, and beside the ceiling: one run, in turn, the same
receiver, messages of 5 KB; medians and ratios.

  drain-1      a full queue, one connection
  drain-20     a full queue; rivals with their defaults, msmailgw with 20 connections
  tls          a full queue over STARTTLS; Postfix with and without reuse of connections
  far          a full queue, one connection on a line with 25 ms each way
  chain        from a mailbag to the receiver's 250, durable at each step; rivals accept and relay
  single       one message, from the start of the command that sends it to the receiver's 250
  memory       the largest resident memory with many messages in the queue, and with a large one among them
  list         the first page of `queue list`

Receivers: smtp-sink of Postfix for what is plain, so that no side has its own; tests/bench/sink with
OpenSSL for TLS, and once more for what is plain, since smtp-sink has no CHUNKING. Only ratios of one run
mean something. Whether all messages arrived decides about the exit status, speed never does."""
import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from benchgateway import Gateway, Queue, Service
from benchpeers import (LIMIT, ONE_CONNECTION, TLS, TLS_REUSE, Delay, PeerError, PostfixRelay, Sink,
                        SmtpSink, ceiling, run, tool)
from benchrivals import EximRelay, SmtpdRelay
from peerbase import need_searchable
from peerpki import Pki

SIZE = 5 * 1024
SLOW = range(35, 61)  # milliseconds: what Nagle's algorithm with delayed acknowledgements takes


class Table:
    """Measurements of one scenario: {contender: [numbers]}, in the order of their first one."""

    def __init__(self, name, unit, about):
        self.name, self.unit, self.about = name, unit, about
        self.values, self.notes = {}, {}

    def add(self, contender, value):
        self.values.setdefault(contender, []).append(value)
        print("  %-40s %12.4g %s" % (contender, value, self.unit), flush=True)

    def median(self, contender):
        return statistics.median(self.values[contender])

    def show(self, base):
        """Medians, and the ratio of BASE to each other contender."""
        print("\n%s: %s" % (self.name, self.about))
        print("  %-40s %12s  %-22s %s" % ("", "median " + self.unit, "min..max", "ratio to it"))
        for name, numbers in self.values.items():
            ratio = "" if name == base else "%.2f" % (self.median(base) / self.median(name))
            print("  %-40s %12.4g  %-22s %s" % (name, self.median(name), "%.4g..%.4g" % (
                min(numbers), max(numbers)), ratio))
        for name, note in self.notes.items():
            print("  %s: %s" % (name, note))
        print(flush=True)

    def as_json(self, base):
        return {"name": self.name, "unit": self.unit, "about": self.about, "base": base,
                "values": self.values, "notes": self.notes}


class Bench:
    """Where all is made, and how much of it."""

    def __init__(self, options, base):
        self.options, self.base = options, base
        self.pki = Pki(os.path.join(base, "pki"))
        self.count = options.count
        self.tables = []
        self.versions = set()
        self._queues, self._serial = {}, 0

    def queue(self, count):
        if count not in self._queues:
            self._queues[count] = Queue(self.directory("queue"), count, SIZE)
        return self._queues[count]

    def directory(self, name):
        self._serial += 1
        path = os.path.join(self.base, "%s%d" % (name, self._serial))
        os.mkdir(path, 0o711)
        return path

    def table(self, name, unit, about, base="msmailgw"):
        table = Table(name, unit, about)
        self.tables.append((table, base))
        print("%s: %s" % (name, about), flush=True)
        return table

    def ours(self, table, sink, port, count, name="msmailgw", **settings):
        """A full queue of ours out to `port`, which leads to `sink`."""
        queue = self.queue(count)
        took, cpu = queue.drain(queue.prepare(port, **settings), sink, count)
        table.add(name, count / took)
        return cpu / count

    def rival(self, table, rival, sink, count, name=None):
        self.versions.add(rival.version())
        rival.fill(count, SIZE)
        table.add(name or rival.name, count / rival.drain(sink, count))

    @contextlib.contextmanager
    def sink(self, *words, own=False):
        sink = Sink(*words) if own else SmtpSink()
        try:
            yield sink
        finally:
            sink.stop()

    def exim(self, port, tls=False):
        return EximRelay(self.directory("exim"), port, tls, self.options.cache)

    def smtpd(self, port, tls=False):
        return SmtpdRelay(self.directory("smtpd"), port, tls, self.options.cache)

    def postfix(self, port, settings=(), hold=True):
        return PostfixRelay(self.directory("postfix"), port, settings, hold)


def slow_steps(sink):
    """(answers of the client that took 35 to 60 ms, all answers) since the last question."""
    waits = sink.waits()
    return sum(waits.get(ms, 0) for ms in SLOW), sum(waits.values())


def drain_1(bench):
    table = bench.table("drain-1", "msg/s", "a full queue, one connection, smtp-sink")
    with bench.sink() as sink, bench.postfix(sink.port, ONE_CONNECTION) as postfix, \
            bench.exim(sink.port) as exim, bench.smtpd(sink.port) as smtpd:
        for _ in range(bench.options.runs):
            bench.ours(table, sink, sink.port, bench.count, connections=1)
            bench.rival(table, postfix, sink, bench.count)
            bench.rival(table, exim, sink, bench.options.few)
            bench.rival(table, smtpd, sink, bench.options.few)
            took = ceiling(sink.port, bench.count, SIZE, 1, "data", False)
            sink.wait(bench.count)
            table.add("ceiling", bench.count / took)
    own = bench.table("drain-1-own", "msg/s", "the same into tests/bench/sink, with CHUNKING")
    with bench.sink(own=True) as sink, bench.postfix(sink.port, ONE_CONNECTION) as postfix:
        for _ in range(bench.options.runs):
            sink.waits()
            bench.ours(own, sink, sink.port, bench.count, connections=1)
            own.notes["msmailgw"] = "%d of %d answers took 35 to 60 ms" % slow_steps(sink)
            bench.rival(own, postfix, sink, bench.count)
            took = ceiling(sink.port, bench.count, SIZE, 1, "data", False)
            sink.wait(bench.count)
            own.add("ceiling, DATA", bench.count / took)
            took = ceiling(sink.port, bench.count, SIZE, 1, 8, False)
            sink.wait(bench.count)
            own.add("ceiling, BDAT, 8 at a time", bench.count / took)


def drain_20(bench):
    table = bench.table("drain-20", "msg/s", "a full queue, up to 20 connections, smtp-sink")
    with bench.sink() as sink, bench.postfix(sink.port) as postfix:
        for _ in range(bench.options.runs):
            cpu = bench.ours(table, sink, sink.port, bench.count, connections=20)
            table.notes["msmailgw"] = "%.0f microseconds of CPU a message" % (cpu * 1e6)
            bench.ours(table, sink, sink.port, bench.count, "msmailgw, its default")
            bench.rival(table, postfix, sink, bench.count)
            took = ceiling(sink.port, bench.count, SIZE, 20, "data", False)
            sink.wait(bench.count)
            table.add("ceiling", bench.count / took)


def tls(bench):
    table = bench.table("tls", "msg/s", "a full queue over STARTTLS, tests/bench/sink")
    ca_file = bench.pki.ca_file
    with bench.sink(bench.pki, own=True) as sink, bench.postfix(sink.port, TLS) as postfix, \
            bench.postfix(sink.port, TLS_REUSE) as reuse, \
            bench.exim(sink.port, True) as exim, bench.smtpd(sink.port, True) as smtpd:
        for _ in range(bench.options.runs):
            bench.ours(table, sink, sink.port, bench.count, tls=ca_file)
            bench.ours(table, sink, sink.port, bench.count, "msmailgw, one connection", tls=ca_file,
                       connections=1)
            bench.ours(table, sink, sink.port, bench.count, "msmailgw, plain")
            bench.rival(table, postfix, sink, bench.options.few)
            bench.rival(table, reuse, sink, bench.count, "Postfix, connections reused")
            bench.rival(table, exim, sink, bench.options.few)
            bench.rival(table, smtpd, sink, bench.options.few)
            took = ceiling(sink.port, bench.count, SIZE, 1, 8, True)
            sink.wait(bench.count)
            table.add("ceiling, one connection", bench.count / took)


def far(bench):
    table = bench.table("far", "msg/s", "a full queue, one connection, 25 ms each way")
    with bench.sink(own=True) as sink:
        line = Delay(sink.port, 25)
        with bench.postfix(line.port, ONE_CONNECTION) as postfix:
            for _ in range(bench.options.runs):
                bench.ours(table, sink, line.port, bench.count, connections=1)
                bench.rival(table, postfix, sink, bench.options.few)
                took = ceiling(line.port, bench.count, SIZE, 1, 8, False)
                sink.wait(bench.count)
                table.add("ceiling, BDAT, 8 at a time", bench.count / took)
        line.stop()


def chain(bench):
    table = bench.table("chain", "msg/s", "from the sender's hand to the receiver's 250, smtp-sink")
    office = Gateway(bench.directory("office"), bench.count, SIZE)
    with bench.sink() as sink, bench.postfix(sink.port, hold=False) as postfix:
        for _ in range(bench.options.runs):
            took, _cpu = office.drain(office.prepare(sink.port), sink, bench.count)
            table.add("msmailgw", bench.count / took)
            began = postfix.send(bench.count, SIZE)
            table.add("Postfix", bench.count / (sink.wait(bench.count) - began))


def single(bench):
    table = bench.table("single", "ms", "one message, from the command to the receiver's 250")
    office = Gateway(bench.directory("office"), 1, SIZE)
    with bench.sink(own=True) as sink, bench.postfix(sink.port, hold=False) as postfix:
        for _ in range(max(10, bench.options.runs)):
            took, _cpu = office.drain(office.prepare(sink.port), sink, 1)
            table.add("msmailgw", took * 1000)
            began = postfix.send(1, SIZE)
            table.add("Postfix", (sink.wait(1) - began) * 1000)


def memory(bench):
    many, large = bench.options.many, bench.options.large
    table = bench.table("memory", "MB", "the most that each process of msmailgwd had in memory",
                        "relay, %d messages" % many)
    queue = Queue(bench.directory("queue"), many, SIZE)
    with bench.sink(own=True) as sink:
        for name, more in (("%d messages" % many, 0), ("and one of %d MB" % (large >> 20), 1)):
            if more:
                run([tool("fill"), queue.full, 1, large, many])
            directory = queue.prepare(sink.port)
            with Service(queue, directory) as service:
                sink.wait(many + more)
                for role, size in service.memory().items():
                    table.add("%s, %s" % (role, name), size)
            shutil.rmtree(directory)


def listing(bench):
    rows = bench.options.rows
    table = bench.table("list", "ms", "queue list --limit 100, of %d messages" % rows)
    queue = Queue(bench.directory("queue"), rows, 256)
    directory = queue.prepare(1)
    for _ in range(max(5, bench.options.runs)):
        began = time.monotonic()
        queue.run(directory, "queue", "list", "--limit", "100")
        table.add("msmailgw", (time.monotonic() - began) * 1000)
    shutil.rmtree(directory)


SCENARIOS = {"drain-1": drain_1, "drain-20": drain_20, "tls": tls, "far": far, "chain": chain,
             "single": single, "memory": memory, "list": listing}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("scenarios", metavar="SCENARIO", nargs="*",
                        help="of %s; default: all" % ", ".join(SCENARIOS))
    parser.add_argument("--count", type=int, default=2000, help="messages of a run")
    parser.add_argument("--few", type=int, default=200, help="for what is slow")
    parser.add_argument("--many", type=int, default=100000, help="messages of `memory`")
    parser.add_argument("--large", type=int, default=100 << 20, help="octets of the large one")
    parser.add_argument("--rows", type=int, default=1000000, help="messages of `list`")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--cache", default=os.environ.get("PEERS_CACHE"),
                        help="where packages of rivals are unpacked, and stay")
    parser.add_argument("--json", metavar="FILE", help="the measurements, for page.py")
    options = parser.parse_args()
    for name in options.scenarios:
        if name not in SCENARIOS:
            parser.error("%s: no such scenario" % name)
    if not 1 <= options.count <= 4096:
        parser.error("--count is 1 to 4096, what a mailbag holds")
    return options


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as source:
        models = [line.split(":")[1].strip() for line in source if line.startswith("model name")]
    return "%d processors (%s)" % (len(models), models[0] if models else "unknown")


def results(bench):
    return {"machine": machine(), "size": SIZE, "count": bench.count, "few": bench.options.few,
            "versions": sorted(bench.versions),
            "tables": [table.as_json(ours) for table, ours in bench.tables]}


def measure(options, base):
    need_searchable(base)
    options.cache = options.cache or os.path.join(base, "cache")
    bench = Bench(options, base)
    for name in options.scenarios or SCENARIOS:
        SCENARIOS[name](bench)
        print("", flush=True)
    for table, ours in bench.tables:
        table.show(ours if ours in table.values else next(iter(table.values)))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump(results(bench), out, indent=1)
    return len(bench.tables)


def main():
    options = arguments()
    base = tempfile.mkdtemp(prefix="msmailgw-bench-")
    os.chmod(base, 0o711)
    passed, failed = 0, 0
    try:
        passed = measure(options, base)
    except (PeerError, OSError, subprocess.SubprocessError) as error:
        print("bench: %s" % error)
        failed = 1
    finally:
        shutil.rmtree(base)
    print("bench: %d passed, %d failed" % (passed, failed))
    return failed


if __name__ == "__main__":
    sys.exit(main())
