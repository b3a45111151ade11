/* Makes every exported function panic, one after the other: each answers as the header says, and the process goes on.
 * Needs the library with test hooks. Arguments: a configuration, and an Authorization value that it accepts. Prints the
 * names of the functions.
 */
#include <scopegate.h>

#include "expect.h"

void scopegate_test_hooks_panic_in(const char *entry);

static scopegate_server *server;
static scopegate_token *token;
static scopegate_response *refusal;
static scopegate_error *mistake;
static scopegate_report *report;
static scopegate_request request = SCOPEGATE_REQUEST_INIT;
static scopegate_str authorization;

static void begin(const char *entry) {
  puts(entry);
  scopegate_test_hooks_panic_in(entry);
}

static void end(void) { scopegate_test_hooks_panic_in(NULL); }

/* A function that reads a handle gives the value for NULL. */
#define READS_TEXT(entry, call) \
  do {                          \
    scopegate_str text;         \
    begin(#entry);              \
    text = entry call;          \
    end();                      \
    EXPECT(text.data == NULL);  \
    EXPECT(text.len == 0);      \
  } while (0)

#define READS(entry, call, value)   \
  do {                              \
    begin(#entry);                  \
    EXPECT(entry call == (value));  \
    end();                          \
  } while (0)

/* A function that frees does so all the same. */
#define FREES(entry, handle) \
  do {                       \
    begin(#entry);           \
    entry(handle);           \
    end();                   \
  } while (0)

/* A function that refuses has its 500 ready. */
#define REFUSES(entry, call)                                    \
  do {                                                          \
    scopegate_response *answer = NULL;                          \
    begin(#entry);                                              \
    EXPECT(entry call == SCOPEGATE_PANIC);                      \
    end();                                                      \
    is_internal_error(answer);                                  \
    scopegate_response_free(answer);                            \
  } while (0)

/* A function that may have a document to send has the 500 to send: no program goes on with the request. */
#define SENDS(entry, call)                   \
  do {                                       \
    scopegate_response *answer = NULL;       \
    begin(#entry);                           \
    EXPECT(entry call == SCOPEGATE_OK);      \
    end();                                   \
    is_internal_error(answer);               \
    scopegate_response_free(answer);         \
  } while (0)

/* A function that reports has an error. */
#define REPORTS(entry, call)                                             \
  do {                                                                   \
    scopegate_error *error = NULL;                                       \
    begin(#entry);                                                       \
    EXPECT(entry call == SCOPEGATE_PANIC);                               \
    end();                                                               \
    EXPECT(IS(scopegate_error_path_at(error, 0), #entry));               \
    EXPECT(IS(scopegate_error_message_at(error, 0), "a panic was caught")); \
    scopegate_error_free(error);                                         \
  } while (0)

static void is_internal_error(const scopegate_response *answer) {
  EXPECT(scopegate_response_status(answer) == 500);
  EXPECT(scopegate_response_code(answer) == SCOPEGATE_INTERNAL);
  EXPECT(IS(scopegate_response_body(answer), "{\"error\":\"server_error\",\"error_description\":\"Internal error\"}"));
  EXPECT(strncmp(scopegate_response_http1(answer).data, "HTTP/1.1 500 Internal Server Error\r\n", 36) == 0);
}

static void serves(void) {
  scopegate_response *answer = NULL;
  scopegate_token *verified = NULL;
  EXPECT(scopegate_server_authorize(server, &request, &verified, &answer) == SCOPEGATE_OK);
  EXPECT(IS(scopegate_token_subject(verified), "user"));
  scopegate_token_free(verified);
}

static void begin_handles(const char *config) {
  scopegate_request anonymous = SCOPEGATE_REQUEST_INIT;
  EXPECT(scopegate_server_new(SCOPEGATE_ABI, config, strlen(config), &server, NULL) == SCOPEGATE_OK);
  EXPECT(scopegate_server_authorize(server, &request, &token, &refusal) == SCOPEGATE_OK);
  EXPECT(scopegate_server_authorize(server, &anonymous, &token, &refusal) == SCOPEGATE_MISSING_TOKEN);
  EXPECT(scopegate_server_new(SCOPEGATE_ABI, "{", 1, &server, &mistake) == SCOPEGATE_INVALID_ARGUMENT);
  EXPECT(scopegate_server_stats(server, &report, NULL) == SCOPEGATE_OK);
}

static void texts_and_statuses(void) {
  READS(scopegate_abi, (), SCOPEGATE_ABI);
  READS_TEXT(scopegate_version, ());
  READS_TEXT(scopegate_status_name, (SCOPEGATE_OK));
  READS_TEXT(scopegate_str_from, ("text"));
}

static void servers(const char *config) {
  scopegate_server *other = NULL;
  scopegate_report *declared = NULL;
  REPORTS(scopegate_server_new, (SCOPEGATE_ABI, config, strlen(config), &other, &error));
  REPORTS(scopegate_server_open, (SCOPEGATE_ABI, "scopegate.json", &other, &error));
  REPORTS(scopegate_server_from_env, (SCOPEGATE_ABI, config, strlen(config), &other, &error));
  REPORTS(scopegate_server_derive, (server, "{}", 2, &other, &error));
  REPORTS(scopegate_server_declare, (server, "[]", 2, &other, &declared, &error));
  EXPECT(other == NULL && declared == NULL);
  READS(scopegate_server_ref, (server), NULL);
  READS_TEXT(scopegate_server_resource, (server));
  READS_TEXT(scopegate_server_hostname, (server));
  READS_TEXT(scopegate_server_origin, (server));
  READS_TEXT(scopegate_server_path, (server));
  READS_TEXT(scopegate_server_metadata_url, (server));
  READS(scopegate_server_leeway_seconds, (server), 0);
  READS(scopegate_server_body_limit, (server), 0);
  READS(scopegate_server_warning_count, (server), 0);
  READS_TEXT(scopegate_server_warning_at, (server, 0));
}

static void verdicts(void) {
  scopegate_key_request *wanted = NULL;
  scopegate_token *verified = NULL;
  scopegate_report *calls = NULL;
  scopegate_kept_token kept = { SCOPEGATE_STR("issuer"), { NULL, 0 }, { NULL, 0 }, { NULL, 0 }, { NULL, 0 } };
  size_t limit = 7;
  REFUSES(scopegate_server_authorize, (server, &request, &verified, &answer));
  REFUSES(scopegate_server_check, (server, &request, &verified, &wanted, &limit, &answer));
  REFUSES(scopegate_server_check_after, (server, &request, wanted, &verified, &limit, &answer));
  REFUSES(scopegate_server_require, (server, token, &request, &answer));
  REFUSES(scopegate_server_require_kept, (server, &kept, &request, &answer));
  REFUSES(scopegate_server_calls, (server, &request, &calls, &answer));
  REFUSES(scopegate_server_explain, (server, &request, &calls, &calls, &answer));
  REFUSES(scopegate_server_internal_error, (server, &request, scopegate_str_from("a fault"), &answer));
  READS(scopegate_server_allowed, (server, token, SCOPEGATE_TOOL, scopegate_str_from("weather")), SCOPEGATE_PANIC);
  READS(scopegate_server_allowed_kept, (server, &kept, SCOPEGATE_TOOL, scopegate_str_from("weather")), SCOPEGATE_PANIC);
  SENDS(scopegate_server_well_known, (server, &request, &answer));
  SENDS(scopegate_server_not_found, (server, &request, &answer));
  SENDS(scopegate_server_health_response, (server, &request, &answer));
  SENDS(scopegate_server_metrics_response, (server, &request, &answer));
  EXPECT(verified == NULL && calls == NULL && wanted == NULL && limit == 7);
}

static void keys(void) {
  scopegate_str issuer = scopegate_str_from("https://issuer.test");
  READS(scopegate_key_request_source, (NULL), 0);
  READS(scopegate_key_request_longest_wait_ms, (NULL), 0);
  REPORTS(scopegate_server_refresh, (server, NULL, &error));
  REPORTS(scopegate_server_start_refresh, (server, NULL, &error));
  REPORTS(scopegate_server_warm_up, (server, &error));
  FREES(scopegate_key_request_free, NULL);
  REPORTS(scopegate_server_distrust_key, (server, issuer, issuer, &error));
  REPORTS(scopegate_server_replace_keys, (server, issuer, issuer, &error));
  REPORTS(scopegate_server_resume, (server, issuer, &error));
}

static void tokens(void) {
  READS_TEXT(scopegate_token_issuer, (token));
  READS_TEXT(scopegate_token_subject, (token));
  READS_TEXT(scopegate_token_client_id, (token));
  READS(scopegate_token_scope_count, (token), 0);
  READS_TEXT(scopegate_token_scope_at, (token, 0));
  READS(scopegate_token_effective_scope_count, (token), 0);
  READS_TEXT(scopegate_token_effective_scope_at, (token, 0));
  READS(scopegate_token_audience_count, (token), 0);
  READS_TEXT(scopegate_token_audience_at, (token, 0));
  READS_TEXT(scopegate_token_resource, (token));
  READS(scopegate_token_expires_at, (token), 0);
  READS(scopegate_token_issued_at, (token), -1);
  READS(scopegate_token_verification, (token), 0);
  READS_TEXT(scopegate_token_id, (token));
  READS_TEXT(scopegate_token_principal, (token));
  READS_TEXT(scopegate_token_claims, (token));
}

static void responses(void) {
  READS(scopegate_response_status, (refusal), 0);
  READS(scopegate_response_header_count, (refusal), 0);
  READS_TEXT(scopegate_response_header_name_at, (refusal, 0));
  READS_TEXT(scopegate_response_header_value_at, (refusal, 0));
  READS_TEXT(scopegate_response_body, (refusal));
  READS_TEXT(scopegate_response_http1, (refusal));
  READS(scopegate_response_code, (refusal), SCOPEGATE_NULL_ARGUMENT);
  READS_TEXT(scopegate_response_reason, (refusal));
  READS_TEXT(scopegate_response_detail, (refusal));
}

static void reports_and_errors(void) {
  scopegate_report *none = NULL;
  REPORTS(scopegate_server_stats, (server, &none, &error));
  REPORTS(scopegate_server_health, (server, &none, &error));
  REPORTS(scopegate_server_metrics, (server, &none, &error));
  REPORTS(scopegate_server_drain_events, (server, &none, &error));
  REPORTS(scopegate_server_export_keys, (server, &none, &error));
  REPORTS(scopegate_server_drain_events, (server, &none, &error));
  REPORTS(scopegate_server_metrics, (server, &none, &error));
  EXPECT(none == NULL);
  READS_TEXT(scopegate_report_text, (report));
  READS_TEXT(scopegate_error_message, (mistake));
  READS(scopegate_error_count, (mistake), 0);
  READS_TEXT(scopegate_error_path_at, (mistake, 0));
  READS_TEXT(scopegate_error_message_at, (mistake, 0));
}

/* A panic while the answer to a panic is made: the last answer needs no server. */
static void panic_twice(void) {
  scopegate_response *answer = NULL;
  scopegate_test_hooks_panic_in("");
  EXPECT(scopegate_server_authorize(server, NULL, &token, &answer) == SCOPEGATE_NULL_ARGUMENT);
  end();
  is_internal_error(answer);
  scopegate_response_free(answer);
}

static void frees(void) {
  FREES(scopegate_token_free, token);
  FREES(scopegate_response_free, refusal);
  FREES(scopegate_error_free, mistake);
  FREES(scopegate_report_free, report);
  FREES(scopegate_server_free, server);
}

int main(int argc, char **argv) {
  EXPECT(argc == 3);
  authorization = scopegate_str_from(argv[2]);
  request.authorization = &authorization;
  request.authorization_count = 1;
  begin_handles(argv[1]);
  texts_and_statuses();
  servers(argv[1]);
  verdicts();
  keys();
  tokens();
  responses();
  reports_and_errors();
  panic_twice();
  serves();
  frees();
  return 0;
}
