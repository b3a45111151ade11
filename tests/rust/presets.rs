//! Presets and their pages: `docs/issuers/README.md` is made from the core's table (`UPDATE_DOCS=1` rewrites it), each
//! page's configuration is a good one, and keys are found where the issuer has them.

use scopegate_core::testing::Issuer;
use scopegate_core::{Preset, PresetMember, PresetWant, Reason, Request, ResourceServer};
use scopegate_stub::{Answer, Stub};
use scopegate_tests::repository;
use serde_json::{Value, json};

const RESOURCE: &str = "https://mcp.test/mcp";
const TENANT: &str = "11111111-2222-3333-4444-555555555555";

#[test]
fn page_of_presets_is_that_of_the_table() {
    let page = page();
    let path = repository().join("docs/issuers/README.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).expect("a writable file");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == page, "docs/issuers/README.md is stale: run with UPDATE_DOCS=1");
}

#[test]
fn every_configuration_on_a_page_is_a_good_one() {
    for preset in Preset::ALL {
        let page = repository().join(format!("docs/issuers/{}.md", preset.name));
        let text = std::fs::read_to_string(&page).expect("every preset has its page");
        let blocks: Vec<&str> = text
            .split("```json\n")
            .skip(1)
            .map(|rest| rest.split("```").next().unwrap_or_default())
            .collect();
        assert!(!blocks.is_empty(), "{}", preset.name);
        for (index, block) in blocks.iter().enumerate() {
            let made = ResourceServer::from_json(block);
            assert!(made.is_ok(), "{} {index}: {:?}", preset.name, made.err());
            let names_it = block.contains(&format!("\"preset\": \"{}\"", preset.name));
            assert!(names_it || index > 0, "{}: the first block uses the preset", preset.name);
        }
    }
}

#[test]
fn every_page_says_that_no_live_issuer_was_tried() {
    for preset in Preset::ALL {
        let page = repository().join(format!("docs/issuers/{}.md", preset.name));
        let text = std::fs::read_to_string(&page).expect("every preset has its page");
        assert!(text.contains("Never tried against a live"), "{}", preset.name);
    }
}

/// Token shapes of each preset in the vectors: those that are accepted, and those that are refused. A token that meets two
/// presets at once counts for the first.
const SHAPES: &[(&str, usize, usize)] = &[
    ("scalekit", 7, 12),
    ("entra", 8, 23),
    ("entra_v1", 6, 16),
    ("cognito", 4, 10),
    ("okta", 2, 5),
    ("keycloak", 10, 21),
    ("auth0", 4, 6),
    ("workos", 2, 5),
    ("descope", 1, 5),
    ("authentik", 1, 8),
    ("adfs", 1, 5),
];

#[test]
fn every_preset_meets_its_tokens_and_no_fewer_refused_ones_than_its_page_names() {
    let vectors = std::fs::read(repository().join("tests/vectors/presets.json")).expect("the vectors");
    let vectors: Value = serde_json::from_slice(&vectors).expect("JSON");
    let mut found: Vec<(&str, usize, usize)> = Preset::ALL.iter().map(|preset| (preset.name, 0, 0)).collect();
    for group in vectors["groups"].as_array().expect("groups") {
        let preset = group["config"]["authorization_servers"][0]["preset"].as_str().expect("a preset");
        let row = found.iter_mut().find(|(name, ..)| *name == preset).expect("a known preset");
        for case in group["cases"].as_array().expect("cases") {
            row.1 += usize::from(case["expect"]["token"].is_object());
            row.2 += usize::from(case["expect"]["reason"].is_string());
        }
    }
    assert_eq!(found, SHAPES);
    for (preset, _, refused) in found {
        let page = repository().join(format!("docs/issuers/{preset}.md"));
        let text = std::fs::read_to_string(&page).expect("every preset has its page");
        let section = text.split("## What is refused").nth(1).expect("what is refused");
        let section = section.split("\n## ").next().unwrap_or_default();
        let rows = section.lines().filter(|line| line.starts_with("| ")).count() - 1; // without its head
        assert!(rows > 0 && refused >= rows, "{preset}: {refused} refused shapes, {rows} on the page");
    }
}

/// Each preset with the path of an issuer, of its metadata (none where the key set's URL is known) and of its keys.
const PLACES: &[(&str, &str, Option<&str>)] = &[
    ("scalekit", "/resources/res_1", None),
    ("entra", "/{tenant}/v2.0", Some("/{tenant}/v2.0/.well-known/openid-configuration")),
    ("entra_v1", "/{tenant}/", Some("/{tenant}/.well-known/openid-configuration")),
    ("cognito", "/eu-west-1_Pool1", Some("/eu-west-1_Pool1/.well-known/openid-configuration")),
    ("okta", "/oauth2/default", Some("/oauth2/default/.well-known/openid-configuration")),
    ("keycloak", "/auth/realms/main", Some("/auth/realms/main/.well-known/openid-configuration")),
    ("auth0", "/", Some("/.well-known/openid-configuration")),
    ("workos", "", Some("/.well-known/oauth-authorization-server")),
    ("descope", "/v1/apps/agentic/P1/MS1", Some("/v1/apps/agentic/P1/MS1/.well-known/openid-configuration")),
    ("authentik", "/application/o/mcp/", Some("/application/o/mcp/.well-known/openid-configuration")),
    ("adfs", "/adfs/services/trust", Some("/adfs/.well-known/openid-configuration")),
];

#[test]
fn keys_of_every_preset_are_found_where_its_issuer_has_them() {
    assert_eq!(PLACES.len(), Preset::ALL.len());
    for (preset, issuer, metadata) in PLACES {
        // AD FS names itself with http and is asked with https.
        let is_tls = *preset == "adfs";
        let stub = if is_tls { Stub::start_tls() } else { Stub::start() }.expect("a free port");
        let issuer =
            format!("{}{issuer}", stub.origin().replace("https:", "http:")).replace("{tenant}", TENANT);
        let metadata = metadata.map(|path| path.replace("{tenant}", TENANT));
        let document = json!({
            "issuer": if is_tls { stub.url("/adfs") } else { issuer.clone() }, "jwks_uri": stub.url("/keys"),
        });
        if let Some(path) = &metadata {
            stub.answer(path, Answer::ok(document.to_string()));
        }
        let entry: Value =
            serde_json::from_str(&Issuer::new("https://mcp.test/mcp").server()).expect("an entry");
        stub.answer("/keys", Answer::ok(entry["jwks"].to_string()));
        let server = json!({
            "issuer": issuer, "preset": preset, "algorithms": ["ES256"], "additional_audiences": ["x"],
            "scope_prefix": "api://x/", "required_claims": {}, "advertise": "https://as.test",
        });
        let http = json!({"ca_pem": stub.ca_pem()});
        let configuration = json!({
            "resource": "https://mcp.test/mcp", "authorization_servers": [server], "http": http, "required_scopes": ["a"],
        });
        let gate = ResourceServer::from_json(&configuration.to_string()).expect(preset);
        assert!(gate.warm_up().is_ok(), "{preset}");
        let asked: Vec<String> = stub.received().iter().map(|request| request.path().to_owned()).collect();
        assert_eq!(asked, [metadata, Some("/keys".to_owned())].into_iter().flatten().collect::<Vec<_>>());
    }
}

#[test]
fn preset_completes_each_tenant_of_a_template() {
    let stub = Stub::start().expect("a free port");
    let entry: Value = serde_json::from_str(&Issuer::new("https://mcp.test/mcp").server()).expect("an entry");
    stub.answer("/keys", Answer::ok(entry["jwks"].to_string()));
    let tenants = [TENANT, "99999999-2222-3333-4444-555555555555"];
    for tenant in tenants {
        let issuer = stub.url(&format!("/{tenant}/v2.0"));
        let document = json!({"issuer": issuer, "jwks_uri": stub.url("/keys")});
        let path = format!("/{tenant}/v2.0/.well-known/openid-configuration");
        stub.answer(&path, Answer::ok(document.to_string()));
    }
    let server = json!({
        "issuer": stub.url("/{tenant}/v2.0"), "tenants": tenants, "preset": "entra", "algorithms": ["ES256"],
        "additional_audiences": ["x"], "scope_prefix": "api://x/",
    });
    let configuration = json!({
        "resource": "https://mcp.test/mcp", "authorization_servers": [server], "required_scopes": ["api://x/read"],
    });
    let gate = ResourceServer::from_json(&configuration.to_string()).expect("a configuration");
    assert!(gate.warm_up().is_ok());
    for tenant in tenants {
        assert_eq!(stub.count(&format!("/{tenant}/v2.0/.well-known/openid-configuration")), 1, "{tenant}");
    }
    assert_eq!(stub.received().len(), 4);
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    for preset in Preset::ALL {
        let wants: Vec<String> = preset.wants.iter().map(members).collect();
        page.push_str(&format!(
            "| [`{0}`]({0}.md) | {1} | `{2}` | {3} |\n",
            preset.name,
            preset.product,
            preset.issuer,
            if wants.is_empty() { "nothing".to_owned() } else { wants.join("; ") }
        ));
    }
    page.push_str(SETS);
    for preset in Preset::ALL {
        page.push_str(&format!("\n### {}\n\n{}", preset.name, settings(preset)));
    }
    page.push_str("\n## What cannot work\n\n");
    for (name, reason) in Preset::IMPOSSIBLE {
        page.push_str(&format!(
            "- `{name}`: {reason}. Choosing the name is a configuration error that says so.\n"
        ));
    }
    page
}

fn members(want: &PresetWant) -> String {
    let names: Vec<String> =
        want.one_of.iter().copied().map(PresetMember::name).map(|name| format!("`{name}`")).collect();
    names.join(" or ")
}

/// What a preset sets, member by member, as it would stand in a configuration.
fn settings(preset: &Preset) -> String {
    let mut lines = String::new();
    let mut line = |name: &str, value: Value| lines.push_str(&format!("- `{name}`: `{value}`\n"));
    if !preset.further_issuers.is_empty() {
        line("issuer, further ones", json!(preset.further_issuers));
    }
    let forms = [
        ("discovery_url", preset.discovery_url),
        ("jwks_uri", preset.jwks_uri),
        ("metadata_issuer", preset.metadata_issuer),
        ("advertise", preset.advertise),
    ];
    for (name, form) in forms {
        if let Some(form) = form {
            line(name, json!(form));
        }
    }
    let algorithms: Vec<_> = preset.algorithms.iter().map(|algorithm| algorithm.name()).collect();
    line("algorithms", json!(algorithms));
    let format = format!("{:?}", preset.token_format).to_lowercase();
    line("token_format", json!(format));
    if !preset.additional_audiences.is_empty() {
        line("additional_audiences", json!(preset.additional_audiences));
    }
    line("scope_claims", json!(preset.scope_claims));
    line("client_id_claims", json!(preset.client_id_claims));
    if !preset.required_claims.is_empty() {
        let required: serde_json::Map<_, _> =
            preset.required_claims.iter().map(|(claim, value)| ((*claim).to_owned(), json!(value))).collect();
        line("required_claims", json!(required));
    }
    lines
}

const HEAD: &str = "# Issuers

`preset` of an authorization server stands for what the tokens of an issuer are like: where they say their scopes and their
client, what tells them from its ID tokens, where its keys are.

```json
{\"resource\": \"https://mcp.example.com/mcp\",
 \"authorization_servers\": [{\"issuer\": \"https://sso.example.com/realms/main\", \"preset\": \"keycloak\"}]}
```

A preset is data and no code: it fills in members that were not given, and one that is given beside it replaces the preset's, an
empty one too. What a preset cannot know must be given; the configuration error names the member and what is expected there. An
issuer that is not of the preset's form is an error that says what is often taken for it.

**Never tried against a live issuer.** The facts are from the documentation and the code of the products, as far as a stored copy
of them was at hand; each page says which, and what nobody has looked up. The tokens in `tests/vectors/presets.json` are made in
these shapes, accepted ones and those that are taken for them, and signed with test keys.

| preset | tokens of | `issuer` | also to be given |
|---|---|---|---|
";

const SETS: &str = "
Where several members stand with *or*, one of them is enough. `required_scopes` and `policy` are members of the configuration, the
others of the authorization server.

## What each preset sets

`{host}` and its like stand for that part of the configured issuer; `{base}` is a host with or without a path.
";

#[test]
fn keys_of_each_tenant_of_a_preset_are_its_own() {
    let stub = Stub::start().expect("a free port");
    let tenants =
        [TENANT, "66666666-7777-8888-9999-000000000000"].map(|tenant| (tenant, Issuer::new(RESOURCE)));
    let own = |tenant: &str| stub.url(&format!("/{tenant}/v2.0"));
    for (tenant, issuer) in &tenants {
        let keys = format!("/{tenant}/discovery/v2.0/keys");
        let metadata = json!({"issuer": own(tenant), "jwks_uri": stub.url(&keys)}).to_string();
        let entry: Value = serde_json::from_str(&issuer.server()).expect("JSON");
        stub.answer(&format!("/{tenant}/v2.0/.well-known/openid-configuration"), Answer::ok(metadata));
        stub.answer(&keys, Answer::ok(entry["jwks"].to_string()));
    }
    let entry = json!({
        "issuer": own("{tenant}"), "tenants": tenants.each_ref().map(|(tenant, _)| tenant),
        "preset": "entra", "algorithms": ["ES256"], "additional_audiences": ["api"], "scope_prefix": "api://api/",
    });
    let scopes = ["api://api/mcp.read"];
    let config = json!({"resource": RESOURCE, "authorization_servers": [entry], "required_scopes": scopes});
    let server = ResourceServer::from_json(&config.to_string()).expect("a configuration");
    let reason = |tenant: &str, signer: &Issuer| {
        let claims =
            json!({"iss": own(tenant), "tid": tenant, "ver": "2.0", "azp": "app", "scp": "mcp.read"});
        let line = signer.authorization(&claims);
        let lines = [line.as_bytes()];
        server
            .authorize(&Request::new("GET", "/mcp").authorization(&lines))
            .err()
            .map(|refusal| refusal.reason())
    };
    let [(first, of_first), (second, of_second)] = &tenants;
    assert_eq!((reason(first, of_first), reason(second, of_second)), (None, None));
    assert_eq!(reason("99999999-2222-3333-4444-555555555555", of_first), Some(Reason::UntrustedIssuer));
    // Last, since they may have the keys fetched again in the background.
    assert_eq!(reason(second, of_first), Some(Reason::BadSignature));
    assert_eq!(reason(first, of_second), Some(Reason::BadSignature));
}
