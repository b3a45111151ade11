/* Who is timed. */
#include <jwt.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <scopegate.h>
#include <time.h>

#include "bench.h"

static const size_t BEARER = sizeof "Bearer " - 1;

struct gate {
  scopegate_server *server;
  const struct sample *sample;
};

static void *open_gate_with(const struct sample *sample, const char *configuration) {
  struct gate *gate = malloc(sizeof *gate);
  EXPECT(gate != NULL);
  gate->sample = sample;
  EXPECT(scopegate_server_new(SCOPEGATE_ABI, configuration, strlen(configuration), &gate->server, NULL) == SCOPEGATE_OK);
  return gate;
}

static void *open_gate(const struct sample *sample) { return open_gate_with(sample, sample->configuration); }

static void *open_gate_cache_off(const struct sample *sample) {
  return open_gate_with(sample, sample->configuration_cache_off);
}

static int check_gate(void *opened, const char *authorization, size_t len) {
  const struct gate *gate = opened;
  scopegate_request request = SCOPEGATE_REQUEST_INIT;
  scopegate_token *token = NULL;
  scopegate_response *answer = NULL;
  scopegate_str line, subject;
  int good = 0;
  line.data = authorization;
  line.len = len;
  request.method = scopegate_str_from("POST");
  request.target = scopegate_str_from("/mcp");
  request.authorization = &line;
  request.authorization_count = 1;
  if (scopegate_server_authorize(gate->server, &request, &token, &answer) == SCOPEGATE_OK) {
    subject = scopegate_token_subject(token);
    good = subject.data != NULL && strcmp(subject.data, gate->sample->subject) == 0;
  }
  scopegate_token_free(token);
  scopegate_response_free(answer);
  return good;
}

/* libjwt takes the key as PEM each time, and checks the signature alone: what follows is what its users write. */
static void *open_libjwt(const struct sample *sample) { return (void *)sample; }

static int is(const char *claim, const char *expected) { return claim != NULL && strcmp(claim, expected) == 0; }

static int check_libjwt(void *opened, const char *authorization, size_t len) {
  const struct sample *sample = opened;
  jwt_t *jwt = NULL;
  int good;
  long now = (long)time(NULL);
  (void)len;
  if (jwt_decode(&jwt, authorization + BEARER, (const unsigned char *)sample->pem, (int)strlen(sample->pem)) != 0)
    return 0;
  good = jwt_get_alg(jwt) == jwt_str_alg(sample->algorithm) && is(jwt_get_grant(jwt, "iss"), sample->issuer) &&
         is(jwt_get_grant(jwt, "aud"), sample->audience) && jwt_get_grant_int(jwt, "exp") > now &&
         jwt_get_grant_int(jwt, "nbf") <= now && is(jwt_get_grant(jwt, "sub"), sample->subject);
  jwt_free(jwt);
  return good;
}

/* OpenSSL's verification alone, with the key read once and a context that is copied. It reads no claim and no header. */
struct evp {
  EVP_MD_CTX *ready;
  int is_ecdsa;
};

static void *open_evp(const struct sample *sample) {
  struct evp *evp = malloc(sizeof *evp);
  BIO *text = BIO_new_mem_buf(sample->pem, -1);
  EVP_PKEY *key = PEM_read_bio_PUBKEY(text, NULL, NULL, NULL);
  EVP_PKEY_CTX *settings = NULL;
  int is_eddsa = strcmp(sample->algorithm, "EdDSA") == 0;
  EXPECT(evp != NULL && key != NULL);
  BIO_free(text);
  evp->ready = EVP_MD_CTX_new();
  evp->is_ecdsa = strcmp(sample->algorithm, "ES256") == 0;
  EXPECT(EVP_DigestVerifyInit(evp->ready, &settings, is_eddsa ? NULL : EVP_sha256(), NULL, key) == 1);
  if (strcmp(sample->algorithm, "PS256") == 0) {
    EXPECT(EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) == 1);
    EXPECT(EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST) == 1);
  }
  return evp;
}

/* Base64url without padding, of text that is known to be well formed; the number of bytes. */
static size_t decode(const char *text, size_t len, unsigned char *bytes) {
  unsigned long bits = 0;
  size_t at, count = 0;
  int held = 0;
  for (at = 0; at < len; at++) {
    char c = text[at];
    unsigned long value = c >= 'a'   ? (unsigned long)(c - 'a') + 26
                          : c == '_' ? 63
                          : c >= 'A' ? (unsigned long)(c - 'A')
                          : c >= '0' ? (unsigned long)(c - '0') + 52
                                     : 62;
    bits = bits << 6 | value;
    held += 6;
    if (held >= 8) bytes[count++] = (unsigned char)(bits >> (held -= 8));
  }
  return count;
}

static int check_evp(void *opened, const char *authorization, size_t len) {
  const struct evp *evp = opened;
  const char *dot = strrchr(authorization, '.');
  unsigned char signature[512], der[128], *end = der;
  const unsigned char *message = (const unsigned char *)authorization + BEARER;
  size_t signature_len, message_len = (size_t)(dot - authorization) - BEARER;
  const unsigned char *signed_by = signature;
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  int good;
  signature_len = decode(dot + 1, len - (size_t)(dot + 1 - authorization), signature);
  if (evp->is_ecdsa) {
    ECDSA_SIG *pair = ECDSA_SIG_new();
    ECDSA_SIG_set0(pair, BN_bin2bn(signature, 32, NULL), BN_bin2bn(signature + 32, 32, NULL));
    signature_len = (size_t)i2d_ECDSA_SIG(pair, &end);
    signed_by = der;
    ECDSA_SIG_free(pair);
  }
  good = EVP_MD_CTX_copy_ex(ctx, evp->ready) == 1 &&
         EVP_DigestVerify(ctx, signed_by, signature_len, message, message_len) == 1;
  EVP_MD_CTX_free(ctx);
  return good;
}

static void *open_nothing(const struct sample *sample) { return (void *)sample; }

static int check_crossing(void *opened, const char *authorization, size_t len) {
  (void)opened, (void)authorization, (void)len;
  return scopegate_abi() == SCOPEGATE_ABI;
}

const struct contender CONTENDERS[] = {
    {"Scopegate", "ours", "at-jwt", {"RS256", "PS256", "ES256", "EdDSA"}, open_gate, check_gate},
    {"Scopegate, cache off", "ours", "at-jwt", {"RS256", "PS256", "ES256", "EdDSA"}, open_gate_cache_off, check_gate},
    /* It refuses a `typ` of at+jwt, and knows no PS256 and no EdDSA. */
    {"libjwt", "rival", "JWT", {"RS256", "ES256"}, open_libjwt, check_libjwt},
    {"OpenSSL EVP, signature alone", "rival", "at-jwt", {"RS256", "PS256", "ES256", "EdDSA"}, open_evp, check_evp},
    {"crossing", "piece", "at-jwt", {"RS256"}, open_nothing, check_crossing},
};
const size_t CONTENDER_COUNT = sizeof CONTENDERS / sizeof *CONTENDERS;
