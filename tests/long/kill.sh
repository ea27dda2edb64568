#!/usr/bin/env bash
# The kill test at full size; not part of tests/run.sh. A run of STEPS steps is made once without interruption, once more on
# one thread, and once killed KILLS times (SIGKILL) at random moments and resumed each time. Checked:
#   - weights and log are bit for bit those of the uninterrupted run, with one and with two threads;
#   - the first step after each resume is the last saved one + 1, and at most SAVE_EVERY steps are made twice per kill;
#   - all parts together take at most 1.5 times as long as the uninterrupted run with the same --save-every.
#
#   tests/long/kill.sh [PROGRAMS [RESULT.json]]         (build/release/examples, kill.json)
#   STEPS=60 KILLS=5 D_MODEL=32 tests/long/kill.sh      a small one
#
# FASTA and BED name a genome; without them a random sequence of 2 Mbp is made. The defaults take about 15 minutes on two
# cores that nothing else uses.
set -euo pipefail
export OMP_WAIT_POLICY=passive
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
programs=$(cd "${1:-$root/build/release/examples}" && pwd)
result=$(realpath -m "${2:-kill.json}")
steps=${STEPS:-400} kills=${KILLS:-20} save_every=${SAVE_EVERY:-4} seed=${SEED:-1} threads=${THREADS:-2}
d_model=${D_MODEL:-128} n_layer=${N_LAYER:-4} length=${LENGTH:-1024} batch=${BATCH:-8} one_thread=${ONE_THREAD:-1}
fasta=$([[ -z ${FASTA:-} ]] || realpath "$FASTA")
bed=$([[ -z ${BED:-} ]] || realpath "$BED")
work=${WORK:-$(mktemp -d)}
mkdir -p "$work" && cd "$work"
rm -rf whole one parts

if [[ -z $fasta ]]; then
  fasta=$work/genome.fa
  awk 'BEGIN { srand(5); print ">chr"; for (i = 0; i < 33000; ++i) { s = ""; for (j = 0; j < 60; ++j) s = s substr("ACGT", 1 + int(rand() * 4), 1); print s } }' >"$fasta"
fi
pretrain=("$programs/pretrain" --fasta "$fasta" --length "$length" --batch-size "$batch" --d-model "$d_model" --n-layer "$n_layer"
  --steps "$steps" --save-every "$save_every" --rc-augment --quiet)
[[ -z $bed ]] || pretrain+=(--bed "$bed")
now() { date +%s.%N; }
calculate() { awk "BEGIN { printf \"%.6g\", ($1) }"; }
step_of() { [[ -f $1 ]] && awk 'END { print NR }' <(grep '}$' "$1") || echo 0; }
saved_step() { [[ -f $1 ]] && head -c 4096 "$1" | grep -aoE '\\"step\\":[0-9]+' | grep -oE '[0-9]+$' || echo 0; }
failures=()
check() { [[ $1 == true ]] || { failures+=("$2"); echo "FAILED: $2"; }; }
equal() { [[ $1 == "$2" ]] && echo true || echo false; }
same_files() { cmp -s "$1" "$2" && echo true || echo false; }
lines() { sed 's/,"tokens_per_second.*//' "$1/log.jsonl"; }

begin=$(now)
"${pretrain[@]}" --out whole --threads "$threads"
whole=$(calculate "$(now) - $begin")
echo "uninterrupted: $steps steps in $whole s"

# Moments: shares of the uninterrupted time, one in each of KILLS equal parts, from the seed.
mapfile -t moments < <(awk -v n="$kills" -v seed="$seed" -v t="$whole" 'BEGIN { srand(seed); for (i = 0; i < n; ++i) print t * (i + 0.15 + 0.7 * rand()) / n }')
parts=0 twice=0 most_twice=0 start_up=0 rows="" previous=0
printf '%4s %8s %8s %8s %8s %9s\n' kill after_s logged saved twice start_s
for ((k = 0; k <= kills; ++k)); do
  begin=$(now)
  saved=$(saved_step parts/training_state.safetensors)
  flags=(--out parts --threads "$threads")
  [[ $k == 0 ]] || flags+=(--resume)
  "${pretrain[@]}" "${flags[@]}" &
  job=$!
  if ((k > 0)); then # time to the first new step: the log is cut back first, then grows
    until [[ $(step_of parts/log.jsonl) -le $saved ]] || ! kill -0 $job 2>/dev/null; do sleep 0.002; done
    until [[ $(step_of parts/log.jsonl) -gt $saved ]] || ! kill -0 $job 2>/dev/null; do sleep 0.005; done
    first_step=$(awk -v n=$((saved + 1)) 'NR == n { if (match($0, /"step":[0-9]+/)) print substr($0, RSTART + 7, RLENGTH - 7) }' parts/log.jsonl)
    first=$(calculate "$(now) - $begin")
    start_up=$(calculate "$start_up > $first ? $start_up : $first")
    check "$(equal "$first_step" $((saved + 1)))" "part $k begins with step $first_step after the saved step $saved"
  fi
  if ((k == kills)); then
    wait $job
    parts=$(calculate "$parts + $(now) - $begin")
    break
  fi
  # The moment counts steps that last, so that the kills spread over the run whatever is made twice.
  goal=$(calculate "int(${moments[k]} / $whole * $steps)")
  [[ $goal -gt $previous ]] || goal=$((previous + 1))
  until [[ $(step_of parts/log.jsonl) -ge $goal ]] || ! kill -0 $job 2>/dev/null; do sleep 0.01; done
  sleep "$(awk -v seed="$((seed * 1000 + k))" -v t="$whole" -v n="$steps" 'BEGIN { srand(seed); print rand() * t / n }')"
  kill -KILL $job 2>/dev/null || { failures+=("the run had ended before kill $((k + 1))"); break; }
  wait $job 2>/dev/null || true
  took=$(calculate "$(now) - $begin")
  parts=$(calculate "$parts + $took")
  logged=$(step_of parts/log.jsonl) saved=$(saved_step parts/training_state.safetensors)
  again=$((logged - saved)) twice=$((twice + logged - saved)) previous=$logged
  ((again <= most_twice)) || most_twice=$again
  printf '%4d %8.1f %8d %8d %8d %9s\n' $((k + 1)) "$took" "$logged" "$saved" "$again" "${first:-}"
  rows+="${rows:+, }{\"after_s\": $took, \"logged\": $logged, \"saved\": $saved, \"made_twice\": $again}"
done

weights=$(same_files whole/checkpoint/model.safetensors parts/checkpoint/model.safetensors)
log=$(same_files <(lines whole) <(lines parts))
check "$weights" "the weights differ"
check "$log" "the logs differ"
((most_twice <= save_every)) || check false "$most_twice steps were made twice after one kill"
ratio=$(calculate "$parts / $whole")
check "$(equal "$(calculate "$ratio <= 1.5")" 1)" "the parts took $ratio times as long"
one=null
if [[ $one_thread == 1 ]]; then
  "${pretrain[@]}" --out one --threads 1
  one=$(same_files whole/checkpoint/model.safetensors one/checkpoint/model.safetensors)
  check "$one" "one thread gives other weights"
fi
echo "parts: $parts s, $ratio times the uninterrupted run; $twice steps made twice; slowest start to first step $start_up s"
cat >"$result" <<JSON
{"steps": $steps, "kills": $kills, "save_every": $save_every, "seed": $seed, "threads": $threads, "d_model": $d_model,
 "n_layer": $n_layer, "length": $length, "batch_size": $batch, "uninterrupted_s": $whole, "parts_s": $parts, "ratio": $ratio,
 "steps_made_twice": $twice, "most_made_twice_per_kill": $most_twice, "slowest_start_to_first_step_s": $start_up,
 "weights_equal": $weights, "logs_equal": $log, "one_thread_equal": $one, "failures": ${#failures[@]},
 "parts": [$rows]}
JSON
[[ -n ${WORK:-} ]] || rm -rf "$work"
if ((${#failures[@]} > 0)); then exit 1; fi
echo "passed"
