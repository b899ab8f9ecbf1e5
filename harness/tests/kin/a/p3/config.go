package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

type Config struct {
	Port    int
	Servers []string
}

// a small part of YAML: enough for us
func readConfig(name string) (*Config, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c := &Config{Port: 8080}
	sc := bufio.NewScanner(f)
	host := ""
	for sc.Scan() {
		t := strings.TrimSpace(strings.SplitN(sc.Text(), "#", 2)[0])
		t = strings.TrimSpace(strings.TrimPrefix(t, "- "))
		kv := strings.SplitN(t, ":", 2)
		if len(kv) != 2 {
			if t != "" {
				return nil, fmt.Errorf("%s: cannot read %q", name, t)
			}
			continue
		}
		v := strings.Trim(strings.TrimSpace(kv[1]), `"'`)
		switch strings.TrimSpace(kv[0]) {
		case "listen":
			if c.Port, err = strconv.Atoi(v); err != nil {
				return nil, err
			}
		case "ip":
			host = v
		case "port":
			if _, err := strconv.Atoi(v); err != nil {
				return nil, err
			}
			c.Servers = append(c.Servers, net.JoinHostPort(host, v))
		case "servers":
		default:
			return nil, fmt.Errorf("%s: unknown key %q", name, kv[0])
		}
	}
	if len(c.Servers) == 0 {
		return nil, fmt.Errorf("%s: no servers", name)
	}
	return c, nil
}

var access, errlog *log.Logger

func openLogs(dir string) {
	os.MkdirAll(dir, 0o755)
	open := func(n string) *os.File {
		f, err := os.OpenFile(filepath.Join(dir, n), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return f
	}
	access = log.New(io.MultiWriter(os.Stdout, open("access.log")), "", log.LstdFlags|log.Lmicroseconds)
	errlog = log.New(io.MultiWriter(os.Stderr, open("error.log")), "", log.LstdFlags)
}
