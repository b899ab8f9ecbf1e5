#!/bin/sh
cd "$(dirname "$0")"
rm -f nohup.out
exec python3 main.py -t ${1:-60} -b backends.txt
