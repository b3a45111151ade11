//! The presets. Where each fact is from stands in `docs/issuers/`.

use super::{Preset, PresetMember, PresetWant};
use crate::config::TokenFormat;
use crate::keys::algorithm::Algorithm;

/// What most of them share; each says for itself what is not so.
const BASE: Preset = Preset {
    name: "",
    product: "",
    issuer: "",
    issuer_hint: "",
    further_issuers: &[],
    discovery_url: None,
    metadata_issuer: None,
    advertise: None,
    jwks_uri: None,
    algorithms: &[Algorithm::RS256],
    token_format: TokenFormat::Generic,
    additional_audiences: &[],
    scope_claims: &["scope"],
    client_id_claims: &["client_id"],
    required_claims: &[],
    wants: &[],
};

pub(super) const PRESETS: &[Preset] = &[
    Preset {
        name: "scalekit",
        product: "Scalekit, MCP servers",
        issuer: "https://{host}/resources/{resource id}",
        issuer_hint: "the environment's URL, /resources/ and the id of the MCP server, res_ and a number",
        further_issuers: &["https://{host}"],
        jwks_uri: Some("https://{host}/keys"),
        additional_audiences: &["{resource id}"],
        scope_claims: &["scopes", "scope"],
        ..BASE
    },
    Preset {
        name: "entra",
        product: "Microsoft Entra ID, access tokens of version 2.0",
        issuer: "https://{host}/{tenant id}/v2.0",
        issuer_hint: "the tenant id is a GUID in lower case, not common, organizations or a domain name; tokens of \
                      https://sts.windows.net/ are for entra_v1",
        discovery_url: Some("https://{host}/{tenant id}/v2.0/.well-known/openid-configuration"),
        scope_claims: &["scp"],
        client_id_claims: &["azp"],
        required_claims: &[("ver", "2.0")],
        wants: &[
            PresetWant {
                one_of: &[PresetMember::AdditionalAudiences],
                expected: "the application (client) id of the API's registration, which is the aud of version 2.0",
            },
            ENTRA_SCOPE_PREFIX,
            ENTRA_RESTRICTION,
        ],
        ..BASE
    },
    Preset {
        name: "entra_v1",
        product: "Microsoft Entra ID, access tokens of version 1.0",
        issuer: "https://{host}/{tenant id}/",
        issuer_hint: "https://sts.windows.net/, the tenant id (a GUID in lower case) and a slash; tokens of \
                      https://login.microsoftonline.com/ are for entra",
        discovery_url: Some("https://{host}/{tenant id}/.well-known/openid-configuration"),
        advertise: Some("https://login.microsoftonline.com/{tenant id}/v2.0"),
        scope_claims: &["scp"],
        client_id_claims: &["appid"],
        required_claims: &[("ver", "1.0")],
        wants: &[
            PresetWant {
                one_of: &[PresetMember::AdditionalAudiences],
                expected: "the application id URI of the API's registration, which is the aud of version 1.0; [] where \
                           it is the resource",
            },
            ENTRA_SCOPE_PREFIX,
            ENTRA_RESTRICTION,
        ],
        ..BASE
    },
    Preset {
        name: "cognito",
        product: "Amazon Cognito user pools",
        issuer: "https://{host}/{pool id}",
        issuer_hint: "https://cognito-idp.<region>.amazonaws.com/ and the id of the user pool, not the domain of its login \
                      pages",
        discovery_url: Some("https://{host}/{pool id}/.well-known/openid-configuration"),
        required_claims: &[("token_use", "access")],
        wants: &[PresetWant {
            one_of: &[PresetMember::UnsafeClientAudience, PresetMember::RequiredClaims],
            expected: "{\"claim\": \"client_id\", \"values\": [..]} with the ids of the app clients, since tokens without \
                       resource binding have no aud; or, where all have one, required_claims with token_use and client_id",
        }],
        ..BASE
    },
    Preset {
        name: "okta",
        product: "Okta custom authorization servers",
        issuer: "https://{host}/oauth2/{server id}",
        issuer_hint: "the issuer of a custom authorization server; tokens of the org authorization server, https://{host}, \
                      are for Okta alone",
        discovery_url: Some("https://{host}/oauth2/{server id}/.well-known/openid-configuration"),
        scope_claims: &["scp"],
        client_id_claims: &["cid"],
        ..BASE
    },
    Preset {
        name: "keycloak",
        product: "Keycloak",
        issuer: "https://{base}/realms/{realm}",
        issuer_hint: "the realm's URL as the tokens have it, without a slash at its end",
        discovery_url: Some("https://{base}/realms/{realm}/.well-known/openid-configuration"),
        algorithms: &[Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA],
        client_id_claims: &["azp"],
        required_claims: &[("typ", "Bearer")],
        ..BASE
    },
    Preset {
        name: "auth0",
        product: "Auth0",
        issuer: "https://{host}/",
        issuer_hint: "the tenant's domain or custom domain, with a slash at its end",
        discovery_url: Some("https://{host}/.well-known/openid-configuration"),
        algorithms: &[Algorithm::RS256, Algorithm::PS256],
        scope_claims: &["scope", "permissions"],
        client_id_claims: &["client_id", "azp"],
        ..BASE
    },
    Preset {
        name: "workos",
        product: "WorkOS AuthKit, MCP",
        issuer: "https://{host}",
        issuer_hint: "the AuthKit domain, such as https://<name>.authkit.app, without a slash or path; session tokens of \
                      https://api.workos.com have no aud",
        client_id_claims: &["client_id", "azp"],
        ..BASE
    },
    Preset {
        name: "descope",
        product: "Descope, MCP servers",
        issuer: "https://{host}/v1/apps/agentic/{project id}/{server id}",
        issuer_hint: "the issuer of the MCP server in the console, not that of the project",
        discovery_url: Some(
            "https://{host}/v1/apps/agentic/{project id}/{server id}/.well-known/openid-configuration",
        ),
        client_id_claims: &["client_id", "azp"],
        ..BASE
    },
    Preset {
        name: "authentik",
        product: "authentik, OAuth2/OpenID providers",
        issuer: "https://{base}/",
        issuer_hint: "https://<host>/application/o/<slug>/, with a slash at its end",
        discovery_url: Some("https://{base}/.well-known/openid-configuration"),
        algorithms: &[Algorithm::RS256, Algorithm::ES256],
        client_id_claims: &["azp"],
        wants: &[
            PresetWant {
                one_of: &[PresetMember::AdditionalAudiences],
                expected: "the client id of the provider, which is the aud of its tokens",
            },
            PresetWant {
                one_of: &[PresetMember::RequiredScopes, PresetMember::Policy],
                expected: "at least one scope (or a policy), since nothing else tells access tokens from ID tokens of every version: \
                       both have the client id as aud",
            },
        ],
        ..BASE
    },
    Preset {
        name: "adfs",
        product: "AD FS 2019 and later",
        issuer: "http://{host}/adfs/services/trust",
        issuer_hint: "access_token_issuer of the discovery document, plain http as it is; issuer there is that of ID tokens",
        discovery_url: Some("https://{host}/adfs/.well-known/openid-configuration"),
        metadata_issuer: Some("https://{host}/adfs"),
        scope_claims: &["scp"],
        client_id_claims: &["appid"],
        ..BASE
    },
];

const ENTRA_SCOPE_PREFIX: PresetWant = PresetWant {
    one_of: &[PresetMember::ScopePrefix],
    expected: "the application id URI of the API's registration and a slash, such as api://<client id>/: clients must ask \
               for scopes in this form, and tokens hold them without it",
};

const ENTRA_RESTRICTION: PresetWant = PresetWant {
    one_of: &[PresetMember::RequiredScopes, PresetMember::Policy, PresetMember::RequiredClaims],
    expected: "at least one scope (or a policy, or required_claims of the server), since every application of the tenant \
               can get a token for the API without any",
};

pub(super) const IMPOSSIBLE: &[(&str, &str)] = &[
    (
        "github",
        "GitHub's access tokens are opaque, and only introspection could check them, which does not exist here yet",
    ),
    (
        "google",
        "Google's access tokens are opaque, and only introspection could check them, which does not exist here yet",
    ),
];
