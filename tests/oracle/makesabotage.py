#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Postoffices whose evidence contradicts itself, so that nobody may call them proven."""

import argparse
import os
import random

import corpora
import makelayout

KINDS = ("layouts", "subjects", "noise")


def _other_layout(rng, args):
    """A layout that disagrees with that of `args` on the fields, the bitmap and the trailer."""
    wish = argparse.Namespace(seed=args.seed, codepage=args.codepage, language=args.form.language)
    while True:
        layout = makelayout.random_layout(rng, corpora, wish)
        layout.blocks = args.form.blocks
        differs = (
            layout.fields["subject"] != args.form.fields["subject"],
            layout.fields["text"] != args.form.fields["text"],
            layout.bitmap != args.form.bitmap,
            layout.trailer != args.form.trailer,
        )
        if all(differs):
            return layout


class Sabotage:
    """Has its own source of chance: without sabotage nothing is drawn."""

    def __init__(self, args, key):
        self.kind, self.form, self.other = args.sabotage, args.form, None
        self.rng = random.Random("mkpostoffice sabotage %d" % args.seed)
        if self.kind == "layouts":
            layout = _other_layout(self.rng, args)
            self.other = (layout, key if self.rng.random() < 0.5 else layout.make_key(self.rng))

    def layout_of_mailbag(self, at):
        return self.other[0] if self.other and at % 2 else self.form

    def files(self, tree, world, truth):
        if self.kind == "subjects":
            self._subjects(world, truth)
        elif self.kind == "noise":
            self._noise(tree, truth)

    def _subjects(self, world, truth):
        """Half of the records get the subject of another message, each its own."""
        codec = "cp" + world.args.codepage
        pool = sorted({m["subject"].encode(codec) for m in truth if m["subject"]})
        places = [(bag, at) for bag in world.mailbags.values() for at in range(len(bag.records))]
        for bag, at in self.rng.sample(places, (len(places) + 1) // 2):
            record = bag.records[at]
            old = record[0x0D:0x36].split(b"\0", 1)[0]
            new = self.rng.choice([subject for subject in pool if subject != old])
            bag.records[at] = record[:0x0D] + new.ljust(41, b"\0") + record[0x36:]
            for message in truth:
                for place in message["places"]:
                    if (place["mailbag"], place["record"]) == (bag.id, at) and place["live"]:
                        message["sabotaged"] = True

    def _noise(self, tree, truth):
        """Half of the MAI files become octets of no meaning, as many as before."""
        for message in self.rng.sample(truth, (len(truth) + 1) // 2):
            ident = message["mai"]
            size = os.path.getsize(tree.path("MAI", "MA" + ident[-1], ident + ".MAI"))
            tree.write(self.rng.randbytes(size), "MAI", "MA" + ident[-1], ident + ".MAI")
            message["sabotaged"] = True
