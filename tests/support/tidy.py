#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tidy.py BUILD [--jobs N] <FILES: what clang and clang-tidy say of all files that a build folder of CMake compiles.

clang-tidy looks at those whose names are on standard input, and reports clang's own warnings too; the others clang only
parses, as its warnings take no code. What clang-tidy found nothing in is not looked at again until something that it read,
the command, the checks or clang-tidy itself change: its analyzer takes most of the time of ./dev lint.
"""
import argparse
import collections
import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOISE = "warnings generated.", "warning generated."


def read_commands(build):
    """{file: its commands}, as lists of words, without what they write."""
    found = collections.defaultdict(list)
    for entry in json.loads((build / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        at = words.index("-o")
        del words[at:at + 2]
        words.remove("-c")
        found[entry["file"]].append((words, entry["directory"]))
    return found


def run(words, folder):
    done = subprocess.run(words, cwd=folder, capture_output=True)
    return done.returncode, done.stdout, done.stderr


class Tidy:
    def __init__(self, build):
        self.build = build
        self.stamps = build / "tidy"
        self.stamps.mkdir(exist_ok=True)
        version = subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True).stdout
        self.base = version + (ROOT / ".clang-tidy").read_bytes()

    def name(self, commands):
        """What the findings depend on: the bytes of all files that are read, whose comments can say NOLINT. Or None."""
        digest = hashlib.sha256(self.base)
        for words, folder in commands:
            code, needed, _ = run([*words, "-M"], folder)
            if code != 0:
                return None
            digest.update(json.dumps(words).encode())
            for read in needed.decode().replace("\\\n", " ").split()[1:]:
                digest.update(self.digest_of(pathlib.Path(folder, read)))
        return digest.hexdigest()

    @functools.cache  # noqa: B019  (there is one of these)
    def digest_of(self, path):
        return str(path).encode() + hashlib.sha256(path.read_bytes()).digest()

    def check(self, file, commands):
        name = self.name(commands)
        if name is not None and (self.stamps / name).exists():
            return ""
        code, out, err = run(["clang-tidy", "--quiet", "-p", str(self.build), "--warnings-as-errors=*", file], ROOT)
        said = [line for line in (out + err).decode(errors="replace").splitlines() if not line.endswith(NOISE)]
        if code == 0 and not said:
            if name is not None:
                (self.stamps / name).touch()
            return ""
        return "\n".join(said) or f"{file}: clang-tidy ends with {code}"


def look(commands):
    """Clang's own warnings, which take no code to be made."""
    said = []
    for words, folder in commands:
        code, out, err = run([*words, "-fsyntax-only"], folder)
        said += [(out + err).decode(errors="replace")] if code != 0 or err else []
    return "".join(said)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    wanted = {str(ROOT / name) for name in sys.stdin.read().split()}
    commands = read_commands(options.build.resolve())
    missing = wanted - set(commands)
    if missing:
        sys.exit(f"no command compiles {', '.join(sorted(missing))}")
    tidy = Tidy(options.build.resolve())
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        # The longest first, so that no thread has one left at the end.
        files = sorted(commands, key=os.path.getsize, reverse=True)
        said = list(pool.map(
            lambda file: tidy.check(file, commands[file]) if file in wanted else look(commands[file]), files))
    print("\n".join(text for text in said if text))
    sys.exit(any(said))


if __name__ == "__main__":
    main()
