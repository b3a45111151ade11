/* An event loop that never waits for keys: check, refresh on a thread, check_after.
 *
 *     cc event_loop.c $(pkg-config --cflags --libs scopegate) -pthread -o event_loop
 *     ./event_loop scopegate.json < requests
 *
 * A request is a line of standard input: the value of its Authorization field, or nothing. Its answer is a line of
 * standard output: its number and the name of the status. A request that lacks keys is set aside, and the loop goes on;
 * so answers may come in another order.
 */
#define _POSIX_C_SOURCE 200809L
#include <poll.h>
#include <pthread.h>
#include <scopegate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct job {
  const scopegate_server *gate;
  unsigned long number;
  scopegate_str authorization;
  scopegate_key_request *wanted;
  int done; /* where the thread that refreshes puts the job */
  char line[20000];
};

static scopegate_request request_of(const struct job *job) {
  scopegate_request request = SCOPEGATE_REQUEST_INIT;
  request.method = scopegate_str_from("GET");
  request.target = scopegate_str_from("/mcp");
  request.authorization = &job->authorization;
  request.authorization_count = job->authorization.len > 0;
  return request;
}

/* A server would send the answer, or serve the request for the token. */
static void finish(struct job *job, scopegate_status status, scopegate_token *token, scopegate_response *answer) {
  printf("%lu %s\n", job->number, scopegate_status_name(status).data);
  fflush(stdout);
  scopegate_token_free(token);
  scopegate_response_free(answer);
  scopegate_key_request_free(job->wanted);
  free(job);
}

/* The one place that waits. The loop hears of the end through a pipe. */
static void *refresh(void *argument) {
  struct job *job = argument;
  scopegate_server_refresh(job->gate, job->wanted, NULL); /* what came of it, check_after says */
  if (write(job->done, &job, sizeof job) != sizeof job) abort();
  return NULL;
}

/* Returns 1 when the job was set aside. */
static int begin(struct job *job) {
  scopegate_request request = request_of(job);
  scopegate_token *token = NULL;
  scopegate_response *answer = NULL;
  size_t body_limit;
  pthread_t thread;
  scopegate_status status = scopegate_server_check(job->gate, &request, &token, &job->wanted, &body_limit, &answer);
  if (status == SCOPEGATE_NEED_KEYS && pthread_create(&thread, NULL, refresh, job) == 0) {
    pthread_detach(thread);
    return 1;
  }
  if (status == SCOPEGATE_NEED_KEYS) { /* no thread to be had: decide by the keys that are held, do not wait */
    scopegate_server_start_refresh(job->gate, job->wanted, NULL);
    status = scopegate_server_check_after(job->gate, &request, job->wanted, &token, &body_limit, &answer);
  }
  finish(job, status, token, answer);
  return 0;
}

static void resume(struct job *job) {
  scopegate_request request = request_of(job);
  scopegate_token *token = NULL;
  scopegate_response *answer = NULL;
  size_t body_limit;
  scopegate_status status = scopegate_server_check_after(job->gate, &request, job->wanted, &token, &body_limit, &answer);
  finish(job, status, token, answer);
}

/* The next line of standard input, or NULL at its end. Lines are short, so this does not wait long. */
static struct job *next_job(const scopegate_server *gate, int done) {
  static unsigned long number;
  struct job *job = calloc(1, sizeof *job);
  size_t len = 0;
  ssize_t got = 0;
  if (!job) abort();
  while (len < sizeof job->line && (got = read(STDIN_FILENO, job->line + len, 1)) == 1 && job->line[len] != '\n') len++;
  if (got != 1) return free(job), NULL;
  job->gate = gate;
  job->number = ++number;
  job->authorization = (scopegate_str){job->line, len};
  job->done = done;
  return job;
}

int main(int argc, char **argv) {
  scopegate_server *gate = NULL;
  scopegate_error *error = NULL;
  struct job *job;
  size_t waiting = 0;
  int done[2], reading = 1;
  if (argc != 2 || pipe(done) != 0) return 2;
  if (scopegate_server_open(SCOPEGATE_ABI, argv[1], &gate, &error) != SCOPEGATE_OK) {
    fprintf(stderr, "%s\n", scopegate_error_message(error).data);
    scopegate_error_free(error);
    return 1;
  }
  while (reading || waiting > 0) {
    struct pollfd events[2] = {{done[0], POLLIN, 0}, {reading ? STDIN_FILENO : -1, POLLIN, 0}};
    if (poll(events, 2, -1) < 0) return 1;
    if (events[0].revents && read(done[0], &job, sizeof job) == sizeof job) {
      waiting--;
      resume(job);
    }
    if (events[1].revents) {
      if ((job = next_job(gate, done[1])) == NULL)
        reading = 0;
      else
        waiting += (size_t)begin(job);
    }
  }
  scopegate_server_free(gate);
  return 0;
}
