#!/bin/sh
# levantar tres servidores de mentiras y pedir cosas
for p in 3001 3002 3003; do python3 -m http.server $p & done
sleep 1
for i in 1 2 3 4; do curl -s -o /dev/null -w '%{http_code}\n' "http://localhost:8080/?n=$i"; done
