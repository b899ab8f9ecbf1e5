//! From what was typed to what is used.
//!
//! `config::load` lays the flags over the file here, fills in defaults and checks everything. All problems
//! are reported at once, each with its place in the file.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;

use super::file::{File, Written};
use super::flags::Flags;
use super::problem::{Problem, Problems};
use super::resolved::{Backend, CacheSettings, Config, HealthSettings, Limits, Sharing, Timeouts};
use super::values::{self, Network};

/// Lays the flags over the file, fills in defaults and checks everything; all problems come at once.
pub fn resolve(file: &File, flags: &Flags) -> Result<Config, Problems> {
    let mut reader = Reader { file, problems: Vec::new() };
    let content = &file.content;
    let directory = flags.dir.clone().or_else(|| content.dir.clone()).unwrap_or_else(|| PathBuf::from("."));
    let log_file = flags.log_file.clone().or_else(|| content.log_file.clone());
    let listen = flags.listen.or_else(|| {
        reader.read(&content.listen, |text| {
            text.parse::<IpAddr>().map_err(|_| format!("`{text}` is not an address to listen on"))
        })
    });
    let port = flags.port.or(content.port).unwrap_or(8080);
    let backends = reader.backends(flags);
    let policy = flags.policy.or_else(|| reader.choice(&content.policy));
    let cache = reader.cache(flags, &directory);
    let log_format = flags.log_format.or_else(|| reader.choice(&content.log_format));
    let admin = flags.admin.or_else(|| {
        reader.read(&content.admin, |text| {
            text.parse::<SocketAddr>().map_err(|_| format!("`{text}` is not ADDRESS:PORT"))
        })
    });
    let workers = flags.workers.or_else(|| reader.number(&content.workers, "workers"));
    if flags.workers == Some(0) {
        reader.problems.push(Problem::new("--workers is 0", "at least one thread is needed"));
    }
    let timeouts = reader.timeouts(flags);
    let limits = reader.limits();
    let health = reader.health();
    let listen = SocketAddr::new(listen.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), port);
    let tls = reader.tls(flags, listen);
    for listen in std::iter::once(listen).chain(tls.as_ref().map(|tls| tls.listen)) {
        reader.problems.extend(Backend::own(&backends, listen).map(|problem| {
            Problem::new(problem, "name the servers behind this proxy; it would ask itself for ever")
        }));
    }
    if !reader.problems.is_empty() {
        return Err(Problems(reader.problems));
    }
    Ok(Config {
        listen,
        tls,
        backends,
        policy: policy.unwrap_or_default(),
        cache,
        log_file: directory.join(log_file.unwrap_or_else(|| PathBuf::from("pibl.log"))),
        log_format: log_format.unwrap_or_default(),
        log_to_stdout: content.log_to_stdout.unwrap_or(true),
        admin,
        workers: workers
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get)),
        timeouts,
        limits,
        health,
    })
}

/// Reads values out of the file and collects what is wrong with them.
pub(super) struct Reader<'a> {
    pub(super) file: &'a File,
    pub(super) problems: Vec<Problem>,
}

impl Reader<'_> {
    fn complain<T>(&mut self, value: &Spanned<T>, title: String, way_out: &str) {
        let problem = Problem::new(title, way_out);
        self.problems.push(problem.at(&self.file.name, &self.file.text, value.span()));
    }

    fn read<T>(&mut self, value: &Written<String>, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        value.as_ref().and_then(|value| self.read_one(value, parse))
    }

    fn read_one<T>(
        &mut self,
        value: &Spanned<String>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        parse(value.get_ref())
            .inspect_err(|title| self.complain(value, title.clone(), "correct this value"))
            .ok()
    }

    fn choice<T: clap::ValueEnum>(&mut self, value: &Written<String>) -> Option<T> {
        self.read(value, |text| {
            T::from_str(text, false).map_err(|_| {
                let names: Vec<String> = T::value_variants()
                    .iter()
                    .filter_map(clap::ValueEnum::to_possible_value)
                    .map(|value| format!("`{}`", value.get_name()))
                    .collect();
                format!("`{text}` is none of {}", names.join(", "))
            })
        })
    }

    fn number<T: Copy + Default + PartialEq>(&mut self, value: &Written<T>, name: &str) -> Option<T> {
        let value = value.as_ref()?;
        if *value.get_ref() == T::default() {
            self.complain(value, format!("`{name}` is 0"), "write a number above 0, or leave the key out");
        }
        Some(*value.get_ref())
    }

    fn duration(&mut self, value: &Written<String>, default: Duration) -> Duration {
        self.read(value, values::duration).unwrap_or(default)
    }

    fn networks(&mut self, list: &[Spanned<String>]) -> Vec<Network> {
        list.iter().filter_map(|value| self.read_one(value, values::network)).collect()
    }

    fn backends(&mut self, flags: &Flags) -> Vec<Backend> {
        let plain = |address| Backend { address, weight: 1, max_connections: None };
        if !flags.backends.is_empty() {
            return flags.backends.iter().cloned().map(plain).collect();
        }
        let content = &self.file.content;
        let mut backends = Vec::new();
        for address in content.backends.iter().flat_map(Spanned::get_ref) {
            backends.extend(self.read_one(address, values::backend_address).map(plain));
        }
        for table in &content.backend {
            let address = self.read_one(&table.address, values::backend_address);
            let weight = self.number(&table.weight, "weight").unwrap_or(1);
            if let Some(written) = table.weight.as_ref().filter(|_| weight > 1000) {
                self.complain(
                    written,
                    format!("a weight of {weight} is too large"),
                    "weights go from 1 to 1000",
                );
            }
            let max_connections = self.number(&table.max_connections, "max_connections");
            backends.extend(address.map(|address| Backend { address, weight, max_connections }));
        }
        if backends.is_empty() && self.problems.is_empty() {
            self.problems.push(Problem::new(
                "there is no backend to send requests to",
                "name one with --backend HOST:PORT, or write backends = [\"HOST:PORT\"] in pibl.toml",
            ));
        }
        for (index, backend) in backends.iter().enumerate() {
            if backends[..index].iter().any(|other| other.address == backend.address) {
                self.problems.push(Problem::new(
                    format!("the backend {} is listed twice", backend.address),
                    "give it a larger weight instead",
                ));
            }
        }
        backends
    }

    fn cache(&mut self, flags: &Flags, directory: &std::path::Path) -> CacheSettings {
        let content = &self.file.content;
        let ttl = flags.ttl.unwrap_or_else(|| self.duration(&content.ttl, Duration::from_secs(60)));
        let ttl_mode = flags.ttl_mode.or_else(|| self.choice(&content.ttl_mode));
        let size = flags.cache_size.or_else(|| self.read(&content.cache.size, values::size));
        let size_bytes = size.unwrap_or(10 << 30);
        let max_object = self.read(&content.cache.max_object, values::size);
        let sync = self.choice(&content.cache.sync);
        CacheSettings {
            enabled: content.cache.enabled.unwrap_or(true),
            directory: directory.join("cache"),
            ttl,
            ttl_mode: ttl_mode.unwrap_or_default(),
            size_bytes,
            max_object_bytes: max_object.unwrap_or(size_bytes / 2),
            sharing: match content.cache.share_authorized {
                None => Sharing::WhereStated,
                Some(true) => Sharing::ByRule,
                Some(false) => Sharing::Never,
            },
            store_set_cookie: content.cache.store_set_cookie.unwrap_or(false),
            sync: sync.unwrap_or_default(),
        }
    }

    fn timeouts(&mut self, flags: &Flags) -> Timeouts {
        let table = &self.file.content.timeouts;
        let seconds = Duration::from_secs;
        Timeouts {
            connect: flags.connect_timeout.unwrap_or_else(|| self.duration(&table.connect, seconds(2))),
            first_byte: flags
                .first_byte_timeout
                .unwrap_or_else(|| self.duration(&table.first_byte, seconds(30))),
            between_bytes: self.duration(&table.between_bytes, seconds(60)),
            total: self.duration(&table.total, Duration::ZERO),
            request_head: self.duration(&table.request_head, seconds(10)),
            request_body: self.duration(&table.request_body, seconds(30)),
            keep_alive: self.duration(&table.keep_alive, seconds(75)),
            upstream_keep_alive: self.duration(&table.upstream_keep_alive, seconds(30)),
            upstream_lifetime: self.duration(&table.upstream_lifetime, seconds(60)),
            tunnel: self.duration(&table.tunnel, seconds(3600)),
            drain: flags.drain_timeout.unwrap_or_else(|| self.duration(&table.drain, seconds(10))),
        }
    }

    fn limits(&mut self) -> Limits {
        let table = &self.file.content.limits;
        let head_bytes = self.read(&table.head, values::size).unwrap_or(32 * 1024);
        // A field name's length is kept in sixteen bits, so no head may be longer than that.
        if let Some(written) = table.head.as_ref().filter(|_| !(1024..=60 * 1024).contains(&head_bytes)) {
            self.complain(written, "the limit of a head is out of range".into(), "write 1KiB to 60KiB");
        }
        let target_bytes = self.read(&table.target, values::size).unwrap_or(8 * 1024);
        Limits {
            head_bytes: head_bytes as usize,
            target_bytes: target_bytes.min(head_bytes) as usize,
            body_bytes: self.read(&table.body, values::size),
            body_rate: self.read(&table.body_rate, values::size).unwrap_or(100),
            response_rate: self.read(&table.response_rate, values::size).unwrap_or(10),
            connections: self.number(&table.connections, "connections").unwrap_or(65_536),
            connections_per_address: self.number(&table.connections_per_address, "connections_per_address"),
            requests_per_second: self.number(&table.requests_per_second, "requests_per_second"),
            burst: self.number(&table.burst, "burst").unwrap_or(20),
            allow: self.networks(&table.allow),
            deny: self.networks(&table.deny),
            trusted_proxies: self.networks(&table.trusted_proxies),
            queue: self.number(&table.queue, "queue").unwrap_or(1024),
        }
    }

    fn health(&mut self) -> HealthSettings {
        let table = &self.file.content.health;
        let path = self.read(&table.path, |text| {
            let is_path = text.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic());
            if is_path {
                Ok(text.to_owned())
            } else {
                Err(format!("`{text}` is not a path such as `/health`"))
            }
        });
        HealthSettings {
            path,
            interval: self.duration(&table.interval, Duration::from_secs(2)).max(Duration::from_millis(10)),
            timeout: self.duration(&table.timeout, Duration::from_secs(1)),
            failures: self.number(&table.failures, "failures").unwrap_or(3),
            successes: self.number(&table.successes, "successes").unwrap_or(2),
            eject_for: self.duration(&table.eject_for, Duration::from_secs(5)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn resolved(text: &str, flags: &Flags) -> Result<Config, String> {
        File::parse(Path::new("pibl.toml"), text.to_owned())
            .and_then(|file| resolve(&file, flags))
            .map_err(|problems| problems.to_string())
    }

    #[test]
    fn the_smallest_file_gives_every_default() {
        let config = resolved("backends = [\"10.0.0.1:80\", \"b:81\"]", &Flags::default()).unwrap();
        assert_eq!(config.listen.to_string(), "0.0.0.0:8080");
        assert_eq!(config.backends.len(), 2);
        assert_eq!(config.cache.ttl, Duration::from_secs(60));
        assert_eq!(config.log_file, Path::new("./pibl.log"));
    }

    #[test]
    fn flags_win_over_the_file() {
        let flags = Flags {
            port: Some(9),
            backends: vec!["c:1".into()],
            ttl: Some(Duration::from_secs(2)),
            ..Flags::default()
        };
        let config = resolved("port = 1\nttl = \"9s\"\nbackends = [\"a:1\"]", &flags).unwrap();
        assert_eq!((config.listen.port(), config.cache.ttl.as_secs()), (9, 2));
        assert_eq!(config.backends[0].address, "c:1");
    }

    #[test]
    fn every_problem_is_reported_with_its_place() {
        let text = "backends = [\"a\"]\nttl = \"60\"\npolicy = \"random\"\n[limits]\nallow = [\"x\"]\n";
        let message = resolved(text, &Flags::default()).unwrap_err();
        for place in ["pibl.toml:1:13", "pibl.toml:2:7", "pibl.toml:3:10", "pibl.toml:5:10"] {
            assert!(message.contains(place), "{place} in {message}");
        }
        assert!(message.contains("`round-robin`, `least-connections`"), "{message}");
    }

    #[test]
    fn the_own_address_is_no_backend() {
        for (listen, backend) in [
            ("0.0.0.0", "127.0.0.1:8080"),
            ("0.0.0.0", "localhost:8080"),
            ("0.0.0.0", "0.0.0.0:8080"),
            ("::", "[::1]:8080"),
            ("127.0.0.1", "127.0.0.1:8080"),
            ("127.0.0.1", "localhost:8080"),
            ("10.0.0.7", "10.0.0.7:8080"),
        ] {
            let text = format!("listen = \"{listen}\"\nbackends = [\"a:1\", \"{backend}\"]");
            let message = resolved(&text, &Flags::default()).unwrap_err();
            assert!(message.contains(&format!("the backend {backend} is this proxy itself")), "{message}");
        }
        for (listen, backend) in
            [("127.0.0.1", "127.0.0.2:8080"), ("0.0.0.0", "127.0.0.1:8081"), ("0.0.0.0", "a:8080")]
        {
            let text = format!("listen = \"{listen}\"\nbackends = [\"{backend}\"]");
            assert!(resolved(&text, &Flags::default()).is_ok(), "{backend}");
        }
    }

    #[test]
    fn unknown_keys_and_missing_backends_are_refused() {
        let unknown = resolved("bakends = []", &Flags::default()).unwrap_err();
        assert!(
            unknown.contains("unknown field `bakends`") && unknown.contains("pibl.toml:1:1"),
            "{unknown}"
        );
        let missing = resolved("port = 8080", &Flags::default()).unwrap_err();
        assert!(missing.contains("no backend"), "{missing}");
        let zero = resolved("backends = [\"a:1\"]\nworkers = 0", &Flags::default()).unwrap_err();
        assert!(zero.contains("pibl.toml:2:11"), "{zero}");
    }

    #[test]
    fn tables_carry_weights_and_limits() {
        let text = "[[backend]]\naddress = \"a:1\"\nweight = 3\nmax_connections = 10\n";
        let config = resolved(text, &Flags::default()).unwrap();
        let expected = Backend { address: "a:1".into(), weight: 3, max_connections: Some(10) };
        assert_eq!(config.backends, [expected]);
    }
}
