#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A small all-pairs generator: rows that have each pair of values of any two features at least once."""

import itertools


def read_spec(path):
    """{feature: [value]} of a file of lines `feature: value value ...`."""
    features = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            name, colon, values = line.split("#", 1)[0].partition(":")
            if colon:
                features[name.strip()] = values.split()
    return features


def all_pairs(features):
    return {
        ((one, a), (two, b))
        for one, two in itertools.combinations(features, 2)
        for a in features[one]
        for b in features[two]
    }


def pairs_of(row):
    return set(itertools.combinations(row.items(), 2))


def _new_row(rng, features, missing):
    """Greedy: begins with a missing pair, then value by value what covers the most."""
    (one, a), (two, b) = rng.choice(sorted(missing))
    chosen = {one: a, two: b}
    others = [name for name in features if name not in chosen]
    rng.shuffle(others)
    for name in others:

        def gain(value, name=name):
            return sum(
                ((name, value), pair) in missing or (pair, (name, value)) in missing
                for pair in chosen.items()
            )

        values = list(features[name])
        rng.shuffle(values)
        chosen[name] = max(values, key=gain)
    return {name: chosen[name] for name in features}


def rows(rng, features, count):
    """At least `count` rows; covers all pairs as often as that many rows allow, at least once."""
    out, missing = [], all_pairs(features)
    while missing or len(out) < count:
        missing = missing or all_pairs(features)
        out.append(_new_row(rng, features, missing))
        missing -= pairs_of(out[-1])
    return out
