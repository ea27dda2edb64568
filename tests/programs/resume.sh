#!/usr/bin/env bash
# pretrain, killed at several moments and resumed, ends with the bits of a run that was never interrupted: weights, state and
# log. Other flags than the saved ones are refused, an occupied folder too.
set -euo pipefail
programs=$1 work=$2
rm -rf "$work" && mkdir -p "$work" && cd "$work"

awk 'BEGIN { srand(5); print ">chr"; for (i = 0; i < 3000; ++i) { s = ""; for (j = 0; j < 60; ++j) s = s substr("ACGT", 1 + int(rand() * 4), 1); print s } }' >genome.fa
pretrain=("$programs/pretrain" --fasta genome.fa --length 128 --batch-size 2 --accumulate 2 --d-model 16 --n-layer 2
  --steps 400 --save-every 10 --rc-augment --quiet)
train() { "${pretrain[@]}" "$@"; }
fail() {
  echo "resume: $*" >&2
  exit 1
}
refused() {
  local code=0
  train "${@:2}" 2>message || code=$?
  [[ $code == 2 && $(wc -l <message) == 1 ]] && grep -q -- "$1" message || fail "$* gave exit $code: $(cat message)"
}

train --out whole --threads 1
for kill_at in 3 50 200; do
  rm -rf parts
  "${pretrain[@]}" --out parts --threads 2 &
  job=$!
  until [[ -f parts/log.jsonl && $(wc -l <parts/log.jsonl) -ge $kill_at ]] || ! kill -0 $job 2>/dev/null; do sleep 0.01; done
  [[ $kill_at != 50 ]] || refused "another process" --out parts --resume
  kill -KILL $job || fail "the run had ended before it was killed"
  wait $job 2>/dev/null || true
  train --out parts --resume --threads 1
  cmp whole/checkpoint/model.safetensors parts/checkpoint/model.safetensors || fail "weights differ, killed at $kill_at"
  sed 's/,"tokens_per_second.*//' whole/log.jsonl >whole.steps
  sed 's/,"tokens_per_second.*//' parts/log.jsonl | cmp - whole.steps || fail "logs differ, killed at $kill_at"
done
[[ $(wc -l <whole/log.jsonl) == 400 ]] || fail "400 steps gave $(wc -l <whole/log.jsonl) lines"

train --out parts --resume
refused "not empty" --out parts
refused "seed" --out parts --resume --seed 2
refused "exclude" --out parts --resume --overwrite
cmp whole/checkpoint/model.safetensors parts/checkpoint/model.safetensors || fail "a refused call changed the weights"
