#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Is a postoffice after a run the copy from before it, with exactly the given items removed?

  checkpo.py --before COPY --after DIR --truth T --profile P --relayed LIST

LIST is a file of lines `MAILBAG RECORD` or `MAILBAG MAI-NUMBER` (# comments), or one of the words
`expected` (the items whose recipients on that queue are all in the map), `mapped` (those with at
least one), `all`, `none`.  Each violation is one line; exit status 1 if there is any.
"""

import argparse
import fnmatch
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import postoffice  # noqa: E402


def truth_items(truth):
    for message in truth["messages"]:
        for item in message["items"]:
            yield message, item


def chosen(truth, what, queues=()):
    """The (mailbag, record) pairs that `what` stands for."""
    tests = {
        "expected": lambda item: item["relay"],
        "mapped": lambda item: bool(item["mapped"]),
        "all": lambda item: True,
        "none": lambda item: False,
    }
    places = {
        (item["mailbag"], item["record"]): (message, item)
        for message, item in truth_items(truth)
        if not queues or item["queue"] in queues
    }
    if what in tests:
        return {place for place, (_, item) in places.items() if tests[what](item)}
    by_mai = {
        (bag, message["mai"]): (bag, record) for (bag, record), (message, _) in places.items()
    }
    out = set()
    with open(what, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            words = line.split("#", 1)[0].split()
            if not words:
                continue
            if len(words) != 2:
                raise SystemExit("%s:%d: not `MAILBAG RECORD`" % (what, number))
            bag, which = words[0].upper(), words[1].upper()
            place = by_mai.get((bag, which)) if len(which) == 8 else (bag, int(which))
            if place not in places:
                raise SystemExit("%s:%d: the truth knows no such item" % (what, number))
            out.add(place)
    return out


def expected_changes(before, places):
    files = {}
    for mailbag, record in sorted(places):
        before.removal(files, mailbag, record)
    return files


def first_difference(one, two):
    return next(
        (at for at, pair in enumerate(zip(one, two)) if pair[0] != pair[1]), min(len(one), len(two))
    )


def compare_file(name, before, after, changes):
    """One complaint or None."""
    want = changes[name] if name in changes else before.read(name)
    if want is None:
        return (
            "%s is still there, nothing refers to it any more" % name if after.has(name) else None
        )
    if not after.has(name):
        return "%s is gone" % name
    got = after.read(name)
    if got == want:
        return None
    at = first_difference(want, got)
    why = "should have changed and" if name in changes else "should be as before and"
    return "%s: %s differs at offset 0x%X: %s wanted, %s found (sizes %d, %d)" % (
        name,
        why,
        at,
        want[at : at + 4].hex(" ") or "end",
        got[at : at + 4].hex(" ") or "end",
        len(want),
        len(got),
    )


def violations(before, after, places, ignore=()):
    out = []
    changes = expected_changes(before, places)
    old, new = before.folder, after.folder
    for name in sorted(old.files):
        if any(fnmatch.fnmatch(name, pattern.upper()) for pattern in ignore):
            continue
        complaint = compare_file(name, old, new, changes)
        if name.startswith("P1/") and name.endswith(".0LK") and not new.has(name):
            complaint = None
        if complaint:
            out.append(complaint)
        elif new.has(name) and new.files[name] != old.files[name]:
            out.append("%s is now called %s" % (old.files[name], new.files[name]))
    for name in sorted(set(new.files) - set(old.files)):
        if not any(fnmatch.fnmatch(name, pattern.upper()) for pattern in ignore):
            out.append("%s was left behind" % name)
    for name in sorted(set(old.directories) ^ set(new.directories)):
        out.append("directory %s %s" % (name, "is gone" if name in old.directories else "is new"))
    return out


def readable(after, places):
    """What a reader sees afterwards: removed items are not live, all others can be read."""
    out = []
    for name, mailbag, _ in after.queues():
        for record in after.live(mailbag):
            if (mailbag, record.number) in places:
                out.append("%s: record %d of %s is still live" % (name, record.number, mailbag))
            try:
                message = after.message(record.mai)
                for ident, _, _ in message.attachments:
                    after.attachment(ident)
            except postoffice.BadPostoffice as error:
                out.append("%s: record %d of %s: %s" % (name, record.number, mailbag, error))
    return out


def main(argv):
    parser = argparse.ArgumentParser(description="Compare a postoffice before and after a run.")
    parser.add_argument("--before", required=True)
    parser.add_argument("--after", required=True)
    parser.add_argument("--truth", required=True)
    parser.add_argument("--profile", required=True)
    parser.add_argument("--relayed", required=True)
    parser.add_argument(
        "--queue",
        action="append",
        default=[],
        help="only the items of this queue (NET/PO or gateway)",
    )
    parser.add_argument(
        "--ignore", action="append", default=[], help="pattern of file names that may differ"
    )
    args = parser.parse_args(argv)
    profile = postoffice.load_profile(args.profile)
    with open(args.truth, encoding="utf-8") as file:
        truth = json.load(file)
    places = chosen(truth, args.relayed, args.queue)
    before, after = postoffice.Postoffice(args.before, profile), postoffice.Postoffice(
        args.after, profile
    )
    found = violations(before, after, places, args.ignore)
    if not args.ignore:
        found += readable(after, places)
    for line in found:
        print(line)
    print("%d items removed, %d violations" % (len(places), len(found)))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
