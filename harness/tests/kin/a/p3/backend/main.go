// test server: go run ./backend 7101
package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "I am", os.Args[1]) })
	fmt.Println(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
