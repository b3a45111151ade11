/* Looks through the memory of its own process for a token that was accepted, refused, and freed: for every part of it, or,
 * where its claims may be held, for every part of its signature. Arguments: a configuration; `token` or `signature`. Standard
 * input: an Authorization value. Needs Linux.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <scopegate.h>
#include <unistd.h>

#include "expect.h"

enum { LONGEST = 4096, WINDOW = 32, STEP = 16, CHUNK = 1 << 16, MASK = 0x55 };

static char value[LONGEST];
static unsigned char masked[LONGEST], chunk[CHUNK];

static void mask(unsigned char *bytes, size_t len) {
  while (len > 0) bytes[--len] ^= MASK;
}

/* How many windows of the value, from `start` on, stand in this range of memory. The value itself is nowhere but in `value`. */
static size_t found_in(int memory, off_t from, off_t to, size_t start, size_t len) {
  size_t found = 0, at;
  for (; from < to; from += CHUNK - WINDOW) {
    size_t want = (size_t)(to - from) < CHUNK ? (size_t)(to - from) : CHUNK;
    ssize_t got = pread(memory, chunk, want, from);
    if (got < WINDOW) break;
    mask(chunk, (size_t)got);
    for (at = start; at + WINDOW <= len; at += STEP) found += memmem(chunk, (size_t)got, masked + at, WINDOW) != NULL;
    memset(chunk, 0, sizeof chunk);
  }
  return found;
}

static size_t found_anywhere(size_t start, size_t len) {
  char line[512];
  size_t found = 0;
  unsigned long from, to;
  int memory = open("/proc/self/mem", O_RDONLY);
  FILE *maps = fopen("/proc/self/maps", "r");
  EXPECT(memory >= 0 && maps != NULL);
  while (fgets(line, sizeof line, maps)) {
    char rights[5];
    if (sscanf(line, "%lx-%lx %4s", &from, &to, rights) == 3 && strncmp(rights, "rw", 2) == 0)
      found += found_in(memory, (off_t)from, (off_t)to, start, len);
  }
  fclose(maps);
  close(memory);
  return found;
}

static scopegate_status judge(const scopegate_server *server, size_t len) {
  scopegate_str line = {value, len};
  scopegate_request request = SCOPEGATE_REQUEST_INIT;
  scopegate_token *token = NULL;
  scopegate_response *answer = NULL;
  scopegate_status status;
  request.authorization = &line;
  request.authorization_count = 1;
  status = scopegate_server_authorize(server, &request, &token, &answer);
  scopegate_token_free(token);
  scopegate_response_free(answer);
  return status;
}

int main(int argc, char **argv) {
  scopegate_server *server = NULL;
  size_t len = 0, start = 0, whole;
  ssize_t got;
  EXPECT(argc == 3 && (strcmp(argv[2], "token") == 0 || strcmp(argv[2], "signature") == 0));
  EXPECT(scopegate_server_new(SCOPEGATE_ABI, argv[1], strlen(argv[1]), &server, NULL) == SCOPEGATE_OK);
  while ((got = read(STDIN_FILENO, value + len, sizeof value - len)) > 0) len += (size_t)got;
  if (strcmp(argv[2], "signature") == 0) {
    for (start = len; start > 0 && value[start - 1] != '.';) start--;
    EXPECT(start > 0);
  }
  memcpy(masked, value, len);
  mask(masked, len);
  whole = (len - start - WINDOW) / STEP + 1;
  EXPECT(judge(server, len) == SCOPEGATE_OK);
  EXPECT(judge(server, len - 1) != SCOPEGATE_OK);
  EXPECT(found_anywhere(start, len) >= whole);
  memset(value, 0, sizeof value);
  __asm__ volatile("" : : "r"(value) : "memory"); /* the compiler must not leave that out */
  EXPECT(found_anywhere(start, len) == 0);
  scopegate_server_free(server);
  return 0;
}
