#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""mailserver.py DIRECTORY: the demo's mail server, a Postfix of its own on loopback with STARTTLS
and AUTH (tests/peers/postfix.py). The password of the account "gateway" is in DIRECTORY/password.

Prints "ready PORT CA-FILE MAILDIR"; answers each line N on its input with the number of delivered
messages once there are N and its queue is empty; ends, and Postfix with it, when its input does."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tests", "peers"))

from peerbase import PeerError  # noqa: E402
from postfix import PostfixPeer  # noqa: E402


def main():
    base = sys.argv[1]
    with open(os.path.join(base, "password"), encoding="utf-8") as file:
        users = {"gateway": file.read().strip()}
    with PostfixPeer(os.path.join(base, "mail"), ["corp.example"], users) as peer:
        print("ready", peer.ports["starttls"], peer.ca_file, peer.maildir, flush=True)
        for line in sys.stdin:
            print(peer.wait_delivered(int(line), timeout=60), flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except PeerError as error:
        sys.exit("mail server: %s" % error)
