#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The TNEF reader beside the maker's truth, tnef and ytnef: the same properties, names and octets.

The reader is tests/tnefdump of the build that MSMAILGW is of. Other readers that are not installed are told."""
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "oracle"))
import maketnef  # noqa: E402

DUMP = os.environ.get("TNEFDUMP") or os.path.join(
    os.path.dirname(os.path.abspath(os.environ.get("MSMAILGW", "./msmailgw"))), "tests", "tnefdump")
failures = []


def digest(data):
    return hashlib.sha256(data).hexdigest()


def expect(where, condition, what):
    if not condition:
        failures.append("%s: %s" % (where, what))


def compare(where, truth, found, folder, place=""):
    """Every fact of the truth is found, and no other text."""
    for key, value in truth.items():
        if key in ("attachments", "message", "data"):
            continue
        expect(where, found.get(key) == value, "%s%s is %r, not %r" % (place, key, found.get(key), value))
    for key in found:
        expect(where, key in truth or key in ("attachments", "message"), "%s%s was made up" % (place, key))
    for number, (one, other) in enumerate(zip(truth.get("attachments", []), found.get("attachments", []))):
        inner = "%s%d" % (place, number)
        compare(where, one, other, folder, inner + ".")
        if "message" in one:
            compare(where, one["message"], other.get("message", {}), folder, inner + ".")
        if "data" in one:
            with open(os.path.join(folder, inner), "rb") as file:
                expect(where, file.read().hex() == one["data"], "the octets of %s differ" % inner)
    expect(where, len(truth.get("attachments", [])) == len(found.get("attachments", [])),
           "%s attachments: other number" % place)


def dump(path, folder):
    run = subprocess.run([DUMP, path, folder], capture_output=True, timeout=60)
    return run.returncode, json.loads(run.stdout) if run.returncode == 0 else run.stderr.decode()


def files_of(truth):
    """Octets of the file attachments at the top, which both other programs write."""
    return sorted(digest(bytes.fromhex(one["data"])) for one in truth["attachments"]
                  if one["kind"] == "file" and one.get("data"))


def other(command, folder, truth, where):
    """PROGRAM writes the same files; it may write more (messages, bodies, OLE objects)."""
    os.mkdir(folder)
    subprocess.run(command, capture_output=True, timeout=60, cwd=folder)
    got = []
    for base, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(base, name), "rb") as file:
                got.append(digest(file.read()))
    missing = [one for one in files_of(truth) if one not in got]
    expect(where, not missing, "%s has not %d of our files" % (command[0], len(missing)))


def made(work, count):
    programs = [p for p in ("tnef", "ytnef") if shutil.which(p)]
    print("beside: %s" % (", ".join(programs) or "nothing, tnef and ytnef are not installed"))
    for seed in range(count):
        where = "seed %d" % seed
        octets, truth = maketnef.case(seed, spoil=seed % 5 == 0)
        path, folder = os.path.join(work, "%d.tnef" % seed), os.path.join(work, "%d" % seed)
        os.mkdir(folder)
        with open(path, "wb") as file:
            file.write(octets)
        status, found = dump(path, folder)
        expect(where, status == 0, found)
        if status == 0:
            compare(where, truth, found, folder)
        if seed % 5 == 0 or any(o["kind"] == "message" for o in truth["attachments"]):
            continue  # the others stop at a wrong checksum; their nested files are named otherwise
        if "tnef" in programs:
            other(["tnef", "--number-backups", "-C", folder + ".t", path], folder + ".t", truth, where)
        empty = any(o.get("size") == 0 for o in truth["attachments"])
        if "ytnef" in programs and not empty:  # it ends at an attachment of no octets
            other(["ytnef", "-f", folder + ".y", path], folder + ".y", truth, where)


def damaged(work, count):
    """Cut and changed octets: an answer, never a crash, and never text that is not in the truth."""
    path = os.path.join(work, "damaged")
    for seed in range(count):
        rng = random.Random(seed)
        octets = bytearray(maketnef.case(seed)[0])
        if seed % 2 == 0:
            octets = octets[:rng.randrange(len(octets))]
        for _ in range(seed % 3):
            if octets:
                octets[rng.randrange(len(octets))] = rng.randrange(256)
        with open(path, "wb") as file:
            file.write(octets)
        run = subprocess.run([DUMP, path], capture_output=True, timeout=60)
        expect("damaged %d" % seed, run.returncode in (0, 1), "status %d" % run.returncode)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    with tempfile.TemporaryDirectory(prefix="msmailgw-tnef-") as work:
        made(work, count)
        damaged(work, count)
    for failure in failures[:30]:
        print(failure)
    print("tnef: %d passed, %d failed" % (2 * count - len(set(f.split(":")[0] for f in failures)),
                                          len(set(f.split(":")[0] for f in failures))))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
