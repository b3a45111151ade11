/* What a careless program does: NULL everywhere, sizes and flags that cannot be meant, handles freed in any order, one
 * server shared by many threads. Arguments: a configuration, an Authorization value that it accepts, and how often each
 * thread asks.
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <scopegate.h>
#include <stdint.h>

#include "expect.h"

enum { THREADS = 64 };

static const char *config;
static scopegate_str authorization;
static unsigned long rounds;

static scopegate_server *new_server(void) {
  scopegate_server *server = NULL;
  EXPECT(scopegate_server_new(SCOPEGATE_ABI, config, strlen(config), &server, NULL) == SCOPEGATE_OK);
  return server;
}

static scopegate_request good_request(void) {
  scopegate_request request = SCOPEGATE_REQUEST_INIT;
  request.authorization = &authorization;
  request.authorization_count = 1;
  return request;
}

static int is_absent(scopegate_str text) { return text.data == NULL && text.len == 0; }

/* The status, and with it a 500 that is ready to send. */
static void refused(scopegate_status found, scopegate_status expected, scopegate_response **answer) {
  EXPECT(found == expected);
  EXPECT(scopegate_response_status(*answer) == 500);
  EXPECT(scopegate_response_code(*answer) == SCOPEGATE_INTERNAL);
  EXPECT(scopegate_response_detail(*answer).len > 0);
  EXPECT(scopegate_response_http1(*answer).len > 0);
  scopegate_response_free(*answer);
  *answer = NULL;
}

static void null_handles(void) {
  scopegate_server_free(NULL);
  scopegate_token_free(NULL);
  scopegate_response_free(NULL);
  scopegate_error_free(NULL);
  scopegate_report_free(NULL);
  scopegate_key_request_free(NULL);
  EXPECT(scopegate_server_ref(NULL) == NULL);
  EXPECT(is_absent(scopegate_str_from(NULL)));
  EXPECT(is_absent(scopegate_server_resource(NULL)) && is_absent(scopegate_server_hostname(NULL)));
  EXPECT(is_absent(scopegate_server_origin(NULL)) && is_absent(scopegate_server_path(NULL)));
  EXPECT(is_absent(scopegate_server_metadata_url(NULL)) && is_absent(scopegate_server_warning_at(NULL, 0)));
  EXPECT(scopegate_server_warning_count(NULL) == 0 && scopegate_server_leeway_seconds(NULL) == 0);
  EXPECT(is_absent(scopegate_token_issuer(NULL)) && is_absent(scopegate_token_subject(NULL)));
  EXPECT(is_absent(scopegate_token_client_id(NULL)) && is_absent(scopegate_token_id(NULL)));
  EXPECT(is_absent(scopegate_token_resource(NULL)) && is_absent(scopegate_token_principal(NULL)));
  EXPECT(is_absent(scopegate_token_claims(NULL)) && is_absent(scopegate_token_scope_at(NULL, 0)));
  EXPECT(is_absent(scopegate_token_effective_scope_at(NULL, 0)) && is_absent(scopegate_token_audience_at(NULL, 0)));
  EXPECT(scopegate_token_scope_count(NULL) == 0 && scopegate_token_effective_scope_count(NULL) == 0);
  EXPECT(scopegate_token_audience_count(NULL) == 0 && scopegate_token_expires_at(NULL) == 0);
  EXPECT(scopegate_token_issued_at(NULL) == -1 && scopegate_token_verification(NULL) == 0);
  EXPECT(scopegate_response_status(NULL) == 0 && scopegate_response_header_count(NULL) == 0);
  EXPECT(is_absent(scopegate_response_header_name_at(NULL, 0)) && is_absent(scopegate_response_header_value_at(NULL, 0)));
  EXPECT(is_absent(scopegate_response_body(NULL)) && is_absent(scopegate_response_http1(NULL)));
  EXPECT(is_absent(scopegate_response_reason(NULL)) && is_absent(scopegate_response_detail(NULL)));
  EXPECT(scopegate_response_code(NULL) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(is_absent(scopegate_error_message(NULL)) && scopegate_error_count(NULL) == 0);
  EXPECT(is_absent(scopegate_error_path_at(NULL, 0)) && is_absent(scopegate_error_message_at(NULL, 0)));
  EXPECT(is_absent(scopegate_report_text(NULL)));
  EXPECT(scopegate_key_request_source(NULL) == 0 && scopegate_key_request_longest_wait_ms(NULL) == 0);
}

static void null_arguments_of_verdicts(const scopegate_server *server, const scopegate_token *token) {
  scopegate_request request = good_request();
  scopegate_token *verified = NULL;
  scopegate_key_request *wanted = NULL;
  scopegate_response *answer = NULL;
  scopegate_str tool = scopegate_str_from("weather");
  scopegate_report *calls = NULL;
  scopegate_kept_token kept = { { NULL, 0 }, { NULL, 0 }, { NULL, 0 }, { NULL, 0 }, { NULL, 0 } };
  size_t limit;
  refused(scopegate_server_authorize(NULL, &request, &verified, &answer), SCOPEGATE_NULL_ARGUMENT, &answer);
  refused(scopegate_server_authorize(server, NULL, &verified, &answer), SCOPEGATE_NULL_ARGUMENT, &answer);
  refused(scopegate_server_authorize(server, &request, NULL, &answer), SCOPEGATE_NULL_ARGUMENT, &answer);
  refused(scopegate_server_authorize(NULL, NULL, NULL, &answer), SCOPEGATE_NULL_ARGUMENT, &answer);
  refused(scopegate_server_check(server, &request, &verified, NULL, &limit, &answer), SCOPEGATE_NULL_ARGUMENT, &answer);
  refused(scopegate_server_check(server, &request, &verified, &wanted, NULL, &answer), SCOPEGATE_NULL_ARGUMENT, &answer);
  refused(scopegate_server_check(NULL, NULL, NULL, NULL, NULL, &answer), SCOPEGATE_NULL_ARGUMENT, &answer);
  refused(scopegate_server_check_after(server, &request, NULL, &verified, &limit, &answer), SCOPEGATE_NULL_ARGUMENT, &answer);
  refused(scopegate_server_require(server, NULL, &request, &answer), SCOPEGATE_NULL_ARGUMENT, &answer);
  refused(scopegate_server_require(NULL, token, &request, &answer), SCOPEGATE_NULL_ARGUMENT, &answer);
  refused(scopegate_server_require_kept(server, NULL, &request, &answer), SCOPEGATE_NULL_ARGUMENT, &answer);
  refused(scopegate_server_require_kept(server, &kept, &request, &answer), SCOPEGATE_NULL_ARGUMENT, &answer); /* issuer */
  kept.issuer = tool;
  refused(scopegate_server_require_kept(NULL, &kept, &request, &answer), SCOPEGATE_NULL_ARGUMENT, &answer);
  kept.scope.len = 1;
  refused(scopegate_server_require_kept(server, &kept, &request, &answer), SCOPEGATE_INVALID_ARGUMENT, &answer);
  kept.scope = scopegate_str_from("\xff");
  refused(scopegate_server_require_kept(server, &kept, &request, &answer), SCOPEGATE_INVALID_ARGUMENT, &answer);
  EXPECT(scopegate_server_allowed_kept(server, &kept, SCOPEGATE_TOOL, tool) == SCOPEGATE_INVALID_ARGUMENT);
  EXPECT(scopegate_server_allowed_kept(server, NULL, SCOPEGATE_TOOL, tool) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(scopegate_server_allowed_kept(NULL, &kept, SCOPEGATE_TOOL, tool) == SCOPEGATE_NULL_ARGUMENT);
  refused(scopegate_server_calls(server, NULL, &calls, &answer), SCOPEGATE_NULL_ARGUMENT, &answer);
  refused(scopegate_server_calls(NULL, &request, &calls, &answer), SCOPEGATE_NULL_ARGUMENT, &answer);
  refused(scopegate_server_calls(server, &request, NULL, &answer), SCOPEGATE_NULL_ARGUMENT, &answer);
  refused(scopegate_server_calls(server, &request, &calls, &answer), SCOPEGATE_INTERNAL, &answer); /* no body */
  refused(scopegate_server_explain(NULL, &request, &calls, &calls, &answer), SCOPEGATE_NULL_ARGUMENT, &answer);
  refused(scopegate_server_explain(server, NULL, &calls, &calls, &answer), SCOPEGATE_NULL_ARGUMENT, &answer);
  EXPECT(scopegate_server_explain(server, &request, NULL, NULL, &answer) == SCOPEGATE_OK && answer == NULL);
  refused(scopegate_server_internal_error(NULL, &request, tool, &answer), SCOPEGATE_NULL_ARGUMENT, &answer);
  /* Nowhere to put an answer: the status alone denies. */
  EXPECT(scopegate_server_authorize(server, &request, &verified, NULL) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(scopegate_server_check(NULL, NULL, NULL, NULL, NULL, NULL) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(scopegate_server_check_after(NULL, NULL, NULL, NULL, NULL, NULL) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(scopegate_server_require(NULL, NULL, NULL, NULL) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(scopegate_server_internal_error(NULL, NULL, tool, NULL) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(scopegate_server_allowed(NULL, token, SCOPEGATE_TOOL, tool) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(scopegate_server_allowed(server, NULL, SCOPEGATE_TOOL, tool) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(scopegate_server_well_known(NULL, &request, &answer) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(scopegate_server_well_known(server, NULL, &answer) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(scopegate_server_well_known(server, &request, NULL) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(scopegate_server_not_found(server, NULL, &answer) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(scopegate_server_not_found(NULL, NULL, NULL) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(scopegate_server_health_response(server, NULL, &answer) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(scopegate_server_metrics_response(NULL, &request, &answer) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(scopegate_server_calls(server, &request, &calls, NULL) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(scopegate_server_explain(server, &request, &calls, &calls, NULL) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(verified == NULL && wanted == NULL && answer == NULL && calls == NULL);
}

static void null_arguments_of_reports(const scopegate_server *server) {
  scopegate_str none = {NULL, 0};
  scopegate_report *report = NULL;
  scopegate_error *error = NULL;
  EXPECT(scopegate_server_stats(NULL, &report, &error) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(IS(scopegate_error_path_at(error, 0), "server") && scopegate_error_count(error) == 1);
  scopegate_error_free(error);
  error = NULL;
  EXPECT(scopegate_server_health(server, NULL, &error) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(IS(scopegate_error_message(error), "report: expected a pointer, not NULL"));
  scopegate_error_free(error);
  EXPECT(scopegate_server_health(NULL, NULL, NULL) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(scopegate_server_export_keys(NULL, &report, NULL) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(scopegate_server_export_keys(server, NULL, NULL) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(scopegate_server_distrust_key(NULL, none, none, NULL) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(scopegate_server_distrust_key(server, none, none, NULL) == SCOPEGATE_INVALID_ARGUMENT);
  EXPECT(scopegate_server_replace_keys(NULL, none, none, NULL) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(scopegate_server_replace_keys(server, none, none, NULL) == SCOPEGATE_INVALID_ARGUMENT);
  EXPECT(scopegate_server_resume(NULL, none, NULL) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(scopegate_server_resume(server, none, NULL) == SCOPEGATE_INVALID_ARGUMENT);
  EXPECT(scopegate_server_refresh(server, NULL, NULL) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(scopegate_server_refresh(NULL, NULL, NULL) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(scopegate_server_start_refresh(server, NULL, NULL) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(scopegate_server_warm_up(NULL, NULL) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(report == NULL);
}

static void configurations(void) {
  scopegate_server *server = NULL;
  scopegate_error *error = NULL;
  const char *two_mistakes = "{\"resource\": 1, \"leeway_seconds\": 301}";
  EXPECT(scopegate_server_new(SCOPEGATE_ABI + 1, config, strlen(config), &server, &error) == SCOPEGATE_ABI_MISMATCH);
  EXPECT(IS(scopegate_error_path_at(error, 0), "abi"));
  scopegate_error_free(error);
  EXPECT(scopegate_server_new(SCOPEGATE_ABI, two_mistakes, strlen(two_mistakes), &server, &error) == SCOPEGATE_INVALID_ARGUMENT);
  EXPECT(scopegate_error_count(error) >= 2 && IS(scopegate_error_path_at(error, 0), "resource"));
  EXPECT(is_absent(scopegate_error_path_at(error, scopegate_error_count(error))));
  EXPECT(is_absent(scopegate_error_message_at(error, SIZE_MAX)));
  scopegate_error_free(error);
  EXPECT(scopegate_server_new(SCOPEGATE_ABI, "\xff", 1, &server, &error) == SCOPEGATE_INVALID_ARGUMENT);
  scopegate_error_free(error);
  EXPECT(scopegate_server_open(SCOPEGATE_ABI, "no/such/file", &server, &error) == SCOPEGATE_INVALID_ARGUMENT);
  EXPECT(IS(scopegate_error_path_at(error, 0), "no/such/file"));
  scopegate_error_free(error);
  EXPECT(scopegate_server_open(SCOPEGATE_ABI, "\xff", &server, NULL) == SCOPEGATE_INVALID_ARGUMENT);
  EXPECT(scopegate_server_open(SCOPEGATE_ABI, NULL, &server, NULL) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(scopegate_server_open(SCOPEGATE_ABI, "no/such/file", NULL, NULL) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(scopegate_server_new(SCOPEGATE_ABI, NULL, 0, &server, NULL) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(scopegate_server_new(SCOPEGATE_ABI, NULL, 5, &server, NULL) == SCOPEGATE_INVALID_ARGUMENT);
  EXPECT(scopegate_server_new(SCOPEGATE_ABI, config, SIZE_MAX, &server, NULL) == SCOPEGATE_INVALID_ARGUMENT);
  EXPECT(scopegate_server_new(SCOPEGATE_ABI, "", 0, &server, NULL) == SCOPEGATE_INVALID_ARGUMENT);
  EXPECT(scopegate_server_new(SCOPEGATE_ABI, config, strlen(config), NULL, NULL) == SCOPEGATE_NULL_ARGUMENT);
  EXPECT(server == NULL);
}

/* A request of a later header: the members that this library does not know stand behind the others. */
struct later_request {
  scopegate_request request;
  unsigned char tail[16];
};

static scopegate_status judge(const scopegate_server *server, const scopegate_request *request, scopegate_response **answer) {
  scopegate_token *token = NULL;
  scopegate_status status = scopegate_server_authorize(server, request, &token, answer);
  EXPECT((token != NULL) == (status == SCOPEGATE_OK));
  scopegate_token_free(token);
  return status;
}

static void request_sizes(const scopegate_server *server) {
  static const size_t wrong[] = {0, 1, sizeof(size_t), sizeof(scopegate_request) - 1, 65536, SIZE_MAX};
  scopegate_request request = good_request();
  struct later_request later;
  scopegate_response *answer = NULL;
  size_t at;
  for (at = 0; at < sizeof wrong / sizeof *wrong; at++) {
    request.size = wrong[at];
    refused(judge(server, &request, &answer), SCOPEGATE_INVALID_ARGUMENT, &answer);
  }
  memset(&later, 0, sizeof later);
  later.request = good_request();
  later.request.size = sizeof later;
  EXPECT(judge(server, &later.request, &answer) == SCOPEGATE_OK);
  later.tail[15] = 1;
  refused(judge(server, &later.request, &answer), SCOPEGATE_INVALID_ARGUMENT, &answer);
}

static void request_members(const scopegate_server *server) {
  scopegate_response *answer = NULL;
  scopegate_str nothing = {NULL, 3}, endless = {"x", SIZE_MAX};
  scopegate_call call;
  int64_t number = 1;
#define WRONG(change)                                                          \
  do {                                                                         \
    scopegate_request request = good_request();                                \
    change;                                                                    \
    refused(judge(server, &request, &answer), SCOPEGATE_INVALID_ARGUMENT, &answer); \
  } while (0)
  WRONG(request.method = nothing);
  WRONG(request.target = endless);
  WRONG(request.origin_count = 1);
  WRONG(request.authorization = &nothing);
  WRONG(request.authorization_count = SIZE_MAX);
  WRONG(request.scopes = &endless; request.scopes_count = 1);
  WRONG(request.access_control_request_method = nothing);
  WRONG(request.body = scopegate_str_from("{}"));
  WRONG(request.body = nothing; request.body_read = 1);
  WRONG(request.body_read = 2);
  WRONG(request.calls_read = -1);
  WRONG(request.body_read = 1; request.calls_read = 1);
  WRONG(request.calls_read = 1; request.calls_count = 1);
  memset(&call, 0, sizeof call);
  call.method = scopegate_str_from("\xff");
  WRONG(request.calls = &call; request.calls_count = 1; request.calls_read = 1);
  WRONG(request.calls = &call; request.calls_count = 1);
  call.method = scopegate_str_from("tools/call");
  call.id_number = &number;
  call.id_text = scopegate_str_from("1");
  WRONG(request.calls = &call; request.calls_count = 1; request.calls_read = 1);
#undef WRONG
}

/* Bytes that are no text come from clients, so they are judged, not complained about. */
static void bytes_of_clients(const scopegate_server *server) {
  scopegate_request request = good_request();
  scopegate_response *answer = NULL;
  scopegate_str bytes = {"\xff\0\r\n", 4}, scope = {"\xff", 1};
  request.method = request.target = bytes;
  EXPECT(judge(server, &request, &answer) == SCOPEGATE_OK);
  EXPECT(scopegate_server_well_known(server, &request, &answer) == SCOPEGATE_NOT_OURS);
  request.scopes = &scope; /* but this one is the program's */
  request.scopes_count = 1;
  refused(judge(server, &request, &answer), SCOPEGATE_INTERNAL, &answer);
  request = good_request();
  request.authorization = &bytes;
  EXPECT(judge(server, &request, &answer) == SCOPEGATE_MISSING_TOKEN);
  scopegate_response_free(answer);
}

static void kinds(const scopegate_server *server, const scopegate_token *token) {
  scopegate_str name = scopegate_str_from("weather"), bytes = {"\xff", 1}, nothing = {NULL, 1};
  int32_t kind;
  for (kind = SCOPEGATE_TOOL; kind <= SCOPEGATE_RESOURCE; kind++)
    EXPECT(scopegate_server_allowed(server, token, kind, name) == SCOPEGATE_OK);
  EXPECT(scopegate_server_allowed(server, token, 0, name) == SCOPEGATE_INVALID_ARGUMENT);
  EXPECT(scopegate_server_allowed(server, token, 4, name) == SCOPEGATE_INVALID_ARGUMENT);
  EXPECT(scopegate_server_allowed(server, token, SCOPEGATE_TOOL, bytes) == SCOPEGATE_INVALID_ARGUMENT);
  EXPECT(scopegate_server_allowed(server, token, SCOPEGATE_TOOL, nothing) == SCOPEGATE_INVALID_ARGUMENT);
}

static void names(void) {
  EXPECT(IS(scopegate_status_name(SCOPEGATE_OK), "ok"));
  EXPECT(IS(scopegate_status_name(SCOPEGATE_NEED_KEYS), "need_keys"));
  EXPECT(IS(scopegate_status_name(SCOPEGATE_EXPIRED), "expired"));
  EXPECT(IS(scopegate_status_name(-1), "unknown") && IS(scopegate_status_name(2002), "unknown"));
  EXPECT(IS(scopegate_version(), SCOPEGATE_VERSION));
}

enum handle { SERVER, SECOND, TOKEN, REFUSAL, HANDLES };

/* A server, a second handle to it, a token and a refusal, freed in this order. Until its turn each one works. */
static void free_in_order(const enum handle *order) {
  scopegate_server *server = new_server(), *second = scopegate_server_ref(server);
  scopegate_request request = good_request(), anonymous = SCOPEGATE_REQUEST_INIT;
  scopegate_token *token = NULL;
  scopegate_response *refusal = NULL, *none = NULL;
  int at;
  EXPECT(scopegate_server_authorize(server, &request, &token, &refusal) == SCOPEGATE_OK);
  EXPECT(judge(second, &anonymous, &refusal) == SCOPEGATE_MISSING_TOKEN);
  for (at = 0; at < HANDLES; at++) {
    switch (order[at]) {
      case SERVER:
        EXPECT(judge(server, &request, &none) == SCOPEGATE_OK);
        scopegate_server_free(server);
        break;
      case SECOND:
        EXPECT(judge(second, &request, &none) == SCOPEGATE_OK);
        scopegate_server_free(second);
        break;
      case TOKEN:
        EXPECT(IS(scopegate_token_subject(token), "user"));
        scopegate_token_free(token);
        break;
      default:
        EXPECT(scopegate_response_http1(refusal).len > 0);
        scopegate_response_free(refusal);
    }
  }
}

static void free_in_any_order(void) {
  int code, at, orders = 0;
  for (code = 0; code < 256; code++) {
    enum handle order[HANDLES];
    int seen = 0;
    for (at = 0; at < HANDLES; at++) {
      order[at] = (enum handle)(code >> (2 * at) & 3);
      seen |= 1 << order[at];
    }
    if (seen != 15) continue;
    free_in_order(order);
    orders++;
  }
  EXPECT(orders == 24);
}

/* Each thread has its own handle, and all of them share one token and one refusal. */
struct shared {
  const scopegate_server *server;
  const scopegate_token *token;
  const scopegate_response *refusal;
};

static void *ask(void *argument) {
  const struct shared *shared = argument;
  scopegate_server *own = scopegate_server_ref(shared->server);
  scopegate_request request = good_request(), anonymous = SCOPEGATE_REQUEST_INIT;
  unsigned long round;
  for (round = 0; round < rounds; round++) {
    scopegate_token *token = NULL;
    scopegate_response *answer = NULL;
    scopegate_report *report = NULL;
    EXPECT(scopegate_server_authorize(round % 2 ? own : shared->server, &request, &token, &answer) == SCOPEGATE_OK);
    EXPECT(IS(scopegate_token_subject(token), "user") && answer == NULL);
    EXPECT(scopegate_server_require(own, shared->token, &request, &answer) == SCOPEGATE_OK);
    EXPECT(judge(shared->server, &anonymous, &answer) == SCOPEGATE_MISSING_TOKEN);
    EXPECT(scopegate_response_http1(shared->refusal).len == scopegate_response_http1(answer).len);
    EXPECT(scopegate_server_stats(own, &report, NULL) == SCOPEGATE_OK);
    scopegate_report_free(report);
    scopegate_response_free(answer);
    scopegate_token_free(token);
  }
  scopegate_server_free(own);
  return NULL;
}

static void many_threads(const scopegate_server *server, const scopegate_token *token) {
  scopegate_request anonymous = SCOPEGATE_REQUEST_INIT;
  scopegate_response *refusal = NULL;
  struct shared shared = {server, token, NULL};
  pthread_t threads[THREADS];
  size_t at;
  EXPECT(judge(server, &anonymous, &refusal) == SCOPEGATE_MISSING_TOKEN);
  shared.refusal = refusal;
  for (at = 0; at < THREADS; at++) EXPECT(pthread_create(&threads[at], NULL, ask, &shared) == 0);
  for (at = 0; at < THREADS; at++) EXPECT(pthread_join(threads[at], NULL) == 0);
  scopegate_response_free(refusal);
}

int main(int argc, char **argv) {
  scopegate_server *server;
  scopegate_token *token = NULL;
  scopegate_response *answer = NULL;
  scopegate_request request;
  EXPECT(argc == 4);
  config = argv[1];
  authorization = scopegate_str_from(argv[2]);
  rounds = strtoul(argv[3], NULL, 10);
  server = new_server();
  request = good_request();
  EXPECT(scopegate_server_authorize(server, &request, &token, &answer) == SCOPEGATE_OK);
  null_handles();
  null_arguments_of_verdicts(server, token);
  null_arguments_of_reports(server);
  configurations();
  request_sizes(server);
  request_members(server);
  bytes_of_clients(server);
  kinds(server, token);
  names();
  free_in_any_order();
  many_threads(server, token);
  scopegate_token_free(token);
  scopegate_server_free(server);
  return 0;
}
