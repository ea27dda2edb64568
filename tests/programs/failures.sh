#!/usr/bin/env bash
# What goes wrong while pretrain runs: a full disk, a FASTA that vanishes, shrinks or changes, a loss that is not finite, a
# signal, closed standard streams. Each run ends with exit code 1 and one line that names the last saved state, and --resume
# ends with the bits of a run that nothing happened to.
set -euo pipefail
programs=$1 work=$2 full_disk=$3
rm -rf "$work" && mkdir -p "$work" && cd "$work"

awk 'BEGIN { srand(7); print ">chr"; for (i = 0; i < 2000; ++i) { s = ""; for (j = 0; j < 60; ++j) s = s substr("ACGT", 1 + int(rand() * 4), 1); print s } }' >good.fa
cp good.fa genome.fa
fail() {
  echo "failures: $*" >&2
  exit 1
}
flags=(--length 128 --batch-size 4 --d-model 16 --n-layer 2 --steps 300 --save-every 20 --threads 1 --quiet)
train() { "$programs/pretrain" --fasta genome.fa --out "$@" "${flags[@]}"; }
# failed CODE PATTERN COMMAND...: that exit code, one line on stderr with the pattern.
failed() {
  local code=0
  "${@:3}" 2>message || code=$?
  [[ $code == "$1" && $(wc -l <message) == 1 ]] && grep -qE -- "$2" message || fail "${*:3} gave exit $code: $(cat message)"
}
steps() { sed 's/,"tokens_per_second.*//' "$1/log.jsonl"; }
same() {
  cmp whole/checkpoint/model.safetensors part/checkpoint/model.safetensors || fail "weights differ after $1"
  cmp <(steps whole) <(steps part) || fail "logs differ after $1"
  [[ -z $(find part -name '.*.tmp') ]] || fail "$1 left temporary files"
}
train whole

# Runs part/, does $2 after 30 steps, and compares the end with pattern $3.
during() {
  rm -rf part
  "$programs/pretrain" --fasta genome.fa --out part "${flags[@]}" 2>message &
  local job=$! code=0
  until [[ -f part/log.jsonl && $(wc -l <part/log.jsonl) -ge 30 ]] || ! kill -0 $job 2>/dev/null; do sleep 0.005; done
  eval "$2"
  wait $job || code=$?
  [[ $code == 1 && $(wc -l <message) == 1 ]] && grep -qE "$3" message || fail "$1 gave exit $code: $(cat message)"
  grep -q -- "--resume" message || fail "$1: nothing is said about --resume: $(cat message)"
}
advice="last saved state: step [0-9]+ in part/training_state.safetensors"
during "a shorter FASTA" "truncate -s 1000 genome.fa" "$advice"
failed 2 "genome.fa" train part --resume
cp good.fa genome.fa && train part --resume && same "a shorter FASTA"

during "a FASTA that is gone" "rm genome.fa" "$advice.*cannot be found any more"
failed 2 "genome.fa: cannot open" train part --resume
cp good.fa genome.fa && train part --resume && same "a FASTA that is gone"

during "another FASTA" "sed '2,\$y/AC/CA/' good.fa >genome.fa" "$advice"
failed 2 "not the one that the saved run began with" train part --resume
cp good.fa genome.fa && train part --resume && same "another FASTA"

# The rows are compared before the letters that they choose.
printf 'chr\t0\t60000\ttrain\nchr\t60000\t90000\tvalid\n' >rows.bed
rm -rf part
"$programs/pretrain" --fasta genome.fa --bed rows.bed --out part "${flags[@]}" 2>message &
until [[ -e part/training_state.safetensors ]] || ! kill -0 $! 2>/dev/null; do sleep 0.005; done
kill -TERM $!
wait $! && fail "a stopped run gave exit code 0"
printf 'chr\t0\t50000\ttrain\n' >rows.bed
failed 2 "rows.bed: these rows are not those that the saved run began with" train part --bed rows.bed --resume

# Ids that become fewer meanwhile.
"$programs/tokenize" --fasta genome.fa --length 128 --out ids.npy --quiet >/dev/null
cp ids.npy all.npy
rm -rf part
"$programs/pretrain" --ids ids.npy --out part "${flags[@]}" 2>message &
until [[ -f part/log.jsonl && $(wc -l <part/log.jsonl) -ge 30 ]] || ! kill -0 $! 2>/dev/null; do sleep 0.005; done
truncate -s 200 ids.npy
code=0
wait $! || code=$?
[[ $code == 1 && $(wc -l <message) == 1 ]] && grep -qE "ids.npy: .*the file was changed during the run.*--resume goes on" message ||
  fail "fewer ids gave exit $code: $(cat message)"
cp -p all.npy ids.npy
"$programs/pretrain" --ids ids.npy --out part "${flags[@]}" --resume

for signal in TERM INT HUP; do
  [[ $signal != INT ]] || set -m # else the shell starts background jobs with SIGINT ignored
  during "SIG$signal" "kill -$signal \$job" "stopped by signal [0-9]+ after step [0-9]+, which is saved"
  set +m
  [[ $(wc -l <part/log.jsonl) -lt 300 ]] || fail "SIG$signal came too late"
  train part --resume && same "SIG$signal"
done

# Two runs that begin in one folder: one is made, whichever comes first.
rm -rf part
for i in $(seq 60); do sed 's/chr/chr'"$i/" good.fa; done >large.fa
short=(--length 128 --batch-size 1 --d-model 4 --n-layer 1 --steps 1 --threads 1 --quiet)
"$programs/pretrain" --fasta large.fa --out part "${short[@]}" 2>message &
sleep 0.05
first=0 second=0
"$programs/pretrain" --fasta genome.fa --out part "${short[@]}" 2>>message || first=$?
wait $! || second=$?
[[ $((first + second)) == 2 && $((first * second)) == 0 ]] || fail "two runs in one folder gave exit $first and $second: $(cat message)"

# --overwrite touches nothing where the checkpoint cannot be written.
if [[ $(id -u) != 0 ]]; then
  chmod 555 part/checkpoint
  cp -r part before
  failed 2 "--out: cannot be written .Permission denied." train part --overwrite
  chmod 755 part/checkpoint
  cmp part/log.jsonl before/log.jsonl && cmp part/training_state.safetensors before/training_state.safetensors ||
    fail "--overwrite without a right took something away"
fi

# A full disk: at the rows, in the first state, in the log between two states, and none after it.
if [[ $full_disk == ON ]]; then
  rm -rf part
  failed 1 "part/intervals.bed: cannot write the file .once that is mended, .*--resume goes on.; found File too large" bash -c \
    'set -o pipefail; (ulimit -f 0; exec "$@" 2>&1) | cat >&2' - "$programs/pretrain" --fasta genome.fa --out part "${flags[@]}" \
    --learning-rate 1e-9
  rm -rf part
  size=$(($(stat -c %s whole/training_state.safetensors) / 1024))
  failed 1 "part/training_state.safetensors: .*last saved state: none.*File too large" bash -c "ulimit -f $((size / 2)); exec \"\$@\"" - \
    "$programs/pretrain" --fasta genome.fa --out part "${flags[@]}"
  [[ ! -e part/training_state.safetensors && -z $(find part -name '.*.tmp') ]] || fail "a full disk left half a state"
  train part --resume && same "a full disk"
  rm -rf part
  flags=(--length 128 --batch-size 1 --d-model 4 --n-layer 1 --steps 600 --save-every 20 --threads 1 --quiet)
  rm -rf whole && train whole
  size=$(($(stat -c %s whole/training_state.safetensors) / 1024 + 2))
  [[ $(stat -c %s whole/log.jsonl) -gt $((size * 1024)) ]] || fail "the log is too short for this test"
  failed 1 "part/log.jsonl: .*last saved state: step [0-9]+ .*cannot write the log.*found File too large" bash -c "ulimit -f $size; exec \"\$@\"" - \
    "$programs/pretrain" --fasta genome.fa --out part "${flags[@]}"
  [[ $(tail -c 1 part/log.jsonl) == "" ]] || fail "a full disk left half a line"
  train part --resume && same "a full disk under the log"
fi

# A loss that is not finite.
rm -rf part
flags=(--length 128 --batch-size 4 --d-model 16 --n-layer 2 --steps 300 --save-every 1 --threads 1 --quiet --learning-rate 1e30)
failed 1 "training stopped after step [0-9]+ .last finite loss: [0-9.e+]+; $advice.*is not finite.*smaller --learning-rate" train part
failed 1 "is not finite" train part --resume

# Standard streams that are closed or full: the run is done and whole, and messages never reach a file of the run.
flags=(--length 128 --batch-size 4 --d-model 8 --n-layer 1 --steps 5 --threads 1)
rm -rf whole && train whole --quiet
for streams in ">&-" "2>&-" ">&- 2>&-" "<&- >&- 2>&-" ">/dev/full" "2>/dev/full" "| true"; do
  rm -rf part
  eval "train part $streams" 2>message || true
  same "'$streams'"
done
rm -rf part
flags+=(--quiet)
failed 2 "has to be given" "$programs/pretrain" --out part
for flag in fasta out bed model length json checkpoint; do
  failed 2 "^pretrain: --$flag: has no value" "$programs/pretrain" "--$flag" "" --quiet
done
failed 2 "^pretrain: --bed: has no value" train part --bed=
failed 2 "part.xff.: holds a byte that is no UTF-8" train $'part\xff'
failed 2 "no folder|cannot open" train part --bed $'a\e[31m\nb'
for output in ">&-" ">/dev/full"; do
  failed 1 "standard output cannot be written" eval "'$programs/pretrain' --help $output"
done
