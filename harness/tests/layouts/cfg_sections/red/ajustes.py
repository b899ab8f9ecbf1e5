import configparser
c = configparser.ConfigParser()
c.read("proxy.cfg")
PUERTO = c.getint("proxy", "puerto")
TTL = c.getint("proxy", "ttl_minutos") * 60
SERVIDORES = [(c[s]["ip"], c[s]["puerto"]) for s in c.sections() if s.startswith("servidor")]
