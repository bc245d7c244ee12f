#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The gateway against every case of tests/peers/badcases.py.

Each case, with a postoffice, a spool and a scripted server of its own, has three parts:

  1  `msmailgw drain`, once. Each recipient is then in the state that the case expects: relayed,
     failed for good with a report, or still queued and due by the schedule. No connection lasted
     longer than the time limit that the case names.
  2  Mail was kept: msmailgwd runs until each of its recipients was tried again by the schedule (or
     the route was suspended again), and ends at once when told to.
  3  The server is good from now on: what was kept arrives, and nothing arrives too often.

After each part the server's log is judged (smtplog.violations). The log level is debug, and at the
end no password, no form of it that AUTH sends, and no raw control octet of a reply may be in
anything that the gateway wrote, nor in the command line or environment of its processes."""
import base64
import concurrent.futures
import copy
import datetime
import os
import re
import shutil
import sys
import threading
import time
import traceback

import gateway
from damage_office import CaseOffice, addressees
from gateway import Gateway, GatewayError, bad_relay

from badcases import CASES, DOMAIN, USER
from badsmtp import BadServer
from peerpki import Pki
from smtplog import connections, lines_of, outcome_right, violations

# Seconds of RFC 5321 4.5.3.2, which the setting time-divisor divides.
LIMITS = {"greeting": 300, "ehlo": 300, "tls": 300, "auth": 300, "mail": 300, "rcpt": 300,
          "data": 120, "content": 180, "dot": 600}
SHORT = {"dot": 3.0}            # what a limit is brought to where a case ends by it; others: 1.2 s
EASY = 40                       # divisor where no limit is meant to be reached: 7.5 s for RCPT
SLACK = 3.0                     # a busy machine
HOST_PAUSE = 5.0                # of a host after a connection in vain, divided too
RETRY, SUSPEND = 1, 1           # settings retry-first and suspend
SOONEST = 0.75 * RETRY          # the schedule draws from 75 % to 125 %
PART_LIMIT = 25
KEPT = ("queued", "sending")
CRASH = re.compile(r"Sanitizer|runtime error:|Assertion|Aborted|Segmentation")


def moment(text):
    return datetime.datetime.fromisoformat(text)


class Wrong(Exception):
    """A complaint that ends a case at once."""


def forms_of(password, user=USER):
    """The octets that give a password away: itself, hex, and base64 at each alignment."""
    found = {password.encode(), password.encode().hex().encode(), password[::-1].encode()}
    for head in (b"", b"x", b"xx", b"\0%s\0" % user.encode(), b"%s\0%s\0" % ((user.encode(),) * 2)):
        text = base64.b64encode(head + password.encode()).rstrip(b"=")
        # what is before and behind the password in the first and last group is not the password's
        found.add(text[(len(head) * 4 + 2) // 3:][: len(password) * 4 // 3 - 1])
    return {form for form in found if len(form) >= 12}


def auth_answers(events):
    """What the client sent for AUTH: initial responses and answers to challenges."""
    found = set()
    for own in connections(events).values():
        talking = False
        for _, _, line in lines_of(own):
            words = line.split(" ")
            if words[0].upper() == "AUTH":
                talking = True
                found.update(words[2:3])
            elif len(words) == 1 and talking and re.fullmatch(r"[A-Za-z0-9+/]{12,}={0,2}", line):
                found.add(line)
            else:
                talking = False
    plain = {base64.b64encode(USER.encode()).decode()}
    return {answer.encode() for answer in found - plain if len(answer) >= 12}


def digests(answers):
    """The hexadecimal digests inside answers to CRAM-MD5."""
    found = set()
    for answer in answers:
        try:
            text = base64.b64decode(answer, validate=True)
        except ValueError:
            continue
        found.update(re.findall(rb"\b[0-9a-f]{32}\b", text))
    return found


def octets_below(root, leave=()):
    """(path, content) of every regular file."""
    for top, _, files in os.walk(root):
        for name in files:
            path = os.path.join(top, name)
            if path not in leave and os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as source:
                    yield path, source.read()


class Trial:
    """One case, from its postoffice to the verdict. `complaints` is empty when all is well."""

    def __init__(self, base, name, office, pki):
        self.case = copy.deepcopy(CASES[name])
        self.name = name
        self.password = "canary-%s-%s" % (name, os.urandom(6).hex())
        self.case["server"]["users"] = {USER: self.password}
        # DATA may be in one flight with RCPT (RFC 2920 3.1); what must not be sent is content
        self.no_content = "no-content" in self.case["checks"]
        self.case["checks"] = [check for check in self.case["checks"] if check != "no-content"]
        self.complaints = []
        self.directory = os.path.join(base, "case-" + name)
        os.mkdir(self.directory, 0o711)
        self.pki = pki
        self.section = office.copy(os.path.join(self.directory, "po"))
        self.maps = [office.map]
        self.gateway = None
        self.seen_processes, self.seen_answers = 0, 0
        self.expected = sorted((number, rcpt) for number, names in
                               enumerate(addressees(self.case["send"])) for rcpt in names)

    def wrong(self, text, *values):
        self.complaints.append(text % values if values else text)

    # ---- settings

    def divisor(self):
        limit = self.case["limit"]
        return EASY if limit is None else round(LIMITS[limit] / SHORT.get(limit, 1.2))

    def longest_connection(self):
        """What a connection may last. The server's own pauses are below SLACK or a limit."""
        limit = self.case["limit"] or "dot"
        return LIMITS[limit] / self.divisor() + SLACK + (
            LIMITS["dot"] / self.divisor() if self.case["limit"] is None else 0)

    def host_pause(self):
        return HOST_PAUSE / self.divisor()

    def shortest_pause(self, events):
        """Mail that was offered alone comes again by the schedule, or when the suspended route is
        opened; a host that did not get so far is asked again after its pause."""
        events = events[:self.recovery(events)]
        offered = any(line.upper().startswith("MAIL ") for _, _, line in lines_of(events))
        alone = self.case["send"]["messages"] == 1 and len(self.case["send"]["recipients"]) == 1
        if self.kept_is_right() and alone and (offered or self.suspended()):
            return min(SOONEST, SUSPEND) - 0.05
        return self.host_pause() * 0.9

    def kept_is_right(self):
        return {self.case["expect"], self.case["or"]} & {"deferred", "suspended"}

    # ---- what the queue and the logs say

    def rows(self):
        """{(number of the message, local part): row} of `queue list`, reports left out."""
        found, order = {}, {}
        for row in sorted(self.gateway.queue(), key=lambda row: row["recipient"]):
            local, _, domain = row["to"].rpartition("@")
            if row.get("report_of") or domain != DOMAIN:
                continue
            number = int(row["subject"].rsplit(" ", 1)[1]) - 1
            order[number] = row["id"]
            if (number, local) in found:
                self.wrong("%s of message %d is in the queue twice", local, number + 1)
            found[number, local] = row
        if sorted(found) != self.expected:
            raise Wrong("recipients in the queue: %s, sent were %s" % (sorted(found),
                                                                       self.expected))
        return found

    def suspended(self):
        return len(self.gateway.events("suspended"))

    def outcome_of(self, row):
        if row["state"] in KEPT:
            return "suspended" if self.suspended() else "deferred"
        return {"sent": "delivered", "failed": "failed"}.get(row["state"], row["state"])

    def judge_rows(self, rows, part):
        for (number, local), row in sorted(rows.items()):
            outcome = self.outcome_of(row)
            if not outcome_right(self.case, outcome, local):
                self.wrong("part %s: %s of message %d is %s (%s %s), the case expects %s%s", part,
                           local, number + 1, outcome, row.get("status"), row.get("reply"),
                           self.case["recipients"].get(local, self.case["expect"]),
                           " or " + self.case["or"] if self.case["or"] else "")
            if outcome == "failed" and not row.get("reply"):
                self.wrong("part %s: %s failed and no reason is kept", part, local)

    @staticmethod
    def still_open(events):
        """Connections that the server has not seen the end of. One that reads nothing cannot."""
        return [conn for conn, own in connections(events).items()
                if own[-1]["ev"] != "close" and not any(one["ev"] == "deaf" for one in own)]

    def judge_log(self, events, part):
        end = time.monotonic() + SLACK
        while self.still_open(events) and time.monotonic() < end:
            time.sleep(0.02)
        self.judge_manners(events, part)
        longest = self.longest_connection()
        for conn, own in connections(events).items():
            if any(one["ev"] == "deaf" for one in own):
                continue
            if own[-1]["ev"] != "close":
                self.wrong("part %s: connection %d is still open", part, conn)
            elif own[-1]["t"] - own[0]["t"] > longest:
                self.wrong("part %s: connection %d lasted %.1f s, %.1f are right", part, conn,
                           own[-1]["t"] - own[0]["t"], longest)

    def judge_manners(self, events, part):
        for text in violations(self.case, events, self.shortest_pause(events)):
            self.wrong("part %s: %s", part, text)
        if self.no_content and any(event["ev"] == "content" and event["bytes"] for event in events
                                   [:self.recovery(events)]):
            self.wrong("part %s: content was sent", part)

    @staticmethod
    def recovery(events):
        return next((at for at, event in enumerate(events) if event["ev"] == "recover"),
                    len(events))

    def judge_reports(self, rows):
        """Each message with a recipient that failed is reported once."""
        failed = {row["id"] for row in rows.values() if row["state"] == "failed"}
        told = [int(row["id"]) for row in self.gateway.events("report")]
        if sorted(told) != sorted(failed):
            self.wrong("reports about %s, messages with failures are %s", told, sorted(failed))

    # ---- the parts

    def drain(self):
        began = time.monotonic()
        done = self.gateway.run("drain", timeout=PART_LIMIT + 20, expect=None)
        if done.status not in (0, 1) or "Sanitizer" in done.err:
            raise Wrong("drain: %s" % done)
        took, most = time.monotonic() - began, PART_LIMIT / 2 + self.longest_connection()
        if took > most:
            self.wrong("drain took %.1f s, at most %.1f are right", took, most)
        return done

    def first_part(self, server):
        done = self.drain()
        rows = self.rows()
        kept = [row for row in rows.values() if row["state"] in KEPT]
        for _ in range(3):
            if not kept or self.kept_is_right() or self.case["expect"] == "mixed":
                break
            # mail that comes again by the schedule before the case's end
            self.gateway.wait(self.all_due, PART_LIMIT, "the time of the next try")
            done, rows = self.drain(), self.rows()
            kept = [row for row in rows.values() if row["state"] in KEPT]
        self.judge_rows(rows, 1)
        self.judge_log(server.log.events, 1)
        self.judge_reports(rows)
        all_sent = all(row["state"] == "sent" for row in rows.values())
        if (done.status == 0) != all_sent:
            self.wrong("drain ended with status %d, states: %s", done.status,
                       sorted({row["state"] for row in rows.values()}))
        for row in kept:
            self.judge_schedule(row)
        return kept

    def all_due(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        return all(moment(row["next"]) <= now for row in self.gateway.queue("queued"))

    def judge_schedule(self, row):
        """After one drain: due after the first pause of the schedule, or of the suspended route."""
        if row["state"] != "queued" or not row["next"]:
            self.wrong("%s is kept, but is %s without a time to try again", row["to"], row["state"])
            return
        pause = (moment(row["next"]) - moment(row["changed"])).total_seconds()
        if self.suspended() and row["tries"] != 0:
            self.wrong("%s: a suspended route has used up a try", row["to"])
        if (row["tries"] == 1 and not SOONEST - 0.01 <= pause <= 1.25 * RETRY + 0.01) or \
                row["tries"] > 1 or pause > 1.25 * max(RETRY, SUSPEND) + 0.01:
            self.wrong("%s: due %.3f s after try %d", row["to"], pause, row["tries"])

    def deferrals(self):
        """{(id, recipient): how often it was put off} as the relay log tells."""
        found = {}
        for row in self.gateway.events("deferred"):
            key = (row["id"], row["rcpt"])
            found[key] = found.get(key, 0) + 1
        return found

    def second_part(self, server, kept):
        """Mail that was offered comes once more; a host that did not get so far is asked until the
        growth of its pauses shows."""
        suspended, had = self.suspended(), self.deferrals()
        offered = any(row["tries"] for row in kept)
        more = 1 if offered or suspended else 3
        first = len(server.log.events)

        def again():
            now = self.deferrals()
            sent = {(row["id"], row["rcpt"]) for row in self.gateway.events("sent")}
            return self.suspended() > suspended or all(
                key in sent or now.get(key, 0) >= count + more for key, count in had.items())

        with self.gateway.daemon():
            self.gateway.wait(again, PART_LIMIT, "the next try")
            self.look_at_processes()
            began = time.monotonic()
            status = self.gateway.stop(timeout=PART_LIMIT)
            took = time.monotonic() - began
        if status != 0:
            self.wrong("msmailgwd ended with status %d", status)
        if took > self.longest_connection() + SLACK:
            self.wrong("msmailgwd took %.1f s to end", took)
        self.judge_rows(self.rows(), 2)
        self.judge_log(server.log.events, 2)
        if not offered and not self.suspended():
            self.judge_growth(server.log.events[first:])

    def judge_growth(self, events):
        """Pauses of a host that does not serve: each twice as long as the one before."""
        starts = [own[0]["t"] for own in connections(events).values()]
        for at in range(1, len(starts)):
            least = self.host_pause() * 2 ** (at - 1) * 0.9
            if starts[at] - starts[at - 1] < least:
                self.wrong("part 2: connection %d of the daemon %.3f s after the one before, not "
                           "%.3f", at + 1, starts[at] - starts[at - 1], least)

    def third_part(self, server):
        self.gateway.relay["time-divisor"] = EASY
        self.gateway.write_settings()
        server.recover()
        server.plan["server"]["users"] = {USER: self.password}
        with self.gateway.daemon():
            self.gateway.wait(lambda: not self.gateway.states().get("queued", 0) and
                              not self.gateway.states().get("sending", 0), PART_LIMIT,
                              "delivery to the server that recovered")
            self.look_at_processes()
            if self.gateway.stop(timeout=PART_LIMIT) != 0:
                self.wrong("msmailgwd did not end in good order")
        self.judge_manners(server.log.events, 3)

    def judge_arrivals(self, server):
        """Rows and the server's store agree."""
        copies = {}
        for row in server.messages():
            for rcpt in row["to"]:
                key = (row["message_id"], rcpt.lower())
                copies[key] = copies.get(key, 0) + 1
        for (number, local), row in self.rows().items():
            final = self.case["recipients"].get(local, self.case["expect"])
            wanted = "failed" if final == "failed" else "sent"
            if row["state"] != wanted:
                self.wrong("at the end %s of message %d is %s, not %s (%s)", local, number + 1,
                           row["state"], wanted, row.get("reply"))
            have = copies.get((row["message_id"], row["to"].lower()), 0)
            least = 1 if row["state"] == "sent" else 0
            if not least <= have <= self.case["copies"] * least:
                self.wrong("%s of message %d is %s and has %d copies", local, number + 1,
                           row["state"], have)
            if have > 1 and not self.gateway.events("possible-duplicate"):
                self.wrong("%s: a second copy without a word in the log", local)
        if self.gateway.integrity():
            self.wrong("the queue is damaged: %s", self.gateway.integrity())

    def run(self):
        with BadServer(self.case, self.pki.cert, deadline=120) as server:
            relay = bad_relay(server, self.case, self.pki, suspend=SUSPEND)
            relay["time-divisor"] = self.divisor()
            self.gateway = Gateway(self.directory, "gw", relay, [self.section], self.maps,
                                   password=self.password)
            try:
                kept = self.first_part(server)
                if kept:
                    if self.kept_is_right():
                        self.second_part(server, kept)
                    self.third_part(server)
                self.judge_arrivals(server)
            finally:
                self.gateway.kill()
            self.look_for_secrets(server.log.events)
        return self.complaints

    # ---- secrets

    def canaries(self, events):
        answers = auth_answers(events)
        self.seen_answers = len(answers)
        return forms_of(self.password) | answers | digests(answers)

    def look_at_processes(self):
        """Command lines and environments while the daemon runs."""
        pids = [self.gateway.pid] + list(self.gateway.children().values())
        for pid in pids:
            for name in ("cmdline", "environ"):
                try:
                    with open("/proc/%d/%s" % (pid, name), "rb") as source:
                        text = source.read()
                except (FileNotFoundError, ProcessLookupError):
                    continue
                self.seen_processes += 1
                for form in forms_of(self.password):
                    if form in text:
                        self.wrong("%s of process %d holds the password", name, pid)

    def look_for_secrets(self, events):
        secret = self.gateway.path("password")
        canaries = self.canaries(events)
        if self.case["client"]["auth"]:
            with open(secret, "rb") as source:
                text = source.read()
            if not any(form in text for form in forms_of(self.password)):
                self.wrong("the search for secrets finds none where one is")
        read = 0
        for path, content in octets_below(self.directory, (secret,)):
            read += 1
            for form in canaries:
                if form in content:
                    self.wrong("%s holds a secret: %s", path, form.decode("ascii", "replace"))
            if os.path.basename(path) in ("relay.log", "console"):
                raw = re.search(rb"[\0-\x08\x0b-\x1f\x7f]", content)
                if raw:
                    self.wrong("%s: octet 0x%02X at %d", path, raw.group()[0], raw.start())
                if content.decode("utf-8", "replace").count("\ufffd"):
                    self.wrong("%s is not UTF-8", path)
        if CRASH.search(self.gateway.console_text()):
            self.wrong("a crash: %s", self.gateway.console_text()[-3000:])
        if read < 5:
            self.wrong("only %d files of the gateway were found", read)


class Run:
    """All cases, some at a time."""

    def __init__(self, options, base):
        self.options, self.base = options, base
        self.pki = Pki(os.path.join(base, "pki"))
        self.offices, self.lock = {}, threading.Lock()
        self.answers, self.processes = 0, 0

    def office(self, send):
        key = repr(sorted(send.items()))
        with self.lock:
            if key not in self.offices:
                self.offices[key] = CaseOffice(self.base, "office-%d" % len(self.offices), send)
            return self.offices[key]

    def one(self, name):
        began = time.monotonic()
        trial = None
        try:
            trial = Trial(self.base, name, self.office(CASES[name]["send"]), self.pki)
            found = trial.run()
            with self.lock:
                self.processes += trial.seen_processes
                self.answers += trial.seen_answers
        except (Wrong, GatewayError, gateway.PeerError) as error:
            found = (trial.complaints if trial else []) + [str(error)]
        except Exception:
            found = [traceback.format_exc()]
        took = time.monotonic() - began
        with self.lock:
            print("%-6s %-28s %5.1f s" % ("FAILED" if found else "ok", name, took))
            for text in found[:12]:
                print("       " + text.replace("\n", "\n         "))
            sys.stdout.flush()
        if not found and not self.options.keep:
            shutil.rmtree(trial.directory)
        return not found

    def all(self):
        names = [name for name in CASES if self.options.only in name]
        # those that wait longest come first, so that the end is not one of them alone
        names.sort(key=lambda name: (CASES[name]["limit"] is None, CASES[name]["expect"] in
                                     ("delivered", "failed", "mixed")))
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            results = list(pool.map(self.one, names))
        return sum(results), len(results) - sum(results)


def main():
    parser = gateway.parser_for(__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=4, help="cases at a time")
    options = parser.parse_args()
    for variable, default in (("MSMAILGW", "msmailgw"), ("MSMAILGWD", "msmailgwd")):
        gateway.program(variable, default)
    base = gateway.work_directory(options.work, "badserver")
    run = Run(options, base)
    passed, failed = run.all()
    print("%d command lines and environments and %d answers to AUTH were looked for secrets"
          % (run.processes, run.answers))
    if not options.only and (run.processes < 100 or run.answers < 50):
        print("too few: the search for secrets has seen nothing")
        failed += 1
    if options.keep or failed:
        print("kept: %s" % base)
    else:
        shutil.rmtree(base)
    print("badserver: %d passed, %d failed" % (passed, failed), flush=True)
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
