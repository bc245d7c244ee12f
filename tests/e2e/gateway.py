#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the end-to-end tests share: a work directory, postoffices with their truth, a gateway with
its settings, the commands under test, and a last line with the numbers.

The programs are named by the environment: MSMAILGW (default ./msmailgw) and MSMAILGWD (default
./msmailgwd). Nothing here waits for a time: everything waits for a condition, with a deadline.

  base = work_directory(None)                        # mode 711: servers run under other accounts
  office = Office(base, "one", seed=7, codepage="850")
  gateway = Gateway(base, "gw", relay=peer_relay(peer), postoffices=[office.native()],
                    maps=[office.map])
  gateway.drain()                                    # or: with gateway.daemon(): gateway.wait(...)
  office.compare(peer.maildir), office.check("expected")    # lists of differences
"""
import argparse
import atexit
import copy
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
for part in ("oracle", "peers", ""):
    sys.path.insert(0, os.path.join(TESTS, part))

import checkpo  # noqa: E402
import compare  # noqa: E402
import maildir  # noqa: E402
import mkpostoffice  # noqa: E402
import postoffice  # noqa: E402
from badcases import CASES  # noqa: E402
from badcases import PASSWORD as SINK_PASSWORD  # noqa: E402
from badsmtp import BadServer  # noqa: E402
from peerbase import PeerError, need_searchable, wait_until, write_file  # noqa: E402
from peerpki import Pki  # noqa: E402

USER, PASSWORD = "relay", "canary-3kW-e2e"
HOSTNAME = "gw.test"
POSTMASTER = "postmaster@%s"
STANDIN = os.path.join(TESTS, "standin-gtwget.py")


class GatewayError(Exception):
    """A program under test did not do what was waited for; the text says what."""


def program(variable, default):
    path = os.path.abspath(os.environ.get(variable, default))
    if not os.access(path, os.X_OK):
        raise GatewayError("%s is not there: build it, or set %s" % (path, variable))
    return path


def work_directory(base, name="e2e"):
    """A new directory below `base` (default: the system's) that other accounts can pass."""
    path = tempfile.mkdtemp(prefix="msmailgw-%s-" % name, dir=base)
    os.chmod(path, 0o711)
    need_searchable(path)
    return path


# ---- settings --------------------------------------------------------------------------------


def quoted(value):
    if isinstance(value, (list, tuple)):
        return "{ " + ", ".join(quoted(part) for part in value) + " }"
    return '"%s"' % str(value).replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")


def section(head, values):
    """A section of the settings file, or its top when `head` is None. None leaves a setting out."""
    indent = "" if head is None else "    "
    lines = [
        "%s%s = %s" % (indent, key, quoted(value))
        for key, value in values.items()
        if value is not None
    ]
    if head is not None:
        lines = [head + " {"] + lines + ["}"]
    return "\n".join(lines) + "\n"


def peer_relay(peer, tls="starttls", mechanisms=None, **more):
    """The section `relay` for a PostfixPeer or an EximPeer."""
    values = {
        "hosts": ["127.0.0.1:%d" % peer.ports[tls]],
        "tls": tls,
        "ca-file": peer.ca_file,
        "server-name": "mail.test",
        "user": USER,
        "mechanisms": mechanisms,
    }
    values.update(more)
    return values


def bad_relay(server, case, pki, **more):
    """The section `relay` for a BadServer that serves `case`."""
    client = case["client"]
    values = {"hosts": ["127.0.0.1:%d" % server.port], "tls": client["tls"]}
    if client["tls"] != "none":
        values.update({"ca-file": pki.ca_file, "server-name": "mail.test"})
    if client["auth"]:
        values.update({"user": USER, "mechanisms": client["mechanisms"]})
    values.update({"chunking": client["chunking"], "connections": client["connections"]})
    values.update(more)
    return values


class Sink:
    """A receiver on loopback that stores what comes: the good case of the scripted server. `rules`
    are those of badcases.py, for instance pauses; `tls` False: neither TLS nor AUTH."""

    def __init__(self, base, name="sink", tls=True, rules=(), deadline=900):
        self.case = copy.deepcopy(CASES["good" if tls else "good-plain"])
        self.case["rules"] = list(rules)
        if not tls:
            self.case["server"]["caps"].append("CHUNKING")
        self.directory = os.path.join(base, name)
        self.pki = Pki(os.path.join(base, "pki"))
        self.server = BadServer(self.case, self.pki.cert, store=self.directory, deadline=deadline)
        self.read = 0
        self.known = []

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *_):
        self.server.stop()

    def relay(self, **more):
        """The section `relay` for it."""
        return bad_relay(self.server, self.case, self.pki, **more)

    def copies(self):
        """All that is stored, as maildir.Received, in order."""
        rows = self.server.messages()
        for row in rows[self.read :]:
            path = os.path.join(self.directory, row["file"])
            with open(path, "rb") as source:
                self.known.append(maildir.Received(path, source.read(), row["to"], row["from"]))
        self.read = len(rows)
        return self.known


# ---- postoffices -----------------------------------------------------------------------------


class Office:
    """A made postoffice, a copy of it from before the test, and the truth about it."""

    def __init__(self, base, title, **options):
        self.title, self.domain = title, options.get("domain", "corp.example")
        self.root = os.path.join(base, title)
        self.before = self.root + ".before"
        arguments = [self.root]
        for name, value in options.items():
            flag = "--" + name.replace("_", "-")
            arguments += [flag] if value is True else [flag, str(value)] if value else []
        self.truth = mkpostoffice.make(mkpostoffice.arguments(arguments))
        shutil.copytree(self.root, self.before, symlinks=True)
        self.truth_file, self.profile, self.map = (
            self.root + end for end in (".truth.json", ".profile", ".map.tsv")
        )
        self.name = "%s/%s" % (self.truth["network"], self.truth["postoffice"])
        self.queues = [queue["name"] for queue in self.truth["queues"]]

    def instance(self, base, title, domain, name):
        """A copy of this postoffice as it was made, under another NET/PO and with a map into
        another domain: its messages are other messages."""
        twin = copy.copy(self)
        twin.title, twin.domain, twin.name = title, domain, name
        twin.root = os.path.join(base, title)
        shutil.copytree(self.before, twin.root, symlinks=True)
        twin.truth_file, twin.map = twin.root + ".truth.json", twin.root + ".map.tsv"
        for old, new in ((self.truth_file, twin.truth_file), (self.map, twin.map)):
            with open(old, encoding="utf-8") as source:
                write_file(new, source.read().replace("@" + self.domain, "@" + domain))
        with open(twin.truth_file, encoding="utf-8") as source:
            twin.truth = json.load(source)
        return twin

    def native(self, **more):
        """(title, settings) of the section that reads it."""
        values = {
            "name": self.name,
            "door": "native",
            "path": self.root,
            "profile": self.profile,
            "queues": self.queues,
        }
        values.update(more)
        return self.title, values

    def ffapi(self, queue, options=(), **more):
        """One queue through the stand-in GET program, given its further `options`."""
        command = [sys.executable, STANDIN, queue, "-d" + self.root, "-aADMIN:PASSWORD"]
        command += ["-n{count}"]
        values = {
            "name": self.name,
            "door": "ffapi",
            "codepage": self.truth["codepage"],
            "command": command + list(options) + ["{file}"],
            "queues": [queue],
        }
        values.update(more)
        return "%s-%s" % (self.title, queue.replace("/", "-")), values

    def reader(self, before=False):
        return postoffice.Postoffice(
            self.before if before else self.root, postoffice.load_profile(self.profile)
        )

    def live(self):
        """{(mailbag, record): MAI} of what lies in the outbound queues now."""
        reader = self.reader()
        return {
            (queue["mailbag"], record.number): record.mai
            for queue in self.truth["queues"]
            for record in reader.live(queue["mailbag"])
        }

    def expected(self, items="expected", queues=()):
        """{(mailbag, record)} that the truth says are to be relayed."""
        return checkpo.chosen(self.truth, items, queues)

    def check(self, relayed="expected", ignore=(), queues=()):
        """What is wrong with the postoffice when just these items were taken: [text]."""
        places = self.expected(relayed, queues)
        found = checkpo.violations(self.reader(before=True), self.reader(), places, ignore)
        return found + ([] if ignore else checkpo.readable(self.reader(), places))

    def wanted_copies(self, items="expected", queues=()):
        """{(MAI, recipient in lower case)}: copies that must be at the receiver."""
        places = self.expected(items, queues)
        return {
            (message["mai"], mapped["smtp"].lower())
            for message, item in checkpo.truth_items(self.truth)
            if (item["mailbag"], item["record"]) in places
            for mapped in item["mapped"]
        }

    def compare(self, received, items="expected", allowed=(), **more):
        """Differences between what arrived (a Maildir, *.jsonl, or a list of maildir.Received)
        and the truth: [text]. Copies for other domains than that of the map are not looked at."""
        values = ["--truth", self.truth_file, "--received", "-", "--items", items]
        values += ["--encap-domain", more.pop("encap_domain", HOSTNAME)]
        values += ["--zone", more.pop("zone", "UTC")]
        for name, value in more.items():
            flag = "--" + name.replace("_", "-")
            values += [flag] if value is True else [flag, str(value)] if value else []
        verdict = compare.Verdict(self.truth, compare.arguments(values))
        if isinstance(received, str):
            received = maildir.load(received)
        for one in received:
            if any(rcpt.endswith("@" + self.domain.lower()) for rcpt in one.rcpts):
                verdict.take(one)
        return verdict.finish(set(allowed))


# ---- the gateway -----------------------------------------------------------------------------


class Done:
    """A command that has ended."""

    def __init__(self, argv, status, out, err):
        self.argv, self.status, self.out, self.err = argv, status, out, err

    def rows(self):
        """The objects of --json output, one a line."""
        return [json.loads(line) for line in self.out.splitlines() if line]

    def __str__(self):
        return "%s: status %d\n%s%s" % (" ".join(self.argv), self.status, self.out, self.err)


def log_rows(path):
    """Events of a relay log as dictionaries. A line without its end is one being written."""
    out = []
    try:
        with open(path, encoding="utf-8") as log:
            text = log.read()
    except FileNotFoundError:
        return out
    for line in text.split("\n")[:-1]:
        stamp, _, rest = line.partition(" ")
        row = {"time": stamp}
        for key, plain, inside in re.findall(r'([a-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^ ]*))', rest):
            row[key] = re.sub(r"\\(.)", r"\1", plain) if plain else inside
        out.append(row)
    return out


def children_of(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as source:
            return [int(word) for word in source.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def alive(pid):
    """True while the process is there and no zombie."""
    try:
        with open("/proc/%d/stat" % pid, encoding="latin-1") as source:
            return source.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Gateway:
    """Settings, spool and log below `base`/`name`, and the two programs run with them."""

    def __init__(self, base, name, relay, postoffices, maps=(), password=PASSWORD, **settings):
        self.directory = os.path.join(base, name)
        os.mkdir(self.directory, 0o711)
        os.chmod(self.directory, 0o711)
        self.settings_file = self.path("msmailgw.conf")
        self.spool, self.log, self.console = (
            self.path(part) for part in ("spool", "relay.log", "console")
        )
        self.map = self.path("map.tsv")
        self.relay, self.postoffices = dict(relay), list(postoffices)
        if self.relay.get("user") and "password-file" not in self.relay:
            self.relay["password-file"] = self.path("password")
            write_file(self.path("password"), password + "\n", 0o600)
        self.settings = {
            "spool": self.spool,
            "hostname": HOSTNAME,
            "postmaster": POSTMASTER % "corp.example",
            "map": self.map,
            "log": self.log,
            "log-level": "debug",
            "retry-first": 1,
            "retry-longest": 2,
        }
        self.settings.update({k.replace("_", "-"): v for k, v in settings.items()})
        self.environment = dict(os.environ)
        self.process, self.stopped = None, None
        self.command = program("MSMAILGW", "msmailgw")
        self.server = program("MSMAILGWD", "msmailgwd")
        self.write_map(maps)
        self.write_settings()

    def path(self, name):
        return os.path.join(self.directory, name)

    def write_map(self, maps):
        """The map is made of all these files."""
        text = ""
        for name in maps:
            with open(name, encoding="utf-8") as source:
                text += source.read()
        write_file(self.map, text)

    def settings_text(self):
        text = section(None, self.settings)
        for title, values in self.postoffices:
            text += section("postoffice %s" % quoted(title), values)
        return text + section("relay", self.relay)

    def write_settings(self, text=None):
        """Whole or not at all, as an operator's editor does it."""
        new = self.settings_file + ".new"
        write_file(new, self.settings_text() if text is None else text)
        os.rename(new, self.settings_file)

    # ---- the command

    def run(self, *words, timeout=120, expect=0):
        """msmailgw with these words. GatewayError unless its status is `expect` (None: any)."""
        argv = [self.command, "-c", self.settings_file] + [str(word) for word in words]
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True,
                                  timeout=timeout, env=self.environment)
        except subprocess.TimeoutExpired as late:
            raise GatewayError("%s: not within %g s\n%s" % (
                " ".join(argv), timeout, (late.stderr or b"").decode("utf-8", "replace"))) from None
        result = Done(argv[3:], done.returncode, done.stdout.decode("utf-8"),
                      done.stderr.decode("utf-8", "replace"))
        with open(self.console, "a", encoding="utf-8") as console:
            console.write("%s\n" % result)
        if expect is not None and result.status != expect:
            raise GatewayError("status %d wanted: %s" % (expect, result))
        return result

    def json(self, *words, **options):
        """The rows that a command prints with --json."""
        return self.run("--json", *words, **options).rows()

    def drain(self, *words, **options):
        return self.run("drain", *words, **options)

    def queue(self, state=None):
        """Rows of `queue list`, one a recipient; none before there is a queue."""
        if not os.path.exists(self.database()):
            return []
        return self.json("queue", "list", *(["--state", state] if state else []))

    # ---- the daemon

    def start(self):
        """Starts msmailgwd in the foreground; returns at once."""
        if self.process is not None:
            raise GatewayError("msmailgwd runs already")
        with open(self.console, "ab") as console:
            self.process = subprocess.Popen(
                [self.server, "-c", self.settings_file], stdin=subprocess.DEVNULL,
                stdout=console, stderr=console, env=self.environment, start_new_session=True)
        atexit.register(self.kill)
        return self

    @property
    def pid(self):
        return self.process.pid

    def lock_holder(self, role):
        """Process number in SPOOL/ROLE.lock, whether it lives or not; None without one."""
        try:
            with open(os.path.join(self.spool, role + ".lock"), encoding="ascii") as lock:
                return int(lock.read())
        except (FileNotFoundError, ValueError):
            return None

    def children(self):
        """{"intake": pid, "relay": pid} of those that run and have their lock."""
        found = {} if self.process is None else children_of(self.process.pid)
        return {
            role: pid
            for role in ("intake", "relay")
            for pid in found
            if pid == self.lock_holder(role) and alive(pid)
        }

    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, number=signal.SIGTERM, timeout=30):
        """Ends the daemon and returns its status. GatewayError if anything of it stays."""
        process, pids = self.process, [self.process.pid] + children_of(self.process.pid)
        if process.poll() is None:
            process.send_signal(number)
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise GatewayError("msmailgwd does not end within %g s: %s" % (
                timeout, self.console_text()[-2000:])) from None
        self.process = None
        atexit.unregister(self.kill)
        wait_until(lambda: not any(alive(pid) for pid in pids), timeout, "end of %s" % pids)
        return status

    def kill(self):
        """Ends everything of the daemon at once."""
        if self.process is None:
            return
        process, self.process = self.process, None
        pids = children_of(process.pid)
        process.kill()
        for pid in pids:
            kill_one(pid)
        process.wait(10)
        wait_until(lambda: not any(alive(pid) for pid in pids), 10, "end of %s" % pids)
        atexit.unregister(self.kill)

    def daemon(self):
        return Running(self)

    # ---- what became of it

    def wait(self, condition, timeout, what):
        """Until condition() is true. GatewayError tells what was in the way."""

        def asked():
            if self.process is not None and self.process.poll() is not None:
                raise GatewayError("msmailgwd ended with status %d while waiting for %s\n%s" % (
                    self.process.returncode, what, self.console_text()[-2000:]))
            return condition()

        try:
            return wait_until(asked, timeout, what, 0.05)
        except PeerError as late:
            raise GatewayError("%s\n%s" % (late, self.console_text()[-2000:])) from None

    def console_text(self):
        try:
            with open(self.console, encoding="utf-8", errors="replace") as console:
                return console.read()
        except FileNotFoundError:
            return ""

    def events(self, name=None):
        """Rows of the relay log, all or those of one event."""
        return [row for row in log_rows(self.log) if name in (None, row.get("event"))]

    def database(self):
        return os.path.join(self.spool, "queue.db")

    def states(self):
        """{state: recipients} in the queue, as `queue list` shows them."""
        found = {}
        for row in self.queue():
            found[row["state"]] = found.get(row["state"], 0) + 1
        return found

    def integrity(self):
        """What SQLite itself says about the store: [] when nothing is wrong."""
        database = sqlite3.connect("file:%s?mode=ro" % self.database(), uri=True, timeout=30)
        try:
            rows = [row[0] for row in database.execute("PRAGMA integrity_check")]
            rows += ["foreign key: %s" % (row,) for row in
                     database.execute("PRAGMA foreign_key_check")]
        finally:
            database.close()
        return [row for row in rows if row != "ok"]


class Running:
    """The daemon for the length of a `with`; what is left of it is killed at the end."""

    def __init__(self, gateway):
        self.gateway = gateway

    def __enter__(self):
        return self.gateway.start()

    def __exit__(self, *_):
        self.gateway.kill()


def kill_one(pid, number=signal.SIGKILL):
    """False when there is no such process any more."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


# ---- test programs ---------------------------------------------------------------------------


class Case(unittest.TestCase):
    """A test with a work directory of the whole program in `base`, options in `options`."""

    base, options = None, None
    longMessage = True

    def assert_none(self, found, what):
        """`found` is a list of complaints."""
        if found:
            self.fail("%s: %d complaints\n  %s" % (what, len(found), "\n  ".join(found[:12])))


class Result(unittest.TextTestResult):
    """Names each test with the time it took."""

    def startTest(self, test):
        super().startTest(test)
        self._began = time.monotonic()

    def addSuccess(self, test):
        super().addSuccess(test)
        self.stream.writeln("  %5.1f s" % (time.monotonic() - self._began))


def parser_for(about):
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--work", metavar="DIR", help="where the work directory is made")
    parser.add_argument("--keep", action="store_true", help="keep the work directory")
    parser.add_argument("--only", metavar="TEXT", default="", help="tests whose name has it")
    return parser


def tests_of(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from tests_of(test)
        else:
            yield test


SANITIZERS = re.compile(r"(Address|Leak|Thread|UndefinedBehavior)Sanitizer|runtime error:")


def sanitizer_findings(base):
    """Lines of the gateways' consoles that a sanitizer wrote."""
    found = []
    for top, _, files in os.walk(base):
        if "console" in files:
            with open(os.path.join(top, "console"), encoding="utf-8", errors="replace") as console:
                found += [line.rstrip() for line in console if SANITIZERS.search(line)]
    return found


def run_program(name, module, options):
    """Runs the tests of a module; prints `NAME: N passed, N failed`; returns the exit status."""
    Case.options = options
    passed = failed = 0
    try:
        Case.base = work_directory(options.work, name)
        loaded = unittest.defaultTestLoader.loadTestsFromModule(module)
        chosen = [test for test in tests_of(loaded) if options.only in test.id()]
        runner = unittest.TextTestRunner(sys.stdout, verbosity=2, resultclass=Result)
        result = runner.run(unittest.TestSuite(chosen))
        failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
        passed = max(0, result.testsRun - failed)
        for line in sanitizer_findings(Case.base):
            print("sanitizer: %s" % line)
            failed += 1
    except Exception:
        traceback.print_exc(file=sys.stdout)
        failed = 1
    if Case.base is not None and (options.keep or failed):
        print("kept: %s" % Case.base)
    elif Case.base is not None:
        shutil.rmtree(Case.base)
    print("%s: %d passed, %d failed" % (name, passed, failed), flush=True)
    return 0 if passed and not failed else 1
