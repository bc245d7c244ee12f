#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""map.py [USERS]: seconds and memory of an import of 50,000 people and of loading their map. MSMAILGW
names the program. Fails above 30 s or 100 MB for the import, and 1 s for the load."""
import os
import subprocess
import sys
import tempfile
import time


def measured(argv):
    """(seconds, MB at most, output) of a program that has to end well."""
    with tempfile.TemporaryFile() as out:
        began = time.monotonic()
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out)
        _, status, used = os.wait4(child.pid, 0)
        seconds = time.monotonic() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            raise SystemExit("%s: status %d" % (argv[:4], child.returncode))
        out.seek(0)
        return seconds, used.ru_maxrss / 1024, out.read().decode()


def settings(directory):
    path = os.path.join(directory, "msmailgw.conf")
    with open(path, "w", encoding="ascii") as out:
        out.write('spool = "%s"\nhostname = "gw.example"\npostmaster = "pm@corp.example"\n'
                  'map = "map.tsv"\npostoffice HQ {\n name = "NORTH/HQ"\n door = "ffapi"\n'
                  ' command = {"/bin/false", "{file}"}\n}\n'
                  'relay {\n hosts = {"127.0.0.1:25"}\n}\n' % directory)
    return path


def main():
    users = int(sys.argv[1]) if len(sys.argv) > 1 else 50000
    program = os.path.abspath(os.environ.get("MSMAILGW", "./msmailgw"))
    with tempfile.TemporaryDirectory(prefix="msmailgw-map-") as directory:
        export, table = os.path.join(directory, "e.csv"), os.path.join(directory, "map.tsv")
        with open(export, "w", encoding="utf-8") as out:
            out.write("Obj-Class,Display Name,E-mail Addresses,Secondary-Proxy-Addresses\r\n")
            for n in range(users):
                out.write('Mailbox,"Person %d, M\u00fcller",MS:ORG/SITE/U%07d%%SMTP:person.%d@corp.'
                          'example%%X400:c=us;a= ;p=Org;o=Site;s=Person%d;,MIGRATE:MS:NORTH/P%d/'
                          'U%07d%%smtp:u%d@old.example\r\n' % (n, n, n, n, n // 500, n, n))
        took, memory, _ = measured([program, "map", "import", "csv", "--write", table, export])
        load, load_memory, text = measured([program, "-c", settings(directory), "map", "show",
                                            "NORTH/P0/U0000007"])
    print("import of %d: %.2f s, %.0f MB; look-up in %d lines: %.2f s, %.0f MB"
          % (users, took, memory, 2 * users, load, load_memory))
    good = took < 30 and memory < 100 and load < 1 and "person.7@corp.example" in text
    print("map: %d passed, %d failed" % (good, not good))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
