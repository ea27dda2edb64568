#!/usr/bin/env bash
# Builds the preset `cuda` and runs every device test and benchmark on the GPU of this machine, each for a limited time, within
# nine minutes in all; goes on after failures; writes one JSON and prints a table. Needs no network. Exit 0: nothing failed;
# 1: something did; 77: there is no GPU.
#
#   bash tests/gpu.sh [PART...]       parts: build ops verify_fp32 verify_bf16 repeat_fp32 repeat_bf16 pretrain scan models
#                                     ops_benchmark peer memcheck racecheck; without names: all
#   bash tests/gpu.sh --collect DIR   copies the dependencies that are installed here to DIR, for LIGASE_DEPS elsewhere
#
#   LIGASE_DEPS=DIR         include/ and lib/ of dependencies that are not installed; HTSlib is optional
#   LIGASE_SHARED=DIR       golden cases in DIR/reference/golden; default: ../shared
#   LIGASE_IDS=FILE.npy     windows for pretrain, as tokenize writes them; default: a random genome
#   LIGASE_GPU_OUT=DIR      where gpu.json and the benchmarks' files go; default: benchmarks/results
#   LIGASE_GPU_SECONDS=N    time for everything; default 530
#   LIGASE_GPU_ARCH=LIST    architectures to compile for; default: that of the GPU
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ ${1:-} == --collect ]]; then
  to=${2:?DIR is missing}
  mkdir -p "$to/include" "$to/lib/cmake"
  for header in eigen3 nlohmann cxxopts.hpp doctest benchmark; do
    if [[ -e /usr/include/$header ]]; then cp -r "/usr/include/$header" "$to/include/"; else echo "not installed: $header"; fi
  done
  rm -rf "$to/include/eigen3/unsupported"
  cp -r /usr/lib/cmake/doctest "$to/lib/cmake/" 2>/dev/null || echo "not installed: doctest's CMake files"
  library=$(ls /usr/lib/*/libbenchmark.so 2>/dev/null | head -n 1)
  if [[ -n $library ]]; then
    cp -L "$library" "$to/lib/$(basename "$(readlink "$library")")"
    cp -L "$library" "$to/lib/"
  else
    echo "not installed: Google Benchmark"
  fi
  du -sh "$to"
  exit 0
fi

gpu=$(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -n 1)
if [[ -z $gpu ]]; then
  echo "SKIP: this machine has no NVIDIA GPU (nvidia-smi finds none)"
  exit 77
fi

budget=${LIGASE_GPU_SECONDS:-530}
build=build/cuda
work=$build/gpu
out=${LIGASE_GPU_OUT:-benchmarks/results}
shared=${LIGASE_SHARED:-../shared}
golden=$shared/reference/golden
threads=$(nproc)
wanted=" ${*:-all} "
mkdir -p "$work" "$out"
names=() states=() times=() details=()

left() { echo $((budget - SECONDS)); }

# part NAME SECONDS COMMAND...: runs it for at most so long; its output goes to a log, of which the last line is the detail.
# Exit 77 of the command: skipped.
part() {
  local name=$1 limit=$2 begin=$SECONDS code=0 state detail
  shift 2
  [[ $wanted == *" all "* || $wanted == *" $name "* ]] || return 0
  local log=$work/$name.log
  if (($(left) < 5)); then
    state="out of time" detail="" code=124
  else
    ((limit = limit < $(left) ? limit : $(left)))
    timeout --kill-after=5 "$limit" "$@" >"$log" 2>&1 || code=$?
    case $code in
      0) state=ok ;;
      77) state=skipped ;;
      124 | 137) state="out of time" ;;
      *) state=failed ;;
    esac
    detail=$(grep -v '^[[:space:]]*$' "$log" | tail -n 1 | tr -d '\000-\037' | cut -c 1-300)
  fi
  names+=("$name") states+=("$state") times+=($((SECONDS - begin))) details+=("$detail")
  printf '%-14s %-12s %4d s  %s\n' "$name" "$state" "${times[-1]}" "${detail:0:110}"
  [[ $state == ok || $state == skipped ]]
}

build() {
  local arch=${LIGASE_GPU_ARCH:-}
  if [[ -z $arch ]]; then
    arch=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1 | tr -d .)
    [[ $arch == 90 || $arch == 100 ]] && arch=${arch}a
    arch=$arch-real
  fi
  cmake --preset cuda -DCMAKE_CUDA_ARCHITECTURES="$arch" -DLIGASE_DEPS="${LIGASE_DEPS:+$(realpath "$LIGASE_DEPS")}" \
    -DLIGASE_WERROR=OFF -DFETCHCONTENT_FULLY_DISCONNECTED=ON || return 1
  # What is there, of all that is wanted: without HTSlib or Google Benchmark some programs are missing.
  local known targets=() target
  known=$(ninja -C "$build" -t targets all | cut -d : -f 1)
  for target in verify pretrain tokenize fill_mask test_device_cuda benchmark_models benchmark_ops benchmark_cuda_scan; do
    if grep -qx "$target" <<<"$known"; then targets+=("$target"); else echo "not built: $target"; fi
  done
  ninja -C "$build" -k 0 "${targets[@]}"
}

# run PROGRAM ARGUMENT...: skipped where the program was not built.
run() {
  local program=$1
  shift
  if [[ ! -x $build/$program ]]; then
    echo "SKIP: $program was not built"
    return 77
  fi
  "$build/$program" "$@"
}

verify() {
  if [[ ! -d $golden ]]; then
    echo "SKIP: no golden cases in $golden (LIGASE_SHARED names the folder above reference/)"
    return 77
  fi
  run examples/verify --device cuda --precision "$1" --json "$work/verify_$1.json" "$golden"
}

# A genome whose letters depend on the two before them, as rows of ids [4096, 1024].
make_ids() {
  [[ -s $work/ids.npy ]] || python3 - "$work/ids.npy" <<'PYTHON'
import random, sys
random.seed(1)
favourite = {(a, b): random.randrange(4) for a in range(4) for b in range(4)}
rows, length, a, b, ids = 4096, 1024, 0, 1, bytearray()
for _ in range(rows * length):
    a, b = b, favourite[a, b] if random.random() < 0.7 else random.randrange(4)
    ids.append(7 + b)
text = "{'descr': '|u1', 'fortran_order': False, 'shape': (%d, %d), }" % (rows, length)
text += " " * (-(len(text) + 11) % 64) + "\n"
with open(sys.argv[1], "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + ids)
PYTHON
}

ids() {
  if [[ -n ${LIGASE_IDS:-} ]]; then
    echo "$LIGASE_IDS"
  else
    make_ids && echo "$work/ids.npy"
  fi
}

# Ten runs of 50 steps: weights and losses must be the same bytes.
repeat() {
  local precision=$1 file i sums
  file=$(ids) || return 1
  [[ -x $build/examples/pretrain ]] || { echo "SKIP: pretrain was not built"; return 77; }
  rm -rf "$work/repeat_$precision"
  mkdir -p "$work/repeat_$precision"
  for i in 0 1 2 3 4 5 6 7 8 9; do
    "$build/examples/pretrain" --device cuda --precision "$precision" --ids "$file" --out "$work/repeat_$precision/$i" \
      --steps 50 --batch-size 8 --d-model 64 --n-layer 2 --save-every 50 --quiet &
    ((i % 5 != 4)) || wait
  done
  wait
  for i in 0 1 2 3 4 5 6 7 8 9; do
    sed -E 's/"tokens_per_second": ?[^,}]*//' "$work/repeat_$precision/$i/log.jsonl" \
      >"$work/repeat_$precision/$i/losses" || return 1
  done
  sums=$(for i in 0 1 2 3 4 5 6 7 8 9; do
    cat "$work/repeat_$precision/$i/checkpoint/model.safetensors" "$work/repeat_$precision/$i/losses" | sha256sum
  done | sort | uniq -c)
  echo "$sums"
  [[ $(wc -l <<<"$sums") == 1 ]] && echo "ten runs of 50 steps have the same bits"
}

pretrain() {
  local file
  file=$(ids) || return 1
  run examples/pretrain --device cuda --precision bf16 --ids "$file" --out "$work/pretrained" --overwrite --steps 300 \
    --batch-size 256 --d-model 118 --n-layer 4 --threads "$threads" --json "$out/pretrain_cuda.json" --quiet || return $?
  run examples/fill_mask --device cuda --checkpoint "$work/pretrained" --sequence "ACGTTGCA[MASK]GGCATTA" || return 1
  tail -n 1 "$work/pretrained/log.jsonl"
}

# Its result goes to stdout.
scan() {
  [[ -x $build/benchmarks/cuda_scan ]] || { echo "SKIP: cuda_scan was not built"; return 77; }
  "$build/benchmarks/cuda_scan" >"$work/scan_cuda.json" || return 1
  cp "$work/scan_cuda.json" "$out/scan_cuda.json"
  grep -E 'forward_share|backward_elements' "$out/scan_cuda.json"
}

peer() { python3 benchmarks/peers/mamba_ssm.py --json "$out/mamba_ssm.json" --limit "$1"; }

# sanitize TOOL: a small selection, since everything runs ten to a hundred times slower.
sanitize() {
  command -v compute-sanitizer >/dev/null || { echo "SKIP: compute-sanitizer is not installed"; return 77; }
  [[ -d $golden && -x $build/examples/verify ]] || { echo "SKIP: needs verify and golden cases"; return 77; }
  local precision
  for precision in fp32 bf16; do
    compute-sanitizer --tool "$1" --error-exitcode 3 "$build/examples/verify" --device cuda --precision "$precision" \
      "$golden/selective_scan_L37" "$golden/caduceus_ps" "$golden/mamba_lm"
    local code=$?
    if grep -q "Device not supported" "$work/$2.log"; then
      echo "SKIP: compute-sanitizer does not support this machine"
      return 77
    fi
    ((code == 0)) || return 1
  done
  echo "$1: no error"
}
export -f build run verify make_ids ids repeat pretrain scan peer sanitize
export build work out golden threads

call() { part "$1" "$2" bash -c "set -uo pipefail; $3"; }

call build 300 build
call ops 60 "run tests/test_device_cuda"
call verify_fp32 60 "verify fp32"
call verify_bf16 60 "verify bf16"
call repeat_fp32 60 "repeat fp32"
call repeat_bf16 60 "repeat bf16"
call scan 60 scan
call models 120 "run benchmarks/models --device cuda --json $out/models_cuda.json"
call peer 120 "peer 100"
call pretrain 60 pretrain
call ops_benchmark 60 "run benchmarks/ops --device cuda --json $out/ops_cuda.json"
call memcheck 60 "sanitize memcheck memcheck"
call racecheck 60 "sanitize racecheck racecheck"

escaped() { sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' <<<"$1"; }
{
  printf '{\n "commit": "%s",\n "date": "%s",\n "gpu": "%s",\n "driver": "%s",\n "nvcc": "%s",\n "seconds": %d,\n "parts": [' \
    "${LIGASE_COMMIT:-$(git rev-parse HEAD 2>/dev/null || echo unknown)}" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$(escaped "$gpu")" \
    "$(nvidia-smi --query-gpu=driver_version --format=csv,noheader | head -n 1)" \
    "$(nvcc --version 2>/dev/null | sed -n 's/.*release \([0-9.]*\).*/\1/p')" "$SECONDS"
  for i in "${!names[@]}"; do
    ((i == 0)) || printf ','
    printf '\n  {"name": "%s", "status": "%s", "seconds": %d, "detail": "%s"}' "${names[i]}" "${states[i]}" "${times[i]}" \
      "$(escaped "${details[i]}")"
  done
  printf '\n ],\n "results": {'
  first=1
  for file in "$out"/{scan_cuda,models_cuda,ops_cuda,mamba_ssm,pretrain_cuda}.json "$work"/verify_{fp32,bf16}.json; do
    [[ -s $file ]] || continue
    ((first)) || printf ','
    first=0
    printf '\n  "%s": ' "$(basename "$file" .json)"
    cat "$file"
  done
  printf '\n }\n}\n'
} >"$out/gpu.json"

echo
printf '%-14s %-12s %6s\n' part result seconds
failed=0
for i in "${!names[@]}"; do
  printf '%-14s %-12s %6d\n' "${names[i]}" "${states[i]}" "${times[i]}"
  [[ ${states[i]} == ok || ${states[i]} == skipped ]] || failed=1
done
echo "$SECONDS s on $gpu; results in $out/gpu.json, logs in $work"
exit $failed
