//! What a verified token says.

use std::sync::OnceLock;

use scopegate_core::AccessToken;

use crate::guard::{guard, read};
use crate::string::{Place, Str, Texts};

/// A verified access token. It never holds the token itself, because MCP forbids passing it on. It is unchangeable,
/// any thread may read it, and it may outlive its server.
pub struct Token {
    pub(crate) core: AccessToken,
    lent: OnceLock<Lent>,
}

/// What a token lends, made when it is first asked for: many programs look at nothing, or at two of its texts.
struct Lent {
    texts: Texts,
    issuer: Place,
    subject: Option<Place>,
    client_id: Option<Place>,
    scopes: Vec<Place>,
    effective_scopes: Vec<Place>,
    audience: Vec<Place>,
    resource: Place,
    token_id: Option<Place>,
    principal: Option<Place>,
    claims: Place,
}

impl Token {
    pub(crate) fn new(core: AccessToken) -> Box<Token> {
        Box::new(Token { core, lent: OnceLock::new() })
    }

    fn lent(&self) -> &Lent {
        self.lent.get_or_init(|| Lent::of(&self.core))
    }

    fn lend(&self, place: impl FnOnce(&Lent) -> Place) -> Str {
        let lent = self.lent();
        lent.texts.lend(place(lent))
    }

    fn lend_some(&self, place: impl FnOnce(&Lent) -> Option<Place>) -> Str {
        let lent = self.lent();
        lent.texts.lend_some(place(lent))
    }
}

impl Lent {
    fn of(core: &AccessToken) -> Lent {
        let mut texts = Texts::with_capacity(3 * core.claims_json().len());
        Lent {
            issuer: texts.add(core.issuer()),
            subject: core.subject().map(|subject| texts.add(subject)),
            client_id: core.client_id().map(|client| texts.add(client)),
            scopes: texts.add_all(core.scopes()),
            effective_scopes: texts.add_all(core.effective_scopes()),
            audience: texts.add_all(core.audience()),
            resource: texts.add(core.resource()),
            token_id: core.token_id().map(|id| texts.add(id)),
            principal: core.principal().map(|principal| texts.add(principal)),
            claims: texts.add(core.claims_json()),
            texts,
        }
    }
}

/// Who issued it: a configured issuer (`iss`).
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_token_issuer(token: Option<&Token>) -> Str {
    read("scopegate_token_issuer", token, Str::NONE, |token| token.lend(|lent| lent.issuer))
}

/// Whom it speaks for (`sub`). A client that speaks for itself may be named here too (RFC 9068 section 2.2).
/// `{NULL, 0}` when absent. Unique only together with the issuer.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_token_subject(token: Option<&Token>) -> Str {
    read("scopegate_token_subject", token, Str::NONE, |token| token.lend_some(|lent| lent.subject))
}

/// The client it was issued to: the first of `client_id_claims` that is present. `{NULL, 0}` when none is.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_token_client_id(token: Option<&Token>) -> Str {
    read("scopegate_token_client_id", token, Str::NONE, |token| token.lend_some(|lent| lent.client_id))
}

/// How many scopes it grants.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_token_scope_count(token: Option<&Token>) -> usize {
    read("scopegate_token_scope_count", token, 0, |token| token.core.scopes().len())
}

/// A granted scope, in the token's order, without duplicates, with `scope_prefix`. `{NULL, 0}` past the last.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_token_scope_at(token: Option<&Token>, index: usize) -> Str {
    read("scopegate_token_scope_at", token, Str::NONE, |token| {
        token.lend_some(|lent| lent.scopes.get(index).copied())
    })
}

/// How many scopes it grants, with those that they imply.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_token_effective_scope_count(token: Option<&Token>) -> usize {
    read("scopegate_token_effective_scope_count", token, 0, |token| token.core.effective_scopes().len())
}

/// The granted scopes, then those that they imply, sorted by bytes. For programs that compare scopes without
/// hierarchy. `{NULL, 0}` past the last.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_token_effective_scope_at(token: Option<&Token>, index: usize) -> Str {
    read("scopegate_token_effective_scope_at", token, Str::NONE, |token| {
        token.lend_some(|lent| lent.effective_scopes.get(index).copied())
    })
}

/// How many audiences it names; 0 when another claim stood in for `aud`.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_token_audience_count(token: Option<&Token>) -> usize {
    read("scopegate_token_audience_count", token, 0, |token| token.core.audience().len())
}

/// Whom it is for (`aud`). `{NULL, 0}` past the last.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_token_audience_at(token: Option<&Token>, index: usize) -> Str {
    read("scopegate_token_audience_at", token, Str::NONE, |token| {
        token.lend_some(|lent| lent.audience.get(index).copied())
    })
}

/// The resource that accepted it, as configured.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_token_resource(token: Option<&Token>) -> Str {
    read("scopegate_token_resource", token, Str::NONE, |token| token.lend(|lent| lent.resource))
}

/// When it expires (`exp`), in seconds since 1970, rounded down. The leeway is not added. 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_token_expires_at(token: Option<&Token>) -> i64 {
    read("scopegate_token_expires_at", token, 0, |token| token.core.expires_at())
}

/// When it was issued (`iat`), in seconds since 1970, rounded up; -1 when the token does not say.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_token_issued_at(token: Option<&Token>) -> i64 {
    read("scopegate_token_issued_at", token, -1, |token| token.core.issued_at().unwrap_or(-1))
}

/// Its identifier (`jti`), unique only together with the issuer. `{NULL, 0}` when absent.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_token_id(token: Option<&Token>) -> Str {
    read("scopegate_token_id", token, Str::NONE, |token| token.lend_some(|lent| lent.token_id))
}

/// Issuer, a blank, then subject, or client where there is no subject: the key for sessions and stored state.
/// `{NULL, 0}` when the token names neither.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_token_principal(token: Option<&Token>) -> Str {
    read("scopegate_token_principal", token, Str::NONE, |token| token.lend_some(|lent| lent.principal))
}

/// All claims: the JSON object exactly as it was signed. Of the claims without a function here, only those in
/// `required_claims` were checked.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_token_claims(token: Option<&Token>) -> Str {
    read("scopegate_token_claims", token, Str::NONE, |token| token.lend(|lent| lent.claims))
}

/// The number of the verification that it came from: from 1 on, never the same again in this process. Tokens of one number
/// say the same, so that a program which keeps something beside a token, such as an object made of it, knows by the number
/// alone that it may use it again. 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_token_verification(token: Option<&Token>) -> u64 {
    read("scopegate_token_verification", token, 0, |token| token.core.verification())
}

/// Frees a token and everything that it lent. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_token_free(token: Option<Box<Token>>) {
    guard("scopegate_token_free", || (), || drop(token));
}
