package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
)

var hop = []string{"connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "trailer", "upgrade"}
var errBad = errors.New("malformed")

type Message struct {
	First  string
	Fields [][2]string
	Body   []byte
}

func (m *Message) Get(n string) string {
	for _, f := range m.Fields {
		if strings.EqualFold(f[0], n) {
			return f[1]
		}
	}
	return ""
}

func (m *Message) Add(n, v string) { m.Fields = append(m.Fields, [2]string{n, v}) }

func (m *Message) Drop(names ...string) {
	var keep [][2]string
next:
	for _, f := range m.Fields {
		for _, n := range names {
			if strings.EqualFold(f[0], n) {
				continue next
			}
		}
		keep = append(keep, f)
	}
	m.Fields = keep
}

func (m *Message) Status() int {
	p := strings.SplitN(m.First, " ", 3)
	if len(p) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(p[1])
	return n
}

func (m *Message) Shareable() bool {
	cc := strings.ToLower(m.Get("cache-control"))
	return !strings.Contains(cc, "no-store") && !strings.Contains(cc, "private") && m.Get("set-cookie") == "" && m.Get("vary") == ""
}

func (m *Message) Bytes() []byte {
	var b bytes.Buffer
	b.WriteString(m.First + "\r\n")
	for _, f := range m.Fields {
		b.WriteString(f[0] + ": " + f[1] + "\r\n")
	}
	b.WriteString("\r\n")
	b.Write(m.Body)
	return b.Bytes()
}

func line(br *bufio.Reader) (string, error) {
	s, err := br.ReadString('\n')
	return strings.TrimRight(s, "\r\n"), err
}

func readHead(br *bufio.Reader) (*Message, error) {
	s, err := line(br)
	if err != nil {
		return nil, err
	}
	m := &Message{First: s}
	for {
		s, err := line(br)
		if err != nil {
			return nil, err
		}
		if s == "" {
			return m, nil
		}
		i := strings.IndexByte(s, ':')
		if i < 1 {
			return nil, errBad
		}
		m.Add(s[:i], strings.TrimSpace(s[i+1:]))
	}
}

func (m *Message) readBody(br *bufio.Reader, untilEOF bool) error {
	if strings.Contains(strings.ToLower(m.Get("transfer-encoding")), "chunked") {
		for {
			s, err := line(br)
			if err != nil {
				return err
			}
			n, err := strconv.ParseInt(strings.TrimSpace(strings.Split(s, ";")[0]), 16, 63)
			if err != nil || n < 0 {
				return errBad
			}
			if n == 0 {
				for {
					s, err := line(br)
					if err != nil {
						return err
					}
					if s == "" {
						return nil
					}
				}
			}
			b := make([]byte, n)
			if _, err := io.ReadFull(br, b); err != nil {
				return err
			}
			m.Body = append(m.Body, b...)
			if _, err := line(br); err != nil {
				return err
			}
		}
	}
	if v := m.Get("content-length"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return errBad
		}
		m.Body = make([]byte, n)
		_, err = io.ReadFull(br, m.Body)
		return err
	}
	if untilEOF {
		b, err := io.ReadAll(br)
		m.Body = b
		return err
	}
	return nil
}
