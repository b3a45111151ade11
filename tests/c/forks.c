/* Forks again and again while threads decide and a fetch hangs. Arguments: a configuration whose keys are fetched once and
 * then never again, two Authorization values that it accepts and of which it holds one as verified, one under a kid that it
 * does not know, how many children, the kid of the values that it accepts. In the end that key is distrusted, and one more
 * child is asked.
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <scopegate.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "expect.h"

enum { THREADS = 8, CHILD_MAY_TAKE = 20 };

static scopegate_server *server;
static scopegate_str known[2], unknown;
static atomic_int over;
static atomic_long decisions, unavailable;

static scopegate_request request_with(const scopegate_str *authorization) {
  scopegate_request request = SCOPEGATE_REQUEST_INIT;
  request.method = scopegate_str_from("POST");
  request.target = scopegate_str_from("/mcp");
  request.authorization = authorization;
  request.authorization_count = 1;
  return request;
}

static scopegate_status authorize(const scopegate_str *authorization) {
  scopegate_request request = request_with(authorization);
  scopegate_token *token = NULL;
  scopegate_response *answer = NULL;
  scopegate_status status = scopegate_server_authorize(server, &request, &token, &answer);
  scopegate_token_free(token);
  scopegate_response_free(answer);
  return status;
}

/* Decides without waiting. The keys that are wanted, if any, must be freed. */
static scopegate_status check(const scopegate_str *authorization, scopegate_key_request **wanted) {
  scopegate_request request = request_with(authorization);
  scopegate_token *token = NULL;
  scopegate_response *answer = NULL;
  size_t limit;
  scopegate_status status = scopegate_server_check(server, &request, &token, wanted, &limit, &answer);
  scopegate_token_free(token);
  scopegate_response_free(answer);
  return status;
}

/* Each token drives the other out of the cache. */
static void *decide(void *nothing) {
  while (!over) {
    EXPECT(authorize(&known[decisions++ % 2]) == SCOPEGATE_OK);
  }
  return nothing;
}

/* Keeps a fetch in flight: each of these waits for it. */
static void *ask_for_unknown(void *nothing) {
  while (!over) {
    EXPECT(authorize(&unknown) == SCOPEGATE_KEYS_UNAVAILABLE);
    unavailable++;
  }
  return nothing;
}

/* The keys of the parent, then a fetch of its own, then the keys again. */
static void answer_as_child(void) {
  scopegate_key_request *wanted = NULL;
  scopegate_report *report = NULL;
  alarm(CHILD_MAY_TAKE);
  EXPECT(check(&known[0], &wanted) == SCOPEGATE_OK && wanted == NULL);
  EXPECT(check(&known[1], &wanted) == SCOPEGATE_OK && wanted == NULL);
  EXPECT(scopegate_server_health(server, &report, NULL) == SCOPEGATE_OK);
  EXPECT(check(&unknown, &wanted) == SCOPEGATE_NEED_KEYS && wanted != NULL);
  EXPECT(scopegate_server_start_refresh(server, wanted, NULL) == SCOPEGATE_OK);
  EXPECT(authorize(&known[0]) == SCOPEGATE_OK);
  _exit(0);
}

/* The key that the parent distrusted answers here neither. */
static void distrust_as_child(void) {
  scopegate_key_request *wanted = NULL;
  alarm(CHILD_MAY_TAKE);
  EXPECT(check(&known[0], &wanted) == SCOPEGATE_UNKNOWN_KEY && wanted == NULL);
  EXPECT(check(&known[1], &wanted) == SCOPEGATE_UNKNOWN_KEY && wanted == NULL);
  _exit(0);
}

static void fork_one(void (*answer)(void)) {
  int outcome;
  pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) answer();
  EXPECT(waitpid(child, &outcome, 0) == child);
  EXPECT(WIFEXITED(outcome) && WEXITSTATUS(outcome) == 0);
}

int main(int count, char **arguments) {
  pthread_t threads[THREADS + 1];
  struct timespec moment = {0, 300 * 1000 * 1000};
  int children, at;
  EXPECT(count == 7);
  known[0] = scopegate_str_from(arguments[2]);
  known[1] = scopegate_str_from(arguments[3]);
  unknown = scopegate_str_from(arguments[4]);
  children = atoi(arguments[5]);
  EXPECT(scopegate_server_new(SCOPEGATE_ABI, arguments[1], strlen(arguments[1]), &server, NULL) == SCOPEGATE_OK);
  EXPECT(authorize(&known[0]) == SCOPEGATE_OK);
  for (at = 0; at < THREADS; at++) EXPECT(pthread_create(&threads[at], NULL, decide, NULL) == 0);
  EXPECT(pthread_create(&threads[THREADS], NULL, ask_for_unknown, NULL) == 0);
  nanosleep(&moment, NULL);
  for (at = 0; at < children; at++) fork_one(answer_as_child);
  over = 1;
  for (at = 0; at <= THREADS; at++) EXPECT(pthread_join(threads[at], NULL) == 0);
  EXPECT(unavailable > 0);
  EXPECT(scopegate_server_distrust_key(server, scopegate_str_from("https://issuer.test"), scopegate_str_from(arguments[6]),
                                       NULL) == SCOPEGATE_OK);
  fork_one(distrust_as_child);
  scopegate_server_free(server);
  printf("%d of %d children answered by the parent's keys; meanwhile %ld good tokens accepted by the parent; a "
         "child of the parent that distrusts the key refuses it", children, children,
         (long)decisions);
  return 0;
}
