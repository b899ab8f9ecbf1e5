//! What stands around a proxy before it starts: the network of the run, the backends, the port.
//!
//! The conductor sets it up once per run; `steps` takes backends down and brings them back. It knows nothing of the proxy
//! but where it will listen.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fake_backends::applications::Instances;
use fake_backends::clock::RunClock;
use fake_backends::platform::Network;
use fake_backends::server::{self, BackendSpec, Down, Listening, Recording, World};

use crate::adapter::{Adapter, BackendAddress, NetworkWish};
use crate::history::{EventKind, Recorder};
use crate::plan::{BackendChange, Plan};
use crate::proxy_under_test::StartProblem;
use crate::proxy_under_test::ports::PortLease;

/// The network of a run, and what to say of it.
#[derive(Clone, Debug)]
pub(super) struct RunNetwork {
    pub(super) network: Network,
    /// For the manifest.
    pub(super) description: String,
    /// Why the addresses that the adapter needs cannot be had.
    pub(super) unmet: Option<StartProblem>,
}

/// The backends of a run.
#[derive(Debug)]
pub(super) struct Backends {
    pub(super) world: World,
    /// The application `instance`, of which the backends may be instances.
    pub(super) instances: Arc<Instances>,
    listening: Vec<Listening>,
    up: Vec<bool>,
    /// Those that the proxy is told of.
    listed: Vec<bool>,
}

/// How long another run of the harness may keep the only port that a proxy accepts.
const PORT_PATIENCE: Duration = Duration::from_secs(120);

impl RunNetwork {
    /// A network namespace of the run's own where the host allows it, else the host's loopback.
    /// The addresses that stand in the source of the proxy lie on its loopback interface.
    /// A run that is held stays on the host's where it can, so that the user can reach proxy and backends.
    pub(super) fn choose(adapter: &Adapter, held: bool) -> RunNetwork {
        let addresses = adapter.foreign_addresses();
        if held && addresses.is_empty() {
            let description = "loopback of the host (--hold)".to_owned();
            return RunNetwork { network: Network::host(), description, unmet: None };
        }
        if adapter.network == NetworkWish::Host {
            let description = "loopback of the host (as the adapter asks)".to_owned();
            return RunNetwork { network: Network::host(), description, unmet: None };
        }
        match Network::new_private(&addresses) {
            Ok(network) => {
                RunNetwork { network, description: "private network namespace".to_owned(), unmet: None }
            }
            Err(error) => RunNetwork {
                network: Network::host(),
                description: format!("loopback of the host ({error})"),
                unmet: (!addresses.is_empty())
                    .then(|| StartProblem::NoNamespace { addresses, error: error.to_string() }),
            },
        }
    }
}

impl Backends {
    /// Starts all of them.
    ///
    /// # Errors
    /// One cannot listen.
    pub(super) fn start(
        plan: &Plan,
        network: Network,
        clock: RunClock,
        recorder: &Recorder,
    ) -> io::Result<Backends> {
        let adapter = &plan.adapter;
        let instances = Arc::new(Instances::new());
        let mut applications = fake_backends::applications::all();
        applications.add("instance", instances.clone());
        let applications = Arc::new(applications);
        let target_prefix = adapter.request.prefix.as_str().into();
        let world = World { applications, target_prefix, ..World::new(network, clock) };
        let mut listening = Vec::new();
        for number in 1..=plan.backends.count {
            let name = format!("b{number}");
            let script = plan.backends.own.get(&name).unwrap_or(&plan.backends.script).clone();
            let mut spec = BackendSpec::new(name, script);
            spec.seed = plan.seed.wrapping_add(number as u64);
            spec.listen = adapter.backends.address(number - 1);
            let backend = server::start(spec, &world)?;
            recorder
                .record(EventKind::BackendUp { backend: backend.name().to_owned(), address: backend.addr() });
            listening.push(backend);
        }
        let up = vec![true; listening.len()];
        Ok(Backends { world, instances, listening, listed: up.clone(), up })
    }

    /// Their addresses, for the configuration of the proxy.
    pub(super) fn addresses(&self) -> Vec<BackendAddress> {
        let address = |backend: &Listening| BackendAddress {
            name: backend.name().to_owned(),
            host: backend.addr().ip().to_string(),
            port: backend.addr().port(),
            address: backend.addr().to_string(),
        };
        self.listening
            .iter()
            .zip(&self.listed)
            .filter(|(_, listed)| **listed)
            .map(|(b, _)| address(b))
            .collect()
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.listening.len()
    }

    /// The proxy is told of exactly these from its next configuration on.
    pub(super) fn list(&mut self, places: &[usize]) {
        self.listed.iter_mut().enumerate().for_each(|(place, listed)| *listed = places.contains(&place));
    }

    /// The same as sockets know them.
    pub(super) fn socket_addresses(&self) -> Vec<SocketAddr> {
        self.listening.iter().map(Listening::addr).collect()
    }

    /// Whether any of them answers.
    pub(super) fn any_up(&self) -> bool {
        self.up.contains(&true)
    }

    /// Takes some down or brings them back, and records it.
    ///
    /// # Errors
    /// One cannot listen again, or its port could not be kept.
    pub(super) fn change(&mut self, change: &BackendChange, recorder: &Recorder) -> io::Result<()> {
        for &index in &change.which {
            let Some(backend) = self.listening.get(index) else { continue };
            let name = backend.name().to_owned();
            if change.up {
                backend.bring_up()?;
                recorder.record(EventKind::BackendUp { backend: name, address: backend.addr() });
            } else {
                backend.take_down(Down::Refuse)?;
                recorder.record(EventKind::BackendDown { backend: name });
            }
            self.up[index] = change.up;
        }
        Ok(())
    }

    /// Chooses what they write down from now on.
    pub(super) fn set_recording(&self, recording: Recording) {
        self.listening.iter().for_each(|backend| backend.set_recording(recording));
    }
}

/// Keeps this thread, and so load and backends, off the CPUs of the proxy, where the plan says so.
///
/// # Errors
/// The CPUs of the plan are not to be had here.
pub(super) fn keep_apart(plan: &Plan) -> io::Result<()> {
    match &plan.pin {
        Some(pin) => crate::platform::pin_this_thread(pin.others.iter().copied()),
        None => Ok(()),
    }
}

/// The port of the proxy: the one it insists on, or a free one.
///
/// # Errors
/// It cannot be had.
pub(super) async fn port_for(adapter: &Adapter, seed: u64) -> Result<(PortLease, SocketAddr), StartProblem> {
    let lease = match adapter.fixed_port {
        Some(port) => PortLease::fixed(port, PORT_PATIENCE).await?,
        None => PortLease::any(seed ^ u64::from(std::process::id()))?,
    };
    let mut address = lease.loopback();
    if let Some(host) = adapter.fixed_host {
        address.set_ip(host);
    }
    Ok((lease, address))
}
