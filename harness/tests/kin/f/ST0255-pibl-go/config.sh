# source config.sh
export PIBL_PUERTO=8080
export PIBL_BACKENDS="172.31.3.11:80 172.31.3.12:80 172.31.3.13:80"
export PIBL_TTL=2m
export PIBL_LOG=log/pibl.log
export PIBL_CACHE=cache
