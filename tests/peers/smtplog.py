#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Judges a client by what the scripted server saw of it (the JSON lines of badsmtp.py).

violations() always asks for these:
  TLS first        neither AUTH nor MAIL in clear when TLS is required; EHLO again after TLS;
                   nothing sent ahead behind STARTTLS
  one AUTH         no second AUTH in a connection after a refused one
  named            EHLO and HELO tell the name of a host, or an address literal
  in step          nothing sent ahead behind EHLO, AUTH and DATA, or without PIPELINING at all
  clean content    no CR or LF by itself, no line of more than 998 octets, commands end in CRLF
  no tight loop    between two connections that brought nothing at least `min_gap` seconds
  copies           for each recipient not more copies of a Message-ID than the case excuses
and what the case names in `checks`:
  quit no-auth no-mail no-content no-stored no-params second-ehlo few-lines by-data by-bdat
  deep"""
import json
import re

NAME = re.compile(r"\[[0-9A-Za-z:.]+\]|[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)+")


def read_log(path):
    """Events of a log file."""
    with open(path, encoding="utf-8") as source:
        return [json.loads(line) for line in source]


def lines_of(events, conn=None):
    """Command lines that the client sent: (conn, tls, text)."""
    return [(event["conn"], event["tls"], event["line"]) for event in events
            if event["ev"] == "in" and conn in (None, event["conn"])]


def verbs(events, conn=None):
    """First words of the command lines, in capitals."""
    return [line.split(" ")[0].upper() for _, _, line in lines_of(events, conn)]


def connections(events):
    """{connection: its events}, in order."""
    found = {}
    for event in events:
        if event["conn"] > 0:
            found.setdefault(event["conn"], []).append(event)
    return found


def _before_recovery(events):
    for index, event in enumerate(events):
        if event["ev"] == "recover":
            return events[:index]
    return events


def _tls_first(case, events):
    if case["client"]["tls"] == "none":
        return
    for conn, tls, line in lines_of(events):
        verb = line.split(" ")[0].upper()
        if not tls and verb in ("AUTH", "MAIL", "RCPT", "DATA", "BDAT"):
            yield "connection %d: %s in clear" % (conn, verb)
    for event in events:
        if event["ev"] == "early":
            yield "connection %d: %d octets sent ahead behind STARTTLS" % (event["conn"],
                                                                        event["bytes"])
    for conn, own in connections(events).items():
        after = [line for _, tls, line in lines_of(own) if tls]
        if after and after[0].split(" ")[0].upper() not in ("EHLO", "QUIT"):
            yield "connection %d: no EHLO after TLS" % conn


def _one_auth(case, events):
    del case
    for conn, own in connections(events).items():
        refused = False
        for event in own:
            if event["ev"] == "in" and event["line"].upper().startswith("AUTH "):
                if refused:
                    yield "connection %d: AUTH again after a refusal" % conn
                refused = True
            if event["ev"] == "auth" and event["ok"]:
                refused = False


def _named(case, events):
    del case
    for conn, _, line in lines_of(events):
        verb, _, name = line.partition(" ")
        if verb.upper() in ("EHLO", "HELO") and not NAME.fullmatch(name):
            yield "connection %d: %s without the name of a host: %r" % (conn, verb, name)


def _in_step(case, events):
    for event in events:
        if event["ev"] != "in" or not event.get("more"):
            continue
        caps = case["server"]["caps_tls" if event["tls"] else "caps"]
        pipelining = any(cap.upper() == "PIPELINING" for cap in caps)
        verb = event["line"].split(" ")[0].upper()
        if verb in ("EHLO", "HELO", "AUTH", "DATA", "STARTTLS", "QUIT") or not pipelining:
            yield "connection %d: something sent ahead behind %s" % (event["conn"], verb)


def _clean_content(case, events):
    del case
    for event in events:
        if event["ev"] == "in" and event.get("bare_lf"):
            yield "connection %d: a command ends in LF alone" % event["conn"]
        if event["ev"] != "content":
            continue
        for name in ("bare_lf", "bare_cr", "nul"):
            if event[name]:
                yield "connection %d: content has %s" % (event["conn"], name)
        if event["longest_line"] > 998:
            yield "connection %d: line of %d octets" % (event["conn"], event["longest_line"])


def _no_tight_loop(events, min_gap):
    """Connections in vain must be apart; those refused for their number are not counted."""
    last, chunks = None, False
    for conn, own in connections(_before_recovery(events)).items():
        start = own[0]["t"]
        if last is not None and start - last < min_gap:
            yield "connection %d: only %.3f s after one in vain" % (conn, start - last)
        kept = any(event["ev"] == "stored" for event in own)
        refused = any(event.get("reason") == "too many connections" for event in own)
        # that BDAT does not work there had to be seen, once
        learned = not chunks and "BDAT" in verbs(own)
        chunks = chunks or learned
        last = None if kept or refused or learned else start


def _copies(case, events):
    seen = {}
    for event in events:
        if event["ev"] == "stored":
            for name in event["to"]:
                key = (event["message_id"], name.lower())
                seen[key] = seen.get(key, 0) + 1
    for (name, recipient), count in seen.items():
        if name is None:
            yield "a message without Message-ID for %s" % recipient
        elif count > case["copies"]:
            yield "%d copies of %s for %s" % (count, name, recipient)


def _quit(events):
    """Each connection that the server let live ended with QUIT."""
    for conn, own in connections(events).items():
        closed = own[-1].get("reason", "") if own[-1]["ev"] == "close" else ""
        if not closed.startswith("Closed") and "QUIT" not in verbs(own):
            yield "connection %d: no QUIT" % conn


def _none_of(*unwanted):
    def check(events):
        for conn, _, line in lines_of(events):
            if line.split(" ")[0].upper() in unwanted:
                yield "connection %d: %s was sent" % (conn, line.split(" ")[0])
    return check


def _no_stored(events):
    for event in events:
        if event["ev"] == "stored":
            yield "connection %d: a message was kept" % event["conn"]


def _no_params(events):
    for conn, _, line in lines_of(events):
        if line.upper().startswith(("MAIL ", "RCPT ")) and not line.endswith(">"):
            yield "connection %d: parameters that were not offered: %s" % (conn, line)


def _second_ehlo(events):
    for conn, own in connections(events).items():
        if any(event["ev"] == "tls" for event in own) and verbs(own).count("EHLO") != 2:
            yield "connection %d: EHLO %d times" % (conn, verbs(own).count("EHLO"))


def _few_lines(events):
    for conn in connections(events):
        count = len(lines_of(events, conn))
        if count > 40:
            yield "connection %d: %d lines" % (conn, count)


def _by(verb):
    """All content that was kept came so."""
    def check(events):
        for event in events:
            if event["ev"] == "stored" and event["via"] != verb:
                yield "connection %d: content came by %s" % (event["conn"], event["via"])
    return check


def _deep(events):
    """Message behind message without waiting, kept apart by RSET, in one connection."""
    if not any(verbs(own).count("RSET") >= 10 for own in connections(events).values()):
        yield "no connection had messages in a deep flight"


NAMED = {"quit": _quit, "no-auth": _none_of("AUTH"), "no-mail": _none_of("MAIL"),
         "no-content": _none_of("DATA", "BDAT"), "no-stored": _no_stored,
         "no-params": _no_params, "second-ehlo": _second_ehlo, "few-lines": _few_lines, "by-data": _by("DATA"),
         "by-bdat": _by("BDAT"), "deep": _deep}


def violations(case, events, min_gap=0.0):
    """Everything that a right client would not have done, as texts; an empty list is the aim."""
    found = []
    for check in (_tls_first, _one_auth, _named, _in_step, _clean_content):
        found += check(case, _before_recovery(events))
    found += _copies(case, events)
    if min_gap > 0:
        found += _no_tight_loop(events, min_gap)
    for name in case["checks"]:
        found += NAMED[name](_before_recovery(events))
    return found


def outcome_right(case, outcome, recipient=None):
    """Whether the client's outcome (of one local part, if given) is what the case asks for."""
    if case["expect"] == "mixed":
        return case["recipients"][recipient] == outcome
    return outcome in (case["expect"], case["or"])
