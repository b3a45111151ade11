/* What draining costs a server: decisions without events, with a thread that drains them and counts their lines, and with no
 * room for events. Prints one JSON object. Arguments: the configurations of the three, an Authorization value and a body.
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <scopegate.h>
#include <stdatomic.h>
#include <time.h>

#include "expect.h"

enum { ROUNDS = 15, OFF = 0, ON = 1, FULL = 2 };
static const double SPELL_NS = 100e6;
static const struct timespec INTERVAL = {0, 10 * 1000 * 1000};

static scopegate_server *servers[3];
static scopegate_request request = SCOPEGATE_REQUEST_INIT;
static atomic_int stopping;

static double now_ns(void) {
  struct timespec now;
  EXPECT(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static unsigned long drained(void) {
  scopegate_report *report = NULL;
  scopegate_str text;
  unsigned long lines = 0;
  const char *at;
  EXPECT(scopegate_server_drain_events(servers[ON], &report, NULL) == SCOPEGATE_OK);
  text = scopegate_report_text(report);
  for (at = text.data; (at = memchr(at, '\n', (size_t)(text.data + text.len - at))) != NULL; at++) lines++;
  scopegate_report_free(report);
  return lines;
}

static void *sink(void *received) {
  int last;
  do {
    last = atomic_load(&stopping);
    *(unsigned long *)received += drained();
    nanosleep(&INTERVAL, NULL);
  } while (!last);
  return NULL;
}

/* The nanoseconds of one decision, and how many were made. */
static double spell(const scopegate_server *server, unsigned long *made) {
  double start = now_ns();
  int round;
  *made = 0;
  do {
    for (round = 0; round < 100; round++) {
      scopegate_token *token = NULL;
      scopegate_response *answer = NULL;
      EXPECT(scopegate_server_authorize(server, &request, &token, &answer) == SCOPEGATE_OK);
      scopegate_token_free(token);
    }
    *made += 100;
  } while (now_ns() - start < SPELL_NS);
  return (now_ns() - start) / (double)*made;
}

/* A counter of events, out of the report. */
static unsigned long counted(const char *name) {
  scopegate_report *report = NULL;
  const char *events, *member;
  unsigned long count;
  EXPECT(scopegate_server_stats(servers[ON], &report, NULL) == SCOPEGATE_OK);
  events = strstr(scopegate_report_text(report).data, "\"events\":{");
  EXPECT(events != NULL);
  member = strstr(events, name);
  EXPECT(member != NULL);
  count = strtoul(member + strlen(name), NULL, 10);
  scopegate_report_free(report);
  return count;
}

int main(int argc, char **argv) {
  double fastest[3] = {0, 0, 0};
  unsigned long decisions = 0, received = 0, dropped;
  scopegate_str authorization;
  pthread_t thread;
  int round, which;
  EXPECT(argc == 6);
  for (which = OFF; which <= FULL; which++) {
    const char *config = argv[1 + which];
    EXPECT(scopegate_server_new(SCOPEGATE_ABI, config, strlen(config), &servers[which], NULL) == SCOPEGATE_OK);
  }
  authorization = scopegate_str_from(argv[4]);
  request.method = scopegate_str_from("POST");
  request.target = scopegate_str_from("/mcp");
  request.authorization = &authorization;
  request.authorization_count = 1;
  request.body = scopegate_str_from(argv[5]);
  request.body_read = 1;
  EXPECT(pthread_create(&thread, NULL, sink, &received) == 0);
  for (round = 0; round < ROUNDS; round++) {
    for (which = OFF; which <= FULL; which++) {
      unsigned long made;
      double ns = spell(servers[which], &made);
      if (round == 0 || ns < fastest[which]) fastest[which] = ns;
      if (which == ON) decisions += made;
    }
  }
  atomic_store(&stopping, 1);
  EXPECT(pthread_join(thread, NULL) == 0);
  dropped = counted("\"dropped\":");
  EXPECT(counted("\"recorded\":") == received && received + dropped == decisions);
  printf("{\"off_ns\":%.1f,\"on_ns\":%.1f,\"full_ns\":%.1f,", fastest[OFF], fastest[ON], fastest[FULL]);
  printf("\"decisions\":%lu,\"drained\":%lu,\"dropped\":%lu}\n", decisions, received, dropped);
  for (which = OFF; which <= FULL; which++) scopegate_server_free(servers[which]);
  return 0;
}
