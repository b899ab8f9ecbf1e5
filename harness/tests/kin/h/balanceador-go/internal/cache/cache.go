package cache

import (
	"bufio"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

type Meta struct {
	Guardado time.Time
	Estado   int
	Cab      http.Header
}

type Cache struct {
	Dir string
	TTL time.Duration
	n   int64
}

func (c *Cache) ruta(uri string) string {
	n := strings.ReplaceAll(strings.TrimPrefix(uri, "/"), "/", "_")
	r := url.QueryEscape(n) // para los ? & = y demas
	if len(r) > 200 {
		h := fnv.New64a()
		h.Write([]byte(uri))
		r = fmt.Sprintf("%s-%x", r[:150], h.Sum64())
	}
	return filepath.Join(c.Dir, r+".cache")
}

func (c *Cache) Buscar(uri string) (*os.File, *bufio.Reader, *Meta) {
	f, err := os.Open(c.ruta(uri))
	if err != nil {
		return nil, nil, nil
	}
	b := bufio.NewReaderSize(f, 65536)
	l, err := b.ReadBytes('\n')
	m := &Meta{}
	if err != nil || json.Unmarshal(l, m) != nil || time.Since(m.Guardado) > c.TTL {
		f.Close()
		return nil, nil, nil
	}
	return f, b, m
}

// Nuevo abre un temporal; Terminar lo pone en su sitio
type Nuevo struct {
	f         *os.File
	tmp, meta string
	fin       string
	cab       http.Header
	estado    int
}

func (c *Cache) Crear(uri string, estado int, cab http.Header) *Nuevo {
	k := atomic.AddInt64(&c.n, 1)
	fin := c.ruta(uri)
	tmp := filepath.Join(c.Dir, fmt.Sprintf("tmp.%d.%d", os.Getpid(), k))
	f, err := os.Create(tmp)
	if err != nil {
		return nil
	}
	return &Nuevo{f: f, tmp: tmp, fin: fin, cab: cab.Clone(), estado: estado}
}
func (n *Nuevo) Write(b []byte) (int, error) { return n.f.Write(b) }
func (n *Nuevo) Botar()                      { n.f.Close(); os.Remove(n.tmp) }
func (n *Nuevo) Terminar() {
	// el cuerpo esta en tmp, se copia detras de los metadatos
	defer n.Botar()
	m, err := json.Marshal(Meta{time.Now(), n.estado, n.cab})
	if err != nil {
		return
	}
	g, err := os.Create(n.tmp + "b")
	if err != nil {
		return
	}
	g.Write(append(m, '\n'))
	n.f.Seek(0, 0)
	_, err = io.Copy(g, n.f)
	if err2 := g.Close(); err != nil || err2 != nil {
		os.Remove(n.tmp + "b")
		return
	}
	os.Rename(n.tmp+"b", n.fin)
}
