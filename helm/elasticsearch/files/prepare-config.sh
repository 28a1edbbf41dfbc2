#!/bin/bash
# Init container: fills the writable configuration folder of a node. The image's own is read-only.
set -euo pipefail
config=/mnt/config
home=/usr/share/elasticsearch

cp -R "$home/config/." "$config"
cp /mnt/chart/elasticsearch.yml /mnt/chart/roles.yml "$config"

# The user of SEMOE's pods. The password goes in through standard input: arguments can be read by others.
printf '%s\n%s\n' "$CLIENT_PASSWORD" "$CLIENT_PASSWORD" |
    ES_PATH_CONF=$config "$home/bin/elasticsearch-users" useradd "$CLIENT_USERNAME" -r semoe >/dev/null

# A new cluster of several nodes is started by the first alone, and only while none is ready: a first node that lost its
# volume must join the others, not start a second cluster beside them. A node that was in a cluster ignores the setting.
several() { grep -q '^discovery.seed_hosts' "$config/elasticsearch.yml"; }
answers() { curl -sk -o /dev/null --connect-timeout 3 --max-time 5 "$CLIENT_URL"; }
if several && [[ $POD_NAME == *-0 ]] && ! answers; then
    echo "nobody answers at $CLIENT_URL: this node may start the cluster"
    printf '\ncluster.initial_master_nodes: ["%s"]\n' "$POD_NAME" >>"$config/elasticsearch.yml"
fi
