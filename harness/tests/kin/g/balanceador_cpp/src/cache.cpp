#include "../include/cache.hpp"
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <sys/stat.h>

static double ahora() {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

static std::string archivo(long n) { return "cache/" + std::to_string(n) + ".dat"; }

Cache::Cache(double ttl) : ttl_(ttl) {
    mkdir("cache", 0755);
    std::ifstream f("cache/indice.txt");
    std::string l;
    while (std::getline(f, l)) {
        std::istringstream s(l);
        Ficha x;
        std::string k;
        if (s >> x.numero >> x.hora >> x.nCab >> x.nCuerpo >> k) {
            indice_[k] = x;
            siguiente_ = std::max(siguiente_, x.numero + 1);
        }
    }
    std::cerr << indice_.size() << " recursos en el indice" << std::endl;
}

std::string Cache::clave(const std::string &destino) const {
    std::string k = destino;
    std::transform(k.begin(), k.end(), k.begin(), ::tolower);   // /Foto.PNG y /foto.png
    return k;
}

bool Cache::buscar(const std::string &destino, std::string &cab, std::string &cuerpo) {
    Ficha x;
    {
        std::lock_guard<std::mutex> g(m_);
        auto i = indice_.find(clave(destino));
        if (i == indice_.end()) return false;
        x = i->second;
        if (ahora() - x.hora >= ttl_) {
            indice_.erase(i);
            std::remove(archivo(x.numero).c_str());
            return false;
        }
    }
    std::ifstream f(archivo(x.numero), std::ios::binary);
    cab.resize(x.nCab);
    cuerpo.resize(x.nCuerpo);
    if (!f.read(&cab[0], x.nCab) || !f.read(&cuerpo[0], x.nCuerpo)) return false;
    return true;
}

void Cache::guardar(const std::string &destino, const std::string &cab, const std::string &cuerpo) {
    long n;
    {
        std::lock_guard<std::mutex> g(m_);
        n = siguiente_++;
    }
    std::ofstream f(archivo(n), std::ios::binary);
    f.write(cab.data(), cab.size());
    f.write(cuerpo.data(), cuerpo.size());
    f.close();
    if (!f) return;
    std::lock_guard<std::mutex> g(m_);
    indice_[clave(destino)] = Ficha{n, ahora(), cab.size(), cuerpo.size()};
}

void Cache::guardarIndice() {
    std::lock_guard<std::mutex> g(m_);
    std::ofstream f("cache/indice.tmp");
    f.precision(15);
    for (auto &i : indice_)
        f << i.second.numero << ' ' << i.second.hora << ' ' << i.second.nCab << ' ' << i.second.nCuerpo << ' '
          << i.first << '\n';
    f.close();
    std::rename("cache/indice.tmp", "cache/indice.txt");
}
