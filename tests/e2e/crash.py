#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""kill -9 of each process at random instants, hundreds of times: nothing is lost, and a second copy
is there only where the relay log has `possible duplicate`, with equal Message-ID and octets.

Postoffices full of small messages are drained one after the other into one spool while the parent,
the intake, the relay or all of them are killed and started again. The receiver is slow enough that
kills hit every phase; the numbers printed at the end tell which phases they hit."""
import collections
import os
import random
import sys
import time

import gateway
from gateway import Case, Gateway, GatewayError, Office, Sink, kill_one

ROLES = ("intake", "relay", "parent", "all")
WEIGHTS = (40, 32, 16, 12)
# the receiver waits before it stores a message, and again before it says so
PAUSES = [["delay", 0.004], ["store"], ["delay", 0.004], ["good"]]
ACTIVE = 2  # postoffices at once
QUEUE = "NORTH/SALES"  # of a postoffice made with --bench
LIMIT = 60  # seconds for anything that has to come to its end


def spin(condition, timeout, what):
    """As wait_until, asked every other millisecond: for instants."""
    return gateway.wait_until(condition, timeout, what, 0.002)


class Phases(collections.Counter):
    """How often a kill hit what."""

    def told(self):
        return ", ".join("%s %d" % pair for pair in sorted(self.items()))


class Killer:
    """Starts the daemon again and again, and kills parts of it at instants of `rng`."""

    def __init__(self, gate, rng, phases, weights=WEIGHTS):
        self.gate, self.rng, self.phases, self.weights = gate, rng, phases, weights

    def cycle(self):
        """One kill; afterwards nothing runs, or the daemon does as it was not the parent's turn."""
        if not self.gate.running():
            self.gate.start()
        role = self.rng.choices(ROLES, self.weights)[0]
        pids = self.targets(role)
        self.pause()
        killed = sum(kill_one(pid) for pid in pids)
        self.phases["kills of " + role] += killed > 0
        self.note_phase(role)
        if role in ("parent", "all"):
            self.after_parent(role)
        else:
            self.after_child(role, pids)
        return killed > 0

    def targets(self, role):
        """The processes to kill, once they are there."""
        gate = self.gate
        if role == "parent":
            return [gate.pid]
        wanted = ("intake", "relay") if role == "all" else (role,)
        try:
            spin(lambda: set(wanted) <= set(gate.children()), 15, "%s of the daemon" % role)
        except gateway.PeerError as late:
            raise GatewayError("%s\n%s" % (late, gate.console_text()[-2000:])) from None
        found = gate.children()
        return [found[name] for name in wanted if name in found] + (
            [gate.pid] if role == "all" else [])

    def pause(self):
        """The random instant: at once, after something was written to the log, or any time."""
        kind = self.rng.random()
        if kind < 0.25:
            seconds = self.rng.uniform(0, 0.02)
        elif kind < 0.5:
            size = log_size(self.gate)
            until = time.monotonic() + 0.4
            while log_size(self.gate) == size and time.monotonic() < until:
                time.sleep(0.001)
            seconds = self.rng.uniform(0, 0.02)
        else:
            seconds = self.rng.uniform(0, 0.35)
        time.sleep(seconds)

    def note_phase(self, role):
        if role in ("intake", "all") and removals(self.gate):
            self.phases["in the middle of a removal"] += 1

    def after_parent(self, role):
        """The children of a killed parent end by themselves."""
        gate, process = self.gate, self.gate.process
        process.wait(10)
        gate.process = None
        gateway.atexit.unregister(gate.kill)
        if role == "parent" and self.rng.random() < 0.1:
            self.phases["started beside the old children"] += 1
            gate.start()
            return
        holders = [gate.lock_holder(name) for name in ("intake", "relay")]
        spin(lambda: not any(pid and gateway.alive(pid) for pid in holders), LIMIT,
             "end of the children of a killed parent")

    def after_child(self, role, pids):
        """Left to the parent, or ended in good order, or all killed."""
        kind = self.rng.random()
        if kind < 0.06:
            spin(lambda: self.gate.children().get(role) not in [None] + pids, 15,
                 "%s started again by the parent" % role)
            self.phases["started again by the parent"] += 1
        elif kind < 0.5:
            status = self.gate.stop()
            if status != 0:
                raise GatewayError("SIGTERM after a kill of %s: status %d" % (role, status))
        else:
            self.gate.kill()


def log_size(gate):
    try:
        return os.stat(gate.log).st_size
    except FileNotFoundError:
        return 0


class Supply:
    """Postoffices in turn: a new one when one is empty."""

    def __init__(self, base, templates):
        self.base, self.templates = base, templates
        self.active, self.all = [], []

    def fill(self, gate):
        """Retires what is drained, adds new ones, and tells the gateway."""
        kept = [office for office in self.active if not drained(gate, office)]
        if len(kept) == ACTIVE and kept == self.active:
            return
        while len(kept) < ACTIVE:
            kept.append(self.new())
        self.active = kept
        gate.postoffices = [office.native(interval=1, batch=2) for office in kept]
        gate.write_map([office.map for office in kept])
        gate.write_settings()

    def new(self):
        number = len(self.all) + 1
        template = self.templates[number % len(self.templates)]
        office = template.instance(self.base, "i%d" % number, "i%d.test" % number,
                                   "NORTH/HQ%d" % number)
        self.all.append(office)
        return office


def removals(gate):
    """Names of the notes about removals that are not finished."""
    try:
        return [n for n in os.listdir(os.path.join(gate.spool, "native")) if n.endswith(".removal")]
    except FileNotFoundError:
        return []


def drained(gate, office):
    """Nothing that is to go is left, no removal is unfinished, no lock is stranded."""
    begun = office.name.replace("/", "_") + "."
    if any(name.startswith(begun) for name in removals(gate)):
        return False
    locks = next(os.path.join(office.root, name) for name in os.listdir(office.root)
                 if name.upper() == "P1")
    locked = any(name.upper().endswith(".0LK") for name in os.listdir(locks))
    return not locked and not office.expected() & set(office.live())


def at_rest(gate):
    """Nothing in the queue is on its way."""
    rows = [row for row in gate.json("status", expect=None) if row["kind"] == "queue"]
    return rows[0]["queued"] + rows[0]["sending"] == 0


def excused(gate):
    """{Message-ID}, and Counter of (Message-ID, recipient), that may have come again."""
    times = collections.Counter(
        (row["msgid"], row["rcpt"].lower()) for row in gate.events("possible-duplicate"))
    return {ident for ident, _ in times}, times


class Crash(Case):
    def setUp(self):
        self.rng = random.Random("crash %d" % self.options.seed)

    def verdict(self, gate, offices, copies, items="expected"):
        """Nothing lost, second copies only with a notice and to the octet the same."""
        allowed, times = excused(gate)
        by_domain = collections.defaultdict(list)
        for copy in copies:
            for domain in {rcpt.rpartition("@")[2] for rcpt in copy.rcpts}:
                by_domain[domain].append(copy)
        for office in offices:
            self.assert_none(office.compare(by_domain[office.domain], items, allowed),
                             "what arrived of %s" % office.title)
        seen, octets = collections.Counter(), {}
        for copy in copies:
            for rcpt in copy.rcpts:
                seen[copy.id, rcpt] += 1
            self.assertEqual(octets.setdefault(copy.id, copy.raw), copy.raw,
                             "octets of %s" % copy.id)
        second = {key: count - 1 for key, count in seen.items() if count > 1}
        self.assert_none(["%s for %s: %d second copies, %d excused" % (*key, count, times[key])
                          for key, count in second.items() if count > times[key]], "copies")
        return sum(second.values())

    def rest(self, gate, done, what):
        """The daemon, undisturbed, until all is at its place; then it ends in good order."""
        if not gate.running():
            gate.start()
        gate.wait(done, LIMIT, what)
        self.assertEqual(gate.stop(), 0)
        self.assert_none(gate.integrity(), "the store")
        states = gate.states()
        self.assertEqual(set(states) - {"sent", "held"}, set(), states)

    def test_native(self):
        base, phases = self.base, Phases()
        templates = [
            Office(base, "t1", seed=301, bench=600, messages=150, domain="t1.test"),
            Office(base, "t2", seed=302, codepage="850", messages=100, domain="t2.test"),
            Office(base, "t3", seed=303, codepage="437", messages=80, domain="t3.test",
                   lowercase=True, max_attachments=2),
        ]
        with Sink(base, tls=False, rules=[{"at": "dot", "do": PAUSES}]) as sink:
            relay = sink.relay(connections=3, pipeline=4, **{"time-divisor": 10})
            gate = Gateway(base, "gw", relay, [], postmaster="postmaster@admin.test")
            supply = Supply(base, templates)
            killer = Killer(gate, self.rng, phases)
            began, cycles = time.monotonic(), 0
            while cycles < self.options.cycles:
                if not gate.running():
                    supply.fill(gate)
                cycles += killer.cycle()
            if gate.running():
                gate.stop()
            spent = time.monotonic() - began
            sink.server.recover()  # without its pauses
            self.rest(gate, lambda: all(drained(gate, o) for o in supply.active)
                      and at_rest(gate), "the rest")
            copies = sink.copies()
        second = self.verdict(gate, supply.all, copies)
        for office in supply.all:
            self.assert_none(office.check(), "postoffice %s" % office.title)
        self.assertEqual(os.listdir(os.path.join(gate.spool, "tmp")), [])
        self.numbers(gate, phases)
        print("\n  %d cycles in %.0f s, %d postoffices, %d copies, %d of them second ones\n  %s" % (
            cycles, spent, len(supply.all), len(copies), second, phases.told()))

    def numbers(self, gate, phases):
        """The kills must have hit what they are meant to."""
        phases["relayed in doubt"] = len(gate.events("possible-duplicate"))
        phases["relay starts that found mail on its way"] = len(gate.events("recovered"))
        phases["known to the journal"] = len(gate.events("duplicate"))
        if self.options.cycles >= 100:
            for name in ("kills of intake", "kills of relay", "kills of parent", "kills of all",
                         "in the middle of a removal", "relay starts that found mail on its way",
                         "relayed in doubt"):
                self.assertGreater(phases[name], 0, "no kill hit: %s (%s)" % (name, phases.told()))

    def test_ffapi(self):
        """The intake while the GET program runs, while its file is read, and after."""
        base, phases = self.base, Phases()
        office = Office(base, "ff", seed=304, bench=500, messages=1000, domain="ff.test")
        with Sink(base, "ff.sink", tls=False) as sink:
            section = office.ffapi(QUEUE, ("-f2",), interval=1, batch=25)
            gate = Gateway(base, "ff.gw", sink.relay(), [section], [office.map],
                           postmaster="postmaster@admin.test")
            killer = Killer(gate, self.rng, phases, (80, 0, 10, 10))
            cycles = 0
            while cycles < self.options.ffapi_cycles:
                cycles += killer.cycle()
            if gate.running():
                gate.stop()
            self.rest(gate, lambda: not office.live() and not batches(gate) and at_rest(gate), "the rest")
            copies = sink.copies()
        second = self.verdict(gate, [office], copies)
        print("\n  %d cycles, %d copies, %d of them second ones, %d known to the journal\n  %s" % (
            cycles, len(copies), second, len(gate.events("duplicate")), phases.told()))


def batches(gate):
    """Files of the GET program that are not finished."""
    folder = os.path.join(gate.spool, "ffapi")
    return [name for top, _, files in os.walk(folder) for name in files
            if name.endswith((".TMP", ".mmf")) and not name.startswith("held-")]


def main():
    parser = gateway.parser_for(__doc__.split(":")[0])
    parser.add_argument("--cycles", type=int, default=200, metavar="N")
    parser.add_argument("--ffapi-cycles", type=int, default=20, metavar="N")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6),
                        metavar="N", help="of the choices; printed at the start")
    options = parser.parse_args()
    print("crash: --seed %d" % options.seed, flush=True)
    return gateway.run_program("crash", sys.modules[__name__], options)


if __name__ == "__main__":
    sys.exit(main())
