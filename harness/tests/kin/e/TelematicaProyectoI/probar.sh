curl -i http://localhost:8080/
