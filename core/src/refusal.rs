//! A refusal inside the core: its reason, what was expected, and what its answer needs to know.

use std::borrow::Cow;
use std::time::Duration;

use crate::call::{CallError, CallId};
use crate::reason::Reason;
use crate::scope::ScopeSet;

/// A decision not to let a request pass, before it is put into bytes.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    /// A sentence for the operator. It holds no byte of a token and no claim value.
    pub(crate) detail: Cow<'static, str>,
    pub(crate) particulars: Particulars,
    /// The id of the request's JSON-RPC call, where it is known and matters.
    pub(crate) id: Option<CallId>,
}

/// What the answer needs to know beside the reason.
#[derive(Clone, Debug)]
pub(crate) enum Particulars {
    None,
    /// For keys_unavailable: when to come again.
    RetryAfter(Duration),
    /// For insufficient_scope.
    Scopes(Box<ScopeShortfall>),
    /// For calls that cannot be read: the JSON-RPC error.
    Call(Box<CallError>),
}

/// The scopes that the answer to a token with too few names.
#[derive(Clone, Debug)]
pub(crate) struct ScopeShortfall {
    /// The whole need.
    pub(crate) need: ScopeSet,
    /// Granted scopes that the configuration knows, in its order.
    pub(crate) granted: Vec<String>,
}

impl Refusal {
    pub(crate) fn new(reason: Reason, detail: impl Into<Cow<'static, str>>) -> Self {
        Refusal { reason, detail: detail.into(), particulars: Particulars::None, id: None }
    }
}
