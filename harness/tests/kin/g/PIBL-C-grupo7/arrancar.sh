#!/bin/sh
# PIBL_TTL en segundos
PIBL_TTL=${PIBL_TTL:-120} ./pibl pibl.env "$@"
