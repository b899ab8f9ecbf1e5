// PIBL - Grupo 7 - ST0255
//   g++ -std=c++17 -O2 -o pibl pibl.cpp -pthread
//   ./pibl            (pregunta la configuracion por el teclado, Enter = valor por defecto)
//   ./pibl < respuestas.txt
#include <arpa/inet.h>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fstream>
#include <functional>
#include <iomanip>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <fcntl.h>
#include <sstream>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <thread>
#include <unistd.h>
#include <vector>
using namespace std;

struct Servidor { string host; string puerto; };
struct Opciones {
    int puerto = 8080;
    vector<Servidor> servidores;
    double ttl = 60;
    string log = "pibl.log", cache = "cache";
    int espera = 10;
} op;

struct Campo { string n, v; };
using Campos = vector<Campo>;

struct Mensaje {
    string linea;
    Campos campos;
    string cuerpo;
    bool conCuerpo = false;
};

struct Error { int codigo; };
struct Cerrado {};

// ------------------------------------------------------------ utilidades
static string aMinus(string s) { for (auto &c : s) c = tolower((unsigned char)c); return s; }
static string recorta(const string &s)
{
    size_t a = s.find_first_not_of(" \t\r"), b = s.find_last_not_of(" \t\r");
    return a == string::npos ? "" : s.substr(a, b - a + 1);
}
static bool hay(const Campos &cs, const string &n, string *v = nullptr)
{
    bool si = false;
    for (auto &c : cs)
        if (aMinus(c.n) == n) { if (v) *v += (si ? "," : "") + c.v; si = true; }
    return si;
}
static bool dice(const Campos &cs, const string &n, const string &ficha)
{
    string v, t;
    if (!hay(cs, n, &v)) return false;
    stringstream ss(aMinus(v));
    while (getline(ss, t, ',')) if (recorta(t) == ficha) return true;
    return false;
}
static Campos limpiar(const Campos &cs)
{
    static const char *malos[] = {"connection", "keep-alive", "proxy-connection", "te", "trailer",
                                  "transfer-encoding", "upgrade", "content-length", "expect"};
    Campos r;
    for (auto &c : cs) {
        bool fuera = dice(cs, "connection", aMinus(c.n));
        for (auto m : malos) fuera |= aMinus(c.n) == m;
        if (!fuera) r.push_back(c);
    }
    return r;
}

// --------------------------------------------------------------- sockets
class Socket {
    int fd;
    string buf;
public:
    explicit Socket(int f) : fd(f) {}
    Socket(const Socket &) = delete;
    ~Socket() { if (fd >= 0) close(fd); }
    bool vacio() const { return buf.empty(); }

    void plazo(int seg)
    {
        timeval tv{seg, 0};
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
    }
    bool mas()                       // false = EOF
    {
        char t[16384];
        ssize_t n = recv(fd, t, sizeof t, 0);
        if (n < 0) throw Error{errno == EAGAIN || errno == EWOULDBLOCK ? 504 : 502};
        buf.append(t, n);
        return n > 0;
    }
    string hasta(const string &fin, size_t max)
    {
        size_t p, de = 0;
        while ((p = buf.find(fin, de)) == string::npos) {
            if (buf.size() > max) throw Error{431};
            de = buf.size() > 3 ? buf.size() - 3 : 0;
            if (!mas()) { if (buf.empty()) throw Cerrado{}; throw Error{502}; }
        }
        string r = buf.substr(0, p);
        buf.erase(0, p + fin.size());
        return r;
    }
    string exacto(size_t n)
    {
        while (buf.size() < n) if (!mas()) throw Error{502};
        string r = buf.substr(0, n);
        buf.erase(0, n);
        return r;
    }
    string chunks()
    {
        string todo;
        for (;;) {
            string l = hasta("\r\n", 8192);
            size_t n;
            try { n = stoul(l, nullptr, 16); } catch (exception &) { throw Error{502}; }
            if (n == 0) break;
            todo += exacto(n);
            if (!hasta("\r\n", 8192 + n).empty()) throw Error{502};
        }
        while (!hasta("\r\n", 8192).empty()) ;
        return todo;
    }
    string resto() { while (mas()) ; return move(buf); }
    Mensaje cabecera()
    {
        Mensaje m;
        while (buf.compare(0, 2, "\r\n") == 0) buf.erase(0, 2);
        stringstream ss(hasta("\r\n\r\n", 65536));
        string l;
        getline(ss, m.linea);
        m.linea = recorta(m.linea);
        while (getline(ss, l)) {
            size_t p = l.find(':');
            if (p == string::npos) throw Error{400};
            m.campos.push_back({l.substr(0, p), recorta(l.substr(p + 1))});
        }
        return m;
    }
    bool enviar(const string &s)
    {
        size_t i = 0;
        while (i < s.size()) {
            ssize_t k = send(fd, s.data() + i, s.size() - i, MSG_NOSIGNAL);
            if (k <= 0) return false;
            i += k;
        }
        return true;
    }
    void despedir()
    {
        shutdown(fd, SHUT_WR);
        plazo(1);
        char t[4096];
        while (recv(fd, t, sizeof t, 0) > 0) ;
    }
};

// ------------------------------------------------------------------- log
class Registro {
    ofstream f;
    mutex m;
public:
    void abrir(const string &n)
    {
        f.open(n, ios::app);
        if (!f) { cerr << "no se puede escribir " << n << endl; exit(1); }
    }
    void cerrar() { f.close(); }
    void linea(const string &s)
    {
        lock_guard<mutex> g(m);
        time_t t = time(nullptr);
        tm x;
        localtime_r(&t, &x);
        f << put_time(&x, "%F %T") << " " << s << "\n";
        cout << put_time(&x, "%F %T") << " " << s << endl;
    }
} registro;

// ----------------------------------------------------------------- cache
// cache/<resumen>.dat:  llave \n vence \n linea \n n \n campos... \n largo \n cuerpo
class Cache {
    static string ruta(const string &llave)
    {
        unsigned long long a = 1469598103934665603ULL, b = 88172645463325252ULL;
        for (unsigned char c : llave) { a = (a ^ c) * 1099511628211ULL; b = b * 31 + c + (b >> 47); }
        stringstream s;
        s << op.cache << "/" << hex << setfill('0') << setw(16) << a << setw(16) << b << ".dat";
        return s.str();
    }
    static double ahora()
    {
        timeval t;
        gettimeofday(&t, nullptr);
        return t.tv_sec + t.tv_usec / 1e6;
    }
public:
    mutex m;         // proteje los archivos

    bool leer(const string &llave, Mensaje &r)
    {
        string l;
        ifstream f(ruta(llave), ios::binary);
        double vence;
        size_t n;
        if (!f || !getline(f, l) || l != llave || !getline(f, l)) return false;
        vence = atof(l.c_str());
        if (ahora() >= vence) return false;
        getline(f, r.linea);
        getline(f, l);
        for (int k = atoi(l.c_str()); k > 0 && getline(f, l); k--) {
            size_t p = l.find(':');
            r.campos.push_back({l.substr(0, p), l.substr(p + 1)});
        }
        getline(f, l);
        n = stoul(l);
        r.cuerpo.resize(n);
        if (!f.read(&r.cuerpo[0], n) && n) return false;
        r.conCuerpo = true;
        return true;
    }
    void guardar(const string &llave, const Mensaje &r)
    {
        static int serie = 0;
        string tmp = op.cache + "/tmp" + to_string(serie++);
        ofstream f(tmp, ios::binary);
        f << llave << "\n" << fixed << setprecision(3) << ahora() + op.ttl << "\n" << r.linea << "\n" << r.campos.size() << "\n";
        for (auto &c : r.campos) f << c.n << ":" << c.v << "\n";
        f << r.cuerpo.size() << "\n";
        f.write(r.cuerpo.data(), r.cuerpo.size());
        f.close();
        if (!f || rename(tmp.c_str(), ruta(llave).c_str())) unlink(tmp.c_str());
    }
} cache_;

// ----------------------------------------------------------- balanceador
class Balanceador {
    size_t i = 0;
    mutex m;
    static int conectar(const Servidor &s)
    {
        addrinfo h{}, *r;
        h.ai_family = AF_INET;
        h.ai_socktype = SOCK_STREAM;
        if (getaddrinfo(s.host.c_str(), s.puerto.c_str(), &h, &r)) return -1;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), e = 0;
        socklen_t l = sizeof e;
        if (connect(fd, r->ai_addr, r->ai_addrlen) < 0 && errno != EINPROGRESS) e = errno;
        freeaddrinfo(r);
        pollfd p{fd, POLLOUT, 0};
        if (!e && poll(&p, 1, 2000) != 1) e = ETIMEDOUT;
        if (!e) getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &l);
        if (e) { close(fd); return -1; }
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
        return fd;
    }
public:
    Servidor siguiente()
    {
        lock_guard<mutex> g(m);
        return op.servidores[i++ % op.servidores.size()];
    }
    Mensaje pedir(const string &metodo, const string &msg, string &quien)
    {
        int ultimo = 502;
        for (size_t k = 0; k < op.servidores.size(); k++) {
            Servidor s = siguiente();
            int fd = conectar(s);
            if (fd < 0) continue;
            quien = s.host + ":" + s.puerto;
            Socket b(fd);
            b.plazo(op.espera);
            try {
                b.enviar(msg);
                Mensaje r;
                int est;
                do {
                    r = b.cabecera();
                    if (r.linea.compare(0, 7, "HTTP/1.") || r.linea.size() < 12) throw Error{502};
                    est = atoi(r.linea.c_str() + 9);
                } while (est < 200);
                string v;
                r.conCuerpo = metodo != "HEAD" && est != 204 && est != 304;
                if (r.conCuerpo) {
                    if (dice(r.campos, "transfer-encoding", "chunked")) r.cuerpo = b.chunks();
                    else if (hay(r.campos, "content-length", &v)) r.cuerpo = b.exacto(strtoul(v.c_str(), nullptr, 10));
                    else r.cuerpo = b.resto();
                }
                return r;
            } catch (Error &e) {
                ultimo = e.codigo == 504 ? 504 : 502;
            } catch (Cerrado &) {
                ultimo = 502;
            }
            if (ultimo == 504 || (metodo != "GET" && metodo != "HEAD")) break;
        }
        throw Error{ultimo};
    }
} balanceador;

static string razon(int c)
{
    static const map<int, string> t{{400, "Bad Request"}, {408, "Request Timeout"}, {431, "Request Header Fields Too Large"},
                                    {502, "Bad Gateway"}, {504, "Gateway Timeout"}};
    auto i = t.find(c);
    return i == t.end() ? "Error" : i->second;
}

// ---------------------------------------------------------------- cliente
static string armar(const string &metodo, const string &url, const Mensaje &p, const string &ip)
{
    string m = metodo + " " + url + " HTTP/1.1\r\n";
    if (!hay(p.campos, "host")) m += "Host: localhost\r\n";
    for (auto &c : limpiar(p.campos)) m += c.n + ": " + c.v + "\r\n";
    if (p.conCuerpo) m += "Content-Length: " + to_string(p.cuerpo.size()) + "\r\n";
    m += "X-Forwarded-For: " + ip + "\r\nConnection: close\r\n\r\n";
    return m + p.cuerpo;
}

static void uno(Socket &c, const string &ip)
{
    Mensaje p, r;
    string metodo = "-", url = "-", version, v, quien = "-";
    int estado = 0;
    try {
        try {
            p = c.cabecera();
            stringstream ss(p.linea);
            if (!(ss >> metodo >> url >> version) || version.compare(0, 7, "HTTP/1.")) throw Error{400};
            if (url.compare(0, 7, "http://") == 0) {
                size_t b = url.find('/', 7);
                url = b == string::npos ? "/" : url.substr(b);
            }
            bool te = hay(p.campos, "transfer-encoding"), cl = hay(p.campos, "content-length", &v);
            if ((te || cl) && dice(p.campos, "expect", "100-continue") && c.vacio()) c.enviar("HTTP/1.1 100 Continue\r\n\r\n");
            if (te) p.cuerpo = c.chunks();
            else if (cl) p.cuerpo = c.exacto(strtoul(v.c_str(), nullptr, 10));
            p.conCuerpo = te || cl;
        } catch (Error &e) {
            if (metodo == "-" && c.vacio()) return;
            throw Error{e.codigo == 504 ? 408 : e.codigo == 502 ? 400 : e.codigo};
        }
        string host;
        hay(p.campos, "host", &host);
        if (metodo == "GET" && !hay(p.campos, "range")) {
            string llave = aMinus(host) + url;
            // que dos hilos no pidan ni escriban el mismo recurso a la vez
            lock_guard<mutex> g(cache_.m);
            if (cache_.leer(llave, r)) {
                quien = "cache";
                cache_.guardar(llave, r);       // sigue siendo popular
            } else {
                r = balanceador.pedir(metodo, armar(metodo, url, p, ip), quien);
                r.campos = limpiar(r.campos);
                estado = atoi(r.linea.c_str() + 9);
                if (r.conCuerpo && estado != 206) cache_.guardar(llave, r);
            }
        } else {
            r = balanceador.pedir(metodo, armar(metodo, url, p, ip), quien);
            string cl;
            bool tenia = hay(r.campos, "content-length", &cl);
            r.campos = limpiar(r.campos);
            if (!r.conCuerpo && tenia) r.campos.push_back({"Content-Length", cl});
        }
        estado = atoi(r.linea.c_str() + 9);
    } catch (Error &e) {
        estado = e.codigo;
        r = Mensaje();
        r.linea = "HTTP/1.1 " + to_string(estado) + " " + razon(estado);
        r.campos = {{"Content-Type", "text/html"}};
        r.cuerpo = "<html><h1>" + razon(estado) + "</h1></html>\n";
        r.conCuerpo = metodo != "HEAD";
    }
    string s = "HTTP/1.1" + r.linea.substr(8) + "\r\n";
    for (auto &k : r.campos) s += k.n + ": " + k.v + "\r\n";
    if (r.conCuerpo) s += "Content-Length: " + to_string(r.cuerpo.size()) + "\r\n";
    s += "Connection: close\r\n\r\n";
    if (r.conCuerpo) s += r.cuerpo;
    registro.linea("[" + ip + "] " + metodo + " " + url + " -> " + quien + " = " + to_string(estado) + " (" +
                   to_string(r.conCuerpo ? r.cuerpo.size() : 0) + " bytes)");
    if (c.enviar(s)) c.despedir();
}

static void atender(int fd, string ip)
{
    Socket c(fd);
    c.plazo(20);
    try { uno(c, ip); } catch (Cerrado &) {} catch (exception &e) { cerr << "hilo: " << e.what() << endl; }
}

// -------------------------------------------------------------------- menu
static string pregunta(const string &q, const string &def)
{
    string s;
    cout << q << " [" << def << "]: " << flush;
    getline(cin, s);
    s = recorta(s);
    return s.empty() ? def : s;
}

static void salir(int)
{
    registro.cerrar();
    cout << "\nadios" << endl;
    _exit(0);
}

int main()
{
    cout << "=====================================\n   PIBL  -  Grupo 7\n=====================================" << endl;
    op.puerto = stoi(pregunta("Puerto", "8080"));
    int n = stoi(pregunta("Cuantos servidores", "3"));
    for (int i = 0; i < n; i++) {
        string s = pregunta("Servidor " + to_string(i + 1), "172.31.0.1" + to_string(i) + ":80");
        size_t p = s.find(':');
        op.servidores.push_back({s.substr(0, p), p == string::npos ? "80" : s.substr(p + 1)});
    }
    op.ttl = stod(pregunta("TTL de la cache en segundos", "60"));
    op.log = pregunta("Archivo de log", "pibl.log");
    op.cache = pregunta("Carpeta de la cache", "cache");
    mkdir(op.cache.c_str(), 0755);
    registro.abrir(op.log);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, salir);
    signal(SIGTERM, salir);

    int s = socket(AF_INET, SOCK_STREAM, 0), uno = 1;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &uno, sizeof uno);
    sockaddr_in d{};
    d.sin_family = AF_INET;
    d.sin_port = htons(op.puerto);
    if (::bind(s, (sockaddr *)&d, sizeof d) || listen(s, 256)) { perror("bind"); return 1; }
    cout << "Escuchando en " << op.puerto << endl;
    for (;;) {
        sockaddr_in de{};
        socklen_t l = sizeof de;
        int fd = accept(s, (sockaddr *)&de, &l);
        if (fd < 0) { usleep(10000); continue; }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &uno, sizeof uno);
        char ip[32];
        inet_ntop(AF_INET, &de.sin_addr, ip, sizeof ip);
        thread(atender, fd, string(ip)).detach();
    }
}
