// PIBL: reverse proxy + load balancer. Telematica, project I
package main

import (
	"bufio"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

var (
	next    uint64
	servers []string
)

const connectTimeout = 2 * time.Second
const answerTimeout = 10 * time.Second

// the order in which this connection tries the servers; the turn moves once per client connection
func order() []string {
	n := atomic.AddUint64(&next, 1) - 1
	k := int(n % uint64(len(servers)))
	return append(append([]string{}, servers[k:]...), servers[:k]...)
}

func forward(list []string, method string, m *Message) (*Message, string, error) {
	var last error = fmt.Errorf("no servers")
	for _, a := range list {
		c, err := net.DialTimeout("tcp", a, connectTimeout)
		if err != nil {
			errlog.Printf("server %s: %v", a, err)
			last = err
			continue
		}
		c.SetDeadline(time.Now().Add(answerTimeout))
		r, err := exchange(c, method, m)
		c.Close()
		return r, a, err
	}
	return nil, "-", last
}

func exchange(c net.Conn, method string, m *Message) (*Message, error) {
	if _, err := c.Write(m.Bytes()); err != nil {
		return nil, err
	}
	br := bufio.NewReaderSize(c, 65536)
	for {
		r, err := readHead(br)
		if err != nil {
			return nil, err
		}
		st := r.Status()
		if st == 0 {
			return nil, fmt.Errorf("bad status line %q", r.First)
		}
		if st < 200 {
			continue
		}
		if method == "HEAD" || st == 204 || st == 304 {
			r.Drop(hop...)
			return r, nil
		}
		if err := r.readBody(br, true); err != nil {
			return nil, err
		}
		r.Drop(append(hop, "content-length")...)
		r.Add("Content-Length", fmt.Sprint(len(r.Body)))
		return r, nil
	}
}

func failure(code int, text string) *Message {
	b := []byte(fmt.Sprintf("<html><body><h1>%d %s</h1></body></html>\n", code, text))
	m := &Message{First: fmt.Sprintf("HTTP/1.1 %d %s", code, text), Body: b}
	m.Add("Content-Type", "text/html")
	m.Add("Content-Length", fmt.Sprint(len(b)))
	return m
}

func handle(c net.Conn, st *Store) {
	defer c.Close()
	defer func() {
		if r := recover(); r != nil {
			errlog.Printf("panic: %v", r)
		}
	}()
	br := bufio.NewReaderSize(c, 65536)
	var list []string
	for {
		c.SetReadDeadline(time.Now().Add(20 * time.Second))
		req, err := readHead(br)
		if err != nil {
			if err == errBad {
				c.Write(closing(failure(400, "Bad Request")))
			}
			return
		}
		p := strings.Split(req.First, " ")
		if len(p) != 3 || !strings.HasPrefix(p[2], "HTTP/1.") {
			access.Printf("%s %q 400", c.RemoteAddr(), req.First)
			c.Write(closing(failure(400, "Bad Request")))
			return
		}
		if strings.EqualFold(req.Get("expect"), "100-continue") {
			c.Write([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
		}
		if req.readBody(br, false) != nil {
			access.Printf("%s %q 400", c.RemoteAddr(), req.First)
			c.Write(closing(failure(400, "Bad Request")))
			return
		}
		conn := strings.ToLower(req.Get("connection"))
		keep := p[2] == "HTTP/1.1" && !strings.Contains(conn, "close")
		method := p[0]
		key := method + " " + req.Get("host") + p[1]
		mine := method == "GET" && req.Get("authorization") == "" && req.Get("range") == "" &&
			!strings.Contains(req.Get("cache-control"), "no-store")
		var res *Message
		from := "cache"
		if mine {
			res = st.Load(key)
		}
		if res == nil {
			if list == nil {
				list = order()
			}
			hasBody := len(req.Body) > 0 || req.Get("content-length") != "" || req.Get("transfer-encoding") != ""
			req.Drop(append(hop, "content-length", "expect")...)
			if hasBody {
				req.Add("Content-Length", fmt.Sprint(len(req.Body)))
			}
			req.Add("Connection", "close")
			req.First = method + " " + p[1] + " HTTP/1.1"
			res, from, err = forward(list, method, req)
			if err != nil {
				errlog.Printf("%s: %v", req.First, err)
				if ne, ok := err.(net.Error); ok && ne.Timeout() {
					res = failure(504, "Gateway Timeout")
				} else {
					res = failure(502, "Bad Gateway")
				}
			} else if mine && res.Status() == 200 && res.Shareable() {
				if err := st.Save(key, res); err != nil {
					errlog.Printf("cache: %v", err)
				}
			}
		}
		body := res.Body
		if method == "HEAD" {
			body = nil
		}
		access.Printf("%s %q => %q %d bytes, from %s", c.RemoteAddr(), req.First, res.First, len(body), from)
		out := &Message{First: res.First, Fields: append([][2]string{}, res.Fields...), Body: body}
		if keep {
			out.Add("Connection", "keep-alive")
		} else {
			out.Add("Connection", "close")
		}
		c.SetWriteDeadline(time.Now().Add(60 * time.Second))
		if _, err := c.Write(out.Bytes()); err != nil || !keep {
			return
		}
	}
}

func closing(m *Message) []byte {
	m.Add("Connection", "close")
	return m.Bytes()
}

func main() {
	file := flag.String("f", "config/backends.yml", "configuration")
	port := flag.Int("p", 0, "port (instead of the file's)")
	ttl := flag.Duration("ttl", 30*time.Second, "life of each resource in the cache, like 90s or 2m")
	flag.Parse()
	cfg, err := readConfig(*file)
	if err != nil {
		fmt.Fprintln(os.Stderr, "configuration:", err)
		os.Exit(2)
	}
	if *port != 0 {
		cfg.Port = *port
	}
	servers = cfg.Servers
	openLogs("logs")
	l, err := net.Listen("tcp", fmt.Sprintf(":%d", cfg.Port))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("PIBL on port", cfg.Port, "servers", servers, "ttl", *ttl)
	st := NewStore("almacen", *ttl)
	for {
		c, err := l.Accept()
		if err != nil {
			errlog.Print(err)
			time.Sleep(10 * time.Millisecond)
			continue
		}
		go handle(c, st)
	}
}
