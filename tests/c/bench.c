/* Times the decision on a token that was not seen before, on one that was, on one that is refused before its signature, and
 * one crossing into the library. Arguments: a configuration that keeps no verified tokens, an Authorization value that it
 * accepts, one of an issuer that it does not name, the time to judge by, and the configuration with tokens kept. Prints one
 * JSON object; the method is that of tests/rust/bench.rs.
 */
#define _POSIX_C_SOURCE 200809L
#include <scopegate.h>
#include <time.h>

#include "expect.h"

enum { BATCHES = 11 };
static const double BATCH_NS = 200e6;

static scopegate_server *server, *keeping;
static scopegate_request good = SCOPEGATE_REQUEST_INIT, bad = SCOPEGATE_REQUEST_INIT;

static void authorize_by(const scopegate_server *judge) {
  scopegate_token *token = NULL;
  scopegate_response *answer = NULL;
  EXPECT(scopegate_server_authorize(judge, &good, &token, &answer) == SCOPEGATE_OK);
  EXPECT(scopegate_token_subject(token).len > 0);
  scopegate_token_free(token);
}

static void authorize(void) { authorize_by(server); }

static void authorize_again(void) { authorize_by(keeping); }

static void refuse(void) {
  scopegate_token *token = NULL;
  scopegate_response *answer = NULL;
  EXPECT(scopegate_server_authorize(server, &bad, &token, &answer) == SCOPEGATE_UNTRUSTED_ISSUER);
  EXPECT(scopegate_response_body(answer).len > 0);
  scopegate_response_free(answer);
}

static void cross(void) { EXPECT(scopegate_abi() == SCOPEGATE_ABI); }

static double now_ns(void) {
  struct timespec now;
  EXPECT(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int by_size(const void *a, const void *b) {
  double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

/* The median over batches of the nanoseconds of one call. */
static double time_of(void (*call)(void)) {
  double batches[BATCHES];
  size_t at;
  for (at = 0; at < BATCHES; at++) {
    double start = now_ns(), calls = 0;
    int round;
    do {
      for (round = 0; round < 100; round++) call();
      calls += 100;
    } while (now_ns() - start < BATCH_NS);
    batches[at] = (now_ns() - start) / calls;
  }
  qsort(batches, BATCHES, sizeof *batches, by_size);
  return batches[BATCHES / 2];
}

static scopegate_request request_with(const scopegate_str *authorization, const int64_t *now) {
  scopegate_request request = SCOPEGATE_REQUEST_INIT;
  request.method = scopegate_str_from("POST");
  request.target = scopegate_str_from("/mcp");
  request.authorization = authorization;
  request.authorization_count = 1;
  request.body_read = 1;
  request.now = now;
  return request;
}

int main(int argc, char **argv) {
  scopegate_str accepted, refused;
  int64_t now;
  EXPECT(argc == 6);
  EXPECT(scopegate_server_new(SCOPEGATE_ABI, argv[1], strlen(argv[1]), &server, NULL) == SCOPEGATE_OK);
  EXPECT(scopegate_server_new(SCOPEGATE_ABI, argv[5], strlen(argv[5]), &keeping, NULL) == SCOPEGATE_OK);
  accepted = scopegate_str_from(argv[2]);
  refused = scopegate_str_from(argv[3]);
  now = strtoll(argv[4], NULL, 10);
  good = request_with(&accepted, &now);
  bad = request_with(&refused, &now);
  printf("{\"authorize_ns\":%.1f,\"seen_before_ns\":%.1f,", time_of(authorize), time_of(authorize_again));
  printf("\"refused_ns\":%.1f,\"crossing_ns\":%.1f}\n", time_of(refuse), time_of(cross));
  scopegate_server_free(server);
  scopegate_server_free(keeping);
  return 0;
}
