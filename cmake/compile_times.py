#!/usr/bin/env python3
"""Compiles files of compile_commands.json one at a time, with the flags that stand there and without ccache. Prints for each
the CPU seconds (user and system, so that other work on the machine counts little) and the peak memory of the compiler, and
writes them as JSON. `--only PART` takes files whose path contains PART; results of other files in the JSON stay."""
import argparse
import datetime
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

# Path below the root, as a regular expression; seconds and megabytes that the file may take (style: compile time is a feature).
LISTED = [
    (r"tests/header/one_model\.cpp", 12, 1000),
    (r".*readme_example\.cpp", 12, 1000),
    (r"examples/.*\.cpp", 20, None),
    (r"tests/device/.*\.cpp", None, None),
    (r"tests/unit/models?/.*\.cpp", None, None),
    (r"tests/unit/train/loop_test\.cpp", None, None),
]


def machine():
    info = open("/proc/cpuinfo").read() if os.path.exists("/proc/cpuinfo") else ""
    vectors = next((name for flag, name in (("avx512f", "AVX-512"), ("avx2", "AVX2")) if f" {flag} " in info), "no AVX2")
    return f"{os.cpu_count()} cores of a server CPU with {vectors}" if info else f"{os.cpu_count()} cores"


def compile_once(command, folder):
    """(exit status, CPU seconds, peak megabytes) of the compiler and its children."""
    words = shlex.split(command)
    words = [w for i, w in enumerate(words) if not (i == 0 and os.path.basename(w) == "ccache")]
    with tempfile.TemporaryDirectory() as scratch:
        words[words.index("-o") + 1] = os.path.join(scratch, "out.o")
        child = subprocess.Popen(words, cwd=folder, env=dict(os.environ, CCACHE_DISABLE="1"))
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commands")
    parser.add_argument("--root", required=True)
    parser.add_argument("--json", required=True)
    parser.add_argument("--only", default="")
    options = parser.parse_args()

    jobs = []
    for entry in json.load(open(options.commands)):
        inside = os.path.relpath(entry["file"], options.root)
        generated = os.path.relpath(entry["file"], os.path.dirname(options.commands))
        name = generated if not generated.startswith("..") else inside
        found = next((i for i, (pattern, _, _) in enumerate(LISTED) if re.fullmatch(pattern, name)), None)
        if found is not None and options.only in name:
            jobs.append((found, name, entry))
    jobs.sort(key=lambda job: job[:2])
    if not jobs:
        sys.exit("compile_times: no listed file is compiled in this build")

    earlier = json.load(open(options.json))["files"] if options.only and os.path.exists(options.json) else []
    rows = {row["file"]: row for row in earlier}
    failed = False
    print(f"{'file':52} {'CPU s':>6} {'budget':>6} {'MB':>6}  flags")
    for found, name, entry in jobs:
        _, seconds_limit, memory_limit = LISTED[found]
        status, seconds, megabytes = compile_once(entry["command"], entry["directory"])
        if status != 0:
            failed = True
            rows.pop(name, None)
            print(f"{name:52} does not compile")
            continue
        level = [w for w in shlex.split(entry["command"]) if re.match(r"-O|-march|-g", w)]
        flags = " ".join([w for w in level if w.startswith("-O")][-1:] + [w for w in level if not w.startswith("-O")])
        over = (seconds_limit and seconds > seconds_limit) or (memory_limit and megabytes > memory_limit)
        rows[name] = {"file": name, "cpu_seconds": round(seconds, 1), "peak_mb": round(megabytes), "flags": flags}
        if seconds_limit:
            rows[name]["budget_seconds"] = seconds_limit
        print(f"{name:52} {seconds:6.1f} {seconds_limit or '':>6} {megabytes:6.0f}  {flags}{'  OVER' if over else ''}", flush=True)

    compiler = next(w for w in shlex.split(jobs[0][2]["command"]) if os.path.basename(w) != "ccache")
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True).stdout.split("\n")[0]
    result = {
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "compiler": version,
        "what": "CPU seconds (user and system) and peak memory of the compiler, one file at a time, no ccache",
        "files": list(rows.values()),
    }
    with open(options.json + ".tmp", "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
    os.replace(options.json + ".tmp", options.json)
    sys.exit(1 if failed else 0)


main()
