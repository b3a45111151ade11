/* Proves each contender of C, says who they are in one line, and then times one batch for each line that comes, as run.py
 * asks. Its argument is the folder that `bench-rust mint` wrote.
 */
#define _POSIX_C_SOURCE 200809L
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "bench.h"

enum { ALGORITHMS = 4, STRIDE = 16, MOST_CONTENDERS = 8, LONGEST = 4096 };

static const char *const FAULT_NAMES[FAULTS] = {"signature", "issuer", "audience", "expired",
                                                "not yet valid", "scope", "typ"};

/* A contender at one algorithm. */
struct row {
  const struct contender *contender;
  struct sample sample;
  void *opened;
  /* How many of the distinct tokens came before, in all threads. */
  atomic_size_t position;
};

static struct row rows[MOST_CONTENDERS][ALGORITHMS];

static char *read_file(const char *folder, const char *algorithm, const char *name) {
  char path[LONGEST];
  FILE *file;
  long size;
  char *text;
  EXPECT(snprintf(path, sizeof path, "%s/%s.%s", folder, algorithm, name) < (int)sizeof path);
  file = fopen(path, "rb");
  EXPECT(file != NULL && fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0);
  rewind(file);
  text = calloc((size_t)size + 1, 1);
  EXPECT(text != NULL && fread(text, 1, (size_t)size, file) == (size_t)size);
  fclose(file);
  return text;
}

static char *joined(const char *prefix, const char *text) {
  char *both = malloc(strlen(prefix) + strlen(text) + 1);
  EXPECT(both != NULL);
  return strcat(strcpy(both, prefix), text);
}

/* The value of the line with this name, in lines of a name, a tab and a value; a name may come twice. */
static char *value_of(const char *cases, const char *name, int which, const char *prefix) {
  size_t len = strlen(name);
  while (*cases != 0) {
    const char *end = strchr(cases, '\n');
    if (strncmp(cases, name, len) == 0 && cases[len] == '\t' && which-- == 0) {
      char *value = strndup(cases + len + 1, (size_t)(end - cases) - len - 1);
      return joined(prefix, value);
    }
    cases = end + 1;
  }
  EXPECT(!"a line with that name");
  return NULL;
}

static struct sample read_sample(const char *folder, const char *algorithm, const char *form) {
  struct sample sample = {0};
  char name[64], *cases, *pool, *line, *rest = NULL;
  size_t at;
  sample.algorithm = algorithm;
  sample.pem = read_file(folder, algorithm, "pem");
  sample.configuration = read_file(folder, algorithm, "configuration");
  sample.configuration_cache_off = read_file(folder, algorithm, "configuration-cache-off");
  snprintf(name, sizeof name, "%s.cases", form);
  cases = read_file(folder, algorithm, name);
  sample.subject = value_of(cases, "subject", 0, "");
  sample.issuer = value_of(cases, "issuer", 0, "");
  sample.audience = value_of(cases, "audience", 0, "");
  sample.good = value_of(cases, "good", 0, "Bearer ");
  for (at = 0; at < FAULTS; at++)
    sample.faulty[at] = value_of(cases, FAULT_NAMES[at], at == ISSUER || at == AUDIENCE, "Bearer ");
  snprintf(name, sizeof name, "%s.tokens", form);
  pool = read_file(folder, algorithm, name);
  for (line = strtok_r(pool, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
    if (sample.distinct_count % 1024 == 0)
      sample.distinct = realloc(sample.distinct, (sample.distinct_count + 1024) * sizeof *sample.distinct);
    EXPECT(sample.distinct != NULL);
    sample.distinct[sample.distinct_count++] = joined("Bearer ", line);
  }
  free(pool);
  free(cases);
  return sample;
}

static int verdict(const struct row *row, const char *authorization) {
  return row->contender->check(row->opened, authorization, strlen(authorization));
}

/* Accepts the good token and refuses the forged one. */
static void prove(const struct row *row) {
  EXPECT(verdict(row, row->sample.good));
  EXPECT(strcmp(row->contender->kind, "piece") == 0 || !verdict(row, row->sample.faulty[SIGNATURE]));
}

static void describe(const struct row *of) {
  const struct contender *contender = of->contender;
  int is_piece = strcmp(contender->kind, "piece") == 0, is_ours = strcmp(contender->kind, "ours") == 0, at;
  const char *between = "";
  printf("{\"name\": \"%s\", \"kind\": \"%s\", \"refuses\": [", contender->name, contender->kind);
  for (at = 0; at < FAULTS; at++) {
    if (verdict(of, of->sample.faulty[at])) continue;
    printf("%s\"%s\"", between, FAULT_NAMES[at]);
    between = ", ";
  }
  printf("], \"lanes\": [\"1 thread\"%s], \"algorithms\": [", is_piece ? "" : ", \"2 threads\"");
  for (at = 0; contender->algorithms[at] != NULL; at++)
    printf("%s\"%s\"", at ? ", " : "", contender->algorithms[at]);
  printf("]");
  if (strcmp(contender->name, "libjwt") == 0) printf(", \"package\": \"libjwt\"");
  printf("%s}", is_piece ? ", \"workloads\": [\"hot\"]"
               : is_ours ? ", \"workloads\": [\"hot\", \"cold\", \"mixed\", \"refused\"]"
                         : "");
}

static double now_ns(void) {
  struct timespec now;
  EXPECT(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* One thread of a batch. */
struct batch {
  struct row *row;
  const char *workload;
  double seconds, nanoseconds;
};

static const char *next_value(struct row *row, const char *workload, size_t number) {
  const struct sample *sample = &row->sample;
  int is_new = *workload == 'c' || (*workload == 'm' && number % 20 == 19);
  if (is_new) return sample->distinct[atomic_fetch_add(&row->position, 1) % sample->distinct_count];
  return *workload == 'r' ? sample->faulty[ISSUER] : sample->good;
}

static void *run(void *argument) {
  struct batch *batch = argument;
  struct row *row = batch->row;
  int good = *batch->workload != 'r', at;
  char buffer[LONGEST];
  size_t number = 0;
  double start = 0, calls = -STRIDE; /* the first of them are not timed */
  do {
    if (calls == 0) start = now_ns();
    for (at = 0; at < STRIDE; at++) {
      const char *value = next_value(row, batch->workload, number++);
      size_t len = strlen(value);
      memcpy(buffer, value, len + 1); /* into memory that was just written, as a server has it */
      EXPECT(row->contender->check(row->opened, buffer, len) == good);
    }
    calls += STRIDE;
  } while (calls == 0 || now_ns() - start < batch->seconds * 1e9);
  batch->nanoseconds = (now_ns() - start) / calls;
  return NULL;
}

/* Nanoseconds of one call; of threads, of all their calls together. */
static double time_batch(struct row *row, const char *workload, int threads, double seconds) {
  struct batch batches[2];
  pthread_t started[2];
  double rate = 0;
  int at;
  for (at = 0; at < threads; at++) {
    batches[at] = (struct batch){row, workload, seconds, 0};
    EXPECT(pthread_create(&started[at], NULL, run, &batches[at]) == 0);
  }
  for (at = 0; at < threads; at++) {
    EXPECT(pthread_join(started[at], NULL) == 0);
    rate += 1 / batches[at].nanoseconds;
  }
  return 1 / rate;
}

static struct row *find_row(const char *name, const char *algorithm) {
  size_t at, key;
  for (at = 0; at < CONTENDER_COUNT; at++)
    for (key = 0; CONTENDERS[at].algorithms[key] != NULL; key++)
      if (strcmp(CONTENDERS[at].name, name) == 0 && strcmp(CONTENDERS[at].algorithms[key], algorithm) == 0)
        return &rows[at][key];
  EXPECT(!"a row with that name");
  return NULL;
}

int main(int argc, char **argv) {
  char line[LONGEST], name[64], algorithm[16], workload[16], lane[16];
  double seconds;
  size_t at, key;
  EXPECT(argc == 2 && CONTENDER_COUNT <= MOST_CONTENDERS);
  printf("{\"versions\": {\"OpenSSL\": \"%s\", \"libjwt\": \"%s\", \"C compiler\": \"%s\"}, \"contenders\": [",
         OpenSSL_version(OPENSSL_VERSION_STRING), LIBJWT_VERSION, __VERSION__);
  for (at = 0; at < CONTENDER_COUNT; at++) {
    for (key = 0; CONTENDERS[at].algorithms[key] != NULL; key++) {
      struct row *row = &rows[at][key];
      row->contender = &CONTENDERS[at];
      row->sample = read_sample(argv[1], CONTENDERS[at].algorithms[key], CONTENDERS[at].form);
      row->opened = CONTENDERS[at].open(&row->sample);
      prove(row);
    }
    if (at > 0) printf(", ");
    describe(&rows[at][0]);
  }
  puts("]}");
  fflush(stdout);
  while (fgets(line, sizeof line, stdin) != NULL) {
    EXPECT(sscanf(line,
                  "{\"contender\": \"%63[^\"]\", \"algorithm\": \"%15[^\"]\", \"workload\": \"%15[^\"]\", "
                  "\"lane\": \"%15[^\"]\", \"seconds\": %lf}",
                  name, algorithm, workload, lane, &seconds) == 5);
    printf("{\"ns\": %.1f}\n",
           time_batch(find_row(name, algorithm), workload, strcmp(lane, "2 threads") == 0 ? 2 : 1, seconds));
    fflush(stdout);
  }
  return 0;
}
