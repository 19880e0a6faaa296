# Functions that scripts which build share; sourced with $root set to the project.
# shellcheck shell=bash
: "${root:?}"

# What building the program takes, as Debian 12 names it.
# shellcheck disable=SC2034
build_packages=(
  g++ cmake ninja-build ccache
  libsimgrid-dev libboost-dev nlohmann-json3-dev libeigen3-dev libcli11-dev
  libprotozero-dev libsqlite3-dev zlib1g-dev
)

step() { printf '\n==> %s\n' "$*" >&2; }

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# quietly COMMAND...: shows what it prints only if it fails.
quietly() {
  local log status=0
  log=$(mktemp)
  "$@" >"$log" 2>&1 </dev/null || status=$?
  ((status == 0)) || cat "$log" >&2
  rm -f "$log"
  return "$status"
}

is_installed() {
  dpkg-query -W -f='${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

# install_missing PACKAGE...: installs those that are not there; asks for nothing else.
install_missing() {
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    printf 'No apt-get here; going on in the hope that these are installed: %s\n' "$*" >&2
    return
  fi
  local missing=() package as_root=()
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  if ((${#missing[@]} == 0)); then
    return
  fi
  if ((EUID != 0)); then
    command -v sudo >/dev/null ||
      die "needs root to install packages, and there is no sudo; as root run: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  step "Installing ${missing[*]} (a minute or two)"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3)
  quietly "${apt[@]}" update || die "apt-get update failed; check the machine's package sources"
  quietly "${apt[@]}" install -y --no-install-recommends "${missing[@]}" ||
    die "apt-get could not install: ${missing[*]}"
}

# How many compilers may run at once: one a core, and no more than memory allows.
build_jobs() {
  local mib_per_job=1000 cores memory_kib limit quota period jobs
  cores=$(nproc)
  if read -r quota period 2>/dev/null </sys/fs/cgroup/cpu.max && [[ $quota != max ]]; then
    local allowed=$(((quota + period - 1) / period))
    ((allowed < cores)) && cores=$allowed
  fi
  memory_kib=$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo)
  if read -r limit 2>/dev/null </sys/fs/cgroup/memory.max && [[ $limit != max ]]; then
    ((limit / 1024 < memory_kib)) && memory_kib=$((limit / 1024))
  fi
  jobs=$((memory_kib / (mib_per_job * 1024)))
  ((jobs > cores)) && jobs=$cores
  ((jobs < 1)) && jobs=1
  echo "$jobs"
}

# Turns ccache off where it could not keep its files: it would fail the build.
check_ccache() {
  local cache
  command -v ccache >/dev/null || return 0
  cache=$(ccache --get-config cache_dir)
  if ! mkdir -p "$cache" 2>/dev/null || [[ ! -w $cache ]]; then
    export CCACHE_DISABLE=1
  fi
}

# The chart library of the report's page, from npm: CMake takes it in if it finds it there. Without it
# everything works, but reports have tables only.
echarts_version=6.1.0
echarts_sha256=b66b25aeb4df84e33199dc21694014d336d222cbd9deb0e5a7c14bd6aa0d0fd0

# take_echarts: leaves the library in the working folder, or prints why it cannot.
take_echarts() {
  command -v npm >/dev/null || {
    echo "npm could not be installed"
    return 1
  }
  if ! npm pack --loglevel=error --fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-timeout=120000 \
    "echarts@$echarts_version" >log 2>&1 </dev/null; then
    # npm's own words come after the codes of the error, and before advice.
    sed -nE '/^npm (ERR!|error) (code|errno|syscall|type) /d; /^npm (ERR!|error) ./{p;q}' log | grep . ||
      tail -n 1 log
    return 1
  fi
  if ! tar -xzf "echarts-$echarts_version.tgz" --strip-components=2 package/dist/echarts.min.js ||
    ! sha256sum --status --check <<<"$echarts_sha256  echarts.min.js"; then
    echo "what npm has as echarts@$echarts_version is not what was published"
    return 1
  fi
}

fetch_echarts() {
  local place=$root/build/echarts/echarts.min.js folder why
  sha256sum --status --check <<<"$echarts_sha256  $place" 2>/dev/null && return
  command -v npm >/dev/null || (install_missing npm) || true
  step "Fetching Apache ECharts $echarts_version from npm"
  folder=$(mktemp -d)
  if why=$(cd "$folder" && take_echarts); then
    mkdir -p "${place%/*}"
    mv "$folder/echarts.min.js" "$place"
    touch "$place"
  else
    echo "Not to be had: $why" >&2
    echo "Going on without: reports will have tables, but no charts" >&2
  fi
  rm -rf "$folder"
}

# build PRESET [TARGET...]: configures and builds with a preset of CMakePresets.json.
build() {
  local preset=$1 jobs
  shift
  jobs=$(build_jobs)
  check_ccache
  fetch_echarts
  step "Building ($preset, $jobs at a time)"
  (
    cd "$root" || exit
    quietly cmake --preset "$preset"
    cmake --build --preset "$preset" --parallel "$jobs" ${1:+--target "$@"} >&2
  )
}

# build_fast [TARGET...]: as `build fast`, once runs of all kinds have shown what to optimise for. Takes twice as long
# as `build release`, and makes build-fast.
build_fast() {
  local requests=(workload.requests=10000 workload.duration_s=1e9)
  local coding=(splitwise-sim workload.trace=azure-2023-code workload.rate_rps=70 workload.duration_s=120)
  local scenarios=$root/profiles/scenarios
  build recording
  step "Running what it is to be fast at"
  find "$root/build-fast" -name "*.gcda" -delete
  train "$scenarios/default.json" "${requests[@]}"
  train "$scenarios/default.json" "${requests[@]}" fabric.topology=fat-tree workload.rate_rps=1750 \
    "pools[0].count=625" "pools[1].count=375"
  train "${coding[@]}" "pools[0].count=30" "pools[1].count=10"
  train "${coding[@]}" "pools[0].count=5" "pools[1].count=5"
  train "$scenarios/concurrency-64.json"
  train "$scenarios/two-classes.json"
  train "$scenarios/scaled-day.json"
  build fast "$@"
}

train() {
  quietly "$root/build-fast/tests/bench/bench_training" "$@"
}
