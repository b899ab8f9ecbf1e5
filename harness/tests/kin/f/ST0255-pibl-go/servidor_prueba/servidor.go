package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, os.Args[1], r.URL) })
	http.ListenAndServe(":"+os.Args[1], nil)
}
