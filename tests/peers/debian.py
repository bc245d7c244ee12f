#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Packages of Debian that exclude one another, unpacked below a directory and not installed."""
import glob
import os
import shutil
import tempfile

from peerbase import PeerError, run, write_file


def unpack(cache_dir, package, name):
    """Download the package and unpack it, complete or not at all, into cache_dir/name: its files
    are below `root`, what it depends on is in `depends`."""
    work = tempfile.mkdtemp(prefix=name + "-", dir=cache_dir)
    try:
        os.chmod(work, 0o755)
        run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", package], cwd=work)
        packages = glob.glob(os.path.join(work, package + "_*.deb"))
        if len(packages) != 1:
            raise PeerError("apt-get download %s left %d packages" % (package, len(packages)))
        run(["dpkg-deb", "-x", packages[0], os.path.join(work, "root")])
        write_file(os.path.join(work, "depends"),
                   run(["dpkg-deb", "-f", packages[0], "Depends"]))
        os.rename(work, os.path.join(cache_dir, name))
    except BaseException:
        shutil.rmtree(work)
        raise


def missing_libraries(binary):
    """Names of the shared objects that the loader does not find."""
    text = run(["ldd", binary])
    return [line.split()[0] for line in text.splitlines() if "not found" in line]


def install_libraries(depends_file):
    """Install, by apt, the libraries that the package asks for."""
    with open(depends_file, encoding="ascii") as source:
        names = [part.split()[0] for part in source.read().split(",")]
    libraries = [name for name in names if name.startswith("lib")]
    run(["apt-get", "-q", "-y", "--no-install-recommends", "install"] + libraries,
        env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"))


def ensure_binary(cache_dir, package, name, path):
    """The program at `path` of the package, unpacked, with all its libraries."""
    binary = os.path.join(cache_dir, name, "root", path)
    if not os.path.exists(binary):
        unpack(cache_dir, package, name)
    if missing_libraries(binary):
        install_libraries(os.path.join(cache_dir, name, "depends"))
    missing = missing_libraries(binary)
    if missing:
        raise PeerError("%s: shared libraries missing: %s" % (binary, " ".join(missing)))
    return binary
