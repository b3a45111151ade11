//! A source with a scripted clock, a scripted server, and fetches that end when they are told to.

use super::*;
use crate::clock::ScriptedClock;
use crate::fetch::{Document, FetchRequest};
pub(super) use crate::keys::flight::Work;
pub(super) use crate::keys::scheduler::Scheduled;
pub(super) use crate::lock::Mutex;

pub(super) const WALL: i64 = 1_800_000_000;
pub(super) const URL: &str = "https://as.example/jwks";

type Answers = dyn Fn(&FetchRequest<'_>) -> Result<Document, FetchError> + Send + Sync;

/// Answers as it is told, and counts.
pub(super) struct Server {
    pub(super) timeout: Mutex<Duration>,
    answers: Mutex<Arc<Answers>>,
    pub(super) asked: Mutex<Vec<(String, Option<String>)>>,
}

impl Fetch for Server {
    fn get(&self, request: &FetchRequest<'_>) -> Result<Document, FetchError> {
        self.asked.lock().push((request.url.to_owned(), request.etag.map(str::to_owned)));
        let answers = self.answers.lock().clone();
        answers(request)
    }

    fn timeout(&self) -> Duration {
        *self.timeout.lock()
    }
}

pub(super) struct World {
    pub(super) source: Arc<Source>,
    pub(super) server: Arc<Server>,
    pub(super) clock: Arc<ScriptedClock>,
}

impl World {
    /// A world whose fetches in the background end when somebody calls them.
    pub(super) fn by_hand(
        slots: &'static Slots,
        change: impl FnOnce(&mut SourceSettings),
    ) -> (World, Arc<Mutex<Vec<Work>>>) {
        let flights = Arc::new(Mutex::new(Vec::new()));
        (World::on(Threads::ByHand(flights.clone()), slots, change), flights)
    }

    pub(super) fn on(
        threads: Threads,
        slots: &'static Slots,
        change: impl FnOnce(&mut SourceSettings),
    ) -> World {
        let mut settings = settings();
        change(&mut settings);
        let not_scripted = |_: &FetchRequest<'_>| Err(FetchError::with_status(404));
        let server = Arc::new(Server {
            timeout: Mutex::new(Duration::from_secs(5)),
            answers: Mutex::new(Arc::new(not_scripted)),
            asked: Mutex::default(),
        });
        let clock = Arc::new(ScriptedClock::at(Some(WALL)));
        let source =
            Source::build(settings, Distrust::default(), server.clone(), clock.clone(), slots, threads);
        World { source, server, clock }
    }

    pub(super) fn answer(
        &self,
        answers: impl Fn(&FetchRequest<'_>) -> Result<Document, FetchError> + Send + Sync + 'static,
    ) {
        *self.server.answers.lock() = Arc::new(answers);
    }

    pub(super) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Makes this process the child that it forks: what is here belongs to another process. What the child finds.
    pub(super) fn fork(&self) -> Arc<PerProcess<Source>> {
        let held = self.source.flights.per_process.load().held.load_full();
        let mut inherited = PerProcess::new(self.source.no_attempts(), held);
        inherited.process = u32::MAX;
        let inherited = Arc::new(inherited);
        self.source.flights.per_process.store(inherited.clone());
        inherited
    }
}

/// Slots of its own, so that worlds do not take each other's.
pub(super) fn slots() -> &'static Slots {
    Box::leak(Box::new(Slots::new()))
}

pub(super) fn settings() -> SourceSettings {
    SourceSettings {
        issuer: "https://as.example".to_owned(),
        location: KeyLocation::Uri(URL.to_owned()),
        rules: KeyRules { algorithms: Algorithm::DEFAULT.to_vec(), rsa_max_bits: 4096 },
        imported: None,
        distrusted: BTreeSet::new(),
        background_refresh: true,
        default_ttl: Duration::from_secs(600),
        max_stale: Duration::from_secs(86_400),
        unknown_key_interval: Duration::from_secs(30),
        max_waiters: 64,
        leeway: 30,
    }
}

pub(super) fn want(kid: &str) -> Want<'_> {
    Want { algorithm: Algorithm::EdDSA, kid: Some(kid), issued_at: None }
}

pub(super) fn document(body: &str) -> Document {
    Document { body: Some(body.as_bytes().to_vec()), ..Document::default() }
}
