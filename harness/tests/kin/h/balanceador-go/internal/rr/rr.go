package rr

import "sync"

type Lista struct {
	mu   sync.Mutex
	dirs []string
	mal  []bool
	i    int
}

func Nueva(d []string) *Lista { return &Lista{dirs: d, mal: make([]bool, len(d))} }

func (l *Lista) N() int { return len(l.dirs) }

// Siguiente da el proximo servidor sano
func (l *Lista) Siguiente() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k := 0; k < len(l.dirs); k++ {
		j := l.i
		l.i = (l.i + 1) % len(l.dirs)
		if !l.mal[j] {
			return l.dirs[j]
		}
	}
	// todos estan marcados, empezamos de nuevo
	for j := range l.mal {
		l.mal[j] = false
	}
	j := l.i
	l.i = (l.i + 1) % len(l.dirs)
	return l.dirs[j]
}

// Caido saca al servidor de la rotacion
func (l *Lista) Caido(d string) {
	l.mu.Lock()
	for j := range l.dirs {
		if l.dirs[j] == d {
			l.mal[j] = true
		}
	}
	l.mu.Unlock()
}
