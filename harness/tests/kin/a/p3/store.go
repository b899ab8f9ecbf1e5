package main

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// one file for each resource: "seconds key\n" + the answer as it came
type Store struct {
	dir string
	ttl time.Duration
}

func NewStore(dir string, ttl time.Duration) *Store {
	os.MkdirAll(dir, 0o755)
	return &Store{dir, ttl}
}

func (s *Store) path(key string) string {
	return filepath.Join(s.dir, fmt.Sprintf("%x", sha1.Sum([]byte(key))))
}

func (s *Store) Load(key string) *Message {
	p := s.path(key)
	b, err := os.ReadFile(p)
	if err != nil {
		return nil
	}
	br := bufio.NewReader(bytes.NewReader(b))
	stamp, err := line(br)
	if err != nil {
		return nil
	}
	born, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || time.Since(time.UnixMilli(born)) >= s.ttl {
		os.Remove(p)
		return nil
	}
	m, err := readHead(br)
	if err != nil || m.readBody(br, true) != nil {
		os.Remove(p)
		return nil
	}
	m.Add("Age", fmt.Sprint(int(time.Since(time.UnixMilli(born)).Seconds())))
	return m
}

func (s *Store) Save(key string, m *Message) error {
	f, err := os.CreateTemp(s.dir, "tmp-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err = fmt.Fprintf(f, "%d\n", time.Now().UnixMilli()); err == nil {
		_, err = f.Write(m.Bytes())
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), s.path(key))
}
