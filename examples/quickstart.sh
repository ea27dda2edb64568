#!/usr/bin/env bash
# From a fresh machine to a trained model: builds four programs, gets human chromosome 20, pretrains Caduceus-PS on it,
# evaluates on held-out windows, fills a masked sequence and draws the loss curve. All of it lies under build/quickstart/.
# A second run uses the same build, data and trained model; an interrupted training goes on where it was saved.
#
#   LIGASE_DATA=DIR  a folder that holds the chromosome (20.fa.gz, or *chr20*.fa, .fa.gz): nothing is downloaded
#   FRESH=1          train again although there is a trained model
set -euo pipefail

# What is trained; each can be set in the environment.
MODEL=${MODEL:-caduceus-ps}
D_MODEL=${D_MODEL:-118}
N_LAYER=${N_LAYER:-4}
LENGTH=${LENGTH:-1024}
BATCH_SIZE=${BATCH_SIZE:-8}
STEPS=${STEPS:-160}
SEED=${SEED:-1}

cd "$(dirname "${BASH_SOURCE[0]}")/.."
source examples/common/packages.sh

home=build/quickstart
build=$home/build
run=$home/run
bin=$build/examples
programs=(pretrain evaluate fill_mask loss_curve)

stage_start=0
begin() {
  stage_start=$SECONDS
  echo
  echo "== $1"
}
end() { echo "($((SECONDS - stage_start)) s)"; }

fail() {
  echo "quickstart: $*" >&2
  exit 1
}

# The first file in folder $1 that can only be chromosome 20.
find_chromosome() {
  find -L "$1" -maxdepth 3 -type f \( -name 20.fa.gz -o -name 20.fa -o -name '*chr20*.fa' -o -name '*chr20*.fa.gz' \
    -o -name '*chr20*.fasta' -o -name '*chr20*.fasta.gz' \) 2>/dev/null | LC_ALL=C sort | head -n 1
}

# Debian's vt-examples holds GRCh37's chromosome 20; no root is needed to unpack it.
download_from_debian() {
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
  local work=$home/data.part
  rm -rf "$work" && mkdir -p "$work"
  (cd "$work" && apt-get download -q vt-examples >/dev/null 2>&1) || return 1
  dpkg-deb -x "$work"/vt-examples_*.deb "$work" || return 1
  mkdir -p "$home/data"
  mv "$work/usr/share/doc/vt/examples/ref/20.fa.gz" "$home/data/20.fa.gz" || return 1
  rm -rf "$work"
}

download_from_ucsc() {
  install_missing curl
  command -v curl >/dev/null || return 1
  mkdir -p "$home/data"
  curl --fail --location --silent --show-error --retry 2 -o "$home/data/chr20.part" \
    https://hgdownload.soe.ucsc.edu/goldenPath/hg38/chromosomes/chr20.fa.gz || return 1
  gzip -t "$home/data/chr20.part" || return 1
  mv "$home/data/chr20.part" "$home/data/chr20.fa.gz"
}

as_text() { if [[ $1 == *.gz ]]; then gzip -dc "$1"; else cat "$1"; fi; }

# Bases [$2, $2 + $3) of the first sequence of FASTA file $1, in capitals.
bases_of() {
  as_text "$1" 2>/dev/null | awk -v start="$2" -v size="$3" '
    /^>/ { if (NR > 1) exit; next }
    {
      if (seen + length($0) > start) {
        from = start > seen ? start - seen : 0
        text = text substr($0, from + 1)
        start = seen + length($0)
      }
      seen += length($0)
      if (length(text) >= size) { print toupper(substr(text, 1, size)); exit }
    }' || true
}

begin "Packages and build"
install_missing g++ cmake ninja-build ccache libeigen3-dev nlohmann-json3-dev libcxxopts-dev libhts-dev zlib1g-dev
mkdir -p "$home"
echo "Building ${programs[*]}; the first time takes a minute or two"
cmake --preset release -B "$build" -DLIGASE_TESTS=OFF -DLIGASE_BENCHMARKS=OFF >"$home/build.log" 2>&1 ||
  { tail -n 20 "$home/build.log" >&2; fail "configuring failed; all of its output is in $home/build.log"; }
cmake --build "$build" --target "${programs[@]}" >>"$home/build.log" 2>&1 ||
  { grep -m 5 -A 10 "error" "$home/build.log" >&2; fail "the build failed; all of its output is in $home/build.log"; }
end

begin "Human chromosome 20"
if [[ -n ${LIGASE_DATA:-} ]]; then
  [[ -d $LIGASE_DATA ]] || fail "LIGASE_DATA=$LIGASE_DATA is no folder"
  fasta=$(find_chromosome "$LIGASE_DATA")
  [[ -n $fasta ]] || fail "LIGASE_DATA=$LIGASE_DATA holds no 20.fa(.gz) and no *chr20*.fa(.gz)"
else
  fasta=$([[ -d $home/data ]] && find_chromosome "$home/data" || true)
  if [[ -z $fasta ]]; then
    echo "Downloading"
    download_from_debian || download_from_ucsc ||
      fail "the chromosome could not be downloaded; set LIGASE_DATA to a folder that holds 20.fa.gz or chr20.fa.gz"
    fasta=$(find_chromosome "$home/data")
  fi
fi
echo "$fasta"
end

begin "Pretraining $MODEL: $N_LAYER layers of $D_MODEL channels, $STEPS steps of $BATCH_SIZE windows of $LENGTH bp"
settings="$MODEL $D_MODEL $N_LAYER $LENGTH $BATCH_SIZE $STEPS $SEED $(realpath "$fasta")"
mode=--resume
if [[ -n ${FRESH:-} ]] || [[ -d $run && $(cat "$home/settings" 2>/dev/null) != "$settings" ]]; then mode=--overwrite; fi
[[ -d $run ]] || mode=--overwrite
echo "$settings" >"$home/settings"
"$bin/pretrain" --model "$MODEL" --fasta "$fasta" --out "$run" --length "$LENGTH" --steps "$STEPS" \
  --batch-size "$BATCH_SIZE" --d-model "$D_MODEL" --n-layer "$N_LAYER" --seed "$SEED" "$mode"
end

begin "Evaluating on held-out windows"
{
  echo "$MODEL, $N_LAYER layers of $D_MODEL channels, $STEPS steps of $BATCH_SIZE windows of $LENGTH bp, seed $SEED"
  echo "trained on the train split of $fasta, evaluated on its test split"
  echo
  "$bin/evaluate" --checkpoint "$run" --fasta "$fasta" --split test --json "$home/evaluation.json"
} >"$home/report.part"
cat "$home/report.part"
end

begin "Filling a masked base of a held-out sequence"
start=$(awk '$4 == "test" { print $2 + 100000; exit }' "$run/intervals.bed")
sequence=$(bases_of "$fasta" "${start:-9537184}" 256)
masked="${sequence:0:128}[MASK]${sequence:129}"
{
  echo
  echo "bases ${start:-9537184} to $((${start:-9537184} + 256)) (0-based), the middle one masked; it is ${sequence:128:1}"
  echo "...${sequence:108:20}[MASK]${sequence:129:20}..."
  "$bin/fill_mask" --checkpoint "$run" --sequence "$masked"
} | tee -a "$home/report.part"
mv "$home/report.part" "$home/report.txt"
end

begin "Loss curve"
"$bin/loss_curve" --log "$run/log.jsonl" --out "$home/loss.svg" --title "$MODEL on human chromosome 20"
echo "$home/loss.svg"
end

echo
echo "Report: $home/report.txt   model: $run/checkpoint   loss curve: $home/loss.svg"
echo "Took $((SECONDS / 60)) min $((SECONDS % 60)) s"
