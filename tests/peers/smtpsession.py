#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""One SMTP session of the scripted server: a correct server (EHLO with PIPELINING SIZE 8BITMIME
ENHANCEDSTATUSCODES STARTTLS AUTH CHUNKING, several messages a connection) in which the rules of a
case replace single replies by something else. The grammar of a rule is described in badcases.py."""
import base64
import binascii
import hashlib
import hmac
import json
import os
import re
import threading
import time

from smtpwire import Deadline, PeerGone


class Closed(Exception):
    """The script closed the connection."""


class Store:
    """Accepted messages: `directory`/N.eml, and a line in messages.jsonl for each."""

    def __init__(self, directory):
        self.directory = directory
        self._lock = threading.Lock()
        self._rows = []
        if directory is not None:
            os.makedirs(directory, exist_ok=True)

    def add(self, row, content):
        """Keep a message; the file is complete before its line is there. Returns the row."""
        with self._lock:
            number = len(self._rows) + 1
            row = dict(row, id=number, size=len(content),
                       sha256=hashlib.sha256(content).hexdigest())
            if self.directory is not None:
                row["file"] = "%06d.eml" % number
                self._write(row, content)
            self._rows.append(row)
            return row

    def _write(self, row, content):
        path = os.path.join(self.directory, row["file"])
        with open(path + ".tmp", "wb") as out:
            out.write(content)
        os.rename(path + ".tmp", path)
        with open(os.path.join(self.directory, "messages.jsonl"), "ab", buffering=0) as rows:
            rows.write((json.dumps(row) + "\n").encode())

    def rows(self):
        with self._lock:
            return list(self._rows)


class Counters:
    """How often each rule fired, over all connections: for `times`."""

    def __init__(self):
        self._lock = threading.Lock()
        self._fired = {}

    def allow(self, key, limit):
        """Count one firing; False when the limit was reached before."""
        with self._lock:
            fired = self._fired.get(key, 0)
            if limit is not None and fired >= limit:
                return False
            self._fired[key] = fired + 1
            return True


def message_id(content):
    """The Message-ID of a message, or None."""
    header = content.split(b"\r\n\r\n", 1)[0]
    found = re.search(rb"(?im)^message-id:\s*(\S+)", header)
    return found.group(1).decode("utf-8", "replace") if found else None


def describe(content):
    """What a test wants to know about the octets of a message."""
    lines = content.split(b"\r\n")
    rest = content.replace(b"\r\n", b"")
    return {"bare_lf": b"\n" in rest, "bare_cr": b"\r" in rest, "nul": b"\0" in rest,
            "longest_line": max(len(line) for line in lines), "message_id": message_id(content)}


class Session:
    """State of one connection. run() returns when the connection is over."""

    def __init__(self, wire, plan, shared):
        self.wire = wire
        self.server = plan["server"]
        self.rules = plan["rules"]
        self.shared = shared
        self.user = None
        self.greeted = False
        self.messages = 0
        self.counts = {}
        self.deadline_reply = None
        self.current = None
        self.muted = False
        self._reset()

    def _reset(self):
        self.sender = None
        self.params = ""
        self.rcpts = []
        self.tried = 0
        self.content = None
        self.stored = None
        self.via = "DATA"

    # ---- scripts

    def stage(self, name, arg=""):
        """Let the script act at this point. True when the good server should go on."""
        self.counts[name] = self.counts.get(name, 0) + 1
        self.tried += name == "rcpt"
        for index, rule in enumerate(self.rules):
            if rule["at"] == name and self._applies(rule, name, arg) and \
                    self.shared.counters.allow(index, rule.get("times")):
                self.wire.note("rule", at=name, index=index)
                return self._perform(rule["do"])
        return True

    def _applies(self, rule, name, arg):
        over = {"message": self.messages, "rcpt": self.tried - 1}.get(
            rule.get("count"), self.counts[name] - 1)
        return (rule.get("arg", "").lower() in arg.lower()
                and over >= rule.get("after", 0)
                and ("tls" not in rule or rule["tls"] == self.wire.tls)
                and self.wire.number <= rule.get("last_conn", self.wire.number))

    def _perform(self, actions):
        """True when the actions end with "good"."""
        for action in actions:
            if action == ["good"]:
                return True
            getattr(self, "_do_" + action[0])(*action[1:])
        return False

    def _do_reply(self, text):
        self.reply(text)

    def _do_send(self, text):
        self.wire.queue(text.encode("latin-1"))
        self.wire.flush()

    def _do_instead(self, text):
        """Act as the good server does, but answer this."""
        handler, arg = self.current
        self.muted = True
        handler(arg)
        self.muted = False
        self._do_send(text)

    def _do_trickle(self, text, pause):
        self.wire.trickle(text.encode("latin-1"), pause)

    def _do_big(self, head, size):
        self.wire.queue(head.encode("latin-1") + b"x" * size + b"\r\n")
        self.wire.flush()

    def _do_flood(self, text):
        self.wire.flush()
        self.wire.flood(text.encode("latin-1"))

    def _do_delay(self, seconds):
        self.wire.flush()
        self.wire.pause(seconds)

    def _do_hang(self):
        self.wire.hang()

    def _do_deaf(self):
        self.wire.deaf()

    def _do_read(self, count):
        self.wire.flush()
        self.wire.note("content-part", bytes=len(self.wire.octets(count)))

    def _do_answers(self, text):
        """The same reply to each line that comes, for ever."""
        while True:
            self.reply(text)
            self.wire.line()

    def _do_store(self):
        self._store(acknowledged=False)

    def _do_accept(self):
        self.reply("250 2.6.0 queued as %d" % self._store(acknowledged=True)["id"])

    def _do_tls(self):
        if not self.wire.start_tls(self.shared.context()):
            raise Closed("no TLS")

    def _do_close(self):
        self.wire.flush()
        raise Closed("script")

    def _do_reset(self):
        self.wire.flush()
        self.wire.reset()
        raise Closed("script, reset")

    # ---- the good server

    def reply(self, text):
        """One reply; the lines of `text` are the lines of the reply, as they are."""
        if not self.muted:
            self.wire.queue(b"".join(line.encode("latin-1") + b"\r\n"
                                     for line in text.split("\n")))

    def run(self):
        """Serve until somebody closes; the reason is the last event of the connection."""
        try:
            self._serve()
            reason = "quit"
        except (PeerGone, Deadline, Closed) as error:
            reason = "%s: %s" % (type(error).__name__, error)
        return reason

    def _serve(self):
        if self.server["tls"] == "implicit" and not self.wire.start_tls(self.shared.context()):
            raise Closed("no TLS")
        self._limit_time()
        if self.stage("greeting"):
            self.reply("220 mail.test ESMTP")
        while self._command(self._next_line()):
            pass
        self.wire.flush()

    def _limit_time(self):
        limit = self.server["session_seconds"]
        if limit is not None:
            self.deadline_reply = "421 4.4.2 mail.test session time is over"
            self.wire.deadline = min(self.wire.deadline, time.monotonic() + limit)

    def _next_line(self):
        try:
            return self.wire.line()
        except Deadline:
            if self.deadline_reply is not None:
                self.wire.deadline += 1
                self.reply(self.deadline_reply)
                self.wire.flush()
            raise

    def _command(self, line):
        """One command. False after QUIT."""
        text = line.decode("latin-1")
        verb, _, arg = text.partition(" ")
        handler = getattr(self, "_cmd_" + verb.lower(), None) if verb.isalpha() else None
        if not self.stage("command", text):
            return True
        if handler is None:
            self.reply("500 5.5.2 command not recognized")
            return True
        self.current = (handler, arg)
        if not self.stage(verb.lower(), arg):
            return verb.upper() != "QUIT"
        handler(arg)
        return verb.upper() != "QUIT"

    def _cmd_ehlo(self, arg):
        del arg
        self.greeted = True
        self._reset()
        caps = self.server["caps_tls" if self.wire.tls else "caps"]
        self.reply("\n".join(["250-mail.test"] + ["250-" + cap for cap in caps[:-1]]
                             + ["250 " + cap for cap in caps[-1:]]))

    def _cmd_helo(self, arg):
        del arg
        self.greeted = True
        self._reset()
        self.reply("250 mail.test")

    def _cmd_starttls(self, arg):
        offered = "STARTTLS" in (cap.upper() for cap in self.server["caps"])
        if arg or self.wire.tls or not offered:
            self.reply("503 5.5.1 not now")
            return
        self.reply("220 2.0.0 ready to start TLS")
        if not self.wire.start_tls(self.shared.context()):
            raise Closed("no TLS")
        self.greeted = False
        self._reset()

    def _cmd_noop(self, arg):
        del arg
        self.reply("250 2.0.0 OK")

    def _cmd_rset(self, arg):
        del arg
        self._reset()
        self.reply("250 2.0.0 OK")

    def _cmd_quit(self, arg):
        del arg
        self.reply("221 2.0.0 bye")

    def _cmd_auth(self, arg):
        mechanism, _, initial = arg.partition(" ")
        offered = [cap for cap in self.server["caps_tls" if self.wire.tls else "caps"]
                   if cap.upper().startswith("AUTH ")]
        if not offered or mechanism.upper() not in offered[0].upper().split()[1:]:
            self.reply("504 5.5.4 unrecognized authentication type")
            return
        if self.user is not None or self.sender is not None:
            self.reply("503 5.5.1 not now")
            return
        method = getattr(self, "_auth_" + mechanism.lower().replace("-", "_"))
        try:
            user = method(initial)
        except (binascii.Error, UnicodeError, ValueError):
            self.reply("501 5.5.2 cannot decode, or cancelled")
            return
        self.wire.note("auth", mechanism=mechanism.upper(), ok=user is not None)
        self.user = user
        self.reply("235 2.7.0 accepted" if user is not None
                   else "535 5.7.3 authentication unsuccessful")

    def _challenge(self, text):
        """Send a challenge (octets) and return the decoded answer as text."""
        self.reply("334 " + base64.b64encode(text).decode())
        return self._decode(self._next_line())

    @staticmethod
    def _decode(answer):
        return base64.b64decode(answer, validate=True).decode()

    def _check(self, user, password):
        known = self.server["users"].get(user)
        return user if known is not None and hmac.compare_digest(known, password) else None

    def _auth_plain(self, initial):
        text = self._decode("" if initial == "=" else initial) if initial else self._challenge(b"")
        _, user, password = text.split("\0")
        return self._check(user, password)

    def _auth_login(self, initial):
        first, second = (prompt.encode() for prompt in self.server["login_prompts"])
        user = self._decode(initial) if initial else self._challenge(first)
        return self._check(user, self._challenge(second))

    def _auth_cram_md5(self, initial):
        if initial:
            raise ValueError("CRAM-MD5 has no initial response")
        challenge = b"<%d.%d@mail.test>" % (os.getpid(), time.monotonic_ns())
        user, _, digest = self._challenge(challenge).rpartition(" ")
        known = self.server["users"].get(user)
        if known is None:
            return None
        right = hmac.new(known.encode(), challenge, "md5").hexdigest()
        return user if hmac.compare_digest(right, digest) else None

    def _cmd_mail(self, arg):
        size = re.search(r"(?i)\bSIZE=(\d+)", arg)
        if not self.greeted or self.sender is not None:
            self.reply("503 5.5.1 bad sequence of commands")
        elif self.server["require_auth"] and self.user is None:
            self.reply("530 5.7.57 Client not authenticated to send mail")
        elif not re.match(r"(?i)FROM:<[^<>]*>", arg):
            self.reply("501 5.5.4 syntax error")
        elif size and int(size.group(1)) > self.server["size"]:
            self.reply("552 5.3.4 message size exceeds fixed maximum message size")
        else:
            self.sender, _, self.params = arg[5:].partition(" ")
            self.reply("250 2.1.0 sender OK")

    def _cmd_rcpt(self, arg):
        found = re.match(r"(?i)TO:<([^<>]+)>", arg)
        if self.sender is None:
            self.reply("503 5.5.1 bad sequence of commands")
        elif not found:
            self.reply("501 5.5.4 syntax error")
        else:
            self.rcpts.append(found.group(1))
            self.reply("250 2.1.5 recipient OK")

    def _cmd_data(self, arg):
        del arg
        if not self.rcpts:
            self.reply("503 5.5.1 bad sequence of commands" if self.sender is None
                       else "554 5.5.1 no valid recipients")
            return
        self.via = "DATA"
        self.reply("354 start mail input; end with <CRLF>.<CRLF>")
        self.wire.flush()
        if self.stage("content"):
            self._finish(self._unstuff())

    def _unstuff(self):
        """A dot after CRLF, and only there, is taken away (RFC 5321 4.5.2)."""
        raw = self.wire.until_dot()
        return (b"\r\n" + raw).replace(b"\r\n.", b"\r\n")[2:]

    def _cmd_bdat(self, arg):
        words = arg.split()
        count = int(words[0]) if words and words[0].isdecimal() else None
        if count is None:
            self.reply("501 5.5.4 syntax error")
            raise Closed("BDAT without a size")
        chunk = self.wire.octets(count)
        if not self.stage("chunk", arg):
            return
        if not self.rcpts:
            self.reply("503 5.5.1 bad sequence of commands")
            return
        self.via = "BDAT"
        self.content = (self.content or b"") + chunk
        if words[1:] and words[1].upper() == "LAST":
            self._finish(self.content)
        else:
            self.reply("250 2.0.0 %d octets received" % count)

    def _finish(self, content):
        """All of the message is here: the moment after the dot."""
        self.content = content
        self.wire.note("content", bytes=len(content), **describe(content))
        if self.stage("dot", " ".join(self.rcpts)):
            if len(content) > self.server["size"]:
                self.reply("552 5.3.4 message size exceeds fixed maximum message size")
            else:
                self._do_accept()
        self.messages += 1
        self._reset()

    def _store(self, acknowledged):
        """Once a message, also when script and server both ask for it."""
        if self.stored is None:
            self.stored = self.shared.store.add({
                "conn": self.wire.number, "from": self.sender.strip("<>"), "to": self.rcpts,
                "params": self.params, "user": self.user, "tls": self.wire.tls, "via": self.via,
                "acknowledged": acknowledged, "message_id": message_id(self.content)},
                self.content)
            self.wire.note("stored", id=self.stored["id"], acknowledged=acknowledged, via=self.via,
                           to=self.rcpts, message_id=self.stored["message_id"])
        return self.stored
