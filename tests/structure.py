#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks the source tree against doc/LAYERS, doc/BUDGET and doc/STEPS, doc/TESTED.md against the tests,
and the settings against their manual and sample. Prints each violation; status 1 if any."""

import fnmatch
import os
import re
import runpy
import sys

# Headers every folder may use: the C library, POSIX, and Linux calls without a library.
PLAIN = """assert.h ctype.h dirent.h errno.h fcntl.h getopt.h inttypes.h libgen.h limits.h locale.h
math.h netdb.h poll.h signal.h spawn.h stdarg.h stdbool.h stddef.h stdint.h stdio.h stdlib.h string.h
strings.h termios.h time.h unistd.h wchar.h sys/* netinet/* arpa/inet.h linux/openat2.h""".split()

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def read_layers(path):
    allowed, libraries, denied = {}, {}, {}
    for line in open(path, encoding="utf-8"):
        line = line.split("#", 1)[0].strip()
        if not line:
            continue
        deny = line.startswith("deny ")
        folder, _, rest = line.removeprefix("deny ").partition(":")
        if deny:
            denied[folder.strip()] = rest.split()
            continue
        folders, _, headers = rest.partition("|")
        allowed[folder.strip()] = folders.split()
        libraries[folder.strip()] = headers.split()
    return allowed, libraries, denied


def read_budget(path):
    budget = {}
    for line in open(path, encoding="utf-8"):
        words = line.split("#", 1)[0].split()
        if words:
            budget[words[0]] = int(words[1])
    return budget


def matches(name, patterns):
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def folder_of(header, folders):
    for folder in folders:
        if header.startswith(folder.removeprefix("gateway/") + "/"):
            return folder
    return None


def check_includes(path, folder, text, layers):
    allowed, libraries, denied = layers
    for number, line in enumerate(text.splitlines(), 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        kind, header = found.groups()
        where = f"{path}:{number}: "
        if kind == "<":
            if matches(header, denied.get(folder, [])):
                yield where + f"{folder} may not include <{header}>"
            elif not matches(header, PLAIN) and not matches(header, libraries[folder]):
                yield where + f"<{header}> belongs to another layer"
            continue
        if header == "config.h":
            continue
        target = folder_of(header, allowed)
        if target is None:
            yield where + f'"{header}" is not qualified by a folder'
        elif target != folder and target not in allowed[folder]:
            yield where + f"{folder} may not include {target}"


def strip(text):
    """Blanks comments, strings and characters, so that braces count only as code."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(lambda m: "\n" * m.group().count("\n") or " ", text)


def functions(text):
    """(first line, length, deepest nesting) of each function: a '{' alone in column 0."""
    lines = strip(text).splitlines()
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            start, depth, deepest = number, 0, 0
        if start is None:
            continue
        for char in line:
            if char == "{":
                depth += 1
                deepest = max(deepest, depth)
            elif char == "}":
                depth -= 1
        if depth == 0:
            yield start, number - start + 1, deepest - 1
            start = None


def check_sizes(path, text, budget):
    lines = text.count("\n")
    limit = budget["header" if path.endswith(".h") else "source"]
    if lines > limit:
        yield f"{path}: {lines} lines, the budget is {limit}"
    includes = sum(1 for line in text.splitlines() if INCLUDE.match(line))
    if includes > budget["includes"]:
        yield f"{path}: {includes} includes, the budget is {budget['includes']}"
    for start, length, nesting in functions(text):
        if length > budget["function"]:
            yield f"{path}:{start}: a function of {length} lines, the budget is {budget['function']}"
        if nesting > budget["nesting"]:
            yield f"{path}:{start}: nested {nesting} deep, the budget is {budget['nesting']}"


def sources(top, folder):
    for name in sorted(os.listdir(os.path.join(top, folder))):
        if name.endswith((".c", ".h")):
            yield os.path.join(folder, name)


def check_steps(top, layers):
    """Each step of doc/STEPS is in the code, and no other is."""
    with open(os.path.join(top, "doc/STEPS"), encoding="utf-8") as source:
        lines = [line.split("#", 1)[0].partition(":")[0].strip() for line in source]
    listed = [line for line in lines if line]
    found = []
    for folder in layers[0]:
        for path in sources(top, folder):
            with open(os.path.join(top, path), encoding="utf-8") as source:
                found += re.findall(r'\bstep(?:_passed)?\("([^"]*)"', source.read())
    for name in sorted(set(listed) | set(found)):
        if listed.count(name) != 1 or name not in found:
            yield f"doc/STEPS: {name}: listed {listed.count(name)} times, in the code {found.count(name)}"


def names_of_tests(top, program):
    """Names that `program` has for its tests, cases and deeds, or None when it is not there."""
    try:
        with open(os.path.join(top, program), encoding="utf-8") as source:
            text = source.read()
    except FileNotFoundError:
        return None
    if program.endswith("badcases.py"):
        return set(runpy.run_path(os.path.join(top, program))["CASES"])
    if program.endswith(".c"):
        return set(re.findall(r"^static void (\w+)\(void \*\*state\)", text, re.M))
    names = set(re.findall(r"^    def (test_\w+)", text, re.M))
    # Tables: "name": ..., also those whose names are made of two parts ("key-" + what).
    keys = re.findall(r'^ {4}"([\w-]+)": ', text, re.M)
    begins = re.findall(r'^ {4}NATIVE\["([\w-]+-)" \+', text, re.M)
    names |= set(keys) | {begin + key for begin in begins for key in keys}
    names |= set(re.findall(r"^@case\(.*?^def (\w+)\(", text, re.M | re.S))
    folder = os.path.dirname(program)
    stem = os.path.basename(program).removesuffix(".py").removesuffix("d")
    for module in re.findall(r"^import (\w+)", text, re.M):
        if module.startswith(stem + "_"):
            names |= names_of_tests(top, f"{folder}/{module}.py") or set()
    return names


COMPLETE = 138  # up to this number each row of doc/TESTED.md has to be there,
NOT_BUILT = {46, 51}  # but for these


def check_tested(top):
    """doc/TESTED.md: each row has a test that exists, as `program: name`, or says why not."""
    with open(os.path.join(top, "doc/TESTED.md"), encoding="utf-8") as source:
        rows = [line for line in source if re.match(r"\| T\d+ ", line)]
    for row in rows:
        ident, *_, tests, shown = (cell.strip() for cell in row.strip().strip("|").split("|"))
        named = re.findall(r"`(tests/[\w/.-]+)(?:: ([^`]+))?`", tests)
        if not named and not shown.startswith("Not applicable"):
            yield f"doc/TESTED.md: {ident} has neither a test nor a reason"
        for program, name in named:
            known = names_of_tests(top, program)
            if known is None:
                yield f"doc/TESTED.md: {ident}: there is no {program}"
            elif name and name not in known:
                yield f"doc/TESTED.md: {ident}: {program} has no test {name}"
    numbers = [int(re.match(r"\| T(\d+)", row)[1]) for row in rows]
    if numbers != sorted(set(numbers)):
        yield "doc/TESTED.md: rows are twice or not in order"
    missing = sorted(set(range(1, COMPLETE + 1)) - NOT_BUILT - set(numbers))
    if missing:
        yield f"doc/TESTED.md: no row for {', '.join('T%02d' % number for number in missing)}"


FOR_TESTS = {"plain-without-tls", "time-divisor"}  # settings that no operator wants to see


def check_settings(top):
    """Each setting is in msmailgw.conf(5) and, but for those of tests, in the sample, and no other."""
    def read(path, pattern):
        with open(os.path.join(top, path), encoding="utf-8") as source:
            return set(re.findall(pattern, source.read(), re.M))
    known = read("gateway/daemon/settings.c", r'CFG_STR(?:_LIST)?\("([a-z-]+)"')
    manual = read("doc/msmailgw.conf.5", r"^\.It Ic ([a-z-]+)")
    sample = read("contrib/msmailgw.conf.sample", r"^[ #]*([a-z-]+) = ")
    for name in sorted(known ^ manual):
        yield f"doc/msmailgw.conf.5: {name} is in the manual or in settings.c, not in both"
    for name in sorted((known - FOR_TESTS) ^ sample):
        yield f"contrib/msmailgw.conf.sample: {name} is in the sample or in settings.c, not in both"


def main():
    top = sys.argv[1] if len(sys.argv) > 1 else "."
    layers = read_layers(os.path.join(top, "doc/LAYERS"))
    budget = read_budget(os.path.join(top, "doc/BUDGET"))
    problems, files = [], 0
    for folder in layers[0]:
        for path in sources(top, folder):
            with open(os.path.join(top, path), encoding="utf-8") as source:
                text = source.read()
            files += 1
            problems += check_includes(path, folder, text, layers)
            problems += check_sizes(path, text, budget)
    known = {os.path.normpath(f) for f in layers[0]}
    for base, _, names in os.walk(os.path.join(top, "gateway")):
        folder = os.path.relpath(base, top)
        if any(n.endswith((".c", ".h")) for n in names) and folder not in known:
            problems.append(f"{folder}: not in doc/LAYERS")
    problems += check_steps(top, layers)
    problems += check_tested(top)
    problems += check_settings(top)
    for problem in problems:
        print(problem)
    print(f"structure: {files} files, {len(problems)} violations")
    return 1 if problems or files < 20 else 0


if __name__ == "__main__":
    sys.exit(main())
