"""Fuzzes every target for some time and tells what came of it; what `make fuzz` runs.

The corpus of this folder is where a run begins. What it finds out beside goes to target/fuzz/corpus, and inputs that
break a property to target/fuzz/findings. Ends with 1 if there are any.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tomllib

HERE = pathlib.Path(__file__).parent.resolve()
OUTPUT = HERE.parent.parent / "target" / "fuzz"
TARGETS = [binary["name"] for binary in tomllib.loads((HERE / "Cargo.toml").read_text())["bin"]]

# Histories, not texts: long ones find out no more than several short ones.
LENGTHS = {"policy": 512, "c_calls": 512, "key_source": 512}


def cargo_fuzz(command, *arguments, unsanitized=False, **options):
    sanitizer = ["-s", "none", "--release"] if unsanitized else []
    # What is built without AddressSanitizer is built apart, or each would undo the other.
    builds = OUTPUT / ("unsanitized" if unsanitized else "sanitized")
    command = ["cargo", "fuzz", command, "--fuzz-dir", HERE, "--target-dir", builds, *sanitizer, *arguments]
    # The instrumentation is not stable in rustc, and the compiler is the pinned one all the same.
    return subprocess.run(command, env={**os.environ, "RUSTC_BOOTSTRAP": "1"}, check=False, **options)


def folder(*names):
    path = OUTPUT.joinpath(*names)
    path.mkdir(parents=True, exist_ok=True)
    return path


def fuzz(target, seconds, unsanitized):
    corpus, findings = folder("corpus", target), folder("findings", target)
    known = set(findings.iterdir())
    log = folder("logs") / f"{target}.log"
    with log.open("w") as output:
        cargo_fuzz(
            "run",
            target,
            corpus,
            HERE / "corpus" / target,
            "--",
            f"-max_total_time={seconds}",
            f"-dict={HERE / 'dictionary'}",
            f"-artifact_prefix={findings}/",
            f"-max_len={LENGTHS.get(target, 4096)}",
            "-timeout=10",
            "-print_final_stats=1",
            unsanitized=unsanitized,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    found = sorted(path.name for path in set(findings.iterdir()) - known)
    return {**figures(log.read_text(errors="replace")), "findings": len(found)}, found


def figures(log):
    """What libFuzzer says of a run at its end."""
    last = re.findall(r"^#\d+\s.*?cov: (\d+) ft: (\d+) corp: (\d+)/", log, re.M)
    executed = re.search(r"stat::number_of_executed_units:\s+(\d+)", log)
    per_second = re.search(r"stat::average_exec_per_sec:\s+(\d+)", log)
    if not last:
        return {"executions": None}
    edges, features, inputs = map(int, last[-1])
    executions = int(executed[1]) if executed else int(re.findall(r"^#(\d+)\s", log, re.M)[-1])
    speed = int(per_second[1]) if per_second else None
    return {"executions": executions, "exec/s": speed, "edges": edges, "features": features, "corpus": inputs}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("targets", nargs="*", default=TARGETS, metavar="target", help="default: all")
    arguments.add_argument("--seconds", type=int, default=60, help="for each target")
    arguments.add_argument("--unsanitized", action="store_true", help="without AddressSanitizer, for more executions")
    arguments = arguments.parse_args()
    if unknown := set(arguments.targets) - set(TARGETS):
        sys.exit(f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    if cargo_fuzz("build", unsanitized=arguments.unsanitized).returncode != 0:
        sys.exit("the targets cannot be built")
    columns = ["executions", "exec/s", "edges", "features", "corpus", "findings"]
    print(f"{'target':<14}" + "".join(f"{column:>12}" for column in columns), flush=True)
    failed = []
    for target in arguments.targets:
        row, found = fuzz(target, arguments.seconds, arguments.unsanitized)
        print(f"{target:<14}" + "".join(f"{row.get(column, '-')!s:>12}" for column in columns), flush=True)
        failed += [f"target/fuzz/findings/{target}/{name}" for name in found]
        if row["executions"] is None:
            failed.append(f"{target} did not run; see target/fuzz/logs/{target}.log")
    if failed:
        sys.exit("\n".join(failed))


if __name__ == "__main__":
    main()
