//! T10, T18: what the largest and oddest tokens make us allocate. In a program of its own, since the allocator counts for
//! all threads.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use peak_alloc::PeakAlloc;
use scopegate_core::testing::Issuer;
use scopegate_core::{Reason, Request, ResourceServer};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const RESOURCE: &str = "https://mcp.test/mcp";
const KIB: usize = 1024;

/// Why a credential is refused, and how many bytes were held at most while it was judged.
fn judge(server: &ResourceServer, credential: &str) -> (Reason, usize) {
    let line = format!("Bearer {credential}");
    let lines = [line.as_bytes()];
    let request = Request::new("POST", "/mcp").authorization(&lines);
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let refused = server.authorize(&request).expect_err("no good token");
    (refused.reason(), MEMORY.peak_usage().saturating_sub(before))
}

fn with_header(header: &str) -> String {
    format!("{}.e30.AA", URL_SAFE_NO_PAD.encode(header))
}

#[test]
fn t18_t10_a_bad_token_costs_little_memory_whatever_its_size() {
    let issuer = Issuer::new(RESOURCE);
    let config = format!(r#"{{"resource":"{RESOURCE}","authorization_servers":[{}]}}"#, issuer.server());
    let server = ResourceServer::from_json(&config).expect("a configuration");
    judge(&server, "first");
    // Over the limit of a token: nothing is made that grows with it.
    let over: Vec<usize> = [16_385, 1 << 20, 16 << 20]
        .into_iter()
        .map(|length| {
            let (reason, held) = judge(&server, &".".repeat(length));
            assert_eq!(reason, Reason::TokenTooLarge, "{length}");
            held
        })
        .collect();
    assert!(over.iter().all(|held| *held == over[0] && *held < 4 * KIB), "{over:?}");
    let huge_kid = with_header(&format!(r#"{{"alg":"ES256","kid":"{}"}}"#, "k".repeat(1 << 20)));
    assert_eq!(judge(&server, &huge_kid), (Reason::TokenTooLarge, over[0]));
    // Within it: dots, a header that is all key identifier, lists and members without number.
    for (token, reason) in [
        (".".repeat(16_384), Reason::MalformedToken),
        ("A".repeat(16_384), Reason::MalformedToken),
        (
            with_header(&format!(r#"{{"alg":"ES256","kid":"{}"}}"#, "k".repeat(12_000))),
            Reason::MalformedToken,
        ),
        (with_header(&format!(r#"{{"alg":"ES256","kid":"{}"}}"#, "k".repeat(256))), Reason::MissingClaim),
        (with_header(&format!(r#"{{"alg":"ES256","x":[{}1]}}"#, "1,".repeat(2_000))), Reason::MissingClaim),
        (
            with_header(&format!(r#"{{"alg":"ES256","x":[{}]}}"#, ["[]"; 1_300].join(","))),
            Reason::MissingClaim,
        ),
        (format!("e30.{}.AA", URL_SAFE_NO_PAD.encode("{".repeat(12_000))), Reason::MalformedToken),
        (
            format!(
                "eyJhbGciOiJFUzI1NiJ9.{}.AA",
                URL_SAFE_NO_PAD.encode(format!("[{}1]", "1,".repeat(6_000)))
            ),
            Reason::MalformedToken,
        ),
    ] {
        let (found, held) = judge(&server, &token);
        assert_eq!(found, reason, "{}", &token[..40]);
        assert!(held < 1024 * KIB, "{held} bytes for {}", &token[..40]);
    }
}
