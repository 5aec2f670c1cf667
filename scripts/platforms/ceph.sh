#!/usr/bin/env bash
# Object storage against Ceph's radosgw: one monitor, one manager, one OSD that keeps everything in memory, and the
# gateway, all on loopback in a folder of their own, stopped by process id whatever happens. cephx stays on, because
# radosgw does not start without it.
#   ceph.sh            run the tests that want it
#   ceph.sh --missing  print why that cannot be done here, or nothing
#   ceph.sh COMMAND... run the command instead, with the same environment
set -euo pipefail
. "$(dirname "$0")/../voice.sh"
. scripts/real-server.sh

packages=(ceph-mon ceph-osd ceph-mgr ceph-common radosgw curl)
programs=(ceph-mon ceph-osd ceph-mgr ceph ceph-authtool monmaptool radosgw radosgw-admin curl)

is_missing() {
  for program in "${programs[@]}"; do command -v "$program" >/dev/null || return 0; done
  return 1
}

if [ "${1:-}" = --missing ]; then
  ! is_missing || may_install_packages || echo "Ceph is not here and may not be installed; paste: $(install_line "${packages[@]}")"
  exit
fi

if is_missing; then
  echo "Installing Ceph"
  install_packages "${packages[@]}"
fi

# until_true SECONDS WHAT COMMAND...: asks until it is so, or says what never came.
until_true() {
  local patience=$1 what=$2
  shift 2
  for _ in $(seq $((patience * 5))); do
    "$@" >/dev/null 2>&1 && return
    sleep 0.2
  done
  echo "$what did not come within $patience s"
  return 1
}

read -r monitor_port gateway_port < <(free_ports 2)

export CEPH_CONF=$home/ceph.conf
identity=$(cat /proc/sys/kernel/random/uuid)
cat >"$CEPH_CONF" <<END
[global]
fsid = $identity
mon_host = v2:127.0.0.1:$monitor_port
public_addr = 127.0.0.1
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
keyring = $home/keyring
run_dir = $home
admin_socket = $home/\$name.asok
log_file =
log_to_stderr = true
debug_rocksdb = 0
crash_dir = $home
osd_objectstore = memstore
memstore_device_bytes = 2147483648
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_data = $home/mon
mgr_data = $home/mgr
osd_data = $home/osd
rgw_data = $home/rgw
END
mkdir "$home/mon" "$home/mgr" "$home/osd" "$home/rgw"

echo "Starting Ceph"
# key_for NAME MONITOR OSD MANAGER: a key with what its holder may do at each kind of server.
key_for() { ceph-authtool "$home/keyring" --gen-key -n "$1" --cap mon "allow $2" --cap osd "allow $3" --cap mgr "allow $4"; }
ceph-authtool --create-keyring "$home/keyring" --gen-key -n mon. --cap mon 'allow *'
key_for client.admin '*' '*' '*'
key_for mgr.a 'profile mgr' '*' '*'
key_for osd.0 'profile osd' '*' 'profile osd'
key_for client.gateway rw rwx rw
monmaptool --create --addv a "[v2:127.0.0.1:$monitor_port]" --fsid "$identity" "$home/monmap"
ceph-mon -i a --mkfs --monmap "$home/monmap" --keyring "$home/keyring"
start mon ceph-mon -i a -f
until_true 30 "The monitor" ceph --connect-timeout 5 status
start mgr ceph-mgr -i a -f
osd_identity=$(cat /proc/sys/kernel/random/uuid)
ceph osd new "$osd_identity" 0
ceph-osd -i 0 --mkfs --osd-uuid "$osd_identity"
start osd ceph-osd -i 0 -f
until_true 60 "The OSD" sh -c 'ceph osd stat | grep -q "1 up"'
start gateway radosgw -n client.gateway -f --rgw_frontends "beast endpoint=127.0.0.1:$gateway_port"
until_true 90 "The gateway" curl -sf -o "$home/answer" "http://127.0.0.1:$gateway_port/"

export KEIRIN_TEST_S3_ENDPOINT=http://127.0.0.1:$gateway_port
export KEIRIN_TEST_S3_BUCKET=keirin-test
export KEIRIN_TEST_S3_ACCESS_KEY_ID=keirin
export KEIRIN_TEST_S3_SECRET_ACCESS_KEY=only-for-this-test
radosgw-admin user create --uid keirin --display-name Keirin \
  --access-key "$KEIRIN_TEST_S3_ACCESS_KEY_ID" --secret "$KEIRIN_TEST_S3_SECRET_ACCESS_KEY" >"$home/user.log"
curl -sSf -X PUT --aws-sigv4 aws:amz:us-east-1:s3 \
  --user "$KEIRIN_TEST_S3_ACCESS_KEY_ID:$KEIRIN_TEST_S3_SECRET_ACCESS_KEY" \
  -H "x-amz-content-sha256: UNSIGNED-PAYLOAD" "$KEIRIN_TEST_S3_ENDPOINT/$KEIRIN_TEST_S3_BUCKET"
echo "Ceph is ready after $SECONDS s"

if [ $# -gt 0 ]; then
  "$@"
else
  cargo test --locked --package keirin-objects
  cargo test --locked --package keirin-objects --test it -- --ignored s3::
  # The whole program, with a bucket in place of the folder.
  cargo test --locked --package keirin --test it -- --ignored bucket::
fi
