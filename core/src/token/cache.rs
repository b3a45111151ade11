//! Verified tokens: what need not be read and verified again when the same token comes again.
//!
//! Nothing is decided here. Who finds an entry judges it anew: its key, its issuer, its times and all the rest.
//!
//! Entries hang in buckets that are never changed, only replaced, so that a look-up takes no lock and, but for a count, writes
//! nothing that other threads share; a forked child can read what its parent left whatever the parent's threads were doing.
//! One thread at a time changes the buckets. Who finds another at it leaves it at that: the token will come again.
//!
//! An entry is looked for by the end of its token, and is of the one token whose header and payload are the same bytes and
//! whose signature has the same SHA-256. So a signature is all that is hashed, and that only where the rest is the same.
//!
//! While there is room every token is held. When there is none, one is held from its second coming on: most that come once
//! do not come again, and making room takes longer than finding that out. What goes is chosen by a clock hand:
//! an entry that was found since the hand last came by is spared once, so that tokens in use stay, however many others come
//! by.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption, Guard};
use aws_lc_rs::digest;
use memchr::memrchr;
use serde::Serialize;

use super::access_token::AccessToken;
use super::jws::Header;
use super::memory::{COUNTS, Owned, allocation};
use crate::config::CacheLimits;
use crate::event::Count;
use crate::keys::source::VerifyingKey;
use crate::lock::Mutex;

/// A SHA-256.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Digest([u8; 32]);

impl Digest {
    pub(crate) fn of(bytes: &[u8]) -> Digest {
        let mut digest = [0; 32];
        digest.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
        Digest(digest)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What one token has and no other: its claims as they came, and the digest of its signature. The signature is what would
/// let others in, and cannot be had from this.
#[derive(Debug, Eq, PartialEq)]
struct Likeness {
    /// Header, dot, payload, dot.
    signed: Box<[u8]>,
    signature: Digest,
}

impl Likeness {
    fn of(token: &[u8]) -> Likeness {
        let (signed, signature) = token.split_at(memrchr(b'.', token).map_or(0, |dot| dot + 1));
        Likeness { signed: signed.into(), signature: Digest::of(signature) }
    }

    fn is_of(&self, token: &[u8]) -> bool {
        token.strip_prefix(&*self.signed).is_some_and(|signature| Digest::of(signature) == self.signature)
    }
}

/// The last sixteen characters of a token. They are of its signature: as good as random in a token that was verified, and
/// in any other whatever its maker likes. So they say where to look, and nothing is decided by them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Ending(u128);

impl Ending {
    fn of(token: &[u8]) -> Ending {
        Ending(token.last_chunk().map_or(0, |last| u128::from_le_bytes(*last)))
    }

    /// Three numbers, the first of which depends on all characters.
    fn numbers(self) -> [u32; 3] {
        // An odd number without pattern: the fraction of the golden ratio.
        let [.., third, second, first] = {
            let mixed = self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
            [mixed, mixed >> 32, mixed >> 64, mixed >> 96].map(|part| part as u32)
        };
        [first, second, third]
    }
}

/// A token that passed every check up to its claims. The token itself is not kept.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) header: Header,
    pub(crate) token: AccessToken,
    pub(crate) key: VerifyingKey,
    /// Under what it was read; see [`ServerSettings::reading`](crate::config::ServerSettings::reading).
    pub(crate) reading: usize,
}

#[derive(Debug)]
struct Entry {
    likeness: Likeness,
    verified: Verified,
    /// All the memory that it takes.
    bytes: usize,
    /// Found since the hand last came by.
    found: AtomicBool,
}

impl Entry {
    fn new(token: &[u8], verified: Verified) -> Entry {
        let likeness = Likeness::of(token);
        let owned = verified.header.owned() + verified.token.owned() + allocation(likeness.signed.len());
        let bytes = PLACE + allocation(COUNTS + size_of::<Entry>()) + owned;
        Entry { likeness, verified, bytes, found: AtomicBool::new(false) }
    }
}

/// The ending stands beside the entry, so that a look-up follows one reference alone.
type Place = (Ending, Arc<Entry>);
type Bucket = Vec<Place>;

/// An entry's place in a bucket, and the bucket, in which it may be alone.
const PLACE: usize = allocation(size_of::<Place>()) + allocation(COUNTS + size_of::<Bucket>());

/// Less memory than any entry takes.
const SMALLEST_ENTRY: usize = 512;

/// How many buckets in a row the hand spares, so that a change takes a bounded time while every entry is in use.
const MAX_SPARED: usize = 64;

/// The verified tokens of a resource server and of those that were derived from it, in bounded memory.
#[derive(Debug)]
pub(crate) struct TokenCache {
    capacity: usize,
    /// For the entries: what the limit leaves beside the buckets.
    max_bytes: usize,
    /// A power of two.
    buckets: Box<[ArcSwapOption<Bucket>]>,
    /// A part of the ending of the last token that found no room, at each place. A power of two.
    came: Box<[AtomicU32]>,
    keeper: ArcSwap<Keeper>,
    hits: Count,
    misses: Count,
}

/// What whoever changes the buckets goes by. A forked child has its own and counts anew what it was left: in the parent's
/// a thread may hold the lock that the child does not have.
#[derive(Debug)]
struct Keeper {
    process: u32,
    /// The bucket at which the hand stands.
    hand: Mutex<usize>,
    /// These two change under the lock of the hand.
    entries: AtomicUsize,
    bytes: AtomicUsize,
}

/// What the verified tokens take and were good for.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct TokenCacheStats {
    /// Tokens that were held when they came. They were judged again, but neither read nor verified unless their keys had
    /// changed.
    pub hits: u64,
    /// Tokens that were not.
    pub misses: u64,
    /// Tokens that are held.
    pub entries: usize,
    /// The memory that they take, in bytes.
    pub bytes: usize,
}

/// An entry, kept while it is looked at.
pub(crate) struct Found {
    bucket: Guard<Option<Arc<Bucket>>>,
    index: usize,
}

impl Found {
    pub(crate) fn verified(&self) -> Option<&Verified> {
        self.entry().map(|entry| &entry.verified)
    }

    fn entry(&self) -> Option<&Arc<Entry>> {
        self.place().map(|(_, entry)| entry)
    }

    fn place(&self) -> Option<&Place> {
        self.bucket.as_ref()?.get(self.index)
    }
}

impl TokenCache {
    /// `None` when the limits leave room for nothing.
    pub(crate) fn new(limits: CacheLimits) -> Option<TokenCache> {
        let entries = limits.capacity.min(limits.max_bytes / SMALLEST_ENTRY);
        let buckets: Box<[ArcSwapOption<Bucket>]> = match entries {
            0 => return None,
            _ => (0..entries.div_ceil(2).next_power_of_two()).map(|_| ArcSwapOption::empty()).collect(),
        };
        let came: Box<[AtomicU32]> = (0..buckets.len().div_ceil(2)).map(|_| AtomicU32::new(0)).collect();
        Some(TokenCache {
            capacity: limits.capacity,
            max_bytes: limits.max_bytes.saturating_sub(size_of_val(&*buckets) + size_of_val(&*came)),
            came,
            keeper: ArcSwap::from_pointee(Keeper::of(&buckets)),
            buckets,
            hits: Count::default(),
            misses: Count::default(),
        })
    }

    /// The entry of a token that was read under one of these readings, which are sorted. Takes no lock.
    pub(crate) fn find(&self, token: &[u8], readings: &[usize]) -> Option<Found> {
        let found = self.look_up(token, readings);
        let count = if found.is_some() { &self.hits } else { &self.misses };
        count.add_one();
        found
    }

    fn look_up(&self, token: &[u8], readings: &[usize]) -> Option<Found> {
        let sought = Ending::of(token);
        let bucket = self.bucket(sought)?.load();
        let is_ours = |(ending, entry): &Place| {
            *ending == sought
                && readings.binary_search(&entry.verified.reading).is_ok()
                && entry.likeness.is_of(token)
        };
        let index = bucket.as_ref()?.iter().position(is_ours)?;
        let found = Found { bucket, index };
        // A token in use is marked already: threads that share it do not write to it in turn.
        if let Some(entry) = found.entry().filter(|entry| !entry.found.load(Ordering::Relaxed)) {
            entry.found.store(true, Ordering::Relaxed);
        }
        Some(found)
    }

    /// Holds a token; where there is no room, in the place of others, if it came before.
    pub(crate) fn insert(&self, token: &[u8], verified: Verified) {
        let ending = Ending::of(token);
        // Of this process or its parent's: asking which is a system call.
        let is_full = self.keeper.load().entries() >= self.capacity;
        if is_full && !self.came_before(ending) {
            return;
        }
        let keeper = self.keeper();
        let entry = Entry::new(token, verified);
        if !is_full && keeper.bytes() + entry.bytes > self.max_bytes && !self.came_before(ending) {
            return;
        }
        let Some(mut hand) = keeper.hand.try_lock() else { return };
        let Some(bucket) = self.bucket(ending) else { return };
        if entry.bytes > self.max_bytes {
            return;
        }
        let is_same = |held: &Arc<Entry>| {
            held.verified.reading == entry.verified.reading && held.likeness == entry.likeness
        };
        take_out(bucket, &keeper, is_same);
        while keeper.entries() >= self.capacity || keeper.bytes() + entry.bytes > self.max_bytes {
            if !self.make_room(&keeper, &mut hand) {
                return;
            }
        }
        keeper.entries.fetch_add(1, Ordering::Relaxed);
        keeper.bytes.fetch_add(entry.bytes, Ordering::Relaxed);
        put_in(bucket, ending, entry);
    }

    /// Lets go of an entry that is no longer good.
    pub(crate) fn remove(&self, found: &Found) {
        let Some((ending, entry)) = found.place() else { return };
        let keeper = self.keeper();
        let Some(_hand) = keeper.hand.try_lock() else { return };
        if let Some(bucket) = self.bucket(*ending) {
            take_out(bucket, &keeper, |held| Arc::ptr_eq(held, entry));
        }
    }

    pub(crate) fn stats(&self) -> TokenCacheStats {
        let keeper = self.keeper();
        TokenCacheStats {
            hits: self.hits.now(),
            misses: self.misses.now(),
            entries: keeper.entries(),
            bytes: keeper.bytes(),
        }
    }

    fn bucket(&self, ending: Ending) -> Option<&ArcSwapOption<Bucket>> {
        let [number, ..] = ending.numbers();
        self.buckets.get(number as usize % self.buckets.len())
    }

    /// Whether this token found no room when it came last; the next time it has. Another may be taken for it, and is held
    /// too soon then.
    fn came_before(&self, ending: Ending) -> bool {
        let [_, number, mark] = ending.numbers();
        let mark = mark | 1;
        self.came
            .get(number as usize % self.came.len())
            .is_some_and(|place| place.swap(mark, Ordering::Relaxed) == mark)
    }

    /// Takes out the first entry at the hand that was not found since it last came by. False when there is none at all.
    fn make_room(&self, keeper: &Keeper, hand: &mut usize) -> bool {
        let mut spared = 0;
        // The first time round may spare them all.
        for _ in 0..2 * self.buckets.len() {
            let Some(bucket) = self.buckets.get(*hand) else { return false };
            let entries = bucket.load();
            let entries = entries.as_deref().map_or(&[][..], |entries| entries);
            let unused = |(_, entry): &&Place| spared >= MAX_SPARED || !entry.found.load(Ordering::Relaxed);
            if let Some((_, gone)) = entries.iter().find(unused) {
                take_out(bucket, keeper, |held| Arc::ptr_eq(held, gone));
                return true;
            }
            entries.iter().for_each(|(_, entry)| entry.found.store(false, Ordering::Relaxed));
            spared += usize::from(!entries.is_empty());
            *hand = (*hand + 1) % self.buckets.len();
        }
        false
    }

    /// This process's keeper.
    fn keeper(&self) -> Guard<Arc<Keeper>> {
        let process = process::id();
        let keeper = self.keeper.load();
        if keeper.process == process {
            return keeper;
        }
        self.keeper.rcu(|keeper| {
            if keeper.process == process { keeper.clone() } else { Arc::new(Keeper::of(&self.buckets)) }
        });
        self.keeper.load()
    }
}

impl Keeper {
    fn of(buckets: &[ArcSwapOption<Bucket>]) -> Keeper {
        let (mut entries, mut bytes) = (0, 0);
        for bucket in buckets {
            for (_, entry) in bucket.load().iter().flat_map(|bucket| bucket.iter()) {
                entries += 1;
                bytes += entry.bytes;
            }
        }
        Keeper {
            process: process::id(),
            hand: Mutex::new(0),
            entries: AtomicUsize::new(entries),
            bytes: AtomicUsize::new(bytes),
        }
    }

    fn entries(&self) -> usize {
        self.entries.load(Ordering::Relaxed)
    }

    fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// Under the lock of the hand.
fn put_in(bucket: &ArcSwapOption<Bucket>, ending: Ending, entry: Entry) {
    let others = bucket.load();
    let others = others.as_deref().map_or(&[][..], |others| others);
    let mut all = Vec::with_capacity(others.len() + 1);
    all.extend_from_slice(others);
    all.push((ending, Arc::new(entry)));
    bucket.store(Some(Arc::new(all)));
}

/// Under the lock of the hand.
fn take_out(bucket: &ArcSwapOption<Bucket>, keeper: &Keeper, is_gone: impl Fn(&Arc<Entry>) -> bool) {
    let all = bucket.load();
    let all = all.as_deref().map_or(&[][..], |all| all);
    if !all.iter().any(|(_, held)| is_gone(held)) {
        return;
    }
    let (gone, left): (Vec<_>, Vec<_>) = all.iter().partition(|(_, held)| is_gone(held));
    let bytes = gone.iter().map(|(_, entry)| entry.bytes).sum();
    let left: Bucket = left.into_iter().cloned().collect();
    bucket.store(if left.is_empty() { None } else { Some(Arc::new(left)) });
    keeper.entries.fetch_sub(gone.len(), Ordering::Relaxed);
    keeper.bytes.fetch_sub(bytes, Ordering::Relaxed);
}

#[cfg(test)]
mod tests;
