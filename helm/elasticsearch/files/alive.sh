#!/bin/bash
# Startup and liveness: any HTTP answer will do, 401 and 503 too. A node without a master is not mended by a restart.
exec curl -sk -o /dev/null --max-time 8 "$NODE_SCHEME://127.0.0.1:9200/"
