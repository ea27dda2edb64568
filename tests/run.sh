#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test that this machine can run. The last line counts test cases:
# "N passed, N failed, N skipped"; the exit code is 0 only if nothing failed.
# Arguments go to ctest (for example: -L unit, -R tokenizer).
set -uo pipefail

# Tests run side by side: threads that wait must not keep a core busy.
export OMP_WAIT_POLICY=passive
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source examples/common/packages.sh

preset=release
results=$PWD/build/$preset/test_results.xml

stop() {
  echo "$1"
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
}

install_missing g++ cmake ninja-build ccache libeigen3-dev nlohmann-json3-dev libcxxopts-dev doctest-dev libhts-dev \
  zlib1g-dev libbenchmark-dev

shared=${LIGASE_SHARED:-$PWD/../shared}
if [[ -d $shared/reference/golden ]]; then
  echo "Reference material: $(cd "$shared" && pwd)"
else
  echo "No reference material beside the checkout: only the project's own small files are used"
fi

log=build/$preset.log
mkdir -p build
echo "Building (log in $log)"
cmake --preset "$preset" >"$log" 2>&1 || { tail -n 30 "$log"; stop "Configuring failed"; }
cmake --build --preset "$preset" >>"$log" 2>&1 || { grep -A 15 -m 5 -E "^FAILED:|error:|Error" "$log"; stop "The build failed"; }
echo "Built after $SECONDS s"

rm -f "$results"
ctest --preset "$preset" -j2 --no-tests=error --test-output-size-passed 4096 --output-junit "$results" "$@" |
  grep -vE "^ +Start |\.\.\. +Passed +[0-9.]+ sec$"
[[ -s $results ]] || stop "ctest wrote no results"

# The text between <system-out> tags of a skipped case says why it was skipped.
awk '
  function plain(s) {
    gsub(/&lt;/, "<", s); gsub(/&gt;/, ">", s); gsub(/&quot;/, "\"", s); gsub(/&apos;/, "\047", s); gsub(/&amp;/, "\\&", s)
    return s
  }
  /<testcase / {
    name = $0; sub(/.*<testcase name="/, "", name); sub(/" classname=.*/, "", name)
    status = $0; sub(/.*status="/, "", status); sub(/".*/, "", status)
    reason = ""
  }
  /<skipped message="SKIP_/ { skipping = 1 }
  /MESSAGE: / && reason == "" { reason = $0; sub(/.*MESSAGE: /, "", reason) }
  /SKIP: / && reason == "" { reason = $0; sub(/.*SKIP: /, "", reason) }
  /<\/testcase>/ {
    if (skipping) { ++skipped; print "skipped: " plain(name) (reason == "" ? "" : " (" plain(reason) ")") }
    else if (status == "run") ++passed
    else { ++failed; print "FAILED: " plain(name) }
    skipping = 0
  }
  END {
    print "Tests took " seconds " s"
    printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
    exit failed > 0
  }' seconds="$SECONDS" "$results"
