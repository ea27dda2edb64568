#!/usr/bin/env bash
# compile.sh SOURCE OUTPUT NVCC...: compiles SOURCE to OUTPUT.o and checks what ptxas says of its kernels.
set -euo pipefail
source=$1 output=$2
shift 2
if ! "$@" -c "$source" -o "$output.o" >"$output.log" 2>&1; then
  grep -v "^ptxas info\|bytes stack frame" "$output.log" | head -n 60
  exit 1
fi
bash "$(dirname "${BASH_SOURCE[0]}")/check.sh" "$output.log"
