#pragma once
#include <map>
#include <mutex>
#include <string>

// Cache en disco. Los cuerpos van en cache/<numero>.dat y el indice se guarda en cache/indice.txt
class Cache {
public:
    explicit Cache(double ttl);
    bool buscar(const std::string &destino, std::string &cab, std::string &cuerpo);
    void guardar(const std::string &destino, const std::string &cab, const std::string &cuerpo);
    void guardarIndice();
private:
    struct Ficha { long numero; double hora; size_t nCab, nCuerpo; };
    std::string clave(const std::string &destino) const;
    std::map<std::string, Ficha> indice_;
    std::mutex m_;
    double ttl_;
    long siguiente_ = 1;
};
