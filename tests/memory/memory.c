/* The C program of tests/memory: memory.rs says what it reads and writes. */
#define _POSIX_C_SOURCE 200809L
#include <scopegate.h>

#include "../c/expect.h"

/* KiB that are in memory. */
static long resident(void) {
  char line[256];
  long found = -1;
  FILE *status = fopen("/proc/self/status", "r");
  EXPECT(status != NULL);
  while (fgets(line, sizeof line, status)) {
    if (sscanf(line, "VmRSS: %ld", &found) == 1) break;
  }
  fclose(status);
  EXPECT(found > 0);
  return found;
}

static int is_accepted(const scopegate_server *server, const char *token) {
  char text[4096];
  scopegate_str line;
  scopegate_request request = SCOPEGATE_REQUEST_INIT;
  scopegate_token *verified = NULL;
  scopegate_response *answer = NULL;
  scopegate_status status;
  EXPECT(snprintf(text, sizeof text, "Bearer %s", token) < (int)sizeof text);
  line = scopegate_str_from(text);
  request.authorization = &line;
  request.authorization_count = 1;
  status = scopegate_server_authorize(server, &request, &verified, &answer);
  EXPECT(status == SCOPEGATE_OK || scopegate_response_http1(answer).len > 0);
  scopegate_token_free(verified);
  scopegate_response_free(answer);
  return status == SCOPEGATE_OK;
}

int main(void) {
  char *line = NULL;
  size_t room = 0;
  ssize_t len;
  unsigned long accepted = 0, refused = 0;
  scopegate_server *server = NULL;
  EXPECT((len = getline(&line, &room, stdin)) > 0);
  EXPECT(scopegate_server_new(SCOPEGATE_ABI, line, (size_t)len, &server, NULL) == SCOPEGATE_OK);
  while ((len = getline(&line, &room, stdin)) > 0) {
    line[len - 1] = 0;
    if (line[0] == '=') {
      printf("%lu %lu %ld\n", accepted, refused, resident());
      continue;
    }
    EXPECT(is_accepted(server, line + 1) == (line[0] == '+'));
    if (line[0] == '+') accepted++;
    else refused++;
  }
  scopegate_server_free(server);
  free(line);
  return fflush(stdout) != 0;
}
