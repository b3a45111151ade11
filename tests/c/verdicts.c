/* Every way to a verdict beside authorize, which the vectors show. Arguments: a configuration with a policy and keys at a
 * URL, one whose keys cannot be had, and an Authorization value that the first accepts.
 */
#define _POSIX_C_SOURCE 200809L
#include <scopegate.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"

static scopegate_str authorization;

static scopegate_server *new_server(const char *config) {
  scopegate_server *server = NULL;
  EXPECT(scopegate_server_new(SCOPEGATE_ABI, config, strlen(config), &server, NULL) == SCOPEGATE_OK);
  return server;
}

static scopegate_request good_request(void) {
  scopegate_request request = SCOPEGATE_REQUEST_INIT;
  request.method = scopegate_str_from("POST");
  request.target = scopegate_str_from("/mcp");
  request.authorization = &authorization;
  request.authorization_count = 1;
  return request;
}

static scopegate_request request_with_body(void) {
  scopegate_request request = good_request();
  request.body_read = 1;
  request.body = scopegate_str_from("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"weather\"}}");
  return request;
}

static void expect_answer(scopegate_response **answer, int32_t status, scopegate_status code) {
  EXPECT(scopegate_response_status(*answer) == status);
  EXPECT(scopegate_response_code(*answer) == code);
  scopegate_response_free(*answer);
  *answer = NULL;
}

static void expect_health(const scopegate_server *server, scopegate_status status, const char *word) {
  scopegate_report *report = NULL;
  EXPECT(scopegate_server_health(server, &report, NULL) == status);
  EXPECT(strstr(scopegate_report_text(report).data, word) != NULL);
  scopegate_report_free(report);
}

/* No keys, then keys, then no body, then a body. */
static void kept_memory_decides_like_the_token(const scopegate_server *server, const scopegate_token *token) {
  scopegate_request request = request_with_body();
  scopegate_str tool = scopegate_str_from("weather"), other = scopegate_str_from("drop_x");
  scopegate_str needed = scopegate_str_from("mcp:write");
  scopegate_kept_token kept = { scopegate_token_issuer(token), scopegate_token_subject(token),
                                scopegate_token_client_id(token), scopegate_token_id(token), { NULL, 0 } };
  scopegate_response *answer = NULL;
  EXPECT(scopegate_server_allowed_kept(server, &kept, SCOPEGATE_TOOL, tool) == SCOPEGATE_OK);
  EXPECT(scopegate_server_allowed_kept(server, &kept, SCOPEGATE_TOOL, other) == SCOPEGATE_POLICY_DENIED);
  EXPECT(scopegate_server_require_kept(server, &kept, &request, &answer) == SCOPEGATE_OK);
  request.scopes = &needed;
  request.scopes_count = 1;
  EXPECT(scopegate_server_require_kept(server, &kept, &request, &answer) == SCOPEGATE_INSUFFICIENT_SCOPE);
  expect_answer(&answer, 403, SCOPEGATE_INSUFFICIENT_SCOPE);
  kept.scope = scopegate_str_from("mcp:read mcp:write");
  EXPECT(scopegate_server_require_kept(server, &kept, &request, &answer) == SCOPEGATE_OK);
}

static void step_by_step(const scopegate_server *server) {
  scopegate_request request = good_request();
  scopegate_key_request *wanted = NULL;
  scopegate_token *token = NULL;
  scopegate_response *answer = NULL;
  size_t limit = 0;
  expect_health(server, SCOPEGATE_KEYS_UNAVAILABLE, "\"status\":\"unavailable\"");
  EXPECT(scopegate_server_check(server, &request, &token, &wanted, &limit, &answer) == SCOPEGATE_NEED_KEYS);
  EXPECT(wanted && !token && !answer && limit == 0);
  EXPECT(scopegate_key_request_source(wanted) == 0 && scopegate_key_request_longest_wait_ms(wanted) > 0);
  EXPECT(scopegate_server_check_after(server, &request, wanted, &token, &limit, &answer) == SCOPEGATE_KEYS_UNAVAILABLE);
  EXPECT(!token && limit == 0);
  expect_answer(&answer, 503, SCOPEGATE_KEYS_UNAVAILABLE);

  EXPECT(scopegate_server_start_refresh(server, wanted, NULL) == SCOPEGATE_OK);
  EXPECT(scopegate_server_refresh(server, wanted, NULL) == SCOPEGATE_OK);
  EXPECT(scopegate_server_check_after(server, &request, wanted, &token, &limit, &answer) == SCOPEGATE_NEED_BODY);
  EXPECT(!token && !answer && limit == 1000);
  scopegate_key_request_free(wanted);
  wanted = NULL;
  expect_health(server, SCOPEGATE_OK, "\"status\":\"ok\"");

  request = request_with_body();
  EXPECT(scopegate_server_check(server, &request, &token, &wanted, &limit, &answer) == SCOPEGATE_OK);
  EXPECT(token && !wanted && !answer && IS(scopegate_token_subject(token), "user"));
  EXPECT(scopegate_server_allowed(server, token, SCOPEGATE_TOOL, scopegate_str_from("weather")) == SCOPEGATE_OK);
  EXPECT(scopegate_server_allowed(server, token, SCOPEGATE_TOOL, scopegate_str_from("drop_x")) == SCOPEGATE_POLICY_DENIED);
  kept_memory_decides_like_the_token(server, token);
  scopegate_token_free(token);
}

/* The keys that are held serve the child of a fork too. */
static void fork_with_keys(const scopegate_server *server) {
  scopegate_request request = request_with_body();
  scopegate_token *token = NULL;
  scopegate_response *answer = NULL;
  int outcome;
  pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) _exit(scopegate_server_authorize(server, &request, &token, &answer) == SCOPEGATE_OK ? 0 : 1);
  EXPECT(waitpid(child, &outcome, 0) == child && WIFEXITED(outcome) && WEXITSTATUS(outcome) == 0);
}

/* authorize does the steps itself, but it cannot read a body. */
static void forgotten_body(const scopegate_server *server) {
  scopegate_request request = good_request();
  scopegate_token *token = NULL;
  scopegate_response *answer = NULL;
  EXPECT(scopegate_server_authorize(server, &request, &token, &answer) == SCOPEGATE_INTERNAL);
  EXPECT(strstr(scopegate_response_detail(answer).data, "body") != NULL);
  expect_answer(&answer, 500, SCOPEGATE_INTERNAL);
}

/* A token that comes again is known by its number. */
static void same_verification(const scopegate_server *server) {
  scopegate_request request = request_with_body();
  scopegate_token *tokens[2] = {NULL, NULL};
  scopegate_response *answer = NULL;
  size_t at;
  for (at = 0; at < 2; at++) {
    EXPECT(scopegate_server_authorize(server, &request, &tokens[at], &answer) == SCOPEGATE_OK);
    EXPECT(scopegate_token_verification(tokens[at]) > 0);
  }
  EXPECT(scopegate_token_verification(tokens[0]) == scopegate_token_verification(tokens[1]));
  scopegate_token_free(tokens[0]);
  scopegate_token_free(tokens[1]);
}

static void answers_of_the_program(const scopegate_server *server) {
  scopegate_request request = SCOPEGATE_REQUEST_INIT;
  scopegate_response *answer = NULL;
  scopegate_str why = scopegate_str_from("the body could not be read");
  EXPECT(scopegate_server_internal_error(server, &request, why, &answer) == SCOPEGATE_INTERNAL);
  EXPECT(IS(scopegate_response_detail(answer), "the body could not be read"));
  expect_answer(&answer, 500, SCOPEGATE_INTERNAL);

  request.method = scopegate_str_from("GET");
  request.target = scopegate_str_from("/.well-known/oauth-protected-resource/other");
  EXPECT(scopegate_server_well_known(server, &request, &answer) == SCOPEGATE_NOT_OURS && answer == NULL);
  EXPECT(scopegate_server_not_found(server, &request, &answer) == SCOPEGATE_OK);
  EXPECT(scopegate_response_reason(answer).data == NULL && scopegate_response_detail(answer).data == NULL);
  expect_answer(&answer, 404, SCOPEGATE_OK);
  request.target = scopegate_str_from("/other");
  EXPECT(scopegate_server_not_found(server, &request, &answer) == SCOPEGATE_NOT_OURS && answer == NULL);

  EXPECT(scopegate_server_health_response(server, &request, &answer) == SCOPEGATE_OK);
  EXPECT(IS(scopegate_response_body(answer), "{\"status\":\"ok\"}"));
  expect_answer(&answer, 200, SCOPEGATE_OK);
  EXPECT(scopegate_server_metrics_response(server, &request, &answer) == SCOPEGATE_OK);
  EXPECT(IS(scopegate_response_header_value_at(answer, 0), "text/plain; version=0.0.4; charset=utf-8"));
  EXPECT(strstr(scopegate_response_body(answer).data, "# TYPE scopegate_accepted_total counter\n") != NULL);
  expect_answer(&answer, 200, SCOPEGATE_OK);
  request.method = scopegate_str_from("POST");
  EXPECT(scopegate_server_metrics_response(server, &request, &answer) == SCOPEGATE_NOT_OURS && answer == NULL);
}

static void facts(const scopegate_server *server) {
  EXPECT(IS(scopegate_server_resource(server), "https://MCP.test:8443/mcp/"));
  EXPECT(IS(scopegate_server_hostname(server), "mcp.test"));
  EXPECT(IS(scopegate_server_origin(server), "https://mcp.test:8443"));
  EXPECT(IS(scopegate_server_path(server), "/mcp/"));
  EXPECT(strstr(scopegate_server_metadata_url(server).data, "/.well-known/oauth-protected-resource/mcp/") != NULL);
  EXPECT(scopegate_server_leeway_seconds(server) == 30);
  EXPECT(scopegate_server_warning_count(server) == 1);
  EXPECT(strstr(scopegate_server_warning_at(server, 0).data, "slash") != NULL);
  EXPECT(scopegate_server_warning_at(server, 1).data == NULL);
}

static void outage(const scopegate_server *server) {
  scopegate_request request = good_request();
  scopegate_error *error = NULL;
  scopegate_key_request *wanted = NULL;
  scopegate_token *token = NULL;
  scopegate_response *answer = NULL;
  size_t limit;
  EXPECT(scopegate_server_check(server, &request, &token, &wanted, &limit, &answer) == SCOPEGATE_NEED_KEYS);
  EXPECT(scopegate_server_refresh(server, wanted, &error) == SCOPEGATE_KEYS_UNAVAILABLE);
  EXPECT(IS(scopegate_error_path_at(error, 0), "keys") && scopegate_error_message_at(error, 0).len > 0);
  scopegate_error_free(error);
  EXPECT(scopegate_server_check_after(server, &request, wanted, &token, &limit, &answer) == SCOPEGATE_KEYS_UNAVAILABLE);
  expect_answer(&answer, 503, SCOPEGATE_KEYS_UNAVAILABLE);
  scopegate_key_request_free(wanted);

  EXPECT(scopegate_server_warm_up(server, &error) == SCOPEGATE_KEYS_UNAVAILABLE);
  EXPECT(scopegate_error_count(error) == 1 && IS(scopegate_error_path_at(error, 0), "https://issuer.test"));
  scopegate_error_free(error);
  EXPECT(scopegate_server_authorize(server, &request, &token, &answer) == SCOPEGATE_KEYS_UNAVAILABLE);
  expect_answer(&answer, 503, SCOPEGATE_KEYS_UNAVAILABLE);
}

int main(int argc, char **argv) {
  scopegate_server *server, *warm, *dead;
  EXPECT(argc == 4);
  authorization = scopegate_str_from(argv[3]);
  server = new_server(argv[1]);
  warm = new_server(argv[1]);
  dead = new_server(argv[2]);
  step_by_step(server);
  fork_with_keys(server);
  EXPECT(scopegate_server_warm_up(warm, NULL) == SCOPEGATE_OK);
  forgotten_body(warm);
  same_verification(warm);
  answers_of_the_program(server);
  facts(server);
  outage(dead);
  scopegate_server_free(server);
  scopegate_server_free(warm);
  scopegate_server_free(dead);
  return 0;
}
