#!/usr/bin/env bash
# check.sh LOG...: reads what ptxas -v printed and fails where a kernel of ours (namespace ligase::...::kernels) spills
# registers or uses local memory, or where none is found. Prints how many there were and which needs most registers.
set -euo pipefail

awk '
  # Names are mangled: "6ligase" ... "7kernels" stand in those of our kernels.
  /Compiling entry function/ {
    split($0, part, "\047")
    name = part[2]; target = part[4]; seen[name] = 1
    ours = name ~ /6ligase/ && name ~ /7kernels/
    next
  }
  # Lines about other functions (not entries) stand between those of an entry and its registers.
  /Function properties for/ { function_name = $NF; next }
  ours && function_name == name && /bytes stack frame/ {
    stack = $1; stores = $5; loads = $9
    if (stack + stores + loads > 0)
      bad[++faults] = target " " stack " bytes stack, " stores " spilled, " loads " loaded back: " name
    next
  }
  ours && /Used [0-9]+ registers/ {
    ++kernels
    for (i = 1; i < NF; ++i) if ($i == "Used" && $(i + 1) > most) { most = $(i + 1); of = target " " name }
    ours = 0
  }
  END {
    for (i = 1; i <= faults; ++i) print "FAULT: " bad[i]
    printf "%d kernels checked, %d with stack or spills; most registers: %d in %s\n", kernels, faults, most, of
    exit kernels == 0 || faults > 0
  }' "$@" | c++filt
