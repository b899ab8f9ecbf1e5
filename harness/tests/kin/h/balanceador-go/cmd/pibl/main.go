package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/ioutil"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"balanceador/internal/cache"
	"balanceador/internal/registro"
	"balanceador/internal/rr"
)

var (
	servidores *rr.Lista
	almacen    *cache.Cache
	cliente    = &http.Client{Transport: &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
		ResponseHeaderTimeout: 10 * time.Second,
		DisableKeepAlives:     true,
		DisableCompression:    true,
	}}
)

// config.toml (solo lo que necesitamos)
func leer(ruta string) (puerto int, lista []string, dir, log string, err error) {
	puerto, dir, log = 8080, "cache", "pibl.log"
	f, err := os.Open(ruta)
	if err != nil {
		return
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	for s.Scan() {
		l := strings.TrimSpace(strings.SplitN(s.Text(), "#", 2)[0])
		if l == "" || l[0] == '[' {
			continue
		}
		kv := strings.SplitN(l, "=", 2)
		if len(kv) != 2 {
			err = fmt.Errorf("%s: linea rara: %q", ruta, l)
			return
		}
		k, v := strings.TrimSpace(kv[0]), strings.TrimSpace(kv[1])
		switch k {
		case "puerto":
			if puerto, err = strconv.Atoi(v); err != nil {
				return
			}
		case "cache":
			dir = strings.Trim(v, `"`)
		case "log":
			log = strings.Trim(v, `"`)
		case "backends":
			for _, b := range strings.Split(strings.Trim(v, "[]"), ",") {
				if b = strings.Trim(strings.TrimSpace(b), `"`); b != "" {
					lista = append(lista, b)
				}
			}
		}
	}
	if len(lista) == 0 {
		err = errors.New(ruta + ": falta backends")
	}
	return
}

func quitarSalto(h http.Header) {
	for _, v := range h["Connection"] {
		for _, x := range strings.Split(v, ",") {
			h.Del(strings.TrimSpace(x))
		}
	}
	for _, x := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect"} {
		h.Del(x)
	}
}

func copiar(w http.ResponseWriter, h http.Header) {
	for k, v := range h {
		w.Header()[k] = v
	}
	if _, ok := h["Content-Type"]; !ok {
		w.Header()["Content-Type"] = nil // que no lo invente
	}
	if _, ok := h["Date"]; !ok {
		w.Header()["Date"] = nil
	}
}

func manejar(w http.ResponseWriter, r *http.Request) {
	uri := r.RequestURI
	if strings.HasPrefix(strings.ToLower(uri), "http://") {
		uri = uri[7:]
		if i := strings.IndexByte(uri, '/'); i >= 0 {
			uri = uri[i:]
		} else {
			uri = "/"
		}
	}
	estado, de := 0, "cache"
	var n int64
	defer func() {
		registro.Anotar("%s %s %s -> %d %d bytes (%s)", r.RemoteAddr, r.Method, uri, estado, n, de)
	}()

	puede := r.Method == "GET" && r.Header.Get("Authorization") == ""
	if puede {
		if f, b, m := almacen.Buscar(uri); f != nil {
			defer f.Close()
			copiar(w, m.Cab)
			estado = m.Estado
			w.WriteHeader(estado)
			n, _ = io.Copy(w, b)
			return
		}
	}

	cab := r.Header.Clone()
	quitarSalto(cab)
	if _, ok := cab["User-Agent"]; !ok {
		cab.Set("User-Agent", "")
	}
	cab.Set("X-Forwarded-For", strings.Split(r.RemoteAddr, ":")[0])
	var resp *http.Response
	var err error
	var cuerpo io.Reader = r.Body
	if r.ContentLength != 0 {
		cuerpo = ioutil.NopCloser(r.Body) // si no, el primer intento fallido lo cierra
	}
	for i := 0; i < servidores.N(); i++ {
		de = servidores.Siguiente()
		req, e := http.NewRequest(r.Method, "http://"+de+"/", cuerpo)
		if e != nil {
			err = e
			break
		}
		req.URL.Opaque = "//" + de + uri // tal cual, sin que Go lo arregle
		if strings.HasPrefix(uri, "/") {
			req.URL.Opaque = uri
		}
		req.Header = cab
		req.Host = r.Host
		req.ContentLength = r.ContentLength
		resp, err = cliente.Do(req)
		var oe *net.OpError
		if err != nil && errors.As(err, &oe) && oe.Op == "dial" {
			servidores.Caido(de)
			continue
		}
		break
	}
	if err != nil {
		estado = 502
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			estado = 504
		}
		http.Error(w, http.StatusText(estado), estado)
		return
	}
	defer resp.Body.Close()
	quitarSalto(resp.Header)
	copiar(w, resp.Header)
	estado = resp.StatusCode
	w.WriteHeader(estado)
	var g *cache.Nuevo
	cc := strings.ToLower(strings.Join(resp.Header["Cache-Control"], ","))
	if puede && estado == 200 && r.Header.Get("Range") == "" && !strings.Contains(cc, "no-store") && !strings.Contains(cc, "private") {
		c := resp.Header.Clone()
		if resp.ContentLength < 0 {
			c.Del("Content-Length")
		}
		g = almacen.Crear(uri, estado, c)
	}
	buf := make([]byte, 32768)
	for {
		k, e := resp.Body.Read(buf)
		if k > 0 {
			if g != nil {
				if _, e2 := g.Write(buf[:k]); e2 != nil {
					g.Botar()
					g = nil
				}
			}
			if _, e2 := w.Write(buf[:k]); e2 != nil {
				e = e2
			} else {
				n += int64(k)
				if fl, ok := w.(http.Flusher); ok && resp.ContentLength < 0 {
					fl.Flush()
				}
			}
		}
		if e == io.EOF {
			break
		}
		if e != nil {
			if g != nil {
				g.Botar()
			}
			panic(http.ErrAbortHandler)
		}
	}
	if g != nil {
		g.Terminar()
	}
}

func main() {
	conf := flag.String("config", "config.toml", "archivo de configuracion")
	ttl := flag.Duration("ttl", time.Minute, "tiempo de vida de cada recurso (ej 30s, 2m)")
	flag.Parse()
	puerto, lista, dir, log, err := leer(*conf)
	if err == nil {
		err = registro.Iniciar(log)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	os.MkdirAll(dir, 0755)
	servidores = rr.Nueva(lista)
	almacen = &cache.Cache{Dir: dir, TTL: *ttl}
	fmt.Println("PIBL en el puerto", puerto, "servidores", lista, "ttl", *ttl)
	s := &http.Server{Addr: fmt.Sprintf(":%d", puerto), Handler: http.HandlerFunc(manejar), ReadHeaderTimeout: 20 * time.Second}
	fmt.Fprintln(os.Stderr, s.ListenAndServe())
	os.Exit(1)
}
