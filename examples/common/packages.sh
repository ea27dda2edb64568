# Sourced by the scripts: install_missing NAME... installs the Debian packages that are not there, where root or sudo
# allows it; else it names them and goes on, since a library may have been installed some other way.
install_missing() {
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    local tool missing_tools=()
    for tool in g++ cmake ninja; do command -v "$tool" >/dev/null || missing_tools+=("$tool"); done
    ((${#missing_tools[@]} == 0)) || echo "Not a Debian or Ubuntu system; please install: ${missing_tools[*]}" >&2
    return 0
  fi

  declare -A command_of=([g++]=g++ [cmake]=cmake [ninja-build]=ninja [ccache]=ccache [curl]=curl)
  local package missing=()
  for package in "$@"; do
    if [[ -n ${command_of[$package]:-} ]]; then
      command -v "${command_of[$package]}" >/dev/null || missing+=("$package")
    else
      [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
    fi
  done
  ((${#missing[@]} > 0)) || return 0

  local as_root=()
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
      echo "Packages are missing and may not be installed from here; please run: sudo apt-get install ${missing[*]}" >&2
      return 0
    fi
    as_root=(sudo -n)
  fi
  echo "Installing ${missing[*]}"
  local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}")
  local log
  log=$(mktemp)
  if ! { "${as_root[@]}" "${install[@]}" ||
    { "${as_root[@]}" apt-get update -q && "${as_root[@]}" "${install[@]}"; }; } >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    echo "Installing failed; please run: apt-get install ${missing[*]}" >&2
  fi
  rm -f "$log"
}
