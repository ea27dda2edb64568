#!/usr/bin/env bash
# check.sh accepts a clean kernel, and refuses one that spills, one with a stack frame, and a log without kernels of ours.
set -uo pipefail
check=$(dirname "${BASH_SOURCE[0]}")/check.sh
ours=_ZN6ligase6avx5127kernels4scanIfEEvx
foreign=_ZN3cub6detail6kernelIfEEvx

# log NAME STACK STORES: what ptxas prints of one kernel.
log() {
  echo "ptxas info    : 0 bytes gmem"
  echo "ptxas info    : Compiling entry function '$1' for 'sm_90a'"
  echo "ptxas info    : Function properties for $1"
  echo "    $2 bytes stack frame, $3 bytes spill stores, $3 bytes spill loads"
  echo "ptxas info    : Used 40 registers, used 1 barriers, 400 bytes cmem[0]"
}

failed=0
expect() {
  local want=$1 what=$2 got=0
  bash "$check" >/dev/null || got=1
  if ((got != want)); then
    echo "$what: exit $got, expected $want"
    failed=1
  fi
}
log $ours 0 0 | expect 0 "a clean kernel"
log $ours 0 8 | expect 1 "a kernel that spills"
log $ours 64 0 | expect 1 "a kernel with a stack frame"
log $foreign 0 0 | expect 1 "no kernel of ours"
{ log $ours 0 0; log $foreign 64 8; } | expect 0 "a foreign kernel that spills"
exit $failed
