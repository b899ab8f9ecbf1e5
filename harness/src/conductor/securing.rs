//! HTTPS of a run: a port of its own, an authority, the certificate that the proxy is given, and another one while it serves.
//!
//! `run` asks for it before the first start where the plan has steps that travel over TLS and the adapter says that its proxy knows it;
//! `steps` renews the certificate. What clients see of it goes into the record by themselves.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::steps::{Stage, in_words};
use harness_model::adapter::{LaunchVariables, Setting};
use harness_model::history::{EventKind, Recorder, Secured, names};
use harness_model::plan::{Exact, Over, Plan, Step, StepKind};
use harness_run::proxy_under_test::ports::PortLease;
use harness_run::proxy_under_test::{ProxyUnderTest, StartProblem, without_home};
use harness_run::tls::{self, Tls};
use harness_run::traffic::{Problem, exact};

/// Requests are in their backends by then, and hardly answered.
const ON_THEIR_WAY: Duration = Duration::from_millis(300);

/// The way to a proxy by HTTPS.
pub(super) struct Secure {
    pub(super) tls: Arc<Tls>,
    http2: bool,
    /// Where the authority lies, in the run folder.
    authority: PathBuf,
    _port: PortLease,
}

impl Secure {
    /// Makes it ready where the plan asks for it, the adapter declares it and this build knows it.
    ///
    /// # Errors
    /// No port is free, or a certificate could not be made or written.
    pub(super) fn for_run(
        plan: &Plan,
        proxy: &ProxyUnderTest,
        address: SocketAddr,
        recorder: &Recorder,
        run_directory: &Path,
    ) -> Result<Option<Secure>, StartProblem> {
        let adapter = &plan.adapter;
        let declared = |setting: Setting| adapter.capabilities.settings.contains(&setting);
        if !tls::AVAILABLE || !plan.asks_for_tls() || !declared(Setting::Tls) || adapter.attached().is_some()
        {
            return Ok(None);
        }
        let port = PortLease::any(u64::from(address.port()) + 1)?;
        let name = adapter.request.host.as_deref().unwrap_or("localhost");
        let name = name.split(':').next().unwrap_or(name).to_owned();
        let failed = |error: std::io::Error| StartProblem::File {
            path: tls::CERTIFICATE.into(),
            error: error.to_string(),
        };
        let tls = Tls::new(SocketAddr::new(address.ip(), port.port()), name).map_err(failed)?;
        let authority = run_directory.join(names::AUTHORITY);
        let secure = Secure { tls: Arc::new(tls), http2: declared(Setting::Http2), authority, _port: port };
        let text = secure.hand_over(proxy, recorder)?;
        std::fs::write(&secure.authority, text).map_err(failed)?;
        Ok(Some(secure))
    }

    /// Gives the proxy the next certificate; what clients trust.
    fn hand_over(&self, proxy: &ProxyUnderTest, recorder: &Recorder) -> Result<String, StartProblem> {
        let issued = self.tls.issue().map_err(|error| StartProblem::File {
            path: tls::CERTIFICATE.into(),
            error: error.to_string(),
        })?;
        proxy.lay(&issued.files)?;
        let (listen, name) = (self.tls.address(), self.tls.name().to_owned());
        let authority = without_home(&[self.authority.display().to_string()]).concat();
        recorder.record(EventKind::Secured(Secured { listen, name, number: issued.number, authority }));
        Ok(issued.files.get(tls::AUTHORITY).cloned().unwrap_or_default())
    }
}

impl Stage {
    /// What the templates of the adapter say of HTTPS.
    pub(super) fn with_tls(&self, variables: LaunchVariables) -> LaunchVariables {
        let Some(secure) = &self.secure else { return variables };
        let directory = variables.directory.clone();
        let file = |relative: &str| Some(format!("{directory}/{relative}"));
        LaunchVariables {
            tls_port: Some(secure.tls.address().port()),
            certificate: file(tls::CERTIFICATE),
            key: file(tls::KEY),
            certificate_and_key: file(tls::CERTIFICATE_AND_KEY),
            authority: file(tls::AUTHORITY),
            http2: secure.http2,
            ..variables
        }
    }

    /// Why a step that travels over TLS cannot be carried out here.
    pub(super) fn no_way_by_tls(&self, step: &Step) -> Option<Problem> {
        let setting = match step.kind.over() {
            Over::Plain => return None,
            Over::Tls => Setting::Tls,
            Over::Http2 => Setting::Http2,
        };
        let adapter = self.proxy.adapter();
        if adapter.attached().is_some() {
            Some(Problem::Attached)
        } else if !adapter.capabilities.settings.contains(&setting) {
            Some(Problem::NotDeclared { setting: setting.name().to_owned() })
        } else if !tls::AVAILABLE {
            Some(Problem::BuiltWithout { feature: tls::FEATURE.to_owned() })
        } else {
            None
        }
    }

    /// Sends requests, and gives the proxy another certificate while the first ones are on their way.
    pub(super) async fn exact_with_renewal(&mut self, step: &Step, plan: &Exact) -> Result<(), Problem> {
        if self.proxy.adapter().reload_signal.is_none() {
            return Err(Problem::NoReload);
        }
        let traffic = self.traffic.clone();
        let renewed = async {
            tokio::time::sleep(ON_THEIR_WAY).await;
            self.renew_certificate().await
        };
        let (asked, renewed) = tokio::join!(exact::run(&traffic, step, plan), renewed);
        asked.and(renewed)
    }

    async fn renew_certificate(&mut self) -> Result<(), Problem> {
        let recorder = self.traffic.clients.recorder().clone();
        if let Some(secure) = &self.secure {
            secure.hand_over(&self.proxy, &recorder).map_err(in_words)?;
        }
        let order = self.order().map_err(in_words)?;
        let names = self.backends.addresses().into_iter().map(|backend| backend.name).collect();
        self.proxy.reload(&order.launch, names).await.map_err(in_words)
    }
}

/// Whether a step gives the proxy another certificate.
pub(super) fn renews(kind: &StepKind) -> bool {
    matches!(kind, StepKind::Exact(exact) if exact.renews_certificate)
}
