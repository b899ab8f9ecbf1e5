package main

// Toda la cache en UN archivo (cache/pibl.cache) al que solo se le agrega al final.
// Al arrancar se lee entero: lo vencido se tira, un final roto se recorta.
//
//   magia(4) crc(4) vence_ms(8) guardado_ms(8) largo_llave(4) largo_cab(4) largo_cuerpo(4) ...

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	magia   = 0x50494231
	fijoLen = 36
)

type sitio struct {
	pos, largo int64
	vence      int64
}

type Cache struct {
	mu     sync.RWMutex
	ruta   string
	f      *os.File
	fin    int64
	indice map[string]sitio
}

func ms() int64 { return time.Now().UnixMilli() }

func AbrirCache(dir string) (*Cache, error) {
	if err := os.MkdirAll(dir, 0755); err != nil {
		return nil, err
	}
	c := &Cache{ruta: filepath.Join(dir, "pibl.cache"), indice: map[string]sitio{}}
	f, err := os.OpenFile(c.ruta, os.O_RDWR|os.O_CREATE, 0644)
	if err != nil {
		return nil, err
	}
	c.f = f
	for {
		key, _, vence, n, err := c.registro(c.fin)
		if err != nil {
			break
		}
		if vence > 0 {
			c.indice[key] = sitio{c.fin, n, vence}
		} else {
			delete(c.indice, key)
		}
		c.fin += n
	}
	f.Truncate(c.fin)
	if err := c.compactar(); err != nil {
		return nil, err
	}
	go func() {
		for range time.Tick(30 * time.Second) {
			c.mu.Lock()
			var vivos int64
			for k, s := range c.indice {
				if s.vence <= ms() {
					delete(c.indice, k)
				} else {
					vivos += s.largo
				}
			}
			if c.fin-vivos > 32<<20 && vivos < c.fin/2 {
				c.compactar()
			}
			c.mu.Unlock()
		}
	}()
	return c, nil
}

// lee y comprueba el registro que empieza en pos
func (c *Cache) registro(pos int64) (string, *Resp, int64, int64, error) {
	h := make([]byte, fijoLen)
	if _, err := c.f.ReadAt(h, pos); err != nil {
		return "", nil, 0, 0, err
	}
	be := binary.BigEndian
	lk, lc, lb := int64(be.Uint32(h[24:])), int64(be.Uint32(h[28:])), int64(be.Uint32(h[32:]))
	if be.Uint32(h) != magia || lk+lc+lb > 1<<31 {
		return "", nil, 0, 0, fmt.Errorf("magia")
	}
	st, _ := c.f.Stat()
	if st != nil && pos+fijoLen+lk+lc+lb > st.Size() {
		return "", nil, 0, 0, io.ErrUnexpectedEOF
	}
	d := make([]byte, lk+lc+lb)
	if _, err := c.f.ReadAt(d, pos+fijoLen); err != nil && len(d) > 0 {
		return "", nil, 0, 0, err
	}
	if crc32.Update(crc32.ChecksumIEEE(h[8:]), crc32.IEEETable, d) != be.Uint32(h[4:]) {
		return "", nil, 0, 0, fmt.Errorf("crc")
	}
	r := &Resp{cuerpo: d[lk+lc:]}
	for i, l := range strings.Split(string(d[lk:lk+lc]), "\n") {
		if i == 0 {
			r.linea = l
			if len(l) >= 3 {
				r.estado, _ = strconv.Atoi(l[:3])
			}
			continue
		}
		n, v, _ := strings.Cut(l, ":")
		r.campos = append(r.campos, Campo{n, v})
	}
	edad := (ms() - int64(be.Uint64(h[16:]))) / 1000
	r.campos = append(r.campos, Campo{"Age", strconv.FormatInt(edad, 10)})
	return string(d[:lk]), r, int64(be.Uint64(h[8:])), fijoLen + int64(len(d)), nil
}

func (c *Cache) Buscar(llave string) *Resp {
	c.mu.RLock()
	defer c.mu.RUnlock()
	s, ok := c.indice[llave]
	if !ok || ms() >= s.vence {
		return nil
	}
	k, r, _, _, err := c.registro(s.pos)
	if err != nil || k != llave {
		return nil
	}
	return r
}

func (c *Cache) agregar(llave string, vence int64, cab string, cuerpo []byte) {
	b := make([]byte, fijoLen, fijoLen+len(llave)+len(cab)+len(cuerpo))
	be := binary.BigEndian
	be.PutUint32(b, magia)
	be.PutUint64(b[8:], uint64(vence))
	be.PutUint64(b[16:], uint64(ms()))
	be.PutUint32(b[24:], uint32(len(llave)))
	be.PutUint32(b[28:], uint32(len(cab)))
	be.PutUint32(b[32:], uint32(len(cuerpo)))
	b = append(append(append(b, llave...), cab...), cuerpo...)
	be.PutUint32(b[4:], crc32.ChecksumIEEE(b[8:]))
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.f.WriteAt(b, c.fin); err != nil {
		fmt.Println("cache:", err)
		return
	}
	if vence > 0 {
		c.indice[llave] = sitio{c.fin, int64(len(b)), vence}
	} else {
		delete(c.indice, llave)
	}
	c.fin += int64(len(b))
}

func (c *Cache) Guardar(llave string, vida time.Duration, r *Resp) {
	if len(r.cuerpo) > 64<<20 {
		return
	}
	cab := r.linea
	for _, k := range r.campos {
		cab += "\n" + k.n + ":" + k.v
	}
	c.agregar(llave, ms()+vida.Milliseconds(), cab, r.cuerpo)
}

// un registro con vence = 0 es una lapida
func (c *Cache) Borrar(llave string) {
	c.mu.RLock()
	_, ok := c.indice[llave]
	c.mu.RUnlock()
	if ok {
		c.agregar(llave, 0, "", nil)
	}
}

// copia los registros vivos a otro archivo y lo cambia de una vez
func (c *Cache) compactar() error {
	n, err := os.OpenFile(c.ruta+".nuevo", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0644)
	if err != nil {
		return err
	}
	idx := map[string]sitio{}
	var fin int64
	for k, s := range c.indice {
		if s.vence <= ms() {
			continue
		}
		if _, err := io.Copy(n, io.NewSectionReader(c.f, s.pos, s.largo)); err != nil {
			n.Close()
			return err
		}
		idx[k] = sitio{fin, s.largo, s.vence}
		fin += s.largo
	}
	if err := os.Rename(c.ruta+".nuevo", c.ruta); err != nil {
		return err
	}
	c.f.Close()
	c.f, c.fin, c.indice = n, fin, idx
	return nil
}
