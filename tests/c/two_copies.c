/* Two copies of the library in one process, as when two extensions of a program bring one each: neither disturbs the other.
 * Arguments: the path of the second copy, a configuration, an Authorization value that it accepts, and a configuration whose
 * keys are at an https URL where nothing listens.
 */
#include <dlfcn.h>
#include <scopegate.h>

#include "expect.h"

struct copy {
  scopegate_status (*server_new)(uint32_t, const char *, size_t, scopegate_server **, scopegate_error **);
  scopegate_status (*authorize)(const scopegate_server *, const scopegate_request *, scopegate_token **, scopegate_response **);
  scopegate_str (*subject)(const scopegate_token *);
  void (*server_free)(scopegate_server *);
  void (*token_free)(scopegate_token *);
  void (*response_free)(scopegate_response *);
};

static const struct copy linked = {scopegate_server_new,  scopegate_server_authorize, scopegate_token_subject,
                                   scopegate_server_free, scopegate_token_free,       scopegate_response_free};

/* The address of a function is no object in ISO C, and one in POSIX. */
static void find(void *library, const char *name, void *pointer) {
  void *symbol = dlsym(library, name);
  EXPECT(symbol != NULL);
  memcpy(pointer, &symbol, sizeof symbol);
}

static struct copy loaded(const char *path) {
  struct copy copy;
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) fprintf(stderr, "%s\n", dlerror());
  EXPECT(library != NULL);
  find(library, "scopegate_server_new", &copy.server_new);
  find(library, "scopegate_server_authorize", &copy.authorize);
  find(library, "scopegate_token_subject", &copy.subject);
  find(library, "scopegate_server_free", &copy.server_free);
  find(library, "scopegate_token_free", &copy.token_free);
  find(library, "scopegate_response_free", &copy.response_free);
  return copy;
}

static scopegate_server *new_server(const struct copy *copy, const char *config) {
  scopegate_server *server = NULL;
  EXPECT(copy->server_new(SCOPEGATE_ABI, config, strlen(config), &server, NULL) == SCOPEGATE_OK);
  return server;
}

static void judge(const struct copy *copy, const scopegate_server *server, scopegate_str authorization, scopegate_status expected) {
  scopegate_request request = SCOPEGATE_REQUEST_INIT;
  scopegate_token *token = NULL;
  scopegate_response *answer = NULL;
  request.authorization = &authorization;
  request.authorization_count = 1;
  EXPECT(copy->authorize(server, &request, &token, &answer) == expected);
  EXPECT((token != NULL) == (expected == SCOPEGATE_OK));
  if (token != NULL) EXPECT(IS(copy->subject(token), "user"));
  copy->token_free(token);
  copy->response_free(answer);
}

int main(int argc, char **argv) {
  struct copy copies[2];
  scopegate_server *servers[2], *unreachable[2];
  int at, round;
  EXPECT(argc == 5);
  copies[0] = linked;
  copies[1] = loaded(argv[1]);
  EXPECT(copies[0].server_new != copies[1].server_new);
  for (at = 0; at < 2; at++) {
    servers[at] = new_server(&copies[at], argv[2]);
    unreachable[at] = new_server(&copies[at], argv[4]);
  }
  for (round = 0; round < 10; round++) {
    for (at = 0; at < 2; at++) judge(&copies[at], servers[at], scopegate_str_from(argv[3]), SCOPEGATE_OK);
  }
  for (at = 0; at < 2; at++) judge(&copies[at], unreachable[at], scopegate_str_from(argv[3]), SCOPEGATE_KEYS_UNAVAILABLE);
  copies[0].server_free(servers[0]);
  judge(&copies[1], servers[1], scopegate_str_from(argv[3]), SCOPEGATE_OK);
  copies[1].server_free(servers[1]);
  for (at = 0; at < 2; at++) copies[at].server_free(unreachable[at]);
  return 0;
}
