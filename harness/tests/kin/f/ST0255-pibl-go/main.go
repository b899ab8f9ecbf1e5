// PIBL en Go: proxy inverso + balanceador de carga (sockets, paquete net)
//
// Todo se configura con variables de entorno (ver config.sh):
//   PIBL_PUERTO, PIBL_BACKENDS, PIBL_TTL, PIBL_LOG, PIBL_CACHE, PIBL_TIMEOUT
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

type Config struct {
	puerto   string
	backends []string
	ttl      time.Duration
	log      string
	cache    string
	timeout  time.Duration
}

func env(n, def string) string {
	if v := os.Getenv(n); v != "" {
		return v
	}
	return def
}

func duracion(n, def string) time.Duration {
	d, err := time.ParseDuration(env(n, def))
	if err != nil {
		fmt.Fprintln(os.Stderr, "mala duracion en", n, err, "(ejemplos: 90s, 2m, 1500ms)")
		os.Exit(2)
	}
	return d
}

func leerConfig() Config {
	c := Config{
		puerto:  env("PIBL_PUERTO", "8080"),
		ttl:     duracion("PIBL_TTL", "60s"),
		timeout: duracion("PIBL_TIMEOUT", "10s"),
		log:     env("PIBL_LOG", "log/pibl.log"),
		cache:   env("PIBL_CACHE", "cache"),
	}
	for _, b := range strings.Fields(strings.ReplaceAll(env("PIBL_BACKENDS", ""), ",", " ")) {
		if !strings.Contains(b, ":") {
			b += ":80"
		}
		c.backends = append(c.backends, b)
	}
	if len(c.backends) == 0 {
		fmt.Fprintln(os.Stderr, "falta PIBL_BACKENDS")
		os.Exit(2)
	}
	return c
}

// ---------------------------------------------------------------- HTTP

type Campo struct{ n, v string }
type Campos []Campo

type httpErr int

func (h httpErr) Error() string { return "http " + strconv.Itoa(int(h)) }

const maxCab = 64 << 10

func leerLinea(r *bufio.Reader, queda *int) (string, error) {
	var b []byte
	for {
		t, err := r.ReadSlice('\n')
		b = append(b, t...)
		*queda -= len(t)
		if *queda < 0 {
			return "", httpErr(431)
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if err != nil {
			if err == io.EOF && len(b) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return "", err
		}
		return strings.TrimRight(string(b), "\r\n"), nil
	}
}

func leerCabecera(r *bufio.Reader) (string, Campos, error) {
	queda := maxCab
	linea := ""
	for linea == "" {
		l, err := leerLinea(r, &queda)
		if err != nil {
			return "", nil, err
		}
		linea = l
	}
	var cs Campos
	for {
		l, err := leerLinea(r, &queda)
		if err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return linea, nil, err
		}
		if l == "" {
			return linea, cs, nil
		}
		n, v, ok := strings.Cut(l, ":")
		if !ok {
			return linea, nil, httpErr(400)
		}
		cs = append(cs, Campo{n, strings.Trim(v, " \t")})
	}
}

func (cs Campos) tiene(n string) bool {
	for _, c := range cs {
		if strings.EqualFold(c.n, n) {
			return true
		}
	}
	return false
}

func (cs Campos) fichas(n string) (f []string) {
	for _, c := range cs {
		if strings.EqualFold(c.n, n) {
			for _, t := range strings.Split(c.v, ",") {
				f = append(f, strings.ToLower(strings.TrimSpace(t)))
			}
		}
	}
	return
}

func (cs Campos) dice(n, ficha string) bool {
	for _, f := range cs.fichas(n) {
		if f == ficha {
			return true
		}
	}
	return false
}

func (cs Campos) largo() (int64, error) {
	f := cs.fichas("content-length")
	if len(f) == 0 {
		return -1, nil
	}
	for _, x := range f {
		if x != f[0] {
			return 0, httpErr(400)
		}
	}
	n, err := strconv.ParseInt(f[0], 10, 64)
	if err != nil || n < 0 {
		return 0, httpErr(400)
	}
	return n, nil
}

var salto = map[string]bool{"connection": true, "keep-alive": true, "proxy-connection": true,
	"te": true, "trailer": true, "transfer-encoding": true, "upgrade": true,
	"proxy-authorization": true, "proxy-authenticate": true}

func (cs Campos) limpios(ademas ...string) (s Campos) {
	for _, c := range cs {
		l := strings.ToLower(c.n)
		fuera := salto[l] || cs.dice("connection", l)
		for _, a := range ademas {
			fuera = fuera || a == l
		}
		if !fuera {
			s = append(s, c)
		}
	}
	return
}

func trozos(r *bufio.Reader) ([]byte, error) {
	var b bytes.Buffer
	for {
		q := 8192
		l, err := leerLinea(r, &q)
		if err != nil {
			return nil, roto(err)
		}
		h, _, _ := strings.Cut(l, ";")
		n, err := strconv.ParseUint(strings.TrimSpace(h), 16, 32)
		if err != nil {
			return nil, httpErr(400)
		}
		if n == 0 {
			break
		}
		if _, err = io.CopyN(&b, r, int64(n)); err != nil {
			return nil, roto(err)
		}
		if l, err = leerLinea(r, &q); err != nil || l != "" {
			return nil, roto(err)
		}
	}
	for {
		q := 8192
		l, err := leerLinea(r, &q)
		if err != nil {
			return nil, roto(err)
		}
		if l == "" {
			return b.Bytes(), nil
		}
	}
}

func roto(err error) error {
	if err == nil || err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func fijo(r *bufio.Reader, n int64) ([]byte, error) {
	var b bytes.Buffer
	if _, err := io.CopyN(&b, r, n); err != nil {
		return nil, roto(err)
	}
	return b.Bytes(), nil
}

func vencio(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// ------------------------------------------------------------- proxy

type Pibl struct {
	cfg   Config
	cache *Cache
	mu    sync.Mutex
	turno int
	logMu sync.Mutex
	logF  *os.File
}

type Resp struct {
	estado  int
	linea   string // "200 OK"
	campos  Campos
	cuerpo  []byte
	sin     bool // sin cuerpo (HEAD, 204, 304)
	x, quien string
}

func (p *Pibl) siguiente() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.cfg.backends[p.turno]
	p.turno++
	if p.turno == len(p.cfg.backends) {
		p.turno = 0
	}
	return b
}

func (p *Pibl) anotar(l string) {
	l = time.Now().Format("2006-01-02T15:04:05.000") + " " + l + "\n"
	p.logMu.Lock()
	defer p.logMu.Unlock()
	if p.logF == nil {
		os.MkdirAll(filepath.Dir(p.cfg.log), 0755)
		p.logF, _ = os.OpenFile(p.cfg.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0644)
	}
	if p.logF != nil {
		p.logF.WriteString(l)
	}
	os.Stdout.WriteString(l)
}

func deError(c int) *Resp {
	t := map[int]string{400: "Bad Request", 408: "Request Timeout", 431: "Request Header Fields Too Large",
		501: "Not Implemented", 502: "Bad Gateway", 504: "Gateway Timeout"}[c]
	return &Resp{estado: c, linea: fmt.Sprintf("%d %s", c, t), cuerpo: []byte(t + "\n"),
		campos: Campos{{"Content-Type", "text/plain"}}, x: "NONE", quien: "-"}
}

func (p *Pibl) pedir(met string, msg []byte) *Resp {
	for range p.cfg.backends {
		b := p.siguiente()
		c, err := net.DialTimeout("tcp", b, 2*time.Second)
		if err != nil {
			continue
		}
		r, err := p.conversar(c, met, msg)
		c.Close()
		if err == nil {
			r.quien, r.x = b, "MISS"
			return r
		}
		if vencio(err) {
			return deError(504)
		}
		if met != "GET" && met != "HEAD" {
			break
		}
	}
	return deError(502)
}

func (p *Pibl) conversar(c net.Conn, met string, msg []byte) (*Resp, error) {
	c.SetWriteDeadline(time.Now().Add(p.cfg.timeout * 3))
	c.Write(msg)
	br := bufio.NewReaderSize(lento{c, p.cfg.timeout}, 32<<10)
	for {
		l, cs, err := leerCabecera(br)
		if err != nil {
			return nil, err
		}
		v, resto, ok := strings.Cut(l, " ")
		if !ok || !strings.HasPrefix(v, "HTTP/1.") || len(resto) < 3 {
			return nil, httpErr(502)
		}
		st, err := strconv.Atoi(resto[:3])
		if err != nil {
			return nil, err
		}
		if st < 200 {
			continue
		}
		r := &Resp{estado: st, linea: resto, campos: cs}
		switch n, e := cs.largo(); {
		case met == "HEAD" || st == 204 || st == 304:
			r.sin = true
		case cs.dice("transfer-encoding", "chunked"):
			r.cuerpo, err = trozos(br)
		case e != nil:
			return nil, e
		case n >= 0:
			r.cuerpo, err = fijo(br, n)
		default:
			r.cuerpo, err = io.ReadAll(br)
		}
		return r, err
	}
}

// lento renueva el plazo con cada lectura
type lento struct {
	c net.Conn
	t time.Duration
}

func (l lento) Read(b []byte) (int, error) {
	l.c.SetReadDeadline(time.Now().Add(l.t))
	return l.c.Read(b)
}

func (p *Pibl) vida(cs Campos) time.Duration {
	v := p.cfg.ttl
	if cs.tiene("vary") {
		return 0
	}
	for _, d := range cs.fichas("cache-control") {
		k, x, _ := strings.Cut(d, "=")
		switch k {
		case "no-store", "private", "no-cache":
			return 0
		case "max-age", "s-maxage":
			n, err := strconv.Atoi(strings.Trim(x, `"`))
			if err != nil {
				return 0
			}
			if s := time.Duration(n) * time.Second; s < v {
				v = s
			}
		}
	}
	return v
}

func (p *Pibl) resolver(met, url string, cs Campos, cuerpo []byte, ip string) *Resp {
	host := strings.Join(cs.fichas("host"), ",")
	llave := host + " " + url
	guardable := !cs.tiene("authorization") && !cs.tiene("range") && !cs.dice("cache-control", "no-store")
	if guardable && (met == "GET" || met == "HEAD") && !cs.dice("cache-control", "no-cache") {
		if e := p.cache.Buscar(llave); e != nil {
			e.sin = met == "HEAD"
			if e.sin {
				e.campos = append(e.campos, Campo{"Content-Length", strconv.Itoa(len(e.cuerpo))})
			}
			e.x, e.quien = "HIT", "cache"
			return e
		}
	}
	var m bytes.Buffer
	fmt.Fprintf(&m, "%s %s HTTP/1.1\r\n", met, url)
	if host == "" {
		m.WriteString("Host: localhost\r\n")
	}
	for _, c := range cs.limpios("content-length", "expect") {
		fmt.Fprintf(&m, "%s: %s\r\n", c.n, c.v)
	}
	if cuerpo != nil {
		fmt.Fprintf(&m, "Content-Length: %d\r\n", len(cuerpo))
	}
	fmt.Fprintf(&m, "X-Forwarded-For: %s\r\nVia: 1.1 pibl-go\r\nConnection: close\r\n\r\n", ip)
	m.Write(cuerpo)
	r := p.pedir(met, m.Bytes())
	if r.x == "NONE" {
		return r
	}
	if r.sin {
		r.campos = r.campos.limpios()
	} else {
		r.campos = r.campos.limpios("content-length")
	}
	if v := p.vida(r.campos); met == "GET" && guardable && r.estado == 200 && v > 0 {
		p.cache.Guardar(llave, v, r)
	}
	if met != "GET" && met != "HEAD" && met != "OPTIONS" && r.estado < 400 {
		p.cache.Borrar(llave)
	}
	return r
}

func (p *Pibl) atender(c net.Conn) {
	defer c.Close()
	t0 := time.Now()
	ip, _, _ := net.SplitHostPort(c.RemoteAddr().String())
	br := bufio.NewReaderSize(c, 16<<10)
	c.SetReadDeadline(t0.Add(20 * time.Second))
	met, url := "-", "-"
	linea, cs, err := leerCabecera(br)
	if linea == "" && err != nil && !errors.As(err, new(httpErr)) {
		return // se fue o no dijo nada
	}
	var r *Resp
	var cuerpo []byte
	if f := strings.Split(linea, " "); err == nil {
		if len(f) != 3 || !strings.HasPrefix(f[2], "HTTP/1.") {
			err = httpErr(400)
		} else {
			met, url = f[0], f[1]
			if len(url) > 7 && strings.EqualFold(url[:7], "http://") {
				if i := strings.Index(url[7:], "/"); i >= 0 {
					url = url[7+i:]
				} else {
					url = "/"
				}
			}
			cuerpo, err = p.cuerpo(c, br, cs, f[2])
		}
	}
	var he httpErr
	switch {
	case err == nil:
		r = p.resolver(met, url, cs, cuerpo, ip)
	case errors.As(err, &he):
		r = deError(int(he))
	case vencio(err):
		r = deError(408)
	default:
		r = deError(400)
	}
	n := len(r.cuerpo)
	if met == "HEAD" || r.sin {
		n = 0
	}
	p.anotar(fmt.Sprintf("%s %s %s -> %s %d %d %s %v", ip, met, url, r.quien, r.estado, n, r.x, time.Since(t0)))
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %s\r\n", r.linea)
	for _, k := range r.campos {
		fmt.Fprintf(&b, "%s: %s\r\n", strings.ToUpper(k.n), k.v)
	}
	if !r.sin {
		fmt.Fprintf(&b, "CONTENT-LENGTH: %d\r\n", len(r.cuerpo))
	}
	fmt.Fprintf(&b, "VIA: 1.1 pibl-go\r\nX-CACHE: %s\r\nCONNECTION: close\r\n\r\n", r.x)
	if !r.sin && met != "HEAD" {
		b.Write(r.cuerpo)
	}
	c.SetWriteDeadline(time.Now().Add(60 * time.Second))
	if _, err := c.Write(b.Bytes()); err != nil {
		return
	}
	if t, ok := c.(*net.TCPConn); ok {
		t.CloseWrite()
		c.SetReadDeadline(time.Now().Add(time.Second))
		io.Copy(io.Discard, br)
	}
}

func (p *Pibl) cuerpo(c net.Conn, br *bufio.Reader, cs Campos, ver string) ([]byte, error) {
	n, err := cs.largo()
	if err != nil {
		return nil, err
	}
	te := cs.tiene("transfer-encoding")
	if te && !cs.dice("transfer-encoding", "chunked") {
		return nil, httpErr(501)
	}
	if !te && n < 0 {
		return nil, nil
	}
	c.SetReadDeadline(time.Now().Add(60 * time.Second))
	if ver == "HTTP/1.1" && cs.dice("expect", "100-continue") && br.Buffered() == 0 {
		io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
	}
	if te {
		return trozos(br)
	}
	b, err := fijo(br, n)
	if b == nil {
		b = []byte{}
	}
	return b, err
}

func main() {
	cfg := leerConfig()
	cache, err := AbrirCache(cfg.cache)
	if err != nil {
		fmt.Fprintln(os.Stderr, "cache:", err)
		os.Exit(1)
	}
	l, err := net.Listen("tcp4", ":"+cfg.puerto)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("PIBL-GO escuchando en", cfg.puerto, "backends", cfg.backends, "ttl", cfg.ttl)
	p := &Pibl{cfg: cfg, cache: cache}
	for {
		c, err := l.Accept()
		if err != nil {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		go p.atender(c)
	}
}
