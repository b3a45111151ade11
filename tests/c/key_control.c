/* What an operator does about keys. Arguments: a configuration with keys at a URL, an Authorization value that they verify,
 * a JWK Set with another key, a value that this one verifies, and a configuration whose URL is dead, with %s for a snapshot.
 */
#define _POSIX_C_SOURCE 200809L
#include <scopegate.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"

static scopegate_str issuer, published, replaced;

static scopegate_server *new_server(const char *config) {
  scopegate_server *server = NULL;
  EXPECT(scopegate_server_new(SCOPEGATE_ABI, config, strlen(config), &server, NULL) == SCOPEGATE_OK);
  return server;
}

static scopegate_status judged(const scopegate_server *server, const scopegate_str *authorization) {
  scopegate_request request = SCOPEGATE_REQUEST_INIT;
  scopegate_token *token = NULL;
  scopegate_response *answer = NULL;
  scopegate_status status;
  request.method = scopegate_str_from("GET");
  request.target = scopegate_str_from("/mcp");
  request.authorization = authorization;
  request.authorization_count = 1;
  status = scopegate_server_authorize(server, &request, &token, &answer);
  EXPECT((token != NULL) == (status == SCOPEGATE_OK));
  scopegate_token_free(token);
  scopegate_response_free(answer);
  return status;
}

/* Nothing changes, and the error names the argument. */
static void mistake(scopegate_status status, scopegate_error **error, const char *argument) {
  EXPECT(status == SCOPEGATE_INVALID_ARGUMENT);
  EXPECT(strcmp(scopegate_error_path_at(*error, 0).data, argument) == 0 && scopegate_error_message_at(*error, 0).len > 0);
  scopegate_error_free(*error);
  *error = NULL;
}

static void mistakes(const scopegate_server *server) {
  scopegate_error *error = NULL;
  scopegate_str other = scopegate_str_from("https://other.test"), kid = scopegate_str_from("a");
  scopegate_str empty = scopegate_str_from(""), none = {NULL, 0}, bad = scopegate_str_from("\xff");
  mistake(scopegate_server_distrust_key(server, other, kid, &error), &error, "issuer");
  mistake(scopegate_server_distrust_key(server, issuer, empty, &error), &error, "kid");
  mistake(scopegate_server_distrust_key(server, issuer, bad, &error), &error, "kid");
  mistake(scopegate_server_replace_keys(server, issuer, scopegate_str_from("{\"keys\":[]}"), &error), &error, "jwks");
  mistake(scopegate_server_replace_keys(server, issuer, none, &error), &error, "jwks");
  mistake(scopegate_server_resume(server, other, &error), &error, "issuer");
  mistake(scopegate_server_resume(server, none, &error), &error, "issuer");
  EXPECT(scopegate_server_resume(server, other, NULL) == SCOPEGATE_INVALID_ARGUMENT);
  EXPECT(judged(server, &published) == SCOPEGATE_OK);
}

static void replace_and_resume(const scopegate_server *server, scopegate_str jwks) {
  EXPECT(scopegate_server_replace_keys(server, issuer, jwks, NULL) == SCOPEGATE_OK);
  EXPECT(judged(server, &published) == SCOPEGATE_UNKNOWN_KEY && judged(server, &replaced) == SCOPEGATE_OK);
  EXPECT(scopegate_server_resume(server, issuer, NULL) == SCOPEGATE_OK);
  EXPECT(scopegate_server_warm_up(server, NULL) == SCOPEGATE_OK);
}

/* A snapshot is enough to begin with. */
static void begin_with_snapshot(const scopegate_server *server, const char *format) {
  scopegate_report *report = NULL;
  scopegate_server *warm;
  scopegate_str snapshot;
  char *config;
  EXPECT(scopegate_server_export_keys(server, &report, NULL) == SCOPEGATE_OK);
  snapshot = scopegate_report_text(report);
  config = malloc(strlen(format) + snapshot.len);
  EXPECT(config != NULL);
  sprintf(config, format, snapshot.data);
  warm = new_server(config);
  EXPECT(judged(warm, &published) == SCOPEGATE_OK);
  free(config);
  scopegate_report_free(report);
  scopegate_server_free(warm);
}

/* It holds for every handle, and for the child of a fork. */
static void distrust(scopegate_server *server) {
  scopegate_server *other = scopegate_server_ref(server);
  int outcome;
  pid_t child;
  EXPECT(scopegate_server_distrust_key(server, issuer, scopegate_str_from("test-key-1"), NULL) == SCOPEGATE_OK);
  EXPECT(judged(server, &published) == SCOPEGATE_UNKNOWN_KEY && judged(other, &published) == SCOPEGATE_UNKNOWN_KEY);
  child = fork();
  EXPECT(child >= 0);
  if (child == 0) _exit(judged(server, &published) == SCOPEGATE_UNKNOWN_KEY ? 0 : 1);
  EXPECT(waitpid(child, &outcome, 0) == child && WIFEXITED(outcome) && WEXITSTATUS(outcome) == 0);
  scopegate_server_free(other);
}

int main(int argc, char **argv) {
  scopegate_server *server;
  EXPECT(argc == 6);
  issuer = scopegate_str_from("https://issuer.test");
  published = scopegate_str_from(argv[2]);
  replaced = scopegate_str_from(argv[4]);
  server = new_server(argv[1]);
  EXPECT(scopegate_server_warm_up(server, NULL) == SCOPEGATE_OK);
  mistakes(server);
  begin_with_snapshot(server, argv[5]);
  replace_and_resume(server, scopegate_str_from(argv[3]));
  EXPECT(judged(server, &published) == SCOPEGATE_OK);
  distrust(server);
  scopegate_server_free(server);
  return 0;
}
