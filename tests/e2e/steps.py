#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Other programs change the postoffice at every step of the native door (doc/STEPS).

For each step and each deed (steps_deeds.py): a drain is stopped at that step, the deed is done, the
drain goes on; then drains until all is quiet. Nothing is lost, nothing is relayed twice without its
line in the log, what the other program did stays done, and all other files are as they were.

MSMAILGW has to be a program of a build with --enable-steps."""
import concurrent.futures
import os
import random
import select
import shutil
import sys
import threading
import time
import traceback

import gateway
import steps_deeds
from damage_scene import CRASH, Sink
from gateway import Gateway, GatewayError, Office, postoffice

OFFICE = {"seed": 9, "messages": 14, "queues": 1, "users": 3, "people": 4, "max_attachments": 2,
          "mapped_share": 0.8}
STEPS = os.path.join(os.path.dirname(gateway.TESTS), "doc", "STEPS")


def step_names():
    with open(STEPS, encoding="ascii") as source:
        lines = (line.split("#", 1)[0].strip() for line in source)
        return [line.split(":", 1)[0] for line in lines if line]


class Mail:
    """A message that is taken out of the postoffice before the test, to be delivered in it."""

    def __init__(self, reader, bag, message):
        record = next(r.number for r in reader.live(bag) if r.mai == message["mai"])
        names = [postoffice.mai_name(message["mai"])]
        names += [postoffice.att_name(att["id"]) for att in message["attachments"]]
        size = postoffice.RECORD_SIZE
        whole = reader.folder.read("MBG/%s.MBG" % bag)
        self.mai, self.record = message["mai"], record
        self.raw = whole[record * size:(record + 1) * size]
        self.files = {name: reader.folder.read(name) for name in names}


class Director(threading.Thread):
    """Answers the gateway at each of its steps, and does the deed at the one that is wanted."""

    def __init__(self, path, wanted, visit, deed):
        super().__init__(daemon=True)
        self.ends = [path + ".at", path + ".go"]
        for end in self.ends:
            os.mkfifo(end)
        self.at, self.go = (os.open(end, os.O_RDWR | os.O_NONBLOCK) for end in self.ends)
        self.wanted, self.visit, self.deed = wanted, visit, deed
        self.reached, self.done, self.ended = [], None, threading.Event()
        self.failure = None

    def run(self):
        text = b""
        while not self.ended.is_set():
            if not select.select([self.at], [], [], 0.05)[0]:
                continue
            text += os.read(self.at, 4096)
            *lines, text = text.split(b"\n")
            for line in lines:
                os.write(self.go, b"%d\n" % self.answer(line.decode("ascii")))

    def answer(self, name):
        self.reached.append(name)
        if self.done is not None or self.reached.count(self.wanted) < self.visit:
            return 0
        try:
            number = self.deed()
        except Exception:
            self.failure, number = traceback.format_exc(), 0
        if number is not None:
            self.done = name
        return number or 0

    def close(self):
        self.ended.set()
        self.join(10)
        for end in (self.at, self.go):
            os.close(end)
        for name in self.ends:
            os.unlink(name)


class Scene:
    """One postoffice, one step, one deed."""

    def __init__(self, base, name, office, wanted, deed, rng):
        self.office, self.name, self.wanted, self.deed = office, name, wanted, deed
        self.directory = os.path.join(base, name)
        os.mkdir(self.directory, 0o711)
        self.root = os.path.join(self.directory, "po")
        shutil.copytree(office.root, self.root)
        self.bag = office.truth["queues"][0]["mailbag"]
        self.profile = postoffice.load_profile(office.profile)
        self.maybe = set()          # messages that another program took away
        self.orphans = False        # it left their files behind
        self.delivered = False      # the mail in reserve has come
        self.after = []             # to be done when the gateway has ended
        self.complaints = []
        self.items = {message["mai"]: (message, item) for message, item in
                      gateway.checkpo.truth_items(office.truth) if item["mailbag"] == self.bag}
        self.prepare(rng)

    def prepare(self, rng):
        """One message is set aside, another one is the victim."""
        relayed = [mai for mai, (_, item) in self.items.items() if item["relay"]]
        alone = [mai for mai in relayed if self.items[mai][0]["counter"] == 1]
        spare = next(mai for mai in reversed(alone) if not self.items[mai][0]["attachments"])
        self.reserve = Mail(self.reader(), self.bag, self.items[spare][0])
        self.reader().remove(self.bag, self.reserve.record)
        relayed.remove(spare)
        self.relayed = set(relayed)
        self.victim = rng.choice(sorted(relayed))
        reader = self.reader()
        self.first_key = bytes(reader.key(self.bag).data)
        self.before = {name: reader.folder.read(name) for name in reader.folder.files}
        self.first_live = {record.mai for record in reader.live(self.bag)}

    def path(self, name):
        return os.path.join(self.root, name)

    def reader(self):
        return postoffice.Postoffice(self.root, self.profile)

    def wrong(self, text, *values):
        self.complaints.append(text % values if values else text)

    # ---- the run

    def run(self, visit):
        """Returns (complaints, steps that were reached, where the deed was done or None)."""
        with Sink(os.path.join(self.directory, "sink")) as sink:
            title, section = self.office.native(path=self.root)
            self.gateway = Gateway(self.directory, "gw", sink.relay(), [(title, section)],
                                   [self.office.map])
            director = self.first(visit)
            if director.failure:
                self.wrong("the deed itself failed: %s", director.failure)
            self.settle()
            self.judge_mail(sink.received())
        self.judge_mailbag()
        self.judge_files()
        return self.complaints, set(director.reached), director.done

    def first(self, visit):
        director = Director(os.path.join(self.directory, "steps"), self.wanted, visit,
                            lambda: self.deed(self))
        director.start()
        self.gateway.environment["MSMAILGW_STEPS"] = os.path.join(self.directory, "steps")
        try:
            done = self.gateway.drain(expect=None, timeout=60)
            if CRASH.search(done.err) or done.status not in (0, 1, 2, -9):
                self.wrong("the first drain: %s", done)
        finally:
            del self.gateway.environment["MSMAILGW_STEPS"]
            director.close()
            for act in self.after:
                act()
        return director

    def settle(self):
        """Undisturbed drains, until one finds nothing to do."""
        for _ in range(4):
            before = len(self.gateway.events("queued"))
            done = self.gateway.drain(expect=None, timeout=60)
            if done.status == 0 and len(self.gateway.events("queued")) == before:
                return
        self.wrong("never quiet: %s %s", done, self.gateway.run("status", "--remains", expect=None))

    # ---- the verdict

    def must(self):
        """Messages that have to arrive, and those that came nevertheless."""
        wanted = set(self.relayed)
        if self.delivered:
            wanted.add(self.reserve.mai)
        queued = {row["mai"] for row in self.gateway.events("queued")}
        return {mai for mai in wanted if mai not in self.maybe or mai in queued}

    def judge_mail(self, received):
        listed = os.path.join(self.directory, "items")
        gateway.write_file(listed, "".join("%s %s\n" % (self.bag, mai)
                                           for mai in sorted(self.must())))
        allowed = {row["msgid"] for row in self.gateway.events("possible-duplicate")}
        for text in self.office.compare(received, items=listed, allowed=allowed):
            self.wrong("%s", text)
        states = set(self.gateway.states())
        if states - {"sent"}:
            self.wrong("in the queue: %s", states)
        for text in self.gateway.integrity():
            self.wrong("the store: %s", text)

    def judge_mailbag(self):
        """What was not to be relayed is there as it was, and nothing else is."""
        reader, size = self.reader(), postoffice.RECORD_SIZE
        stays = self.first_live - self.relayed - self.maybe
        live = reader.live(self.bag)
        if sorted(record.mai for record in live) != sorted(stays):
            self.wrong("live in the mailbag: %s, right is %s",
                       sorted(record.mai for record in live), sorted(stays))
        whole, first = reader.folder.read("MBG/%s.MBG" % self.bag), self.before[
            "MBG/%s.MBG" % self.bag]
        known = {first[at:at + size] for at in range(0, len(first), size)}
        for record in live:
            if whole[record.number * size:(record.number + 1) * size] not in known:
                self.wrong("record %d was changed", record.number)
        if reader.key(self.bag).count("live") != len(live):
            self.wrong("KEY counts %d live, %d are", reader.key(self.bag).count("live"), len(live))

    def files_of(self, mai):
        message = self.items[mai][0]
        return [postoffice.att_name(att["id"]) for att in message["attachments"]]

    def wanted_file(self, mai):
        """{name: octets or None} after one reference of that message was given back."""
        name = postoffice.mai_name(mai)
        data = bytearray(self.before[name])
        offset = self.profile.number("mai.counter_offset")
        order = self.profile.values["mai.counter_order"]
        counter = int.from_bytes(data[offset:offset + 2], order) - 1
        if counter == 0:
            return {which: None for which in [name] + self.files_of(mai)}
        data[offset:offset + 2] = counter.to_bytes(2, order)
        return {name: bytes(data)}

    def judge_files(self):
        wanted = dict(self.before)
        loose = {"KEY/%s.KEY" % self.bag, "MBG/%s.MBG" % self.bag}
        for mai in self.relayed | self.maybe:
            wanted.update(self.wanted_file(mai))
            if mai in self.maybe and self.orphans:
                loose |= set(self.files_of(mai)) | {postoffice.mai_name(mai)}
        folder = self.reader().folder
        for name in sorted((set(wanted) | set(folder.files)) - loose):
            found = folder.read(name) if folder.has(name) else None
            if found != wanted.get(name):
                self.wrong("%s: %s", name, "is still there" if wanted.get(name) is None
                           else "is gone" if found is None else "differs")
        native = os.path.join(self.gateway.spool, "native")
        for name in os.listdir(native) + os.listdir(os.path.join(self.gateway.spool, "tmp")):
            if not name.endswith(".released"):
                self.wrong("left in the spool: %s", name)


class Run:
    """The matrix, some cells at a time."""

    def __init__(self, options, base):
        self.options, self.base = options, base
        self.office = Office(base, "office", **OFFICE)
        self.lock, self.reached, self.hit = threading.Lock(), set(), 0

    def cells(self):
        """[(name, step, deed, visit)], the share of this run."""
        names = step_names()
        found = [("%s-at-%s-%d" % (deed, step, visit), step, deed, visit)
                 for step in names for deed in steps_deeds.DEEDS
                 for visit in range(1, self.options.visits + 1)]
        rng = random.Random(self.options.seed)
        rng.shuffle(found)
        found = [cell for cell in found if self.options.only in cell[0]]
        return found[:self.options.cells] if self.options.cells else found

    def one(self, cell):
        name, step, deed, visit = cell
        began, where = time.monotonic(), None
        try:
            scene = Scene(self.base, name, self.office, step, steps_deeds.DEEDS[deed],
                          random.Random("%s %d" % (name, self.options.seed)))
            complaints, reached, where = scene.run(visit)
            with self.lock:
                self.reached |= reached
                self.hit += where is not None
            if not complaints and not self.options.keep:
                shutil.rmtree(scene.directory)
        except Exception:
            complaints = [traceback.format_exc()]
        with self.lock:
            self.tell(name, complaints, where, time.monotonic() - began)
        return not complaints

    def tell(self, name, complaints, where, seconds):
        print("%-6s %-44s %5.1f s  %s" % ("FAILED" if complaints else "ok", name, seconds,
                                          "done at %s" % where if where else "never there"))
        for text in complaints[:10]:
            print("       " + text[:1500].replace("\n", "\n         "))
        sys.stdout.flush()

    def all(self):
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            results = list(pool.map(self.one, self.cells()))
        return sum(results), len(results) - sum(results)

    def check_list(self):
        """Every step of the list was reached, and no other one was."""
        missing = set(step_names()) ^ self.reached
        if missing:
            print("FAILED steps not reached, or not in doc/STEPS: %s" % ", ".join(sorted(missing)))
        return not missing


def main():
    parser = gateway.parser_for(__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=2, help="cells at a time")
    parser.add_argument("--cells", type=int, default=110, metavar="N",
                        help="so many cells of the matrix, chosen by the seed; 0: all")
    parser.add_argument("--visits", type=int, default=1, metavar="N",
                        help="at the first to Nth time that a step is reached")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6),
                        metavar="N", help="of the choices; printed at the start")
    options = parser.parse_args()
    print("steps: --seed %d" % options.seed, flush=True)
    gateway.program("MSMAILGW", "msmailgw")
    base = gateway.work_directory(options.work, "steps")
    run = Run(options, base)
    passed, failed = run.all()
    if not options.only:
        good = run.check_list()
        passed, failed = passed + good, failed + (not good)
    if options.keep or failed:
        print("kept: %s" % base)
    else:
        shutil.rmtree(base)
    print("%d deeds were done" % run.hit)
    print("steps: %d passed, %d failed" % (passed, failed), flush=True)
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
