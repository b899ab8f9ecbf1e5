#!/bin/sh
# cliente de prueba
for i in 1 2 3 4 5 6; do curl -s -o /dev/null -w '%{http_code}\n' "http://127.0.0.1:8080/quien?n=$i"; done
