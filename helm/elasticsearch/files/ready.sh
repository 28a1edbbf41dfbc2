#!/bin/bash
# Readiness: the node takes the clients' password and has a master. Before it is ready for the first time, its copies of
# the indices must be open too: so a rolling restart takes the next node only when this one serves again.
set -euo pipefail
quoted() { local text=${1//\\/\\\\}; printf '%s' "${text//\"/\\\"}"; }

# The start time of process 1 tells this start of the container from earlier ones: /tmp outlives a restart.
process=$(</proc/1/stat)
read -ra fields <<<"${process##*) }"
opened=/tmp/opened-${fields[19]}

query='timeout=4s&master_timeout=4s'
[[ -e $opened ]] || query+='&wait_for_status=yellow&wait_for_no_initializing_shards=true'
options=(-sSf -o /dev/null --max-time 8 --connect-to "$CLIENT_HOST:9200:127.0.0.1:9200")
if [[ $NODE_SCHEME == https ]]; then options+=(--cacert /usr/share/elasticsearch/config/certs/http/ca.crt); fi

printf 'user = "%s:%s"\n' "$(quoted "$CLIENT_USERNAME")" "$(quoted "$CLIENT_PASSWORD")" |
    curl --config - "${options[@]}" "$NODE_SCHEME://$CLIENT_HOST:9200/_cluster/health?$query"
touch "$opened"
