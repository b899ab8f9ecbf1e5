#include "../include/http.hpp"
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

bool Lector::llenar() {
    char b[32768];
    ssize_t n;
    do n = recv(fd_, b, sizeof b, 0); while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) throw Tiempo("tiempo");
    if (n <= 0) return false;
    mem_.erase(0, pos_);
    pos_ = 0;
    mem_.append(b, n);
    empezo_ = true;
    return true;
}

std::string Lector::linea(size_t max) {
    size_t desde = pos_;
    for (;;) {
        size_t i = mem_.find('\n', desde);
        if (i != std::string::npos) {
            std::string s = mem_.substr(pos_, i - pos_);
            pos_ = i + 1;
            if (!s.empty() && s.back() == '\r') s.pop_back();
            return s;
        }
        if (mem_.size() - pos_ > max) throw Malo("linea larga");
        size_t hay = mem_.size() - pos_;
        if (!llenar()) throw Cierre("cierre");
        desde = pos_ + hay;
    }
}

std::string Lector::exacto(size_t n) {
    std::string s;
    for (;;) {
        size_t k = std::min(n - s.size(), mem_.size() - pos_);
        s.append(mem_, pos_, k);
        pos_ += k;
        if (s.size() == n) return s;
        if (!llenar()) throw Malo("incompleto");
    }
}

std::string Lector::resto() {
    std::string s = mem_.substr(pos_);
    pos_ = mem_.size();
    while (llenar()) {
        s.append(mem_, pos_, std::string::npos);
        pos_ = mem_.size();
    }
    return s;
}

bool contiene(std::string t, const std::string &p) {
    std::transform(t.begin(), t.end(), t.begin(), ::tolower);
    return t.find(p) != std::string::npos;
}

bool Mensaje::trozos() const { return contiene(valor("Transfer-Encoding"), "chunked"); }

Mensaje leerCabecera(Lector &l) {
    Mensaje m;
    do m.inicio = l.linea(65536); while (m.inicio.empty());
    for (;;) {
        std::string s = l.linea(131072);
        if (s.empty()) return m;
        size_t d = s.find(':');
        if (d == std::string::npos || d == 0) throw Malo("encabezado");
        size_t v = s.find_first_not_of(" \t", d + 1);
        std::string val = v == std::string::npos ? "" : s.substr(v);
        while (!val.empty() && (val.back() == ' ' || val.back() == '\t')) val.pop_back();
        m.enc[s.substr(0, d)] = val;
    }
}

std::string leerTrozos(Lector &l) {
    std::string s;
    for (;;) {
        std::string t = l.linea(4096);
        size_t usado = 0;
        unsigned long n;
        try { n = std::stoul(t, &usado, 16); } catch (std::exception &) { throw Malo("trozo"); }
        if (n == 0) break;
        s += l.exacto(n);
        if (!l.linea(16).empty()) throw Malo("trozo");
    }
    while (!l.linea(65536).empty()) ;
    return s;
}

bool deSalto(const std::string &n) {
    static const char *s[] = {"Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding",
                              "Upgrade", "Content-Length", "Expect"};
    for (auto x : s) if (!strcasecmp(x, n.c_str())) return true;
    return false;
}

bool enviar(int fd, const std::string &s) {
    size_t i = 0;
    while (i < s.size()) {
        ssize_t n = send(fd, s.data() + i, s.size() - i, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        i += n;
    }
    return true;
}

int conectar(const std::string &host, const std::string &puerto) {
    addrinfo h{}, *r;
    h.ai_family = AF_INET;
    h.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(host.c_str(), puerto.c_str(), &h, &r)) return -1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    timeval t{10, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
    int uno = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &uno, sizeof uno);
    int e = connect(fd, r->ai_addr, r->ai_addrlen);
    freeaddrinfo(r);
    if (e < 0) { close(fd); return -1; }
    return fd;
}
