//! What often is behind a failure, as data. What is said of an issuer stands in `docs/issuers/`.

use super::evidence::Evidence;
use crate::config::ServerSettings;
use crate::reason::Reason;
use crate::url::Url;

/// A hint, the reason that it belongs to, and what must be seen for it.
pub(super) struct Hint {
    pub(super) reason: Reason,
    /// The name of a preset, for what only this product does.
    pub(super) product: Option<&'static str>,
    pub(super) clue: Clue,
    pub(super) text: &'static str,
}

/// What is seen of a token and the configuration.
#[derive(Clone, Copy)]
pub(super) enum Clue {
    /// The product is enough.
    Product,
    /// There are `Authorization` lines, or none.
    Lines(bool),
    /// The token has so many parts between dots.
    Parts(usize),
    /// `alg` begins so.
    Algorithm(&'static str),
    /// `typ` is that of any JWT, or absent.
    PlainType,
    /// The header has no `kid`.
    NoKid,
    /// This claim is absent, malformed or not allowed.
    Claim(&'static str),
    /// The claim holds this text.
    Value(&'static str, &'static str),
    /// The claim is there.
    Has(&'static str),
    /// `iss` begins so, and an issuer is configured that begins so.
    Issuers(&'static str, &'static str),
    /// `iss` and a configured issuer are the same but for this.
    IssuerBut(Difference),
    /// `iss` is the origin of a configured issuer.
    IssuerIsOrigin,
    /// `iss` ends so.
    IssuerEnds(&'static str),
    /// One of `aud` is this.
    Audience(&'static str),
    /// One of `aud` begins so.
    AudienceBegins(&'static str),
    /// One of `aud` ends so.
    AudienceEnds(&'static str),
    /// One of `aud` and the resource are the same but for this.
    AudienceBut(Difference),
    /// One of `aud` is the origin of the resource, which has a path.
    AudienceIsOrigin,
    /// `aud` is what the token calls its client.
    AudienceIsClient,
    /// The token has no scope by `scope_claims`, and this claim may hold them.
    ScopesIn(&'static [&'static str]),
    /// A granted scope is the end of a needed one.
    ShortScopes,
    /// A needed scope is the end of a granted one.
    LongScopes,
    /// A granted scope and a needed one are the same but for this.
    ScopeBut(Difference),
    /// A granted scope is this.
    Granted(&'static str),
    /// It has expired, or is not yet valid, by this many seconds at most.
    Within(i64),
    /// It is not valid before this many seconds have passed, at least.
    Ahead(i64),
}

/// In what two texts may differ that were meant to be the same.
#[derive(Clone, Copy)]
pub(super) enum Difference {
    SlashAtEnd,
    Case,
    Scheme,
    Host,
    /// A segment of the path: tenants, realms, pools.
    FirstSegment,
}

/// The hint for a refusal: the first in the table whose clue is seen.
pub(super) fn hint(reason: Option<Reason>, evidence: &Evidence<'_>) -> Option<&'static str> {
    let fits = |hint: &&Hint| {
        let of_product = hint.product.is_none_or(|product| is_of(product, evidence));
        Some(hint.reason) == reason && of_product && is_seen(hint.clue, evidence)
    };
    HINTS.iter().find(fits).map(|hint| hint.text)
}

/// Whether the token is of this product: by the preset of its server, or by the form of its issuer. A token of an issuer that
/// is not configured may be of any product that is.
fn is_of(product: &str, evidence: &Evidence<'_>) -> bool {
    let is_marked = |issuer: &str| MARKS.iter().any(|(of, mark)| *of == product && issuer.contains(mark));
    let is_served = |server: &ServerSettings| {
        server.preset.as_deref() == Some(product) || server.issuers.iter().any(|issuer| is_marked(issuer))
    };
    match evidence.server {
        Some(server) => is_served(server),
        None => evidence.inner.settings.servers.iter().any(is_served),
    }
}

/// What the issuers of a product have in common.
const MARKS: &[(&str, &str)] = &[
    ("entra", "https://login.microsoftonline.com/"),
    ("entra_v1", "https://sts.windows.net/"),
    ("cognito", "https://cognito-idp."),
    ("keycloak", "/realms/"),
    ("adfs", "/adfs/services/trust"),
    ("okta", ".okta.com/oauth2/"),
    ("auth0", ".auth0.com/"),
    ("workos", ".authkit.app"),
    ("descope", "/v1/apps/agentic/"),
    ("authentik", "/application/o/"),
];

fn is_seen(clue: Clue, evidence: &Evidence<'_>) -> bool {
    let header = |name: &str| evidence.header.get(name).and_then(|value| value.as_str());
    let issuer = evidence.issuer.as_deref().unwrap_or_default();
    let audience = evidence.audience();
    match clue {
        Clue::Product => true,
        Clue::Lines(any) => (evidence.lines() > 0) == any,
        Clue::Parts(parts) => evidence.parts() == parts,
        Clue::Algorithm(start) => header("alg").is_some_and(|alg| alg.starts_with(start)),
        Clue::PlainType => header("typ").is_none_or(|typ| typ.eq_ignore_ascii_case("JWT")),
        Clue::NoKid => header("kid").is_none(),
        Clue::Claim(name) => evidence.claim() == Some(name),
        Clue::Value(claim, value) => evidence.text(claim) == Some(value),
        Clue::Has(claim) => evidence.claims.contains_key(claim),
        Clue::Issuers(theirs, ours) => {
            issuer.starts_with(theirs) && configured(evidence).any(|issuer| issuer.starts_with(ours))
        }
        Clue::IssuerBut(difference) => configured(evidence).any(|ours| difference.is_between(issuer, ours)),
        Clue::IssuerIsOrigin => {
            let origin = issuer.strip_suffix('/').unwrap_or(issuer);
            configured(evidence).any(|ours| Url::parse(ours).is_ok_and(|url| url.origin() == origin))
        }
        Clue::IssuerEnds(end) => issuer.ends_with(end),
        Clue::Audience(name) => audience.contains(&name),
        Clue::AudienceBegins(start) => audience.iter().any(|name| name.starts_with(start)),
        Clue::AudienceEnds(end) => audience.iter().any(|name| name.ends_with(end)),
        Clue::AudienceBut(difference) => {
            let resource = evidence.inner.settings.resource.as_str();
            audience.iter().any(|name| difference.is_between(name, resource))
        }
        Clue::AudienceIsOrigin => {
            let origin = evidence.inner.settings.resource.origin();
            audience.iter().any(|name| name.strip_suffix('/').unwrap_or(name) == origin)
        }
        Clue::AudienceIsClient => ["client_id", "azp", "appid", "cid"]
            .into_iter()
            .filter_map(|claim| evidence.text(claim))
            .any(|client| audience.contains(&client)),
        Clue::ScopesIn(path) => {
            evidence.scopes().is_none_or(<[String]>::is_empty) && holds_texts(path, evidence)
        }
        Clue::ShortScopes => any_scope(evidence, |granted, needed| needed.ends_with(&format!("/{granted}"))),
        Clue::LongScopes => any_scope(evidence, |granted, needed| granted.ends_with(&format!("/{needed}"))),
        Clue::ScopeBut(difference) => {
            any_scope(evidence, |granted, needed| difference.is_between(granted, needed))
        }
        Clue::Granted(scope) => evidence.scopes().unwrap_or_default().iter().any(|granted| granted == scope),
        Clue::Within(seconds) => {
            let since_start = evidence.since_start().map(i64::saturating_neg).filter(|ahead| *ahead > 0);
            let off = evidence.since_expiry().filter(|since| *since >= 0).or(since_start);
            off.is_some_and(|off| off <= seconds)
        }
        Clue::Ahead(seconds) => evidence.since_start().is_some_and(|since| since.saturating_neg() >= seconds),
    }
}

/// Whether this is so of any granted scope and any needed one.
fn any_scope(evidence: &Evidence<'_>, is_so: impl Fn(&str, &str) -> bool) -> bool {
    let need = evidence.need();
    let granted = evidence.scopes().unwrap_or_default();
    granted.iter().any(|granted| need.iter().any(|needed| is_so(granted, needed)))
}

fn configured<'e>(evidence: &'e Evidence<'_>) -> impl Iterator<Item = &'e str> {
    let servers = evidence.inner.settings.servers.iter();
    servers.flat_map(|server| server.issuers.iter().map(String::as_str))
}

/// Whether a claim holds a text or a list of some, and is none of the server's `scope_claims`.
fn holds_texts(path: &[&str], evidence: &Evidence<'_>) -> bool {
    let is_read =
        evidence.server.is_some_and(|server| server.tokens.scope_claims.iter().any(|read| read == path));
    let Some((first, rest)) = path.split_first() else { return false };
    let value = evidence
        .claims
        .get(*first)
        .and_then(|value| rest.iter().try_fold(value, |value, name| value.get(name)));
    let holds = value.is_some_and(|value| {
        value.as_str().is_some_and(|text| !text.is_empty())
            || value.as_array().is_some_and(|items| items.iter().any(|item| item.is_string()))
    });
    holds && !is_read
}

impl Difference {
    fn is_between(self, one: &str, other: &str) -> bool {
        if one == other {
            return false;
        }
        match self {
            Difference::SlashAtEnd => one.trim_end_matches('/') == other.trim_end_matches('/'),
            Difference::Case => one.eq_ignore_ascii_case(other),
            Difference::Scheme => match (one.split_once("://"), other.split_once("://")) {
                (Some((_, one)), Some((_, other))) => one == other,
                _ => false,
            },
            Difference::Host | Difference::FirstSegment => match (Url::parse(one), Url::parse(other)) {
                (Ok(one), Ok(other)) if matches!(self, Difference::Host) => {
                    one.path() == other.path() && one.path().len() > 1
                }
                (Ok(one), Ok(other)) => {
                    one.origin() == other.origin() && after_first_segment(&one) == after_first_segment(&other)
                }
                _ => false,
            },
        }
    }
}

/// What follows the first segment of the path.
fn after_first_segment(url: &Url) -> Option<&str> {
    let path = url.path().strip_prefix('/')?;
    path.find('/').and_then(|slash| path.get(slash..))
}

const fn anyone(reason: Reason, clue: Clue, text: &'static str) -> Hint {
    Hint { reason, product: None, clue, text }
}

const fn of(product: &'static str, reason: Reason, clue: Clue, text: &'static str) -> Hint {
    Hint { reason, product: Some(product), clue, text }
}

use Clue::{
    Ahead, Algorithm, Audience, AudienceBegins, AudienceBut, AudienceEnds, AudienceIsClient,
    AudienceIsOrigin, Claim, Granted, Has, IssuerBut, IssuerEnds, IssuerIsOrigin, Issuers, Lines, LongScopes,
    NoKid, Parts, PlainType, Product, ScopeBut, ScopesIn, ShortScopes, Value, Within,
};
use Reason::{
    AlgorithmNotAllowed, AmbiguousKey, Expired, InsufficientScope, MalformedToken, MissingClaim,
    MissingToken, NotAnAccessToken, NotYetValid, TypeNotAllowed, UntrustedIssuer, WrongAudience,
};

/// Every hint. Of several that fit, the first is shown, so what is said of a product comes first.
pub(super) const HINTS: &[Hint] = &[
    anyone(
        MissingToken,
        Lines(false),
        "a client's first request has none, and the challenge tells it where to get a token; otherwise look whether a \
         proxy takes the Authorization field away",
    ),
    anyone(
        MissingToken,
        Lines(true),
        "send Authorization: Bearer and the token; look whether a proxy puts credentials of another scheme there",
    ),
    of(
        "auth0",
        MalformedToken,
        Parts(5),
        "Auth0 answers a request that names no API with an encrypted token: turn on the Resource Parameter Compatibility \
         Profile, or set a default audience for the tenant",
    ),
    of("cognito", MalformedToken, Parts(5), "Cognito's refresh tokens are encrypted: send the access token"),
    anyone(
        MalformedToken,
        Parts(5),
        "the token is encrypted (a JWE): have the authorization server give out signed ones for this resource; many \
         do otherwise when a client leaves out the resource (or audience) parameter",
    ),
    anyone(
        MalformedToken,
        Parts(1),
        "the token is opaque, no JWT: many authorization servers give out such tokens when a client leaves out the \
         resource (or audience) parameter; those of GitHub and Google always are",
    ),
    of(
        "entra",
        UntrustedIssuer,
        Issuers("https://sts.windows.net/", "https://"),
        "a token of version 1.0: set requestedAccessTokenVersion to 2 in the manifest of the API's registration, or \
         configure the issuer with the preset entra_v1",
    ),
    of(
        "entra_v1",
        UntrustedIssuer,
        Issuers("https://login.microsoftonline.com/", "https://sts.windows.net/"),
        "a token of version 2.0: configure its issuer with the preset entra",
    ),
    of(
        "entra",
        UntrustedIssuer,
        IssuerBut(Difference::FirstSegment),
        "a token of another tenant: to accept several, write {tenant} in issuer and list them in tenants",
    ),
    of(
        "okta",
        UntrustedIssuer,
        IssuerIsOrigin,
        "a token of Okta's org authorization server, which no other resource server can check: have clients ask the \
         custom authorization server",
    ),
    of(
        "descope",
        UntrustedIssuer,
        Product,
        "a token of another MCP server or of the project: the issuer must be that of this MCP server in the console",
    ),
    of(
        "workos",
        UntrustedIssuer,
        Issuers("https://api.workos.com", "https://"),
        "a session token of WorkOS, which names no audience: MCP clients get theirs from the AuthKit domain",
    ),
    of(
        "adfs",
        UntrustedIssuer,
        IssuerEnds("/adfs"),
        "the issuer of AD FS's ID tokens: send the access token",
    ),
    anyone(
        UntrustedIssuer,
        IssuerBut(Difference::SlashAtEnd),
        "the token's issuer and the configured one differ by a slash at the end: write it exactly as the token has it",
    ),
    anyone(
        UntrustedIssuer,
        IssuerBut(Difference::Case),
        "the token's issuer and the configured one differ by upper and lower case: write it exactly as the token has it",
    ),
    anyone(
        UntrustedIssuer,
        IssuerBut(Difference::Scheme),
        "the token's issuer and the configured one differ by http and https: set the authorization server's public URL",
    ),
    of(
        "keycloak",
        UntrustedIssuer,
        IssuerBut(Difference::Host),
        "the same realm under another host name: set Keycloak's host name, or list both issuers",
    ),
    of(
        "authentik",
        AlgorithmNotAllowed,
        Algorithm("HS"),
        "authentik signs with the client's secret where the provider has no signing key: choose one",
    ),
    of(
        "auth0",
        AlgorithmNotAllowed,
        Algorithm("HS"),
        "set the signing algorithm of the API in Auth0 to RS256",
    ),
    of(
        "keycloak",
        AlgorithmNotAllowed,
        Algorithm("HS"),
        "Keycloak signs refresh and offline tokens with HS512 for itself: send the access token",
    ),
    anyone(
        AlgorithmNotAllowed,
        Algorithm("HS"),
        "the token is signed with a shared secret, which is never accepted: give the issuer an asymmetric signing key",
    ),
    anyone(AlgorithmNotAllowed, Algorithm("none"), "the token is not signed, which is never accepted"),
    anyone(
        TypeNotAllowed,
        PlainType,
        "this issuer does not mark its access tokens with at+jwt, or this is an ID token: send the access token, or set \
         token_format to generic",
    ),
    anyone(
        AmbiguousKey,
        NoKid,
        "the token does not say which key signed it, and the issuer has several: have it put kid into its tokens",
    ),
    of(
        "cognito",
        MissingClaim,
        Claim("aud"),
        "Cognito's tokens without resource binding have no aud: let clients ask with the resource parameter, or set \
         unsafe_client_audience with the ids of the app clients",
    ),
    of(
        "keycloak",
        MissingClaim,
        Claim("aud"),
        "Keycloak names an audience only where a mapper says so: add an audience mapper with the resource to a client \
         scope",
    ),
    anyone(
        MissingClaim,
        Claim("aud"),
        "the client asked for the token without the resource parameter, or the authorization server does not heed it",
    ),
    anyone(NotAnAccessToken, Value("token_use", "id"), "this is an ID token: send the access token"),
    anyone(NotAnAccessToken, Value("typ", "ID"), "this is an ID token: send the access token"),
    anyone(NotAnAccessToken, Has("at_hash"), "this looks like an ID token: send the access token"),
    anyone(NotAnAccessToken, Has("nonce"), "this looks like an ID token: send the access token"),
    anyone(NotAnAccessToken, Value("typ", "Refresh"), "this is a refresh token: send the access token"),
    anyone(NotAnAccessToken, Value("typ", "Offline"), "this is an offline token: send the access token"),
    anyone(
        NotAnAccessToken,
        ScopesIn(&["roles"]),
        "the token has roles, which are not among scope_claims: add the claim if a role is worth a scope",
    ),
    anyone(
        NotAnAccessToken,
        ScopesIn(&["realm_access", "roles"]),
        "the token has realm_access.roles, which are not among scope_claims: add the path if a role is worth a scope",
    ),
    of(
        "keycloak",
        WrongAudience,
        Audience("account"),
        "Keycloak names account where no mapper says otherwise: add an audience mapper with the resource to a client \
         scope",
    ),
    of(
        "okta",
        WrongAudience,
        Audience("api://default"),
        "the audience with which Okta's authorization server default begins: set it to the resource, or list it in \
         additional_audiences",
    ),
    of(
        "workos",
        WrongAudience,
        AudienceBegins("client_"),
        "WorkOS names its environment unless the resource is among its MCP resource indicators and the client sends it",
    ),
    of(
        "adfs",
        WrongAudience,
        Audience("urn:microsoft:userinfo"),
        "AD FS names its user info endpoint when a request names no resource: let clients send the resource parameter",
    ),
    of(
        "auth0",
        WrongAudience,
        AudienceEnds("/userinfo"),
        "the token is for Auth0's user info endpoint alone: the request named no API",
    ),
    anyone(
        WrongAudience,
        AudienceBut(Difference::SlashAtEnd),
        "aud and the resource differ by a slash at the end: write the same in both places, or list the other in \
         additional_audiences",
    ),
    anyone(
        WrongAudience,
        AudienceBut(Difference::Case),
        "aud and the resource differ by upper and lower case: write the same in both places",
    ),
    anyone(
        WrongAudience,
        AudienceBut(Difference::Scheme),
        "aud and the resource differ by http and https: configure the URL that clients use",
    ),
    anyone(
        WrongAudience,
        AudienceIsOrigin,
        "aud is the origin of the resource, without its path: have clients ask for the whole URL, or list the origin in \
         additional_audiences",
    ),
    of(
        "entra",
        WrongAudience,
        Product,
        "Entra's version 2.0 names the API by its application (client) id: list that in additional_audiences",
    ),
    of(
        "entra_v1",
        WrongAudience,
        Product,
        "Entra's version 1.0 names the API by its application id URI, or by its client id, as the client asked: list \
         each that you accept in additional_audiences",
    ),
    of(
        "descope",
        WrongAudience,
        Product,
        "Descope names the MCP server by the URL in its console: set it to the resource",
    ),
    anyone(
        WrongAudience,
        AudienceIsClient,
        "aud is the client itself: the request named no resource, or this is an ID token",
    ),
    anyone(
        Expired,
        Within(300),
        "it has expired a short while ago, and the client should get a new one; if that befalls fresh tokens, compare the \
         clocks",
    ),
    anyone(
        NotYetValid,
        Ahead(100_000_000_000),
        "times of a token are seconds since 1970, and these seem to be milliseconds: have the issuer correct them",
    ),
    anyone(
        NotYetValid,
        Within(300),
        "the clocks of this machine and of the authorization server differ: correct them, or raise leeway_seconds",
    ),
    of(
        "cognito",
        InsufficientScope,
        Granted("aws.cognito.signin.user.admin"),
        "a sign-in by Cognito's API instead of its login pages, which gives this scope and no others",
    ),
    anyone(
        InsufficientScope,
        ShortScopes,
        "the token has the scope in a short form: set scope_prefix of the authorization server",
    ),
    anyone(
        InsufficientScope,
        LongScopes,
        "the token has the scope in a long form: need it in that form, which is the one that clients ask for",
    ),
    anyone(
        InsufficientScope,
        ScopeBut(Difference::Case),
        "a scope of the token and a needed one differ by upper and lower case: write it as the token has it",
    ),
    of(
        "entra",
        InsufficientScope,
        ScopesIn(&["roles"]),
        "an application without a user has roles and no scopes: add roles to scope_claims if a role is worth a scope",
    ),
    anyone(
        InsufficientScope,
        ScopesIn(&["scp"]),
        "the token has scopes in scp, which is not among scope_claims",
    ),
    anyone(
        InsufficientScope,
        ScopesIn(&["permissions"]),
        "the token has permissions, which are not among scope_claims: add the claim if a permission is worth a scope",
    ),
    anyone(
        InsufficientScope,
        ScopesIn(&["roles"]),
        "the token has roles, which are not among scope_claims: add the claim if a role is worth a scope",
    ),
    anyone(
        InsufficientScope,
        ScopesIn(&["realm_access", "roles"]),
        "the token has realm_access.roles, which are not among scope_claims: add the path if a role is worth a scope",
    ),
];
