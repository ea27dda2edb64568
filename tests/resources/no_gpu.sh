#!/usr/bin/env bash
# no_gpu.sh PROGRAMS: programs that were built with CUDA say in one sentence that there is no GPU, and exit 1. Nothing to see
# where there is one.
set -uo pipefail
programs=$1
if nvidia-smi >/dev/null 2>&1; then
  echo "There is a GPU: bash tests/gpu.sh uses it"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '>toy\nACGT\n' >"$work/toy.fa"
failed=0
check() {
  local said code
  said=$("$programs/$1" "${@:2}" 2>&1 >/dev/null)
  code=$?
  if ((code != 1)) || [[ $said != "$1: --device cuda: no GPU can be used; expected an NVIDIA GPU"* || $said == *$'\n'* ]]; then
    echo "$*: exit $code, said: $said"
    failed=1
  fi
}
check pretrain --device cuda --fasta "$work/toy.fa" --out "$work/run"
check pretrain --device cuda --precision bf16 --fasta "$work/toy.fa" --out "$work/run"
check verify --device cuda "$work"
check gue --device cuda --data "$work" --out "$work/run"
[[ ! -e $work/run ]] || { echo "a run folder was left behind"; failed=1; }
((failed)) || echo "Without a GPU, --device cuda says so"
exit $failed
