package main

// servidor de prueba:  go run ./cmd/backend 9001
import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	p := os.Args[1]
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hola desde %s: %s\n", p, r.URL)
	})
	http.ListenAndServe(":"+p, nil)
}
