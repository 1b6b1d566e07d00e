# Sourced by script/run, script/test and .ci/run: puts on this machine what they need, and nothing twice.
#
# Promises: a second start costs a few milliseconds; two starts at once do not disturb each other; progress goes to
# stderr; the system's package manager is used only as root or with a sudo that asks nothing; otherwise it says the one
# line to type and ends with code 7.  Works with the bash 3.2 of macOS.

here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
venv="$here/.venv"

say() { printf 'cctui: %s\n' "$*" >&2; }

# --- system packages -------------------------------------------------------------------------------------------------

manager() { # the system's package manager, or nothing
    local name
    for name in apt-get dnf pacman apk zypper brew pkg; do
        if command -v "$name" >/dev/null 2>&1; then
            echo "$name"
            return
        fi
    done
}

install_line() { # MANAGER PACKAGE…: the command, without sudo
    local name="$1"
    shift
    case "$name" in
        apt-get) echo "apt-get install -y $*" ;;
        dnf | zypper) echo "$name install -y $*" ;;
        pacman) echo "pacman -S --noconfirm --needed $*" ;;
        apk) echo "apk add $*" ;;
        brew) echo "brew install $*" ;;
        pkg) echo "pkg install -y $*" ;;
    esac
}

as_root() { # prints the prefix that makes a command run as root; fails where that would need a password
    if [ "$(id -u)" = 0 ]; then
        return 0
    fi
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        echo "sudo -n"
        return 0
    fi
    return 1
}

install_packages() { # WHY PACKAGE…: installs them, or says what to type and ends
    local why="$1" name prefix line
    shift
    name="$(manager)"
    if [ -z "$name" ]; then
        say "$why. Please install: $*"
        exit 7
    fi
    line="$(install_line "$name" "$@")"
    case "$name" in
        brew | pkg) prefix="" ;; # these belong to the user
        *)
            if ! prefix="$(as_root)"; then
                say "$why. Type:  sudo $line"
                exit 7
            fi
            ;;
    esac
    say "$why: $line"
    if [ "$name" = apt-get ]; then
        # One broken third-party source must not stop the rest.
        $prefix env DEBIAN_FRONTEND=noninteractive apt-get -qq update >&2 || true
        line="env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $*"
    fi
    if ! $prefix $line >&2 </dev/null; then
        say "that did not work. Type:  ${prefix:+sudo }$(install_line "$name" "$@")"
        exit 7
    fi
    hash -r
}

# --- programs --------------------------------------------------------------------------------------------------------

tmux_is_new_enough() { # 3.2a or later
    local version
    version="$(tmux -V 2>/dev/null)" || return 1
    if [[ "$version" =~ ([0-9]+)\.([0-9]+)([a-z]?) ]]; then
        local major="${BASH_REMATCH[1]}" minor="${BASH_REMATCH[2]}" letter="${BASH_REMATCH[3]}"
        ((major > 3 || (major == 3 && minor > 2))) && return 0
        ((major == 3 && minor == 2)) && [ -n "$letter" ] && return 0
        return 1
    fi
    [[ "$version" == *master* ]]
}

is_python() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() { # prints the real interpreter, 3.11 or later
    local name
    for name in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11 python; do
        if [ -n "$name" ] && command -v "$name" >/dev/null 2>&1 && is_python "$name"; then
            "$name" -c 'import sys; print(sys.executable)'
            return 0
        fi
    done
    return 1
}

python_package() {
    case "$(manager)" in
        apt-get) echo "python3 python3-venv" ;;
        pacman | pkg) echo python ;;
        brew) echo python@3.13 ;;
        dnf | zypper) echo python3.12 ;;
        *) echo python3 ;;
    esac
}

has_venv() { "$1" -c 'import venv, ensurepip' >/dev/null 2>&1; }

venv_package() { # PYTHON
    if [ "$(manager)" = apt-get ]; then
        "$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
    else
        echo python3-pip
    fi
}

need_system() { # EXTRA PACKAGE…: tmux, git and a Python with venv, asked for in one go; sets $python
    local packages=("$@")
    command -v tmux >/dev/null 2>&1 || packages+=(tmux)
    command -v git >/dev/null 2>&1 || packages+=(git)
    if ! python="$(find_python)"; then
        # shellcheck disable=SC2207
        packages+=($(python_package))
    elif ! has_venv "$python"; then
        packages+=("$(venv_package "$python")")
    fi
    if [ ${#packages[@]} -gt 0 ]; then
        install_packages "needs ${packages[*]}" "${packages[@]}"
    fi
    if ! python="$(find_python)"; then
        say "this system's Python is older than 3.11. Install a newer one and say where:  PYTHON=/path/to/python3.12 $0"
        exit 7
    fi
    if ! has_venv "$python"; then
        say "$python has no venv module. Say which Python to take:  PYTHON=/path/to/python3 $0"
        exit 7
    fi
    if ! tmux_is_new_enough; then
        say "tmux 3.2a or later is needed, this is $(tmux -V 2>&1): please upgrade it"
        exit 7
    fi
}

# --- the virtual environment -----------------------------------------------------------------------------------------

stamp() { # what the environment is made from: the place, the requirements and the versions
    local sums
    sums="$(cksum <"$here/pyproject.toml") $(cksum <"$here/requirements.lock")"
    echo "$here $sums"
}

is_fresh() { # KIND: run or test
    local found=""
    [ -x "$venv/bin/python" ] && [ -x "$venv/bin/cctui" ] && [ -r "$venv/.made-for-$1" ] || return 1
    read -r found <"$venv/.made-for-$1" || true
    [ "$found" = "$(stamp)" ]
}

pip_install() {
    env -u PYTHONPATH -u PYTHONHOME PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_USER=0 \
        "$venv/bin/python" -m pip install --quiet --progress-bar off -c "$here/requirements.lock" "$@" >&2 </dev/null
}

make_venv() { # KIND; the caller holds the lock
    local kind="$1" extra="" wanted
    wanted="$(stamp)"
    rm -f "$venv/.made-for-run" "$venv/.made-for-test"
    if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1 || ! is_python "$venv/bin/python" ||
        [ "$(cat "$venv/.place" 2>/dev/null)" != "$here" ]; then
        say "making .venv with $("$python" --version)"
        rm -rf "$venv/bin" "$venv/lib" "$venv/lib64" "$venv/include" "$venv/pyvenv.cfg" "$venv/.place"
        "$python" -m venv "$venv" >&2
        echo "$here" >"$venv/.place"
    fi
    [ "$kind" = test ] && extra="[dev]"
    say "installing the locked versions (once)"
    pip_install hatchling editables
    pip_install --no-build-isolation -e "$here$extra"
    echo "$wanted" >"$venv/.made-for-run"
    if [ "$kind" = test ]; then
        echo "$wanted" >"$venv/.made-for-test"
    fi
}

prepare() { # KIND: everything `run` or `test` needs; a few milliseconds when all is there
    if is_fresh "$1" && { command -v tmux && command -v git; } >/dev/null 2>&1; then
        return 0
    fi
    need_system
    mkdir -p "$venv"
    exec 9>"$venv/.lock"
    # Python takes the lock on our descriptor: it stays ours when that Python ends.  (macOS has no flock program.)
    "$python" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'
    if ! is_fresh "$1"; then
        make_venv "$1"
    fi
    exec 9>&-
}
