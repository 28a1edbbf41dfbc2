#!/bin/bash
# helm test: Elasticsearch takes the credentials of the client Secret, and no others.
set -euo pipefail
quoted() { local text=${1//\\/\\\\}; printf '%s' "${text//\"/\\\"}"; }
# A new pod may be let through a NetworkPolicy some seconds late: hence the retries.
options=(-sS -o /tmp/answer -w '%{http_code}' --connect-timeout 3 --max-time 20 --retry 15 --retry-delay 2 --retry-connrefused)
if [[ -s /mnt/client/ca.crt ]]; then options+=(--cacert /mnt/client/ca.crt); fi

failed=0
expect() { # CODE WHAT CONFIG-LINE : the status that a request with these credentials must have
    local code
    code=$(printf '%s\n' "$3" | curl --config - "${options[@]}" "$CLIENT_URL") || true
    if [[ $code == "$1" ]]; then echo "ok: $2: $code"; return; fi
    echo "FAILED: $2: wanted $1, got $code from $CLIENT_URL: $(head -c 500 /tmp/answer 2>/dev/null || true)"
    failed=1
}

user="$(quoted "${CLIENT_USERNAME:-}")"
if [[ -n ${CLIENT_API_KEY:-} ]]; then
    expect 200 "the client Secret's API key" "header = \"Authorization: ApiKey $CLIENT_API_KEY\""
    expect 401 "a wrong API key" 'header = "Authorization: ApiKey d3Jvbmc6d3Jvbmc="'
elif [[ -n $user ]]; then
    expect 200 "the client Secret's password" "user = \"$user:$(quoted "$CLIENT_PASSWORD")\""
    expect 401 "a wrong password" "user = \"$user:wrong\""
    expect 401 "no password" ""
else
    expect 200 "no credentials, as the client Secret has none" ""
fi
exit $failed
