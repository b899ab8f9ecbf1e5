#pragma once
#include <map>
#include <string>
#include <stdexcept>
#include <strings.h>

struct MenorSinCaso {
    bool operator()(const std::string &a, const std::string &b) const { return strcasecmp(a.c_str(), b.c_str()) < 0; }
};
using Encabezados = std::map<std::string, std::string, MenorSinCaso>;

struct Cierre : std::runtime_error { using runtime_error::runtime_error; };
struct Tiempo : std::runtime_error { using runtime_error::runtime_error; };
struct Malo : std::runtime_error { using runtime_error::runtime_error; };

class Lector {
public:
    explicit Lector(int fd) : fd_(fd) {}
    std::string linea(size_t max);
    std::string exacto(size_t n);
    std::string resto();
    bool empezo() const { return empezo_; }
private:
    bool llenar();
    int fd_;
    std::string mem_;
    size_t pos_ = 0;
    bool empezo_ = false;
};

struct Mensaje {
    std::string inicio;
    Encabezados enc;
    std::string cuerpo;
    bool trozos() const;
    bool tiene(const char *n) const { return enc.count(n) > 0; }
    std::string valor(const char *n) const { auto i = enc.find(n); return i == enc.end() ? "" : i->second; }
};

Mensaje leerCabecera(Lector &l);
std::string leerTrozos(Lector &l);
bool contiene(std::string texto, const std::string &palabra);
bool deSalto(const std::string &n);
bool enviar(int fd, const std::string &s);
int conectar(const std::string &host, const std::string &puerto);
