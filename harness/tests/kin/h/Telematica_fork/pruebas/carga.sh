# prueba de carga
ab -n 200 -c 20 http://localhost:8080/
for i in $(seq 10); do curl -s -D- -o /dev/null localhost:8080/p$i; done
