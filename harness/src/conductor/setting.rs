//! What stands around a proxy before it starts: the network of the run, the backends, the port.
//!
//! The conductor sets it up once per run; `steps` takes backends down and brings them back. It knows nothing of the proxy
//! but where it will listen.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fake_backends::applications::Instances;
use fake_backends::behavior::Span;
use fake_backends::clock::RunClock;
use fake_backends::content::Secret;
use fake_backends::platform::Network;
use fake_backends::server::{self, BackendSpec, Down, Listening, Manner, Manners, Recording, World};

use super::elsewhere::Elsewhere;
use harness_model::adapter::{Adapter, BackendAddress, NetworkWish};
use harness_model::history::{EventKind, Recorder};
use harness_model::plan::{BackendChange, Plan};
use harness_run::proxy_under_test::StartProblem;
use harness_run::proxy_under_test::ports::PortLease;

/// The network of a run, and what to say of it.
#[derive(Clone, Debug)]
pub(super) struct RunNetwork {
    pub(super) network: Network,
    /// For the manifest.
    pub(super) description: String,
    /// Whether the host refused one of the run's own.
    pub(super) refused: bool,
    /// Why the addresses that the adapter needs cannot be had.
    pub(super) unmet: Option<StartProblem>,
}

/// The backends of a run.
#[derive(Debug)]
pub(super) struct Backends {
    pub(super) world: World,
    /// The application `instance`, of which the backends may be instances.
    pub(super) instances: Arc<Instances>,
    origins: Origins,
    /// Why those elsewhere could not be told what to write down.
    unheard: Mutex<Option<io::Error>>,
    up: Vec<bool>,
    /// Those that the proxy is told of.
    listed: Vec<bool>,
}

/// A manner that is in force while this lives.
pub(super) struct ForAWhile {
    manners: Manners,
    before: Manner,
}

impl Drop for ForAWhile {
    fn drop(&mut self) {
        self.manners.set(self.before.clone());
    }
}

/// Who they are.
#[derive(Debug)]
enum Origins {
    Ours(Vec<Listening>),
    /// Behind a proxy that runs already.
    Elsewhere(Elsewhere),
}

/// An address beside loopback, of the block for documentation (RFC 5737): where there is none, programs that resolve names with
/// `AI_ADDRCONFIG` find no address at all, not even their own, and do not start.
const ORDINARY: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
/// How long another run of the harness may keep the only port that a proxy accepts.
const PORT_PATIENCE: Duration = Duration::from_secs(120);

impl RunNetwork {
    /// A network namespace of the run's own where the host allows it, else the host's loopback.
    /// The addresses that stand in the source of the proxy lie on its loopback interface.
    /// A run that is held stays on the host's where it can, so that the user can reach proxy and backends.
    pub(super) fn choose(adapter: &Adapter, held: bool) -> RunNetwork {
        if adapter.attached().is_some() {
            let description = "that of the host (the proxy runs already)".to_owned();
            return RunNetwork { network: Network::host(), description, refused: false, unmet: None };
        }
        let addresses = adapter.foreign_addresses();
        if held && addresses.is_empty() {
            let description = "loopback of the host (--hold)".to_owned();
            return RunNetwork { network: Network::host(), description, refused: false, unmet: None };
        }
        if adapter.network == NetworkWish::Host {
            let description = "loopback of the host (as the adapter asks)".to_owned();
            return RunNetwork { network: Network::host(), description, refused: false, unmet: None };
        }
        let with_ordinary: Vec<IpAddr> = addresses.iter().copied().chain([ORDINARY]).collect();
        match Network::new_private(&with_ordinary).or_else(|_| Network::new_private(&addresses)) {
            Ok(network) => {
                let description = "private network namespace".to_owned();
                RunNetwork { network, description, refused: false, unmet: None }
            }
            Err(error) => RunNetwork {
                network: Network::host(),
                description: format!("loopback of the host ({error})"),
                refused: true,
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
        if let Some(attach) = adapter.attached() {
            let (elsewhere, journal) = Elsewhere::attach(plan, attach.backends, clock)?;
            for backend in elsewhere.addresses() {
                let event = EventKind::BackendUp { backend: backend.name.clone(), address: backend.address };
                recorder.record(event);
            }
            let up = vec![true; elsewhere.addresses().len()];
            // `fake-backends` by hand has no secret.
            let world = World { journal, ..World::new(network, clock) };
            let origins = Origins::Elsewhere(elsewhere);
            let unheard = Mutex::default();
            return Ok(Backends { world, instances, origins, unheard, listed: up.clone(), up });
        }
        let mut applications = fake_backends::applications::all();
        applications.add("instance", instances.clone());
        let applications = Arc::new(applications);
        let target_prefix = adapter.request.prefix.as_str().into();
        // What backends give follows from what no proxy is told, and no other run.
        let secret = Secret::drawn();
        let world = World { applications, target_prefix, secret, ..World::new(network, clock) };
        world.manners.set(Manner { idle: plan.backends.idle.map(Span), ..Manner::default() });
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
        let (origins, unheard) = (Origins::Ours(listening), Mutex::default());
        Ok(Backends { world, instances, origins, unheard, listed: up.clone(), up })
    }

    /// Their addresses, for the configuration of the proxy.
    pub(super) fn addresses(&self) -> Vec<BackendAddress> {
        let address = |(name, address): (String, SocketAddr)| BackendAddress {
            name,
            host: address.ip().to_string(),
            port: address.port(),
            address: address.to_string(),
        };
        let named = self.named().into_iter().zip(&self.listed);
        named.filter(|(_, listed)| **listed).map(|(it, _)| address(it)).collect()
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.up.len()
    }

    /// The proxy is told of exactly these from its next configuration on.
    pub(super) fn list(&mut self, places: &[usize]) {
        self.listed.iter_mut().enumerate().for_each(|(place, listed)| *listed = places.contains(&place));
    }

    /// The same as sockets know them.
    pub(super) fn socket_addresses(&self) -> Vec<SocketAddr> {
        self.named().into_iter().map(|(_, address)| address).collect()
    }

    fn named(&self) -> Vec<(String, SocketAddr)> {
        match &self.origins {
            Origins::Ours(listening) => {
                listening.iter().map(|it| (it.name().to_owned(), it.addr())).collect()
            }
            Origins::Elsewhere(elsewhere) => {
                elsewhere.addresses().iter().map(|it| (it.name.clone(), it.address)).collect()
            }
        }
    }

    /// How they treat connections and bodies, where that is ours to say.
    pub(super) fn manners(&self) -> Option<&Manners> {
        match &self.origins {
            Origins::Ours(_) => Some(&self.world.manners),
            Origins::Elsewhere(_) => None,
        }
    }

    /// Ends every connection to them; those elsewhere keep theirs.
    pub(super) fn close_connections(&self) {
        if let Origins::Ours(listening) = &self.origins {
            // A backend that has ended has none.
            listening.iter().for_each(|backend| drop(backend.close_connections()));
        }
    }

    /// Puts a manner in force until what is returned is dropped; then the one before is again.
    pub(super) fn for_a_while(&self, manner: Manner) -> ForAWhile {
        let manners = self.world.manners.clone();
        let before = manners.now();
        manners.set(manner);
        ForAWhile { manners, before }
    }

    /// The names of those that are up, of the first `told` that the proxy may know.
    pub(super) fn names_up(&self, told: usize) -> Vec<String> {
        let each = self.named().into_iter().zip(&self.listed).zip(&self.up);
        let listed = each.filter(|((_, listed), _)| **listed).take(told);
        listed.filter(|(_, up)| **up).map(|(((name, _), _), _)| name).collect()
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
        let named = self.named();
        for &index in &change.which {
            let Some((name, address)) = named.get(index).cloned() else { continue };
            match &self.origins {
                Origins::Ours(listening) if change.up => listening[index].bring_up()?,
                Origins::Ours(listening) => listening[index].take_down(Down::Refuse)?,
                Origins::Elsewhere(elsewhere) => elsewhere.change(&name, change.up)?,
            }
            recorder.record(match change.up {
                true => EventKind::BackendUp { backend: name, address },
                false => EventKind::BackendDown { backend: name },
            });
            self.up[index] = change.up;
        }
        Ok(())
    }

    /// Chooses what they write down from now on. Where those elsewhere could not be told, `everything_is_here` says so.
    pub(super) fn set_recording(&self, recording: Recording) {
        match &self.origins {
            Origins::Ours(listening) => listening.iter().for_each(|backend| backend.set_recording(recording)),
            Origins::Elsewhere(elsewhere) => {
                if let Err(error) = elsewhere.set_recording(recording) {
                    *self.unheard.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                }
            }
        }
    }

    /// Whether all that they wrote down is here: a journal that cannot be fetched would make every answer look like a hit.
    ///
    /// # Errors
    /// It could not be fetched, or they could not be told what to write down.
    pub(super) fn everything_is_here(&self) -> io::Result<()> {
        match self.unheard.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) => Err(error),
            None => self.world.journal.refresh(),
        }
    }
}

/// Keeps this thread, and so load and backends, off the CPUs of the proxy, where the plan says so.
///
/// # Errors
/// The CPUs of the plan are not to be had here.
pub(super) fn keep_apart(plan: &Plan) -> io::Result<()> {
    match &plan.pin {
        Some(pin) => harness_platform::pin_this_thread(pin.others.iter().copied()),
        None => Ok(()),
    }
}

/// The port of the proxy: the one it insists on, or a free one.
///
/// # Errors
/// It cannot be had.
pub(super) async fn port_for(
    adapter: &Adapter,
    seed: u64,
) -> Result<(Option<PortLease>, SocketAddr), StartProblem> {
    if let Some(attach) = adapter.attached() {
        return Ok((None, attach.proxy));
    }
    let lease = match adapter.fixed_port {
        Some(port) => PortLease::fixed(port, PORT_PATIENCE).await?,
        None => PortLease::any(seed ^ u64::from(std::process::id()))?,
    };
    let mut address = lease.loopback();
    if let Some(host) = adapter.fixed_host {
        address.set_ip(host);
    }
    Ok((Some(lease), address))
}
