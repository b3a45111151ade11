/* Random calls from eight threads: on servers that all of them share and change the keys of, on handles of their own, on
 * NULL, with good, broken and absent arguments (T58, T60, T62). Meant for AddressSanitizer and ThreadSanitizer.
 * Arguments: a configuration with keys, one whose keys cannot be had, an Authorization value that the first accepts, its
 * key set, how many calls each thread makes, and a seed.
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <scopegate.h>
#include <stdint.h>

#include "expect.h"

enum { THREADS = 8, SLOTS = 4, LONGEST = 2048 };

static scopegate_server *shared[2];
static const char *config;
static scopegate_str authorization, jwks, issuer;
static unsigned long calls;

struct thread {
  uint64_t random;
  scopegate_server *servers[SLOTS];
  scopegate_token *tokens[SLOTS];
  scopegate_response *answers[SLOTS];
  scopegate_key_request *wanted[SLOTS];
  scopegate_error *errors[SLOTS];
  scopegate_report *reports[SLOTS];
  char line[LONGEST];
  scopegate_str lines[2], scopes[1];
  scopegate_call call;
  int64_t now;
  unsigned long accepted, refused;
};

/* xorshift64 */
static uint64_t below(struct thread *thread, uint64_t limit) {
  thread->random ^= thread->random << 13;
  thread->random ^= thread->random >> 7;
  thread->random ^= thread->random << 17;
  return thread->random % limit;
}

#define SLOT(kind) (&thread->kind[below(thread, SLOTS)])

/* Frees what the slot holds, and takes the new handle. */
#define KEEP(kind, free, handle) \
  do {                           \
    slot_##kind = SLOT(kind);    \
    free(*slot_##kind);          \
    *slot_##kind = handle;       \
  } while (0)

static const scopegate_server *some_server(struct thread *thread) {
  switch (below(thread, 8)) {
    case 0: return NULL;
    case 1: case 2: return *SLOT(servers);
    case 3: return shared[1];
    default: return shared[0];
  }
}

static scopegate_str some_line(struct thread *thread) {
  scopegate_str line = {thread->line, authorization.len};
  memcpy(thread->line, authorization.data, authorization.len);
  switch (below(thread, 6)) {
    case 0: line.len = below(thread, authorization.len + 1); break;
    case 1: thread->line[below(thread, line.len)] = (char)below(thread, 256); break;
    case 2: line = scopegate_str_from("Basic dXNlcg"); break;
    default: break;
  }
  return line;
}

static scopegate_request some_request(struct thread *thread) {
  static const char *const bodies[] = {
      "", "{", "\xff", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"weather\"}}",
      "[{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"ping\"}]"};
  scopegate_request request = SCOPEGATE_REQUEST_INIT;
  thread->lines[0] = thread->lines[1] = some_line(thread);
  request.authorization = thread->lines;
  request.authorization_count = below(thread, 16) ? 1 : below(thread, 3);
  request.method = scopegate_str_from(below(thread, 2) ? "POST" : "OPTIONS");
  request.target = scopegate_str_from(below(thread, 2) ? "/mcp" : "/.well-known/oauth-protected-resource/mcp");
  if (below(thread, 4) == 0) {
    thread->scopes[0] = scopegate_str_from(below(thread, 2) ? "a" : "not a scope");
    request.scopes = thread->scopes;
    request.scopes_count = 1;
  }
  if (below(thread, 2)) {
    request.body = scopegate_str_from(bodies[below(thread, sizeof bodies / sizeof *bodies)]);
    request.body_read = 1;
  } else if (below(thread, 2)) {
    memset(&thread->call, 0, sizeof thread->call);
    thread->call.method = scopegate_str_from("tools/call");
    thread->call.name = scopegate_str_from(below(thread, 2) ? "weather" : "\xff");
    request.calls = &thread->call;
    request.calls_count = 1;
    request.calls_read = 1;
  }
  if (below(thread, 16) == 0) {
    thread->now = (int64_t)below(thread, 4000000000) - 1;
    request.now = &thread->now;
  }
  if (below(thread, 64) == 0) request.size = below(thread, sizeof request);
  return request;
}

/* The status promises exactly one result. */
static void verdict(struct thread *thread) {
  scopegate_request request = some_request(thread);
  const scopegate_server *server = some_server(thread);
  scopegate_token *token = NULL, **slot_tokens;
  scopegate_response *answer = NULL, **slot_answers;
  scopegate_key_request *wanted = NULL, **slot_wanted;
  size_t limit = 0;
  scopegate_status status;
  switch (below(thread, 4)) {
    case 0: status = scopegate_server_check(server, &request, &token, &wanted, &limit, &answer); break;
    case 1: status = scopegate_server_check_after(server, &request, *SLOT(wanted), &token, &limit, &answer); break;
    case 2: status = scopegate_server_require(server, *SLOT(tokens), &request, &answer); break;
    default: status = scopegate_server_authorize(server, &request, &token, &answer);
  }
  EXPECT(status != SCOPEGATE_PANIC);
  EXPECT((token == NULL) || status == SCOPEGATE_OK);
  EXPECT((wanted != NULL) == (status == SCOPEGATE_NEED_KEYS));
  EXPECT((answer == NULL) == (status == SCOPEGATE_OK || status == SCOPEGATE_NEED_KEYS || status == SCOPEGATE_NEED_BODY));
  EXPECT(answer == NULL || scopegate_response_http1(answer).len > 0);
  thread->accepted += token != NULL;
  thread->refused += answer != NULL;
  if (token) KEEP(tokens, scopegate_token_free, token);
  if (answer) KEEP(answers, scopegate_response_free, answer);
  if (wanted) KEEP(wanted, scopegate_key_request_free, wanted);
}

static void documents(struct thread *thread) {
  scopegate_request request = some_request(thread);
  const scopegate_server *server = some_server(thread);
  scopegate_response *answer = NULL, **slot_answers;
  switch (below(thread, 5)) {
    case 0: scopegate_server_well_known(server, &request, &answer); break;
    case 1: scopegate_server_not_found(server, &request, &answer); break;
    case 2: scopegate_server_health_response(server, &request, &answer); break;
    case 3: scopegate_server_metrics_response(server, &request, &answer); break;
    default: scopegate_server_internal_error(server, &request, scopegate_str_from("a fault"), &answer);
  }
  if (answer) KEEP(answers, scopegate_response_free, answer);
}

static void keys(struct thread *thread) {
  const scopegate_server *server = below(thread, 2) ? shared[1] : some_server(thread);
  scopegate_error *error = NULL, **slot_errors;
  scopegate_str kid = scopegate_str_from(below(thread, 2) ? "other" : "another");
  switch (below(thread, 6)) {
    case 0: scopegate_server_refresh(server, *SLOT(wanted), &error); break;
    case 1: scopegate_server_start_refresh(server, *SLOT(wanted), &error); break;
    case 2: scopegate_server_distrust_key(server, issuer, kid, &error); break;
    case 3: scopegate_server_replace_keys(server, issuer, jwks, &error); break;
    case 4: scopegate_server_resume(server, issuer, &error); break;
    default: scopegate_server_allowed(server, *SLOT(tokens), SCOPEGATE_TOOL, kid);
  }
  if (error) KEEP(errors, scopegate_error_free, error);
}

static void reports(struct thread *thread) {
  const scopegate_server *server = some_server(thread);
  scopegate_report *report = NULL, **slot_reports;
  scopegate_error *error = NULL, **slot_errors;
  switch (below(thread, 3)) {
    case 0: scopegate_server_stats(server, &report, &error); break;
    case 1: scopegate_server_health(server, &report, &error); break;
    default: scopegate_server_export_keys(server, &report, &error);
  }
  EXPECT((report != NULL) != (error != NULL));
  if (report) KEEP(reports, scopegate_report_free, report);
  if (error) KEEP(errors, scopegate_error_free, error);
}

/* Every byte that is lent is read. */
static size_t sum(scopegate_str text) {
  size_t at, total = 0;
  for (at = 0; at < text.len; at++) total += (unsigned char)text.data[at];
  return total + (text.data ? (unsigned char)text.data[text.len] : 0);
}

static void reads(struct thread *thread) {
  const scopegate_token *token = *SLOT(tokens);
  const scopegate_response *answer = *SLOT(answers);
  const scopegate_error *error = *SLOT(errors);
  size_t at = below(thread, 4), total = 0;
  total += sum(scopegate_token_subject(token)) + sum(scopegate_token_scope_at(token, at));
  total += sum(scopegate_token_claims(token)) + sum(scopegate_token_principal(token));
  total += sum(scopegate_response_header_name_at(answer, at)) + sum(scopegate_response_header_value_at(answer, at));
  total += sum(scopegate_response_http1(answer)) + sum(scopegate_response_detail(answer));
  total += sum(scopegate_error_message(error)) + sum(scopegate_error_path_at(error, at));
  total += sum(scopegate_report_text(*SLOT(reports))) + sum(scopegate_server_metadata_url(*SLOT(servers)));
  EXPECT(total < SIZE_MAX);
}

static void frees(struct thread *thread) {
  scopegate_server **slot_servers, *server = NULL;
  scopegate_token **slot_tokens;
  scopegate_response **slot_answers;
  scopegate_key_request **slot_wanted;
  switch (below(thread, 5)) {
    case 0:
      if (below(thread, 8)) server = scopegate_server_ref(some_server(thread));
      else scopegate_server_new(SCOPEGATE_ABI, config, strlen(config), &server, NULL);
      KEEP(servers, scopegate_server_free, server);
      break;
    case 1: KEEP(servers, scopegate_server_free, NULL); break;
    case 2: KEEP(tokens, scopegate_token_free, NULL); break;
    case 3: KEEP(answers, scopegate_response_free, NULL); break;
    default: KEEP(wanted, scopegate_key_request_free, NULL);
  }
}

static void *run(void *argument) {
  static void (*const kinds[])(struct thread *) = {verdict, verdict, verdict, documents, keys, reports, reads, reads, frees, frees};
  struct thread *thread = argument;
  unsigned long call;
  size_t slot;
  for (call = 0; call < calls; call++) kinds[below(thread, sizeof kinds / sizeof *kinds)](thread);
  for (slot = 0; slot < SLOTS; slot++) {
    scopegate_server_free(thread->servers[slot]);
    scopegate_token_free(thread->tokens[slot]);
    scopegate_response_free(thread->answers[slot]);
    scopegate_key_request_free(thread->wanted[slot]);
    scopegate_error_free(thread->errors[slot]);
    scopegate_report_free(thread->reports[slot]);
  }
  return NULL;
}

static scopegate_server *new_server(const char *text) {
  scopegate_server *server = NULL;
  EXPECT(scopegate_server_new(SCOPEGATE_ABI, text, strlen(text), &server, NULL) == SCOPEGATE_OK);
  return server;
}

int main(int argc, char **argv) {
  static struct thread threads[THREADS];
  pthread_t ids[THREADS];
  unsigned long accepted = 0, refused = 0;
  size_t at;
  EXPECT(argc == 7);
  config = argv[1];
  shared[0] = new_server(config);
  shared[1] = new_server(argv[2]);
  authorization = scopegate_str_from(argv[3]);
  EXPECT(authorization.len <= LONGEST);
  jwks = scopegate_str_from(argv[4]);
  issuer = scopegate_str_from("https://issuer.test");
  calls = strtoul(argv[5], NULL, 10);
  for (at = 0; at < THREADS; at++) {
    threads[at].random = (strtoull(argv[6], NULL, 10) + at + 1) * UINT64_C(0x9e3779b97f4a7c15);
    EXPECT(pthread_create(&ids[at], NULL, run, &threads[at]) == 0);
  }
  for (at = 0; at < THREADS; at++) {
    EXPECT(pthread_join(ids[at], NULL) == 0);
    accepted += threads[at].accepted;
    refused += threads[at].refused;
  }
  EXPECT(accepted > 0 && refused > 0);
  printf("%lu calls, %lu accepted, %lu refused\n", THREADS * calls, accepted, refused);
  scopegate_server_free(shared[0]);
  scopegate_server_free(shared[1]);
  return 0;
}
