#!/bin/sh
# ./correr.sh <ttl> [archivo.properties]
cd "$(dirname "$0")"
[ -f bin/co/edu/telematica/pibl/Principal.class ] || javac -encoding UTF-8 -d bin src/co/edu/telematica/pibl/*.java || exit 1
exec java -Xss512k -XX:TieredStopAtLevel=1 -cp bin co.edu.telematica.pibl.Principal "$@"
