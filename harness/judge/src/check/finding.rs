//! What the checks saw, typed: one variant per distinct thing that can be said.
//!
//! Each check fills in figures; the language room has one sentence per variant and language, and a missing one does not
//! compile. Quantities carry their unit in the name (`_ms` are milliseconds); nothing here is a sentence.

use serde::{Deserialize, Serialize};

use harness_model::catalogue::CheckId;
use harness_model::history::LimitReached;
use harness_model::plan::ClientKind;

use super::cases::CaseFinding;
use super::cloud::CloudFinding;
use super::fidelity::Amiss;
use super::logged::{LogLack, LogPlace};
use super::seen::{
    Difference, ExpirySeen, LatePattern, RotationPattern, Samples, Share, ThresholdSeen, Wrong,
};

/// What a check saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "finding")]
pub enum Finding {
    // --- any check ---
    /// The check was not reached because another one failed.
    DependsOn {
        /// The one that failed.
        check: CheckId,
    },
    /// It only proves an absence, and what could have been there was never seen in this run.
    NoControl {
        /// The check that asks for that.
        check: CheckId,
    },
    /// The adapter declares that the proxy cannot do this.
    DeclaredUnsupported {
        /// The capability, such as `cache: memory`.
        capability: String,
    },
    /// The proxy runs already, and the harness has neither its start and end nor its files and processes.
    Attached,
    /// No run can prove it: a person looks at it.
    ForAPerson,
    /// The steps it needs did not take place.
    NotReached,
    /// The answer came, but its client's connection was of no use until the backend had closed its own.
    ClientWaitsForClose {
        /// How long the backend kept it.
        kept_ms: f64,
    },
    /// A step it needs could not be carried out.
    StepProblem {
        /// What kept it from being carried out.
        problem: String,
    },
    /// Our own client could not send what was to be asked, which says nothing of the proxy.
    NotSent {
        /// Requests that were not sent.
        requests: u64,
        /// What the client or the system said.
        said: String,
    },
    /// An answer was on its way when our own client gave it up, on a busy host.
    CutOffByUs {
        /// Its target.
        target: String,
        /// Bytes of its body that had come.
        bytes: u64,
        /// How long it was given, where that is known.
        given_ms: Option<f64>,
        /// Share of the time in which tasks waited for a CPU, where that could be read.
        pressure: Option<f64>,
    },
    /// The run ended before everything was asked that it judges.
    CutShort {
        /// Steps that had ended, of those that it looks at.
        ended: u64,
        /// So many there are.
        steps: u64,
    },
    /// Too little was seen for a conclusion.
    TooFew {
        /// Of what.
        of: Samples,
        /// So many were seen.
        have: u64,
        /// So many are needed.
        needed: u64,
    },
    /// A check that rests on time failed, was tried once more and passed.
    PassedOnSecondTry {
        /// What the first try saw.
        first: Box<Finding>,
        /// Share of time in which tasks waited for a CPU during the first try, between 0 and 1.
        pressure_first: Option<f64>,
        /// The same for the second.
        pressure_second: Option<f64>,
    },

    // --- cache.hit, cache.post ---
    /// The second GET of every key asked twice reached no backend and equals the first.
    HitsProven {
        /// Keys asked twice.
        keys: u64,
    },
    /// No second GET was answered without a backend.
    NoHits {
        /// Keys asked twice.
        keys: u64,
        /// One of them.
        target: String,
    },
    /// Some second GETs reached a backend.
    SomeMisses {
        /// Keys asked twice.
        keys: u64,
        /// So many of them reached a backend again.
        missed: u64,
        /// One of them.
        target: String,
    },
    /// A hit is not equal to the miss that filled it.
    HitDiffers {
        /// Its target.
        target: String,
        /// In what.
        difference: Difference,
        /// Keys of which this is true.
        count: u64,
        /// Hits compared.
        hits: u64,
    },
    /// Every POST reached a backend.
    PostsReachedBackends {
        /// POSTs sent.
        posts: u64,
        /// Of them on a target whose answer could have been in the cache.
        tempting: u64,
    },
    /// A POST was answered although no backend saw it.
    PostFromCache {
        /// Its target.
        target: String,
        /// So many POSTs.
        count: u64,
        /// POSTs sent.
        posts: u64,
    },
    /// A POST reached no backend and got no answer of success either.
    PostNotForwarded {
        /// Its target.
        target: String,
        /// What came instead.
        wrong: Wrong,
        /// So many POSTs.
        count: u64,
        /// POSTs sent.
        posts: u64,
    },

    // --- ttl.* ---
    /// Entries expired when they should.
    Expiry(ExpirySeen),
    /// An entry was served from the cache after its TTL.
    ServedPastTtl {
        /// Its target.
        target: String,
        /// It was at least this old.
        age_ms: f64,
        /// It was past its TTL by at least this much.
        past_ms: f64,
        /// Probes that prove the same.
        count: u64,
        /// All that was seen of this TTL.
        seen: ExpirySeen,
        /// What it looks like.
        pattern: LatePattern,
    },
    /// An entry was gone before its TTL.
    ExpiredEarly {
        /// Its target.
        target: String,
        /// It was at most this old.
        age_ms: f64,
        /// It was gone before its TTL by at least this much.
        short_ms: f64,
        /// Probes that prove the same.
        count: u64,
        /// All that was seen of this TTL.
        seen: ExpirySeen,
    },
    /// Too few probes on one of the sides of the TTL.
    TooFewProbes {
        /// Surely before it.
        before: u64,
        /// Surely after it.
        after: u64,
        /// So many are needed on each side.
        needed: u64,
        /// The TTL in force.
        ttl_ms: f64,
    },
    /// The adapter declares a resolution coarser than the scenario tolerates.
    ResolutionTooCoarse {
        /// Declared.
        declared_ms: f64,
        /// Tolerated.
        at_most_ms: f64,
    },
    /// Two TTLs gave two ages.
    TwoValues {
        /// With the first TTL.
        first: ExpirySeen,
        /// With the second.
        second: ExpirySeen,
    },
    /// Two TTLs gave one age.
    OneAgeForTwoValues {
        /// With the first TTL.
        first: ExpirySeen,
        /// With the second.
        second: ExpirySeen,
    },
    /// Resources stored at different instants expire at different instants.
    ResourcesExpireApart {
        /// Keys judged.
        keys: u64,
        /// First and last were stored this far apart.
        stored_apart_ms: f64,
        /// Keys that expired while others, which were served later, lay in the cache all the time.
        outlived: u64,
    },
    /// Resources stored at different instants expired together.
    ResourcesExpireTogether {
        /// Keys that were gone, whatever their age.
        keys: u64,
        /// First and last were stored this far apart.
        stored_apart_ms: f64,
        /// The youngest that was gone was at most this old.
        youngest_ms: f64,
        /// The oldest that was served was at least this old.
        oldest_ms: f64,
    },
    /// Entries in constant use expired when they should.
    HitsDoNotProlong {
        /// Keys in constant use.
        keys: u64,
        /// Hits on them.
        hits: u64,
        /// Oldest answer from the cache.
        oldest_ms: f64,
        /// The TTL in force.
        ttl_ms: f64,
    },
    /// An entry lived on because it was used.
    HitsProlong {
        /// Its target.
        target: String,
        /// It was served at this age at least.
        age_ms: f64,
        /// The TTL in force.
        ttl_ms: f64,
        /// Hits on it until then.
        hits: u64,
        /// Keys of which this is true.
        count: u64,
        /// Keys in constant use.
        keys: u64,
    },
    /// The age of entries went on over a restart.
    AgeGoesOnOverRestart {
        /// What was seen of them.
        seen: ExpirySeen,
        /// Restarts between storing and asking.
        restarts: u64,
    },
    /// An entry outlived its TTL because of a restart.
    RestartProlongs {
        /// Its target.
        target: String,
        /// It was served at this age at least.
        age_ms: f64,
        /// Probes that prove the same.
        count: u64,
        /// What was seen of them.
        seen: ExpirySeen,
    },
    /// An entry was gone after a restart although its TTL was not over.
    RestartForgets {
        /// Its target.
        target: String,
        /// It was at most this old.
        age_ms: f64,
        /// Probes that prove the same.
        count: u64,
        /// What was seen of them.
        seen: ExpirySeen,
    },

    // --- persistence.* ---
    /// Everything that was proven to be cached before the kill was served after it.
    KeptAfterKill {
        /// Keys asked again, over all kills.
        keys: u64,
        /// Kills.
        kills: u64,
        /// Whether every backend was down meanwhile.
        backends_down: bool,
    },
    /// Something that was proven to be cached before the kill was not served after it.
    LostAfterKill {
        /// Keys asked again.
        keys: u64,
        /// So many of them were lost.
        lost: u64,
        /// One of them.
        target: String,
        /// What came instead.
        wrong: Wrong,
        /// Kills.
        kills: u64,
    },
    /// The proxy did not get ready again after the kill.
    DidNotStartAgain {
        /// Exit status, where it had ended by itself.
        #[serde(default)]
        code: Option<i32>,
        /// What it said last.
        last_lines: Vec<String>,
    },
    /// Keys had passed their TTL before they could be asked again.
    ExpiredBeforeReread {
        /// Keys.
        keys: u64,
        /// The TTL in force.
        ttl_ms: f64,
    },
    /// No wrong byte was served after kills under write load.
    WholeAfterKill {
        /// Kills in the middle of writes.
        kills: u64,
        /// Requests after them.
        reread: u64,
        /// Of them answered from the cache.
        from_cache: u64,
    },
    /// A wrong byte was served after a kill.
    WrongAfterKill {
        /// Target.
        target: String,
        /// What was wrong.
        wrong: Wrong,
        /// Answers with something wrong.
        count: u64,
        /// Requests after kills.
        reread: u64,
        /// Kills.
        kills: u64,
    },
    /// The cache lies in files beneath the working directory.
    CacheFiles {
        /// Files that came with the first cached answers.
        files: u64,
        /// Their bytes.
        bytes: u64,
        /// One of them.
        example: String,
    },
    /// No file beneath the working directory holds the cache.
    NoCacheFiles {
        /// Files seen there, log and configuration included.
        files: u64,
        /// Bytes that were cached.
        cached_bytes: u64,
    },
    /// The proxy listened again at once after each kill.
    ReboundAtOnce {
        /// Starts after a kill.
        starts: u64,
        /// Slowest of them, from the start to listening.
        slowest_ms: f64,
    },
    /// The proxy could not bind its port again at once.
    ReboundLate {
        /// From the first try to listening.
        after_ms: f64,
        /// Starts in vain.
        vain: u64,
        /// Starts after a kill.
        starts: u64,
        /// Whether that was given up, and the run went on at another port.
        #[serde(default)]
        given_up: bool,
    },

    // --- concurrency.* ---
    /// Fast requests were answered while the slow one was in its backend.
    FastOvertook {
        /// Fast ones.
        fast: u64,
        /// The slow one was in its backend for so long.
        slow_ms: f64,
        /// Slowest of the fast ones.
        slowest_ms: f64,
    },
    /// Fast requests had to wait for a slow one.
    FastWaited {
        /// One of them.
        target: String,
        /// It took so long.
        waited_ms: f64,
        /// The slow one was in its backend for so long.
        slow_ms: f64,
        /// Fast ones that were not answered meanwhile.
        waiting: u64,
        /// Fast ones sent.
        fast: u64,
    },
    /// The slow request itself went wrong, so nothing could be overtaken.
    SlowWentWrong {
        /// Its target.
        target: String,
        /// How.
        wrong: Wrong,
    },
    /// So many requests were inside the backends at the same instant.
    InsideAtOnce {
        /// As many as were sent together.
        asked: u64,
        /// Largest number at any instant.
        inside: u64,
    },
    /// Fewer requests than sent together were ever inside the backends at the same instant.
    NotInsideAtOnce {
        /// Sent together.
        asked: u64,
        /// Largest number at any instant.
        inside: u64,
    },
    /// Everyone got the own answer.
    OwnAnswers {
        /// Answers judged.
        exchanges: u64,
        /// Most clients at once.
        at_once: u64,
    },
    /// Somebody did not get the own answer.
    NotOwnAnswer {
        /// What was asked for.
        target: String,
        /// What came.
        wrong: Wrong,
        /// Requests that ended like this or alike.
        count: u64,
        /// Requests judged.
        exchanges: u64,
        /// Most clients at once.
        at_once: u64,
    },
    /// Clients of all these kinds were served.
    ClientKindsServed {
        /// Which.
        kinds: Vec<ClientKind>,
        /// Requests.
        exchanges: u64,
    },
    /// A kind of client was not served.
    ClientKindUnserved {
        /// Which.
        kind: ClientKind,
        /// Target.
        target: String,
        /// What came.
        wrong: Wrong,
        /// Requests that ended like this or alike.
        count: u64,
        /// Requests of this kind.
        exchanges: u64,
    },
    /// What simultaneous requests for a cold key did to the backends.
    ColdKey {
        /// Clients that asked at once.
        requests: u64,
        /// Requests that reached the backends.
        attempts: u64,
    },

    // --- integrity.bodies, proxy.alive ---
    /// Every answer was right to the last byte.
    BodiesRight {
        /// Answers judged.
        exchanges: u64,
        /// Bytes of their bodies.
        bytes: u64,
    },
    /// Nothing was wrong with what backends answered, and they answered too little: most answers were words of the proxy's own.
    FewOfBackends {
        /// Answers of backends, each of them right.
        right: u64,
        /// Answers that no backend gave.
        of_nobody: u64,
    },
    /// An answer was wrong.
    WrongBody {
        /// What was asked for.
        target: String,
        /// What was wrong.
        wrong: Wrong,
        /// Wrong answers.
        count: u64,
        /// Answers judged.
        exchanges: u64,
    },
    /// The proxy lived as long as it should.
    Lived {
        /// Starts.
        launches: u64,
        /// Requests it was sent.
        exchanges: u64,
    },
    /// The proxy ended by itself.
    Died {
        /// Exit status.
        code: Option<i32>,
        /// Signal.
        signal: Option<i32>,
        /// Target of the last request before, where there was one.
        after: Option<String>,
        /// What it said last.
        last_lines: Vec<String>,
    },

    /// The harness ended the proxy at a limit of its adapter.
    StoppedByLimit {
        /// Which.
        limit: LimitReached,
        /// Target of the last request before, where there was one.
        after: Option<String>,
    },

    // --- rr.* ---
    /// Serial requests visited the backends in an exact cycle.
    ExactCycle {
        /// Requests judged.
        requests: u64,
        /// The cycle, beginning anywhere.
        order: Vec<String>,
        /// Probability that picking at random had looked the same.
        chance: f64,
    },
    /// With several rotations declared, serial requests stayed as even as these allow.
    EvenWithinRotations {
        /// Requests judged.
        requests: u64,
        /// Largest difference between two backends after any of them.
        spread: u64,
        /// Rotations declared.
        rotations: u64,
    },
    /// The cycle was broken.
    CycleBroken {
        /// Number of the request, from one, that went elsewhere.
        position: u64,
        /// Where the cycle would have sent it.
        expected: String,
        /// Where it went.
        saw: String,
        /// Backends in the order in which they were visited, the first 24 at most.
        sequence: Vec<String>,
        /// Requests judged.
        requests: u64,
        /// What it looks like.
        pattern: RotationPattern,
    },
    /// The backend changed with the connection, and never between the requests of one.
    TurnPerConnection {
        /// Requests on connections that carried several.
        requests: u64,
        /// These connections.
        connections: u64,
        /// All connections of serial requests.
        over: u64,
        /// The backends that these reached.
        backends: Vec<String>,
    },
    /// Backends that never got a request.
    BackendsLeftOut {
        /// Which.
        names: Vec<String>,
        /// Attempts per backend.
        shares: Vec<Share>,
    },
    /// One request of a client arrived more than once at healthy backends.
    DoubledAttempts {
        /// Target of one of them.
        target: String,
        /// Times it arrived.
        attempts: u64,
        /// Requests that arrived more than once.
        count: u64,
        /// Requests judged.
        requests: u64,
    },
    /// Requests that no backend ever saw.
    NotForwarded {
        /// Target of one of them.
        target: String,
        /// What came instead.
        wrong: Wrong,
        /// So many.
        count: u64,
        /// Requests judged.
        requests: u64,
    },
    /// Counts per backend stayed together over concurrent batches.
    EvenBatches {
        /// Batches.
        batches: u64,
        /// Requests of each.
        size: u64,
        /// Largest difference between two backends after any batch.
        spread: u64,
        /// Difference allowed: the rotations declared.
        allowed: u64,
        /// Probability that these batches catch a counter which loses one update in a hundred.
        power: f64,
        /// Attempts per backend.
        shares: Vec<Share>,
    },
    /// Counts per backend drifted apart.
    UnevenBatches {
        /// First batch, from one, after which they were too far apart.
        batch: u64,
        /// Batches.
        batches: u64,
        /// Requests of each.
        size: u64,
        /// Largest difference between two backends after any batch.
        spread: u64,
        /// Difference allowed: the rotations declared.
        allowed: u64,
        /// Attempts per backend.
        shares: Vec<Share>,
        /// What it looks like.
        pattern: RotationPattern,
    },
    /// What kind of rotation it is.
    RotationScope {
        /// Which.
        pattern: RotationPattern,
        /// Requests it was judged on.
        requests: u64,
    },
    /// Whether an answer from the cache uses up a turn.
    HitsAndTurns {
        /// Whether it does.
        take_turn: bool,
        /// Hits in between.
        hits: u64,
    },

    // --- privacy.*, freshness.delivered ---
    /// What a check of a cloud case saw.
    Cloud(CloudFinding),
    /// What a check of the balancer of a cloud case saw.
    Case(CaseFinding),
    // --- exact exchanges: forward.*, connections.*, failures.*, cache.* ---
    /// All exchanges came out as they should.
    AsAsked {
        /// So many.
        exchanges: u64,
    },
    /// Something was amiss with an exchange.
    Amiss {
        /// Its method.
        method: String,
        /// Its target.
        target: String,
        /// What.
        amiss: Amiss,
        /// Exchanges with something amiss.
        count: u64,
        /// Exchanges judged.
        exchanges: u64,
    },
    /// What has a length was taken for whole only when the backend had closed its connection.
    WaitsForBackendsEnd {
        /// The backend kept it open for so long after its answer.
        kept_for_ms: f64,
        /// So long after its close the client was served, or let go.
        after_close_ms: f64,
        /// Whether the answer itself was held back; otherwise only the connection of the client.
        answer: bool,
    },
    /// Connections were closed right after their answer, and nothing had said so.
    ClosesUnsaid {
        /// A request that was to go on with one of them.
        target: String,
        /// Connections that were found gone.
        closed: u64,
        /// Requests that did go on with one.
        went_on: u64,
    },
    /// Connections were gone on with, or the answers before had said that they would be closed.
    ClosesAsSaid {
        /// Requests that went on with a connection.
        went_on: u64,
        /// Answers that said `Connection: close`.
        said: u64,
    },
    /// What the proxy used when nobody asked.
    AtRest {
        /// Share of one core.
        cpu: f64,
        /// Threads beyond those of the beginning.
        threads: u64,
        /// Descriptors beyond those of the beginning.
        files: u64,
    },

    // --- config.* ---
    /// Every list of backends was asked whole, and nobody else.
    ListInForce {
        /// Lengths of the lists.
        lists: Vec<u64>,
        /// Requests that reached the backends.
        requests: u64,
    },
    /// Others than those on the list were asked, or not all of them.
    ListIgnored {
        /// On the list.
        told: Vec<String>,
        /// Asked.
        visited: Vec<String>,
        /// Requests that reached the backends.
        requests: u64,
    },
    /// Under this list, and not under the first, requests got no answer of a backend.
    ListUnserved {
        /// Length of the list.
        backends: u64,
        /// Requests without one.
        unserved: u64,
        /// Of so many, one after the other.
        requests: u64,
    },
    /// It did not start with this list.
    ListRefused {
        /// Length of the list.
        backends: u64,
        /// What kept it from starting.
        problem: String,
    },

    /// Told of another port, it listened there.
    PortInForce {
        /// The port of its first start.
        first: u16,
        /// The other one.
        second: u16,
    },
    /// Told of another port, it did not get ready there.
    PortIgnored {
        /// The port that it was told.
        told: u16,
        /// What kept it.
        problem: String,
    },

    /// It listens at a port of its own, whatever it is told.
    ListensElsewhere {
        /// The port that it was told.
        told: u16,
        /// Where it listens.
        found: std::net::SocketAddr,
    },
    /// Told of no port, it listened on 8080.
    DefaultPortUsed,
    /// Told of no port, it did not get ready on 8080.
    DefaultPortUnused {
        /// What kept it.
        problem: String,
    },
    /// It could not be tried whether it listens on 8080 by itself.
    DefaultPortNotTried {
        /// What is in the way; `None`: its adapter always names a port.
        problem: Option<String>,
    },

    // --- cache.not_found ---
    /// The second GET of what the backend does not have was answered from the cache.
    NotFoundKept {
        /// Its target.
        target: String,
    },
    /// Every GET of what the backend does not have reached a backend.
    NotFoundAskedAgain {
        /// Requests.
        exchanges: u64,
    },

    // --- persistence.odd_names ---
    /// Everything under an unusual name that was proven to be cached was served after every end of the proxy.
    OddNamesKept {
        /// Keys asked again, over all ends.
        keys: u64,
        /// Of them with a path longer than a file name can be.
        long: u64,
        /// Ends by SIGKILL.
        kills: u64,
        /// Orderly ends.
        stops: u64,
    },
    /// Something under an unusual name was not served after an end of the proxy.
    OddNameLost {
        /// Its target.
        target: String,
        /// What came instead.
        wrong: Wrong,
        /// Whether the proxy had been killed; otherwise it had ended in an orderly way.
        killed: bool,
        /// Keys lost.
        lost: u64,
        /// Keys asked again.
        keys: u64,
    },

    // --- log.* ---
    /// Every exchange is in the log.
    Logged {
        /// In which.
        place: LogPlace,
        /// Exchanges looked for.
        exchanges: u64,
        /// Of them answered from the cache.
        hits: u64,
    },
    /// Something of an exchange is not in the log, or too often.
    NotLogged {
        /// In which.
        place: LogPlace,
        /// Its method.
        method: String,
        /// Its target.
        target: String,
        /// Status of its answer.
        status: u16,
        /// What is missing.
        lack: LogLack,
        /// Exchanges of which something is.
        count: u64,
        /// Exchanges looked for.
        exchanges: u64,
    },

    // --- latency.thresholds ---
    /// Percentiles against their limits.
    Latencies {
        /// One a threshold, in the order of the scenario.
        thresholds: Vec<ThresholdSeen>,
    },
}
