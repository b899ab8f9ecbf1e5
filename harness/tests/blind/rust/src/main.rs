mod balancer;
mod cache;
mod config;
mod http;
mod logger;

use std::env;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use balancer::Balancer;
use cache::Cache;
use config::Config;
use http::Request;
use logger::Logger;

const TIMEOUT: Duration = Duration::from_secs(30);

// Lo que comparten todos los hilos
struct Proxy {
    balancer: Balancer,
    cache: Cache,
    logger: Logger,
}

fn main() {
    let args: Vec<String> = env::args().collect();
    if args.len() < 2 || args.len() > 3 {
        eprintln!("Uso: {} <ttl en segundos> [archivo de configuracion]", args[0]);
        process::exit(1);
    }
    let ttl: u64 = match args[1].parse() {
        Ok(n) => n,
        Err(_) => {
            eprintln!("El TTL debe ser un numero de segundos");
            process::exit(1);
        }
    };
    let config_path = if args.len() == 3 { args[2].as_str() } else { "pibl.conf" };

    let config = match Config::load(config_path) {
        Ok(c) => c,
        Err(e) => {
            eprintln!("Error en la configuracion: {}", e);
            process::exit(1);
        }
    };

    if let Err(e) = run(config, ttl) {
        eprintln!("Error: {}", e);
        process::exit(1);
    }
}

fn run(config: Config, ttl: u64) -> io::Result<()> {
    let logger = Logger::new(&config.log_file)?;
    let cache = Cache::new("cache", ttl)?;
    let listener = TcpListener::bind(("0.0.0.0", config.port))?;

    logger.log(&format!(
        "PIBL escuchando en el puerto {} (TTL {} s), backends: {:?}",
        config.port, ttl, config.backends
    ));

    let proxy = Arc::new(Proxy {
        balancer: Balancer::new(config.backends),
        cache,
        logger,
    });

    // un hilo por cada cliente
    for stream in listener.incoming() {
        match stream {
            Ok(stream) => {
                let proxy = Arc::clone(&proxy);
                thread::spawn(move || {
                    if let Err(e) = handle_client(&proxy, stream) {
                        proxy.logger.log(&format!("error con el cliente: {}", e));
                    }
                });
            }
            Err(e) => proxy.logger.log(&format!("error en accept: {}", e)),
        }
    }
    Ok(())
}

fn handle_client(proxy: &Proxy, mut client: TcpStream) -> io::Result<()> {
    client.set_read_timeout(Some(TIMEOUT))?;
    let addr = client.peer_addr()?;

    let request = match Request::read(&mut client) {
        Ok(Some(request)) => request,
        Ok(None) => return Ok(()),
        Err(e) if e.kind() == io::ErrorKind::InvalidData => {
            proxy.logger.log(&format!("{} peticion invalida: {}", addr, e));
            client.write_all(&http::error_response(400, "Bad Request"))?;
            return Ok(());
        }
        Err(e) => return Err(e),
    };
    proxy
        .logger
        .log(&format!("PETICION de {}\n{}", addr, request.head()));

    // solo se guardan en cache las peticiones GET
    let cacheable = request.method == "GET";
    if cacheable {
        if let Some(response) = proxy.cache.get(&request.path) {
            log_response(proxy, &addr.to_string(), "CACHE", &response);
            client.write_all(&response)?;
            return Ok(());
        }
    }

    let bytes = request.to_bytes(&addr.ip().to_string());
    let (backend, response) = forward(proxy, &bytes);

    if cacheable && http::status_code(&response) == Some(200) {
        if let Err(e) = proxy.cache.put(&request.path, &response) {
            proxy.logger.log(&format!("no se pudo guardar en cache: {}", e));
        }
    }

    log_response(proxy, &addr.to_string(), &backend, &response);
    client.write_all(&response)?;
    Ok(())
}

// Envia la peticion al siguiente servidor. Si uno falla se intenta con el
// siguiente, y si fallan todos se responde 502.
fn forward(proxy: &Proxy, bytes: &[u8]) -> (String, Vec<u8>) {
    for _ in 0..proxy.balancer.len() {
        let backend = proxy.balancer.next();
        match send_to_backend(&backend, bytes) {
            Ok(response) if !response.is_empty() => return (backend, response),
            Ok(_) => proxy
                .logger
                .log(&format!("el backend {} no respondio nada", backend)),
            Err(e) => proxy
                .logger
                .log(&format!("error con el backend {}: {}", backend, e)),
        }
    }
    (
        String::from("ninguno"),
        http::error_response(502, "Bad Gateway"),
    )
}

fn send_to_backend(backend: &str, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut server = TcpStream::connect(backend)?;
    server.set_read_timeout(Some(TIMEOUT))?;
    server.write_all(bytes)?;

    let mut response = Vec::new();
    server.read_to_end(&mut response)?;
    Ok(response)
}

fn log_response(proxy: &Proxy, client: &str, source: &str, response: &[u8]) {
    proxy.logger.log(&format!(
        "RESPUESTA para {} desde {} ({} bytes)\n{}\n",
        client,
        source,
        response.len(),
        http::response_head(response)
    ));
}
