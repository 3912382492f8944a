#!/usr/bin/env bash
# Builds the image and tries it as it should run: as its own user, on a read-only root file system. Needs root and
# buildah, but no container engine and, without NODE_IMAGE, no image registry: a base is then made of this machine's
# Node 24 and npm.
#
#   scripts/try-image.sh                                      with a stand-in base
#   NODE_IMAGE=node:24-slim scripts/try-image.sh
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/node_modules/.bin:$PATH"

readonly image=localhost/chartroom-try listen=127.0.0.1:18443 ops=127.0.0.1:18081
work=$(mktemp -d)
server=''

buildah() { command buildah --storage-driver vfs --root "$work/images" --runroot "$work/run" "$@"; }

cleanup() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  wait
  buildah rm --all >/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

# What `npm ci` and the Dockerfile's commands need of a base, with the libraries that they are linked to.
stand_in_base() {
  local root="$work/base" tool
  mkdir -p "$root"/{bin,etc,proc,dev,tmp,usr/local/bin,usr/local/lib}
  cp "$(command -v node)" "$root/usr/local/bin/node"
  cp -R "$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")" "$root/usr/local/lib/npm"
  ln -s ../lib/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  mkdir -p "$root/usr/bin"
  for tool in sh env install rm; do cp -L "$(command -v "$tool")" "$root/bin/$tool"; done
  ln -s /bin/env "$root/usr/bin/env"
  for tool in node sh env install rm; do ldd "$(command -v "$tool")"; done |
    grep -o '/[^ ]*\.so[^ ]*' | sort -u | xargs cp -L --parents -t "$root"
  echo 'node:x:1000:1000::/tmp:/bin/sh' >"$root/etc/passwd"

  local container
  container=$(buildah from scratch)
  buildah copy --quiet "$container" "$root" / >/dev/null
  buildah config --env PATH=/usr/local/bin:/usr/bin:/bin "$container"
  # What this machine needs to reach the package registry, the build does too.
  if [ -n "${NODE_EXTRA_CA_CERTS:-}" ]; then
    buildah copy --quiet "$container" "$NODE_EXTRA_CA_CERTS" /etc/extra-ca.crt >/dev/null
    buildah config --env NODE_EXTRA_CA_CERTS=/etc/extra-ca.crt "$container"
  fi
  buildah commit --quiet "$container" localhost/chartroom-try-base >/dev/null
  echo localhost/chartroom-try-base
}

# Docker's format: OCI's has no health check.
build() {
  buildah build --isolation chroot --format docker --build-arg NODE_IMAGE="$1" --tag "$image" .
}

# A list or value of the image's configuration, a line each.
configured() { buildah inspect --type image --format "$1" "$image"; }

base=${NODE_IMAGE:-$(stand_in_base)}
build "$base"

root=$(buildah mount "$(buildah from "$image")")
user=$(configured '{{.Docker.Config.User}}')
workdir=$(configured '{{.Docker.Config.WorkingDir}}')
mapfile -t environment < <(configured '{{range .Docker.Config.Env}}{{println .}}{{end}}' | sed '/^$/d')
mapfile -t entrypoint < <(configured '{{range .Docker.Config.Entrypoint}}{{println .}}{{end}}' | sed '/^$/d')
mapfile -t health < <(configured '{{range .Docker.Config.Healthcheck.Test}}{{println .}}{{end}}' | sed '/^$/d')
environment+=("CHARTROOM_LISTEN=$listen" "CHARTROOM_OPS=$ops")

# Runs a command line as an engine with --read-only would, in a mount namespace of its own. Everything execs what comes
# next, so that a signal reaches the program.
in_image=(
  unshare --mount bash -c '
    set -euo pipefail
    root=$1 data=$2 user=$3
    mount --bind "$root" "$root"
    for dir in data/storage data/certs etc/chartroom; do mount --bind "$data/$dir" "$root/$dir"; done
    for dir in proc dev; do mount --rbind "/$dir" "$root/$dir"; done
    mount -o remount,bind,ro "$root"
    exec chroot --userspec="$user" "$root" env -i "${@:4}"
  ' in_image "$root" "$work" "$user" -C "$workdir" "${environment[@]}"
)

mkdir -p "$work"/{data/storage,data/certs,etc/chartroom}
chown -R "$user" "$work"/{data,etc}

"${in_image[@]}" "${entrypoint[@]}" init
"${in_image[@]}" "${entrypoint[@]}" serve &
server=$!
curl --silent --show-error --fail --retry 20 --retry-delay 1 --retry-connrefused "http://$ops/readyz"
"${in_image[@]}" "${health[@]:1}"

mkdir "$work/demo"
printf 'apiVersion: v2\nname: demo\nversion: 0.1.0\n' >"$work/demo/Chart.yaml"
tar -czf "$work/demo-0.1.0.tgz" -C "$work" demo
clients="$work/data/certs/clients"
curl --silent --show-error --fail-with-body --cacert "$work/data/certs/ca.crt" --cert "$clients/admin.crt" \
  --key "$clients/admin.key" --data-binary @"$work/demo-0.1.0.tgz" "https://$listen/api/charts"

# Its own user wrote there, and nowhere else.
[ "$(stat -c %u "$work/data/storage/catalog.db")" = "${user%%:*}" ]
"${in_image[@]}" node -e '
  try { require("node:fs").writeFileSync("/app/written", "") }
  catch ({ code }) { process.exit(code === "EROFS" ? 0 : 1) }
  process.exit(1)'

kill -TERM "$server"
wait "$server"
server=''
echo 'the image works'
