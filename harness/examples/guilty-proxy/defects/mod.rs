//! The defects, one file per family: each says where the guilty proxy does otherwise than the honest one.
//!
//! The modules of the proxy ask here at the point where a defect would act, so that the honest way stays readable and a new
//! defect is one name here, one line in its family, and one row in `harness/tests/detection/table.rs`.

pub mod admission;
pub mod content;
pub mod failing;
pub mod freshness;
pub mod logging;
pub mod persistence;
pub mod rotation;
pub mod serving;
pub mod starting;
pub mod wire;

/// What is wrong with this proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Defect {
    /// Nothing.
    None,

    // What it is told at its start (`starting`).
    /// Backends beyond the third are left out (REQ-10).
    ThreeBackendsAtMost,
    /// With another number of backends than three it does not start (REQ-10).
    ThreeBackendsOrNone,
    /// Where it is told of fewer than three backends it takes the first alone (REQ-10, optimal).
    OneOfTwoBackends,
    /// It listens on 8080, whatever it is told (REQ-10).
    AlwaysPort8080,
    /// The port of its first start is kept in a file, and taken at every later one (REQ-10).
    KeepsItsFirstPort,
    /// Told of no port, it listens on 9090 (REQ-5).
    DefaultPort9090,

    // Before anything is asked (`starting`).
    /// The program ends at its start.
    DoesNotStart,
    /// It listens and answers nobody.
    AnswersNothing,
    /// It deletes what lies in its directory.
    DeletesItsFolder,
    /// It writes into its log without end.
    LogsWithoutBound,

    // Age (`freshness`).
    /// Cached answers are served for ever (REQ-8c).
    NeverExpires,
    /// Cached answers are served for twice the TTL (REQ-8c).
    ExpiresAtTwiceTtl,
    /// A hit renews the entry (REQ-8c, optimal).
    Sliding,
    /// The TTL handed over is ignored: two seconds, always (REQ-8c).
    TtlConstant,
    /// The TTL is taken for minutes (REQ-8c).
    TtlInMinutes,
    /// An expired entry is served once more before it is fetched again (REQ-8c).
    StaleOnce,
    /// The whole cache expires at instants that are multiples of the TTL (REQ-8c).
    SweptAtOnce,
    /// The age begins anew with a restart (REQ-8c, optimal).
    RestartRenews,

    // The log (`logging`).
    /// Lines are printed and there is no file (REQ-7).
    NoLogFile,
    /// Lines are written to the file and not printed (REQ-7).
    PrintsNothing,
    /// Only requests are logged (REQ-7).
    LogsOnlyRequests,
    /// Only answers are logged (REQ-7).
    LogsOnlyAnswers,
    /// The file is written when the program ends (REQ-7).
    LogsAtTheEnd,
    /// What comes from the cache is not logged (REQ-7, optimal).
    LogsNoHits,
    /// Every line is written twice (REQ-7, optimal).
    LogsTwice,
    /// Every exchange takes hundreds of lines (REQ-7, optimal).
    FloodsTheLog,
    /// Lines are lost when many requests come at once (REQ-7, optimal).
    LosesLinesInACrowd,

    // The rotation (`rotation`).
    /// The backend is drawn at random (REQ-9).
    RandomBalancing,
    /// The counter of turns loses one update in twenty when requests come at once (REQ-9).
    RacyCounter,
    /// The first backend has every turn (REQ-9).
    AlwaysFirst,
    /// The last backend of the list has no turn (REQ-9).
    SkipsLast,
    /// The first backend has two turns in a row (REQ-9).
    WeightedByOne,
    /// Each request goes to two backends (REQ-9).
    AsksTwice,
    /// A hit uses up a turn (a finding).
    HitTakesTurn,

    /// Told to choose the least busy backend, it goes on in turn (REQ-9).
    IgnoresWhatIsOpen,

    // Who may come in (`admission`).
    /// Addresses that are not allowed are served (REQ-5).
    LetsEverybodyIn,
    /// All clients share one limit, so that the greedy starve the others (REQ-3).
    OneBucketForAll,

    // What a crash leaves (`persistence`).
    /// Nothing is ever stored (REQ-8).
    NoCache,
    /// Files are written and never read (REQ-8).
    WritesNeverReads,
    /// The cache is in memory only (REQ-8a, REQ-8b).
    MemoryOnly,
    /// Files stay but the index over them was in memory (REQ-8a).
    ForgetsAfterSigkill,
    /// The cache is emptied at the start (REQ-8a).
    WipesAtStart,
    /// Files are written in place and never checked (REQ-8a).
    TornFileAfterSigkill,
    /// What lies under a target with an equals sign is lost with the process (REQ-8a, optimal).
    ForgetsOddNames,
    /// After a restart nothing is found under a target longer than a file name can be (REQ-8a, optimal).
    ForgetsLongNames,
    /// The port cannot be bound again while old connections linger (REQ-8a, optimal).
    NoReuseaddr,

    // What is stored and found (`content`).
    /// A POST finds the answer to a GET of the same target (REQ-5).
    AnswersPostFromCache,
    /// A POST is stored, and the next one on the same target answered with it (REQ-5).
    KeepsPosts,
    /// The answer to a HEAD is stored, and a GET answered with it (REQ-8, optimal).
    KeepsHeads,
    /// Only the first forty characters of a target make its key (REQ-8, optimal).
    KeyOfFortyCharacters,
    /// Among others, a hit is that of somebody else (REQ-3).
    HitOfAnother,
    /// The query is no part of the key (REQ-8).
    DropsQueryFromKey,
    /// `/a/b` and `/a_b` have the same key (REQ-8).
    KeysCollide,
    /// A hit has one byte more than its miss (REQ-8).
    HitHasOneByteMore,
    /// A stored body ends after 4 KiB (REQ-8).
    StoresFourKilobytes,
    /// A stored body ends at its first zero byte (REQ-8).
    StoresUpToNul,
    /// A hit comes without its `Content-Type` (REQ-8).
    HitWithoutContentType,
    /// What is answered to a token, or called private, is kept for everybody (REQ-6).
    SharesTokens,
    /// What was made for the browsers of one origin is kept for those of all (REQ-6).
    IgnoresOrigin,
    /// An answer of the status 500 is stored (REQ-8).
    CachesErrors,
    /// An answer of the status 404 is stored (a finding: it is legal).
    KeepsNotFound,
    /// An answer of the status 404 is stored, and comes back as one of the status 200 (REQ-6).
    KeepsNotFoundAsFound,
    /// What is called private is kept for everybody (REQ-8, optimal).
    KeepsPrivate,
    /// What is answered to a request with a password is kept for everybody (REQ-8, optimal).
    KeepsAuthorized,
    /// Of clients that ask for a cold resource at once each appends its body to the stored one (REQ-8).
    DoublesWhatIsStoredTwice,
    /// Half of a download stays in the cache when its client breaks it off (REQ-8, optimal).
    KeepsWhatWasBrokenOff,

    // Who is served, and how (`serving`).
    /// Clients are served one after the other (REQ-3).
    SerialAccept,
    /// At most four clients are served at once (REQ-3).
    FourAtOnce,
    /// After a request that is none nobody is served any more, as by a lock that an exception leaves held (REQ-3, optimal).
    MalformedStopsAll,
    /// A request whose names of fields are written in lower case is refused, as those of many libraries are (REQ-3).
    ChokesOnLowerCase,
    /// Clients share one buffer without a lock (REQ-3).
    SharedBuffer,
    /// After some hundred requests nobody is answered any more (REQ-3).
    DeadlocksAfterHundreds,
    /// The process ends at its three hundredth request (REQ-5).
    DiesAfterHundreds,
    /// Every answer takes 100 ms longer, as by polling (a finding).
    LatencyFloor,
    /// Of more than three requests at once the others are refused, as a page with many images makes them (REQ-6).
    RefusesABurst,
    /// Images are read and written as text (REQ-6).
    SpoilsImages,
    /// Bodies end after half a megabyte (REQ-6).
    CutsAtHalfAMegabyte,
    /// Bodies end after half a megabyte while others are served (REQ-6).
    CutsUnderLoad,
    /// After a client has left in the middle of a download nobody is served any more (REQ-5, optimal).
    LeavingClientStopsAll,
    /// The process ends when a client leaves in the middle of a download, as by SIGPIPE (REQ-5).
    DiesOfLeavingClient,

    // What is read and written (`wire`).
    /// Other methods than GET, HEAD and POST are refused (REQ-5).
    GetAndPostOnly,
    /// Of a body only what came with the head is read (REQ-4).
    FirstSegmentOfBody,
    /// The length of a body is known by one spelling alone, `Content-Length` (REQ-4).
    LengthInOneSpelling,
    /// A head that does not come in one piece is refused (REQ-4).
    FirstSegmentOfHead,
    /// Heads of more than 4 KiB are refused (REQ-4, optimal).
    HeadOfFourKilobytes,
    /// A 204 or 304 gets a body (REQ-4).
    BodyTo204,
    /// The chunks of an answer are passed on as its content (REQ-4).
    PassesChunksAsBody,
    /// An answer that ends with its connection never ends at the client (REQ-4).
    UntilCloseNeverEnds,
    /// An interim answer is taken for the final one (REQ-4, optimal).
    InterimForFinal,
    /// Clients of HTTP/1.0 are refused (REQ-4, optimal).
    RefusesHttp10,
    /// A client that says `Connection: close` loses the end of its answer (REQ-4).
    CloseLosesTheTail,
    /// Every connection is closed after its first answer (REQ-4, optimal).
    ClosesAlways,
    /// The same, and no answer says so (REQ-4, optimal).
    ClosesWithoutSaying,
    /// What comes behind a request in the same segment is forgotten (REQ-4, optimal).
    ForgetsWhatWasPipelined,

    // Backends that fail (`failing`).
    /// With every backend down there is an answer of success all the same (REQ-5, optimal).
    SuccessWithoutBackend,
    /// What a backend has taken and not answered is sent to the next one, whatever its method (REQ-5, optimal).
    RepeatsPosts,
    /// A backend that hangs is waited for without end (REQ-5, optimal).
    WaitsForHungBackend,
    /// After any error of a backend the client is closed without an answer (REQ-5, optimal).
    ClosesWithoutAnswer,
    /// What came of an answer that was cut short is passed on as all of it (REQ-6, optimal).
    PassesTruncatedAsWhole,
    /// What is not HTTP is passed on as an answer of success (REQ-6, optimal).
    PassesGarbage,
    /// After an error of a backend the next requests are refused (REQ-5, optimal).
    StumblesAfterFailure,
    /// A backend that refused once is never asked again (REQ-5, optimal).
    NeverAsksAgain,
    /// Backends are asked for their health, and what they say changes nothing.
    KeepsTheIll,
    /// One bad answer takes a backend out, however many it was told to wait for.
    LeavesAtTheFirst,
}
