//! Histories of a source beside a simple model of it: what the rules promise holds after every event.
//!
//! Time, the issuer and the ends of fetches are scripted, so a history is its choices. Tests draw them from a seed, a fuzz
//! target from its bytes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::world::*;
use super::*;
use crate::fetch::Document;
use crate::keys::draw::SCRIPTED_DRAWS;
use crate::keys::snapshot::SourceSnapshot;
use crate::keys::test_keys::jwks_with_material;

const KIDS: [&str; 5] = ["a", "b", "c", "d", "junk"];

/// What the issuer may publish: kids, each with the name of its material.
const SETS: [&[(&str, &str)]; 8] = [
    &[("a", "a"), ("b", "b")],
    &[("b", "b")],
    &[("b", "b"), ("c", "c")],
    &[("a", "a-new"), ("b", "b")],
    &[("d", "a"), ("b", "b")],
    &[("c", "c"), ("c", "c-twin")],
    &[("c", "c")],
    &[],
];

/// Numbers of the rules.
const BUDGET: Duration = Duration::from_secs(30);
const CAP: usize = 8;
const MINUTE: Duration = Duration::from_secs(60);
const TIMEOUT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

type Key = (String, [u8; 32]);

/// The choices that are left of a history. It ends with them.
#[derive(Clone)]
pub(super) struct Chance(std::vec::IntoIter<u8>);

impl Chance {
    pub(super) fn of_bytes(bytes: Vec<u8>) -> Chance {
        Chance(bytes.into_iter())
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        let needed = (u64::BITS - (bound - 1).leading_zeros()).div_ceil(8) as usize;
        let bytes = self.0.by_ref().take(needed);
        bytes.fold(0, |number, byte| number << 8 | u64::from(byte)) % bound
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    fn is_over(&self) -> bool {
        self.0.as_slice().is_empty()
    }
}

/// How the issuer answers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    Well,
    Fails { retry_after: Option<u64> },
    Garbage,
    Panics,
}

/// What the source must hold.
#[derive(Clone, Debug)]
struct Believed {
    keys: Vec<Key>,
    began: Duration,
    ttl: Duration,
    standing: Standing,
}

/// A fetch that was started.
struct Started {
    run: Work,
    began: Duration,
    /// Whether its result still counts.
    counts: bool,
}

struct Waiting {
    wanted: KeyRequest,
    kid: &'static str,
    boarded: bool,
}

struct Simulation {
    world: World,
    flights: Arc<Mutex<Vec<Work>>>,
    chance: Chance,
    /// Whether a fetch may panic: not where a panic ends the program.
    may_panic: bool,
    /// What happened, where it is asked for.
    history: Option<Vec<String>>,
    background: bool,
    max_stale: Duration,
    max_waiters: usize,
    // The issuer.
    published: &'static [(&'static str, &'static str)],
    mood: Mood,
    lifetime: Option<Duration>,
    // The model.
    held: Option<Believed>,
    generation: u64,
    started: Vec<Started>,
    waiting: Vec<Waiting>,
    /// Starts of this process, and whether an unknown kid caused them.
    starts: Vec<(Duration, bool)>,
    failures: u32,
    not_before: Duration,
    keyless_since: Option<Duration>,
    distrusted_kids: Vec<&'static str>,
    distrusted_keys: Vec<[u8; 32]>,
    /// Every key that this process has held under a kid.
    seen: Vec<Key>,
    /// Kids that were held, with the start of the first good fetch that lacked them, and whether a second has.
    lacking: BTreeMap<String, (Duration, bool)>,
    /// When a request was last told to wait though usable keys are held.
    claimed: Option<Duration>,
}

fn material(published: &'static [(&'static str, &'static str)]) -> Vec<Key> {
    static READ: LazyLock<Vec<Vec<Key>>> = LazyLock::new(|| SETS.iter().map(|set| read(set)).collect());
    let index = SETS.iter().position(|set| *set == published).unwrap();
    READ[index].clone()
}

fn read(published: &[(&str, &str)]) -> Vec<Key> {
    let rules = KeyRules { algorithms: Algorithm::DEFAULT.to_vec(), rsa_max_bits: 4096 };
    let set = KeySet::parse(jwks_with_material(published).as_bytes(), &rules).unwrap();
    set.keys().map(|key| (key.kid.clone().unwrap(), key.thumbprint)).collect()
}

fn version(published: &[(&str, &str)]) -> String {
    format!("{published:?}")
}

impl Simulation {
    fn new(mut chance: Chance, may_panic: bool, history: Option<Vec<String>>) -> Simulation {
        SCRIPTED_DRAWS.set(Some(chance.below(1 << 16)));
        let background = !chance.one_in(4);
        let max_stale = chance.of(&[Duration::ZERO, Duration::from_secs(3_600), Duration::from_secs(86_400)]);
        let max_waiters = chance.of(&[2, 64]);
        let (world, flights) = World::by_hand(of_this_thread(), |settings| {
            settings.background_refresh = background;
            settings.max_stale = max_stale;
            settings.max_waiters = max_waiters;
        });
        Simulation {
            world,
            flights,
            chance,
            may_panic,
            history,
            background,
            max_stale,
            max_waiters,
            published: SETS[0],
            mood: Mood::Well,
            lifetime: None,
            held: None,
            generation: 0,
            started: Vec::new(),
            waiting: Vec::new(),
            starts: Vec::new(),
            failures: 0,
            not_before: Duration::ZERO,
            keyless_since: None,
            distrusted_kids: Vec::new(),
            distrusted_keys: Vec::new(),
            seen: Vec::new(),
            lacking: BTreeMap::new(),
            claimed: None,
        }
    }

    fn now(&self) -> Duration {
        self.world.clock.boot()
    }

    fn is_usable(&self) -> bool {
        self.held.as_ref().is_some_and(|held| match held.standing {
            Standing::Static | Standing::Pinned => true,
            Standing::Closed => false,
            Standing::Fetched => self.now() - held.began < held.ttl.max(self.max_stale),
        })
    }

    fn is_pinned(&self) -> bool {
        self.held.as_ref().is_some_and(|held| held.standing == Standing::Pinned)
    }

    fn keys_of(&self, kid: &str) -> Vec<[u8; 32]> {
        let held = self.held.iter().flat_map(|held| &held.keys);
        held.filter(|(held, _)| held == kid).map(|(_, thumbprint)| *thumbprint).collect()
    }

    /// The keys of a set that are trusted when it arrives: what it shows under a distrusted kid is not trusted under
    /// another name either.
    fn trusted(&self, keys: &[Key]) -> Vec<Key> {
        let named: Vec<_> = self.under_distrusted_kids(keys);
        let distrusted =
            |(_, thumbprint): &&Key| named.contains(thumbprint) || self.distrusted_keys.contains(thumbprint);
        keys.iter().filter(|key| !distrusted(key)).cloned().collect()
    }

    fn under_distrusted_kids(&self, keys: &[Key]) -> Vec<[u8; 32]> {
        let named = keys.iter().filter(|(kid, _)| self.distrusted_kids.contains(&kid.as_str()));
        named.map(|(_, thumbprint)| *thumbprint).collect()
    }

    fn arrives(&mut self, keys: &[Key]) -> Vec<Key> {
        let named = self.under_distrusted_kids(keys);
        let keys = self.trusted(keys);
        self.distrusted_keys.extend(named);
        self.seen.extend(keys.iter().cloned());
        keys
    }

    fn step(&mut self) {
        let now = self.now();
        match self.chance.below(100) {
            0..=19 => self.pass(),
            20..=47 => self.token(),
            48..=50 => self.token_without_kid(),
            51..=53 => self.bad_signature(),
            54..=63 => self.scheduler(),
            64..=79 => self.land(),
            80..=85 => self.board_all(),
            86..=91 => self.issuer_changes(),
            92 => self.distrust(),
            93 => self.pin(),
            94..=95 => self.resume(),
            96 => self.fork(),
            97 => self.restart(),
            _ => self.world.pass(1),
        }
        self.end_waits();
        self.check(now);
    }

    fn note(&mut self, what: impl FnOnce() -> String) {
        let now = self.now();
        if let Some(history) = &mut self.history {
            history.push(format!("{now:?} {}", what()));
        }
    }

    fn pass(&mut self) {
        let scale =
            self.chance.of(&[1_000, 5_000, 5_000, 30_000, 60_000, 600_000, 600_000, 2_000_000, 50_000_000]);
        let step = Duration::from_millis(self.chance.below(scale));
        self.note(|| format!("pass {step:?}"));
        self.world.clock.advance(step);
    }

    fn token(&mut self) {
        let kid = self.chance.of(&KIDS);
        let usable = self.is_usable();
        let selection = self.world.source.select(&want(kid), None);
        self.note(|| format!("token {kid} {selection:?}"));
        self.note_starts(true);
        self.judge(kid, &selection, None);
        if let Selection::NeedKeys(wanted) = selection {
            let keys_would_do = usable && self.keys_of(kid).len() == 1;
            assert!(wanted.longest_wait <= if usable { LONGEST_WAIT } else { TIMEOUT });
            if keys_would_do {
                self.check_the_one_that_waits(&wanted);
            }
            let boarded = !self.chance.one_in(4);
            self.waiting.push(Waiting { wanted, kid, boarded: false });
            if boarded {
                self.board(self.waiting.len() - 1);
            }
        }
    }

    /// A known kid waits in the two cases of the rules, and then alone.
    fn check_the_one_that_waits(&mut self, wanted: &KeyRequest) {
        let held = self.held.clone().unwrap();
        let age = self.now() - held.began;
        assert_eq!(held.standing, Standing::Fetched);
        if self.background {
            assert!(age >= held.ttl * 2 && wanted.purpose == Purpose::Idle, "a known kid waits at {age:?}");
        } else {
            assert!(age >= held.ttl.mul_f64(0.7), "a known kid waits at {age:?}");
        }
        let claimed = self.claimed.replace(self.now());
        assert!(claimed.is_none_or(|claimed| self.now() > claimed + LONGEST_WAIT), "two known kids wait");
    }

    /// Whether an answer is one that the rules allow.
    fn judge(&self, kid: &str, selection: &Selection, done: Option<&KeyRequest>) {
        let (usable, held) = (self.is_usable(), self.keys_of(kid));
        if self.distrusted_kids.contains(&kid) {
            assert!(matches!(selection, Selection::Unknown), "a distrusted kid is answered");
            return;
        }
        assert!(done.is_none() || !matches!(selection, Selection::NeedKeys(_)), "it waits twice");
        if !usable {
            let tells = matches!(selection, Selection::NeedKeys(_) | Selection::Unavailable { .. });
            assert!(tells, "without keys {selection:?}");
        }
        match selection {
            Selection::Key(key) => {
                assert!(usable && held.contains(&key.thumbprint) && key.kid.as_deref() == Some(kid));
                assert!(!self.distrusted_keys.contains(&key.thumbprint));
            }
            Selection::Ambiguous => assert!(usable && held.len() > 1),
            Selection::Unknown => assert!(usable && held.is_empty() && self.is_proved_unknown(kid, done)),
            Selection::Unavailable { retry_after } => {
                assert!(held.is_empty() || !usable, "a held key is unavailable");
                assert!(!retry_after.is_zero() && *retry_after <= Duration::from_secs(300));
                assert!(!self.is_pinned());
            }
            Selection::NeedKeys(_) => assert!(!self.is_pinned()),
        }
    }

    fn is_proved_unknown(&self, kid: &str, done: Option<&KeyRequest>) -> bool {
        let held = self.held.as_ref().unwrap();
        let lost = self.seen.iter().any(|key| key.0 == kid) || !self.distrusted_keys.is_empty();
        held.standing == Standing::Pinned
            || done.is_some_and(|done| held.began >= done.asked)
            || self.lacking.get(kid).is_some_and(|(_, twice)| *twice)
            || (lost && !self.distrusted_keys.is_empty())
    }

    fn token_without_kid(&mut self) {
        let usable = self.is_usable();
        let without_kid = Want { kid: None, ..want("") };
        let selection = self.world.source.select(&without_kid, None);
        self.note(|| format!("token without kid {selection:?}"));
        self.note_starts(true);
        match &selection {
            Selection::Key(key) => {
                let held = &self.held.as_ref().unwrap().keys;
                assert!(usable && held.len() == 1 && held[0].1 == key.thumbprint);
            }
            Selection::Ambiguous => assert!(usable && self.held.as_ref().unwrap().keys.len() > 1),
            Selection::Unknown => assert!(usable && self.held.as_ref().unwrap().keys.is_empty()),
            Selection::Unavailable { .. } => assert!(!usable),
            Selection::NeedKeys(wanted) if usable => {
                assert!(!self.background);
                self.check_the_one_that_waits(&wanted.clone());
            }
            Selection::NeedKeys(_) => {}
        }
    }

    fn bad_signature(&mut self) {
        let kid = self.chance.of(&KIDS);
        self.note(|| format!("bad signature {kid}"));
        self.world.source.bad_signature(&want(kid));
        self.note_starts(true);
    }

    fn scheduler(&mut self) {
        if self.background {
            self.note(|| "scheduler".to_owned());
            self.world.source.run_due();
            self.note_starts(false);
        }
    }

    fn board(&mut self, index: usize) {
        let Waiting { wanted, boarded, .. } = &mut self.waiting[index];
        if !std::mem::replace(boarded, true) {
            let purpose = wanted.purpose;
            self.world.source.start_refresh(&wanted.clone());
            self.note(|| format!("board {purpose:?}"));
            self.note_starts(purpose == Purpose::UnknownKid);
        }
    }

    fn board_all(&mut self) {
        for index in 0..self.waiting.len() {
            self.board(index);
        }
    }

    /// Takes over the fetches that began, and checks that they might.
    fn note_starts(&mut self, for_unknown_kid: bool) {
        let now = self.now();
        let begun = std::mem::take(&mut *self.flights.lock());
        assert!(begun.len() <= 1, "two fetches at once");
        for run in begun {
            assert!(!self.is_pinned(), "a pinned source fetches");
            assert!(now >= self.not_before, "a fetch in the backoff");
            let running = self.started.iter().filter(|running| running.counts).map(|running| running.began);
            for began in running {
                let timeout = if self.background { TIMEOUT } else { LONGEST_WAIT };
                assert!(
                    now > began + timeout + Duration::from_secs(1),
                    "a second fetch beside one of {began:?}"
                );
            }
            self.starts.push((now, for_unknown_kid));
            let within = |window: Duration| self.starts.iter().filter(move |(at, _)| now < *at + window);
            assert!(within(MINUTE).count() <= CAP, "too many fetches");
            let for_kids = within(BUDGET).filter(|(_, for_unknown_kid)| *for_unknown_kid).count();
            assert!(for_kids <= 1, "unknown kids caused too many fetches");
            self.started.iter_mut().for_each(|running| running.counts = false);
            self.started.push(Started { run, began: now, counts: true });
            self.note(|| "a fetch begins".to_owned());
        }
    }

    /// One of the fetches ends, be it the current one or a late one.
    fn land(&mut self) {
        if self.started.is_empty() {
            return;
        }
        let index = self.chance.below(self.started.len() as u64) as usize;
        let Started { run, began, counts } = self.started.swap_remove(index);
        let (mood, published) = (self.mood, self.published);
        self.note(|| format!("the fetch of {began:?} ends, counts: {counts}, {mood:?} {published:?}"));
        let before = self.world.source.here().held.load_full();
        let renews = self.set_answers(before.as_deref(), began);
        if self.mood == Mood::Panics {
            let run = std::panic::AssertUnwindSafe(run);
            std::panic::catch_unwind(run).unwrap_err();
        } else {
            run();
        }
        let keys = material(self.published);
        match self.mood {
            _ if !counts => {}
            Mood::Well if keys.is_empty() => self.fetch_was_keyless(began),
            Mood::Well => {
                self.fetch_was_good(keys, began, renews);
                return;
            }
            Mood::Fails { retry_after } => self.fetch_failed(retry_after),
            Mood::Garbage | Mood::Panics => self.fetch_failed(None),
        }
        let after = self.world.source.here().held.load_full();
        let kept = before.zip(after).is_none_or(|(before, after)| Arc::ptr_eq(&before.keys, &after.keys));
        assert!(kept, "a failed or late fetch changed the set");
    }

    /// Scripts the issuer's answer. Whether it is that the held set has not changed.
    fn set_answers(&self, held: Option<&Held>, began: Duration) -> bool {
        let (mood, lifetime) = (self.mood, self.lifetime);
        let (body, etag) = (jwks_with_material(self.published), version(self.published));
        let renews = held.is_some_and(|held| held.is_usable(began) && held.etag_of(URL) == Some(&etag));
        self.world.answer(move |request| match mood {
            Mood::Well if request.etag == Some(&etag) => {
                Ok(Document { etag: Some(etag.clone()), lifetime, ..Document::default() })
            }
            Mood::Well => Ok(Document { etag: Some(etag.clone()), lifetime, ..document(&body) }),
            Mood::Fails { retry_after } => {
                Err(FetchError::with_retry_after(retry_after.map(Duration::from_secs)))
            }
            Mood::Garbage => Ok(document("<html>")),
            Mood::Panics => panic!("in the test"),
        });
        renews
    }

    fn fetch_was_good(&mut self, keys: Vec<Key>, began: Duration, renews: bool) {
        let keys = if renews { self.held.clone().unwrap().keys } else { self.arrives(&keys) };
        let ttl = self.lifetime.unwrap_or(Duration::from_secs(600));
        let ttl = ttl.clamp(Duration::from_secs(300), Duration::from_secs(3600));
        let old: Vec<Key> = self.held.iter().flat_map(|held| held.keys.clone()).collect();
        for (kid, _) in old {
            self.lacking.entry(kid).or_insert((began, false));
        }
        for (since, twice) in self.lacking.values_mut() {
            *twice |= began >= *since + BUDGET;
        }
        self.lacking.retain(|kid, _| !keys.iter().any(|(shown, _)| shown == kid));
        self.held = Some(Believed { keys, began, ttl, standing: Standing::Fetched });
        (self.failures, self.not_before, self.keyless_since) = (0, Duration::ZERO, None);
    }

    fn fetch_was_keyless(&mut self, began: Duration) {
        let first = *self.keyless_since.get_or_insert(began);
        if let Some(held) = self.held.as_mut().filter(|_| began >= first + BUDGET) {
            held.standing = Standing::Closed;
        }
        self.fetch_failed(None);
    }

    fn fetch_failed(&mut self, retry_after: Option<u64>) {
        let backoff = (1_u64 << self.failures.min(6)).min(60);
        let backoff = Duration::from_secs(backoff).mul_f64(0.8);
        let asked_for = Duration::from_secs(retry_after.unwrap_or(0).min(300));
        self.not_before = self.now() + backoff.max(asked_for);
        self.failures += 1;
    }

    fn issuer_changes(&mut self) {
        self.published = self.chance.of(&SETS);
        let lifetimes = [None, Some(0), Some(700), Some(100_000)];
        self.lifetime = self.chance.of(&lifetimes).map(Duration::from_secs);
        let retry_after = self.chance.of(&[None, Some(0), Some(100), Some(100_000)]);
        self.mood = match self.chance.below(8) {
            0..=4 => Mood::Well,
            5 => Mood::Fails { retry_after },
            6 => Mood::Garbage,
            // Each costs a printed backtrace.
            _ if self.may_panic && self.chance.one_in(20) => Mood::Panics,
            _ => Mood::Fails { retry_after: None },
        };
        let (mood, published) = (self.mood, self.published);
        self.note(|| format!("the issuer is {mood:?} and publishes {published:?}"));
    }

    fn distrust(&mut self) {
        let kid = self.chance.of(&KIDS);
        self.note(|| format!("distrust {kid}"));
        self.world.source.distrust(kid).unwrap();
        self.distrusted_kids.push(kid);
        let seen = self.seen.iter().filter(|(seen, _)| seen == kid).map(|(_, thumbprint)| *thumbprint);
        self.distrusted_keys.extend(seen);
        if let Some(held) = self.held.take() {
            let keys = self.trusted(&held.keys);
            self.held = Some(Believed { keys, ..held });
        }
    }

    fn pin(&mut self) {
        let pinned = self.chance.of(&SETS);
        let keys = material(pinned);
        let result = self.world.source.pin(&jwks_with_material(pinned));
        self.note(|| format!("pin {pinned:?} {result:?}"));
        assert_eq!(result.is_ok(), !self.trusted(&keys).is_empty());
        if result.is_ok() {
            let keys = self.arrives(&keys);
            let (began, ttl) = (self.now(), Duration::from_secs(600));
            self.held = Some(Believed { keys, began, ttl, standing: Standing::Pinned });
            self.lacking.clear();
            self.started.iter_mut().for_each(|running| running.counts = false);
        }
    }

    fn resume(&mut self) {
        self.note(|| "resume".to_owned());
        self.world.source.resume();
        let held = self.world.source.here().held.load_full();
        if let Some(believed) = self.held.as_mut().filter(|held| held.standing == Standing::Pinned) {
            believed.standing = Standing::Fetched;
            believed.began = held.unwrap().validity.began;
            assert!(self.world.clock.boot() - believed.began >= Duration::from_secs(420), "nothing is due");
        }
    }

    fn fork(&mut self) {
        self.note(|| "fork".to_owned());
        self.world.fork();
        self.forget_the_process();
    }

    /// Fetches, budgets and those who wait stay with the parent.
    fn forget_the_process(&mut self) {
        self.started.clear();
        self.waiting.clear();
        self.starts.clear();
        (self.failures, self.not_before, self.keyless_since, self.claimed) = (0, Duration::ZERO, None, None);
    }

    /// Another process goes on with the keys of this one, after they have lain around.
    fn restart(&mut self) {
        let snapshot: Option<SourceSnapshot> = self.world.source.export(&["https://as.example".to_owned()]);
        assert_eq!(snapshot.is_some(), self.is_usable() && !self.is_pinned());
        let exported_at = self.world.clock.wall().unwrap();
        let lain = self.chance.of(&[0, 10, 1_000, 90_000]);
        self.note(|| format!("restart after {lain} s with {snapshot:?}"));
        self.world.pass(lain);
        self.forget_the_process();
        self.lacking.clear();
        let flights = Arc::new(Mutex::new(Vec::new()));
        let settings = self.settings(snapshot, exported_at);
        let threads = Threads::ByHand(flights.clone());
        let (server, clock) = (self.world.server.clone(), self.world.clock.clone());
        self.world.source =
            Source::build(settings, Distrust::default(), server, clock, of_this_thread(), threads);
        self.flights = flights;
        self.generation = 0;
        self.believe_what_was_imported();
    }

    fn settings(&self, snapshot: Option<SourceSnapshot>, exported_at: i64) -> SourceSettings {
        let rules = KeyRules { algorithms: Algorithm::DEFAULT.to_vec(), rsa_max_bits: 4096 };
        let imported = snapshot.map(|snapshot| ImportedKeys {
            keys: KeySet::from_jwks(&snapshot.keys, &rules).unwrap(),
            age: Duration::from_secs(snapshot.age_seconds.unwrap()),
            ttl: Duration::from_secs(snapshot.ttl_seconds.unwrap()),
            exported_at,
        });
        SourceSettings {
            imported,
            distrusted: self.distrusted_kids.iter().map(|kid| (*kid).to_owned()).collect(),
            background_refresh: self.background,
            max_stale: self.max_stale,
            max_waiters: self.max_waiters,
            ..settings()
        }
    }

    fn believe_what_was_imported(&mut self) {
        let imported = self.world.source.here().held.load_full();
        let believed = self.held.take().filter(|held| held.standing == Standing::Fetched);
        self.seen.clear();
        self.distrusted_keys.clear();
        let Some(imported) = imported else { return };
        let believed = believed.expect("only a usable set is exported");
        let (oldest, youngest) = (believed.began - Duration::from_secs(2), believed.began);
        assert!((oldest..=youngest).contains(&imported.validity.began), "the age changed on the way");
        self.seen = believed.keys.clone();
        self.held = Some(Believed { began: imported.validity.began, ..believed });
    }

    /// Requests whose time is over, or whose fetch has ended, are answered.
    fn end_waits(&mut self) {
        let now = self.now();
        let is_over = |waiting: &mut Waiting| {
            waiting.boarded
                && (now >= waiting.wanted.asked + waiting.wanted.longest_wait || self.started.is_empty())
        };
        let over: Vec<Waiting> = self.waiting.extract_if(.., is_over).collect();
        for Waiting { wanted, kid, .. } in over {
            let selection = self.world.source.select(&want(kid), Some(&wanted));
            self.note(|| format!("after its wait {kid} {selection:?}"));
            self.note_starts(true);
            self.judge(kid, &selection, Some(&wanted));
        }
    }

    /// What holds after every event.
    fn check(&mut self, before: Duration) {
        let here = self.world.source.here();
        assert!(self.now() >= before);
        let generation = here.held.load().as_ref().map_or(0, |held| held.generation);
        assert!(generation >= self.generation, "the generation went back");
        self.generation = generation;
        assert!(here.waiting.all() <= self.max_waiters, "too many wait");
        assert!(here.waiting.for_unknown_kid() <= 8, "too many wait for unknown kids");
        let status = self.world.source.status();
        assert_eq!(status.is_usable(), self.is_usable(), "{status:?}");
        let believed = self.held.as_ref().map_or(0, |held| held.keys.len());
        assert_eq!(status.keys, believed, "{status:?}");
    }

    fn run(&mut self) -> thread::Result<()> {
        let all = std::panic::AssertUnwindSafe(|| {
            while !self.chance.is_over() {
                self.step();
            }
        });
        std::panic::catch_unwind(all)
    }
}

/// Runs a history; one that breaks a promise runs again and tells what happened.
pub(super) fn run(chance: Chance, may_panic: bool) {
    if Simulation::new(chance.clone(), may_panic, None).run().is_err() {
        let mut again = Simulation::new(chance, may_panic, Some(Vec::new()));
        let why = again.run().expect_err("a history is its choices");
        let why = why.downcast_ref::<String>().map_or("an assertion failed", |why| why);
        let history = again.history.unwrap_or_default();
        let last = history.len().saturating_sub(40);
        panic!("{why}\n{}", history[last..].join("\n"));
    }
}

/// [`run`] with choices from these bytes, where a panic ends the program.
#[cfg(feature = "fuzzing")]
pub(crate) fn run_choices(choices: &[u8]) {
    run(Chance::of_bytes(choices.to_vec()), false);
}

/// One set for the worlds of a thread, which come one after the other: none of them is left to leak.
fn of_this_thread() -> &'static Slots {
    thread_local! {
        static OWN: &'static Slots = slots();
    }
    OWN.with(|slots| *slots)
}
