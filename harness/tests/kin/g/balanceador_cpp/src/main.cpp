// Balanceador - Proyecto 1 Telematica
// uso: ./balanceador -t TTL [-f config/pibl.ini]
#include "../include/cache.hpp"
#include "../include/http.hpp"
#include <atomic>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <sstream>
#include <thread>
#include <vector>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

struct Servidor { std::string host, puerto; };

static std::vector<Servidor> servidores;
static int puerto = 8080;
static std::string nombreLog = "pibl.log";
static std::atomic<unsigned> turno{0};
static std::unique_ptr<Cache> cache;
static std::mutex mLog;
static std::ofstream archivoLog;

// Para que dos clientes no descarguen lo mismo al tiempo: un candado por franja de recursos
static const int FRANJAS = 8;
static std::mutex franja[FRANJAS];

static void leerIni(const std::string &nombre) {
    std::ifstream f(nombre);
    if (!f) { std::cerr << "no existe " << nombre << std::endl; exit(1); }
    std::string l, seccion;
    while (std::getline(f, l)) {
        while (!l.empty() && isspace((unsigned char)l.back())) l.pop_back();
        if (l.empty() || l[0] == ';') continue;
        if (l[0] == '[') { seccion = l; continue; }
        size_t i = l.find('=');
        if (i == std::string::npos) continue;
        std::string k = l.substr(0, i), v = l.substr(i + 1);
        if (seccion == "[servidores]") {
            size_t d = v.rfind(':');
            servidores.push_back({v.substr(0, d), v.substr(d + 1)});
        } else if (k == "puerto") puerto = std::stoi(v);
        else if (k == "log") nombreLog = v;
    }
}

static void registrar(const std::string &peticion, const std::string &respuesta, size_t bytes, const std::string &quien) {
    char h[40];
    time_t t = time(nullptr);
    tm g;
    strftime(h, sizeof h, "%F %T", localtime_r(&t, &g));
    std::ostringstream s;
    s << h << " PETICION: " << peticion << " RESPUESTA: " << respuesta << " (" << bytes << " bytes) " << quien << "\n";
    std::lock_guard<std::mutex> l(mLog);
    archivoLog << s.str() << std::flush;
    std::cout << s.str() << std::flush;
}

struct Resultado {
    std::string estado, cab, cuerpo, quien;
    int codigo = 0;
    bool sinCuerpo = false, guardable = false;
};

static Resultado falla(int codigo, const std::string &texto) {
    Resultado r;
    r.codigo = codigo;
    r.estado = std::to_string(codigo) + " " + texto;
    r.cab = "Content-Type: text/html\r\n";
    r.cuerpo = "<html><body><h1>" + r.estado + "</h1></body></html>";
    r.quien = "balanceador";
    return r;
}

static Resultado conversar(int fd, const std::string &metodo, const std::string &pedido) {
    enviar(fd, pedido);
    Lector l(fd);
    Mensaje m;
    Resultado r;
    do {
        m = leerCabecera(l);
        size_t i = m.inicio.find(' ');
        if (i == std::string::npos) throw Malo("estado");
        r.estado = m.inicio.substr(i + 1);
        r.codigo = atoi(r.estado.c_str());
        if (r.codigo < 100) throw Malo("estado");
    } while (r.codigo < 200);
    r.sinCuerpo = metodo == "HEAD" || r.codigo == 204 || r.codigo == 304;
    if (!r.sinCuerpo) {
        try {
            if (m.trozos()) r.cuerpo = leerTrozos(l);
            else if (m.tiene("Content-Length")) r.cuerpo = l.exacto(strtoul(m.valor("Content-Length").c_str(), nullptr, 10));
            else r.cuerpo = l.resto();
        } catch (Cierre &) { throw Malo("incompleto"); }
    }
    for (auto &e : m.enc)
        if (!deSalto(e.first)) r.cab += e.first + ": " + e.second + "\r\n";
    if (r.sinCuerpo && m.tiene("Content-Length")) r.cab += "Content-Length: " + m.valor("Content-Length") + "\r\n";
    std::string cc = m.valor("Cache-Control");
    r.guardable = r.codigo == 200 && !contiene(cc, "no-store") && !contiene(cc, "private");
    return r;
}

static Resultado repartir(const std::string &metodo, const std::string &pedido) {
    bool repetible = metodo == "GET" || metodo == "HEAD";
    for (size_t i = 0; i < servidores.size(); i++) {
        Servidor &s = servidores[turno++ % servidores.size()];
        int fd = conectar(s.host, s.puerto);
        if (fd < 0) continue;
        try {
            Resultado r = conversar(fd, metodo, pedido);
            close(fd);
            r.quien = s.host + ":" + s.puerto;
            return r;
        } catch (Tiempo &) {
            close(fd);
            return falla(504, "Gateway Timeout");
        } catch (Cierre &) {
            close(fd);
            if (!repetible) return falla(502, "Bad Gateway");
        } catch (Malo &) {
            close(fd);
            return falla(502, "Bad Gateway");
        }
    }
    return falla(503, "Service Unavailable");
}

static bool responder(int c, const Resultado &r, bool cerrar) {
    std::string s = "HTTP/1.1 " + r.estado + "\r\n" + r.cab;
    if (!r.sinCuerpo) s += "Content-Length: " + std::to_string(r.cuerpo.size()) + "\r\n";
    s += cerrar ? "Connection: close\r\n\r\n" : "Connection: keep-alive\r\n\r\n";
    if (!r.sinCuerpo) s += r.cuerpo;
    return enviar(c, s) && !cerrar;
}

static bool atenderUna(int c, Lector &l) {
    Mensaje p = leerCabecera(l);
    std::istringstream is(p.inicio);
    std::string metodo, destino, version;
    is >> metodo >> destino >> version;
    if (version.compare(0, 7, "HTTP/1.")) throw Malo("peticion");
    bool conCuerpo = p.trozos() || p.tiene("Content-Length");
    if (conCuerpo && contiene(p.valor("Expect"), "100-continue")) enviar(c, "HTTP/1.1 100 Continue\r\n\r\n");
    if (p.trozos()) p.cuerpo = leerTrozos(l);
    else if (conCuerpo) p.cuerpo = l.exacto(strtoul(p.valor("Content-Length").c_str(), nullptr, 10));
    bool cerrar = contiene(p.valor("Connection"), "close")
               || (version == "HTTP/1.0" && !contiene(p.valor("Connection"), "keep-alive"));

    std::string pedido = metodo + " " + destino + " HTTP/1.1\r\n";
    for (auto &e : p.enc)
        if (!deSalto(e.first)) pedido += e.first + ": " + e.second + "\r\n";
    if (conCuerpo) pedido += "Content-Length: " + std::to_string(p.cuerpo.size()) + "\r\n";
    pedido += "Connection: close\r\n\r\n" + p.cuerpo;

    Resultado r;
    if (metodo == "GET" && !p.tiene("Authorization")) {
        std::lock_guard<std::mutex> g(franja[std::hash<std::string>()(destino) % FRANJAS]);
        if (cache->buscar(destino, r.cab, r.cuerpo)) {
            r.estado = "200 OK";
            return responder(c, r, cerrar);
        }
        r = repartir(metodo, pedido);
        if (r.guardable && !p.tiene("Range")) cache->guardar(destino, r.cab, r.cuerpo);
    } else {
        r = repartir(metodo, pedido);
        if (metodo == "HEAD" && r.quien == "balanceador") r.sinCuerpo = true;
    }
    registrar(metodo + " " + destino, r.estado, r.cuerpo.size(), r.quien);
    return responder(c, r, cerrar);
}

static void atender(int c) {
    timeval t{60, 0};
    setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    setsockopt(c, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
    int uno = 1;
    setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &uno, sizeof uno);
    Lector l(c);
    try {
        while (atenderUna(c, l)) ;
    } catch (Malo &) {
        Resultado r = falla(400, "Bad Request");
        registrar("?", r.estado, r.cuerpo.size(), r.quien);
        responder(c, r, true);
    } catch (std::exception &) {
        // el cliente se fue
    }
    shutdown(c, SHUT_WR);
    close(c);
}

int main(int argc, char **argv) {
    double ttl = 60;
    std::string ini = "config/pibl.ini";
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "-t")) ttl = atof(argv[i + 1]);
        else if (!strcmp(argv[i], "-f")) ini = argv[i + 1];
    }
    leerIni(ini);
    if (servidores.empty()) { std::cerr << "faltan servidores" << std::endl; return 1; }
    // al terminar (Ctrl-C o kill) se guarda el indice
    sigset_t s;
    sigemptyset(&s);
    sigaddset(&s, SIGINT);
    sigaddset(&s, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &s, nullptr);
    signal(SIGPIPE, SIG_IGN);
    archivoLog.open(nombreLog, std::ios::app);
    cache.reset(new Cache(ttl));
    std::thread([s] {
        int n;
        sigwait(&s, &n);
        cache->guardarIndice();
        std::cerr << "indice guardado" << std::endl;
        _exit(0);
    }).detach();

    int fd = socket(AF_INET, SOCK_STREAM, 0), uno = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &uno, sizeof uno);
    sockaddr_in d{};
    d.sin_family = AF_INET;
    d.sin_port = htons(puerto);
    if (bind(fd, (sockaddr *)&d, sizeof d) < 0 || listen(fd, 1024) < 0) { perror("puerto"); return 1; }
    std::cerr << "escuchando en " << puerto << std::endl;
    for (;;) {
        int c = accept(fd, nullptr, nullptr);
        if (c < 0) continue;
        try {
            std::thread(atender, c).detach();
        } catch (std::exception &) {
            close(c);
        }
    }
}
