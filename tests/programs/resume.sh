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
(cd parts && "${pretrain[@]/genome.fa/..\/.\/genome.fa}" --out ../parts --resume --json ../again.json)
cmp again.json parts/result.json || fail "--json after the end is not the result"
truncate -s -1 parts/checkpoint/model.safetensors
train --out parts --resume
cmp whole/checkpoint/model.safetensors parts/checkpoint/model.safetensors || fail "a damaged checkpoint was not written again"
refused "fit (saved .padded., given .packed.)" --out parts --resume --fit packed
refused "not empty" --out parts
refused "seed" --out parts --resume --seed 2
refused "exclude" --out parts --resume --overwrite
cmp whole/checkpoint/model.safetensors parts/checkpoint/model.safetensors || fail "a refused call changed the weights"

# Kills during saves: a state after every step, killed at random moments until the run ends; each leaves at most one
# temporary file, which the next part removes.
small=("$programs/pretrain" --fasta genome.fa --length 128 --batch-size 2 --d-model 16 --n-layer 2 --steps 150 --save-every 1 --threads 1 --quiet)
"${small[@]}" --out often
kills=0 temporaries=0
"${small[@]}" --out killed &
for i in $(seq 40); do
  sleep "$(awk -v seed="$i" 'BEGIN { srand(seed); print 0.03 + 0.05 * rand() }')"
  kill -KILL $! 2>/dev/null && kills=$((kills + 1))
  wait $! 2>/dev/null || true
  temporaries=$((temporaries + $(find killed -name '.*.tmp' | wc -l)))
  "${small[@]}" --out killed --resume &
done
wait $! || fail "the last part of a run that was killed $kills times failed"
steps() { sed 's/,"tokens_per_second.*//' "$1/log.jsonl"; }
# same NAME: the folder killed/ holds what often/ holds.
same() {
  cmp often/checkpoint/model.safetensors killed/checkpoint/model.safetensors || fail "weights differ: $1"
  cmp <(steps often) <(steps killed) || fail "logs differ: $1"
  [[ -z $(find killed -name '.*.tmp') ]] || fail "temporary files were left: $1"
}
((kills >= 3)) || fail "only $kills kills"
same "killed $kills times during saves, $temporaries temporary files"

# What a kill can leave, made by hand: a run of 60 of 150 steps, ended by a signal.
part() {
  rm -rf killed
  "${small[@]}" --out killed &
  until [[ -f killed/log.jsonl && $(wc -l <killed/log.jsonl) -ge 60 ]] || ! kill -0 $! 2>/dev/null; do sleep 0.005; done
  kill -TERM $! || fail "the run had ended before it was stopped"
  wait $! 2>/dev/null && fail "a stopped run gave exit code 0"
  [[ ! -e killed/result.json ]] || fail "a stopped run has a result"
}
go_on() {
  "${small[@]}" --out killed --resume
  same "$1"
}
part 2>/dev/null
printf '{"step":61,"tokens":256,"lo' >>killed/log.jsonl
touch killed/.log.jsonl.1-0.tmp killed/checkpoint/.model.safetensors.1-2.tmp
go_on "half a line in the log, temporary files"
part 2>/dev/null
next=$(($(wc -l <killed/log.jsonl) + 1))
for step in $next $((next + 1)); do steps often | sed -n "${step}p" | sed 's/$/,"tokens_per_second":1}/' >>killed/log.jsonl; done
go_on "a log that is ahead of the state"
part 2>/dev/null
rm killed/training_state.safetensors
go_on "a log without a state"
part 2>/dev/null
rm -r killed/checkpoint killed/intervals.bed
go_on "no checkpoint"
part 2>/dev/null
saved=$(wc -l <killed/log.jsonl)
cp killed/log.jsonl log
truncate -s -1 killed/log.jsonl
expected="killed/log.jsonl: the log lacks steps that are saved; expected step $saved,.*found step $((saved - 1)) as the last one"
for damage in "last newline" zeros; do
  code=0
  "${small[@]}" --out killed --resume 2>message || code=$?
  [[ $code == 2 && $(wc -l <message) == 1 ]] && grep -q -- "$expected" message || fail "$damage gave exit $code: $(cat message)"
  head -c 1000 /dev/zero >killed/log.jsonl
  expected="killed/log.jsonl: the log lacks steps that are saved; .*found no complete line"
done
cp log killed/log.jsonl
go_on "the log that it had"
part 2>/dev/null
saved=$(wc -l <killed/log.jsonl)
rm killed/log.jsonl
"${small[@]}" --out killed --resume
cmp often/checkpoint/model.safetensors killed/checkpoint/model.safetensors || fail "weights differ: no log"
cmp <(steps often | tail -n +$((saved + 1))) <(steps killed) || fail "logs differ: no log"
